"""From what the caller says to the bytes of a request; no I/O.

A body is made of segments. A turn that was encoded once (`encode`) is sent again as the same bytes,
however long the conversation grows and whatever images it carries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

import pydantic_core
from pydantic import ValidationError

from gemini_magic.exceptions import InputError
from gemini_magic.parts import to_parts
from gemini_magic.wire import Content, Part

if TYPE_CHECKING:
    from gemini_magic.wire import GenerationConfig, SafetySetting, Tool, ToolConfig

#: Segments are joined up to this many bytes, so that a long history is few writes and a large image no copy.
_JOIN_UP_TO = 256 * 1024
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
    tools: Sequence[Tool | Mapping[str, Any]] | None
    """Tools, typed or raw."""
    tool_config: ToolConfig | Mapping[str, Any] | None
    """How tools may be used."""
    safety: Sequence[SafetySetting | Mapping[str, Any]] | Mapping[str, str] | None
    """Safety settings, or thresholds by category."""
    extra: Mapping[str, Any] | None
    """Raw fields of the request, merged over everything else, for whatever has no name here yet."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A content with its JSON, to be sent any number of times."""

    content: Content
    data: bytes


def encode(content: Content) -> Encoded:
    """Encode a content once.

    Raises:
        InputError: Its text has characters that cannot be sent.
    """
    try:
        data = content.model_dump_json(by_alias=True, exclude_unset=True).encode()
    except (pydantic_core.PydanticSerializationError, UnicodeEncodeError) as error:
        raise InputError(f"A part cannot be sent as JSON: {error}.") from None
    return Encoded(content, data)


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request, in pieces."""

    segments: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, self.segments))

    def __bytes__(self) -> bytes:
        """All bytes in one piece."""
        return b"".join(self.segments)


def build_body(contents: Sequence[Encoded], request: Mapping[str, Any]) -> Body:
    """The body of ``generateContent``: the contents, then everything else that was set."""
    rest = _json(request) if request else b"{}"
    pieces = [b'{"contents":[']
    for number, encoded in enumerate(contents):
        pieces += [b",", encoded.data] if number else [encoded.data]
    pieces += [b"],", rest[1:]] if len(rest) > len(b"{}") else [b"]}"]
    return Body(tuple(_joined(pieces)))


def _json(request: Mapping[str, Any]) -> bytes:
    try:
        written = pydantic_core.to_json(request)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The request cannot be written as JSON: {error}.") from None
    if b"NaN" in written or b"Infinity" in written:
        json.loads(written, parse_constant=_no_number)
    return written


def _no_number(word: str) -> NoReturn:
    raise InputError(f"The request holds {word}, which is no number in JSON.")


def _joined(pieces: Iterable[bytes]) -> Iterable[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if size + len(piece) > _JOIN_UP_TO and waiting:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    yield b"".join(waiting)


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
        values["tools"] = list(tools)
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


def count_tokens_body(model: str, contents: Sequence[Encoded], request: Mapping[str, Any]) -> Body:
    """The body of ``countTokens``; the whole request goes in when there is more than contents to count."""
    if not request:
        return build_body(contents, {})
    whole = build_body(contents, {"model": f"models/{model.removeprefix('models/')}", **request})
    return Body((b'{"generateContentRequest":', *whole.segments, b"}"))
