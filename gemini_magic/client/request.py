"""From what the caller says to the contents and fields of a request; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel, ValidationError

from gemini_magic.client.body import Encoded, encode
from gemini_magic.exceptions import InputError
from gemini_magic.parts import to_parts
from gemini_magic.wire import Content, Part

if TYPE_CHECKING:
    from gemini_magic.wire import GenerationConfig, SafetySetting, ToolConfig

__all__ = ["Encoded", "RequestFields", "encode", "request_fields", "to_contents"]

_CONTENT_KEYS = frozenset({"parts", "role"})
_PART_KEYS = frozenset(name for name in Part.model_fields) | {field.alias for field in Part.model_fields.values()}


class RequestFields(TypedDict, total=False):
    """What a call may say beside its contents; only what is given is sent."""

    model: str | None
    """The model, when it is not the client's own."""
    system: object
    """The system instruction: text, a value, parts or a `Content`."""
    config: GenerationConfig | Mapping[str, Any] | None
    """Generation config, typed or as a dict with either spelling of the names."""
    tools: object
    """Tools and declarations of functions, typed or raw; whoever asks carries the calls out."""
    tool_config: ToolConfig | Mapping[str, Any] | None
    """How tools may be used."""
    safety: Sequence[SafetySetting | Mapping[str, Any]] | Mapping[str, str] | None
    """Safety settings, or thresholds by category."""
    extra: Mapping[str, Any] | None
    """Raw fields of the request, merged over everything else, for whatever has no name here yet."""


def request_fields(fields: RequestFields) -> dict[str, Any]:
    """Everything of a request but its contents, as it stands on the wire; only what was set.

    Raises:
        InputError: A field has a value it cannot have.
    """
    values: dict[str, Any] = {}
    system = fields.get("system")
    if system is not None and system != "":
        values["system_instruction"] = _system(system)
    if config := fields.get("config"):
        values["generation_config"] = config
    if tools := fields.get("tools"):
        values["tools"] = _tools(tools)
    if tool_config := fields.get("tool_config"):
        values["tool_config"] = tool_config
    if safety := fields.get("safety"):
        values["safety_settings"] = _safety(safety)
    written = _checked(values) if values else {}
    extra = fields.get("extra")
    if extra and "contents" in extra:
        raise InputError("`contents` cannot be given as an extra field; pass it as the first argument.")
    return _merged(written, extra) if extra else written


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    from gemini_magic.wire import GenerateContentRequest  # noqa: PLC0415 - half of all models, for more than contents

    try:
        request = GenerateContentRequest.model_validate(values)
    except ValidationError as error:
        raise InputError(_first_problem(error)) from None
    try:
        return request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The request cannot be written as JSON: {error}.") from None


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(step) for step in first["loc"])
    return f"The request's field {path} is not right: {first['msg']}."


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return result


def _system(system: object) -> Content | Mapping[str, Any]:
    if isinstance(system, Content):
        return system
    if isinstance(system, Mapping) and system.keys() & _CONTENT_KEYS:
        return system
    pieces = system if isinstance(system, (list, tuple)) else [system]
    return Content(parts=[part for piece in pieces for part in _parts_of(piece)])


def _tools(tools: object) -> list[Any]:
    """Tools as they are, and declarations that stand alone as one tool in the place of the first.

    A Python function is neither, and the protocol's words about that would help nobody.
    """
    several = isinstance(tools, Iterable) and not isinstance(tools, (Mapping, BaseModel, type))
    given: list[Any] = list(tools) if several else [tools]  # type: ignore[call-overload]  # just looked at
    found: list[Any] = []
    declared: list[Any] = []
    for tool in given:
        if callable(tool):
            raise _no_declaration(tool)
        if not _is_declaration(tool):
            found.append(tool)
            continue
        if not declared:
            found.append({"functionDeclarations": declared})
        declared.append(tool)
    return found


def _is_declaration(tool: object) -> bool:
    """Whether this declares one function; a tool has no name."""
    if isinstance(tool, Mapping):
        return "name" in tool
    from gemini_magic.wire import FunctionDeclaration  # noqa: PLC0415 - half of all models, for who declares anything

    return isinstance(tool, FunctionDeclaration)


def _no_declaration(function: object) -> InputError:
    name = getattr(function, "__name__", type(function).__name__)
    it = name if name.isidentifier() else "f"
    return InputError(
        f"A client sends declarations and never runs anything, and {name} is a Python callable; nothing was sent.",
        hint=f"`gm.Conversation(client, tools=[{it}]).ask(…)` runs it for the model; `gm.tools.declaration({it})` "
        "gives its declaration to whoever carries the calls out.",
    )


def _safety(
    safety: Sequence[SafetySetting | Mapping[str, Any]] | Mapping[str, str],
) -> list[SafetySetting | Mapping[str, Any]]:
    if isinstance(safety, Mapping):
        return [{"category": category, "threshold": threshold} for category, threshold in safety.items()]
    return list(safety)


def to_contents(contents: object) -> list[Encoded]:
    """What the caller passed, as encoded contents.

    A string is a user's turn. In a list, contents (typed, encoded, or raw with ``parts`` or ``role``) stay
    what they are, and everything between them (text, values, parts) makes up one user's turn in that place.

    Raises:
        InputError: A value cannot be sent, or there is nothing to send.
    """
    items = list(contents) if isinstance(contents, (list, tuple)) else [contents]
    found: list[Encoded] = []
    loose: list[Part] = []
    for item in items:
        content = _as_content(item)
        if content is None:
            loose += _parts_of(item)
            continue
        if loose:
            found.append(encode(Content(role="user", parts=loose)))
            loose = []
        found.append(content)
    if loose:
        found.append(encode(Content(role="user", parts=loose)))
    if not found:
        raise InputError("There is nothing to send: the contents are empty.")
    return found


def _as_content(item: object) -> Encoded | None:
    if isinstance(item, Encoded):
        return item
    if isinstance(item, Content):
        return encode(item)
    if isinstance(item, Mapping) and item.keys() & _CONTENT_KEYS:
        try:
            return encode(Content.model_validate(item))
        except ValidationError as error:
            raise InputError(_first_problem(error)) from None
    return None


def _parts_of(item: object) -> list[Part]:
    if isinstance(item, Mapping) and item and item.keys() <= _PART_KEYS:
        try:
            return [Part.model_validate(item)]
        except ValidationError as error:
            raise InputError(_first_problem(error)) from None
    return to_parts(item)
