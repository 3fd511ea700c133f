"""Reads what a caller gives as tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gemini_magic import wire
from gemini_magic.exceptions import InputError
from gemini_magic.schemas.paths import shown
from gemini_magic.tools.declare import openapi_declaration
from gemini_magic.tools.function import Tool, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.schemas.tree import Json

#: The field of a tool that holds functions.
DECLARATIONS = "functionDeclarations"
_DEEPEST = 20


def read(tools: object, toolbox: Any) -> tuple[tuple[Tool, ...], tuple[dict[str, Any], ...]]:  # noqa: ANN401 - a class
    """The functions that can be run here, and everything else as it stands on the wire.

    Args:
        tools: What the caller gives.
        toolbox: The class of what has been read before; it has both in the same order.

    Raises:
        InputError: One of them is no tool, or two functions have one name.
        SchemaError: A parameter of a function cannot be declared.
    """
    functions: list[Tool] = []
    raw: list[dict[str, Any]] = []
    for item in _flat(tools, toolbox):
        if isinstance(item, Tool):
            functions.append(item)
        elif item not in raw:
            raw.append(item)
    _check(functions, [told for one in raw for told in one.get(DECLARATIONS, ())])
    return tuple(functions), tuple(raw)


def _check(functions: Iterable[Tool], declarations: Iterable[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for name in [*(tool.name for tool in functions), *(told.get("name") for told in declarations)]:
        check_name(name)
        if name in seen:
            raise InputError(
                f"Two functions are called {name!r}.", hint='Give one of them another name: gm.tool(name="…").'
            )
        seen.add(str(name))
    for tool in functions:
        _ = tool.declaration


def _flat(tools: Any, toolbox: Any, depth: int = 0) -> Iterator[Tool | dict[str, Any]]:  # noqa: ANN401 - whatever a caller gives
    if tools is None:
        return
    if isinstance(tools, toolbox):
        yield from tools.tools
        yield from tools.raw
    elif isinstance(tools, list | tuple) and depth < _DEEPEST:
        for item in tools:
            yield from _flat(item, toolbox, depth + 1)
    elif isinstance(tools, wire.Tool):
        yield _raw(tools.model_dump(by_alias=True, exclude_unset=True))
    elif isinstance(tools, wire.FunctionDeclaration):
        yield {DECLARATIONS: [tools.model_dump(by_alias=True, exclude_unset=True)]}
    elif isinstance(tools, Mapping):
        yield _raw(tools)
    else:
        yield _function(tools)


def _function(value: object) -> Tool:
    if isinstance(value, str):
        raise InputError(f"{value!r:.80} is a text and no tool.", hint="Give the function itself, not its name.")
    if not callable(value):
        hint = 'A tool is a function, a dict such as {"googleSearch": {}}, or a list of these.'
        raise InputError(f"{value!r:.80} is no tool.", hint=hint)
    return Tool.of(value)


def _raw(given: Mapping[str, Any]) -> dict[str, Any]:
    """A tool or a declaration as it stands on the wire."""
    kind = wire.FunctionDeclaration if isinstance(given.get("name"), str) else wire.Tool
    try:
        made = kind.model_validate(dict(given)).model_dump(by_alias=True, exclude_unset=True)
    except (ValidationError, TypeError):
        raise InputError(
            f"{shown(given)} is no tool of the protocol.",
            hint='One is {"googleSearch": {}}, another {"name": "look_up", "parametersJsonSchema": {…}}.',
        ) from None
    if not made:
        raise InputError(
            "An empty dict is no tool.", hint='A tool of the server is a dict such as {"googleSearch": {}}.'
        )
    return {DECLARATIONS: [made]} if kind is wire.FunctionDeclaration else made


def told(tool: Tool, form: str) -> Json:
    """A function's declaration as it stands on the wire."""
    words = tool.declaration.model_dump(by_alias=True, exclude_unset=True)
    return openapi_declaration(words, tool.declared.rules) if form == "openapi" else words


def told_raw(declaration: Mapping[str, Any], form: str) -> Json:
    """A declaration of the caller's own as it stands on the wire."""
    return openapi_declaration(declaration) if form == "openapi" else dict(declaration)
