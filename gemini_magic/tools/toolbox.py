"""All that a model may use in one question: functions of the caller, and tools of the server."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.tools.function import Tool

_DECLARATIONS = "functionDeclarations"


@dataclass(frozen=True, eq=False, repr=False)
class Toolbox:
    """Tools for a question; made by `of`, and equal only to itself.

    Attributes:
        tools: The functions that can be run here, in order.
        raw: Tools of the server, and functions that are only declared, as they stand on the wire.
    """

    tools: tuple[Tool, ...] = ()
    raw: tuple[dict[str, Any], ...] = field(default=())

    @classmethod
    def of(cls, tools: object) -> Self:
        """Tools as a caller gives them.

        Args:
            tools: None, a toolbox, or one or a list of: functions, tools made of functions, tools or declarations of
                the protocol, and dicts such as ``{"googleSearch": {}}`` or a declaration with a ``"name"``.

        Raises:
            InputError: One of them is no tool, or two functions have one name.
            SchemaError: A parameter of a function cannot be declared.
        """
        if isinstance(tools, cls):
            return tools
        if tools is None:
            return cls()
        from gemini_magic.tools import given  # noqa: PLC0415 - most questions have no tools

        return cls(*given.read(tools, Toolbox))

    @cached_property
    def functions(self) -> Mapping[str, Tool]:
        """The functions that can be run here, by their exact names."""
        return MappingProxyType({tool.name: tool for tool in self.tools})

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names of all functions that the model may ask for, those that cannot be run here included."""
        return frozenset(self.functions) | {told["name"] for told in self._raw_declarations}

    @property
    def has_server_tools(self) -> bool:
        """Whether the server has tools to run."""
        return bool(self._server_tools)

    @cached_property
    def digest(self) -> str:
        """Of what is sent to the model."""
        text = json.dumps(self.written(), separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def written(self, form: str = "json") -> list[dict[str, Any]]:
        """The field ``tools`` of a request.

        Args:
            form: ``"json"`` writes the functions' parameters as JSON Schema, ``"openapi"`` in Gemini's own schema
                language, for servers that do not take the other.

        Returns:
            One entry with all functions, as servers want them, and the server's tools in their order.

        Raises:
            SchemaError: A parameter has no form in Gemini's own schema language; the message names it.
        """
        if form not in {"json", "openapi"}:
            raise ValueError(f"form is 'json' or 'openapi', not {form!r}")
        told = []
        if self.declared:
            from gemini_magic.tools import given  # noqa: PLC0415 - as above

            told = [given.told(tool, form) for tool in self.tools]
            told += [given.told_raw(raw, form) for raw in self._raw_declarations]
        return [*([{_DECLARATIONS: told}] if told else []), *map(dict, self._server_tools)]

    def __or__(self, other: object) -> Self:
        """Both together; what both have comes once."""
        more = type(self).of(other)
        return self.of([self, *(tool for tool in more.tools if tool not in self.tools), *more.raw])

    def __len__(self) -> int:
        """How many functions and tools of the server there are."""
        return len(self.declared) + len(self._server_tools)

    def __repr__(self) -> str:
        """The names."""
        return f"<Toolbox {', '.join([*sorted(self.declared), *(key for tool in self._server_tools for key in tool)])}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """What it was made of."""
        return (type(self), (self.tools, self.raw))

    @cached_property
    def _raw_declarations(self) -> list[dict[str, Any]]:
        return [told for raw in self.raw for told in raw.get(_DECLARATIONS, ())]

    @cached_property
    def _server_tools(self) -> list[dict[str, Any]]:
        rest = [{key: value for key, value in raw.items() if key != _DECLARATIONS} for raw in self.raw]
        return [tool for tool in rest if tool]
