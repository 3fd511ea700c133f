"""Which functions a request offers, whether one must be called, and how far the calls of a question have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.wire import FunctionCallingMode, Role

if TYPE_CHECKING:
    from gemini_magic.wire import (
        Content,
        FunctionCallingConfig,
        FunctionDeclaration,
        GenerateContentRequest,
        Part,
    )


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


def must_fit(request: GenerateContentRequest) -> bool:
    """Whether a call has to fit its declaration, should there be one: mode VALIDATED."""
    config = _config(request)
    return config is not None and config.mode == FunctionCallingMode.VALIDATED


def is_answered(content: Content) -> bool:
    """Whether a turn brings what functions returned."""
    return any(part.function_response is not None for part in content.parts or [])


def question(request: GenerateContentRequest) -> tuple[list[Part], list[Content]]:
    """The parts of the last question, and the turns since then: calls, and what they returned."""
    contents = request.contents or []
    for number in range(len(contents) - 1, -1, -1):
        if contents[number].role != Role.MODEL and not is_answered(contents[number]):
            return contents[number].parts or [], contents[number + 1 :]
    return [], contents


def _config(request: GenerateContentRequest) -> FunctionCallingConfig | None:
    return request.tool_config.function_calling_config if request.tool_config is not None else None
