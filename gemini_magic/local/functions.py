"""Which functions a request offers, and whether one must be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.wire import FunctionCallingMode

if TYPE_CHECKING:
    from gemini_magic.wire import FunctionCallingConfig, FunctionDeclaration, GenerateContentRequest


def offered(request: GenerateContentRequest) -> dict[str, FunctionDeclaration]:
    """The functions that may be called, by name; none under mode NONE."""
    config = _config(request)
    if config is not None and config.mode == FunctionCallingMode.NONE:
        return {}
    declared = [function for tool in request.tools or [] for function in tool.function_declarations or []]
    allowed = config.allowed_function_names if config is not None else None
    return {
        function.name: function
        for function in declared
        if function.name is not None and (not allowed or function.name in allowed)
    }


def must_call(request: GenerateContentRequest) -> bool:
    """Whether the answer has to be a call."""
    config = _config(request)
    return config is not None and config.mode == FunctionCallingMode.ANY and bool(offered(request))


def _config(request: GenerateContentRequest) -> FunctionCallingConfig | None:
    return request.tool_config.function_calling_config if request.tool_config is not None else None
