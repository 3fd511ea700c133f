"""The bytes of a request, in segments that are made once and never copied; no I/O.

A turn that was encoded once (`encode`) is sent again as the same segments, however long the conversation grows.
A large picture has no second copy: its segment is the very string that its part holds, in base64, and becomes
bytes slice by slice while it is written.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import pydantic_core

from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gemini_magic.wire import Blob, Content, Part

#: A piece of a body: bytes, or text of which each character is one byte.
Segment = bytes | str

#: Segments are joined up to this many bytes, so that a long history is few writes and a large image no copy.
AT_ONCE = 256 * 1024
#: Characters from which base64 is left in its part instead of being copied into the JSON around it.
_LARGE = 16 * 1024
#: What JSON would have to write differently. Each is looked for on its own: that is faster than any other way.
_ESCAPED = (*(chr(code) for code in range(0x20)), '"', "\\")
_TOKEN = ("continuationToken", "continuation_token")
#: Stands for base64 while the JSON around it is written; nobody else knows it.
_MARK = os.urandom(24).hex()


@dataclass(frozen=True, slots=True)
class Encoded:
    """A content with its JSON, to be sent any number of times."""

    content: Content
    segments: tuple[Segment, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return _size(self.segments)

    @property
    def data(self) -> bytes:
        """All bytes in one piece."""
        return _whole(self.segments)


def encode(content: Content) -> Encoded:
    """Encode a content once.

    Raises:
        InputError: Its text has characters that cannot be sent.
    """
    blobs = [_large_blob(content, part) for part in content.parts or ()]
    large = [blob.data for blob in blobs if blob is not None and blob.data is not None]
    try:
        if not large:
            return Encoded(content, (_dumped(content),))
        *before, last = _dumped(_with_marks(content, blobs)).split(_MARK.encode())
    except (pydantic_core.PydanticSerializationError, UnicodeEncodeError) as error:
        raise InputError(f"A part cannot be sent as JSON: {error}.") from None
    return Encoded(content, (*(segment for pair in zip(before, large, strict=True) for segment in pair), last))


def _dumped(content: Content) -> bytes:
    return content.model_dump_json(by_alias=True, exclude_unset=True).encode()


def _large_blob(content: Content, part: Part) -> Blob | None:
    """The part's bytes, when they are worth a segment of their own and are written as they stand."""
    blob = part.inline_data
    data = blob.data if blob is not None else None
    if blob is None or data is None or len(data) < _LARGE or not data.isascii():
        return None
    if not ("parts" in content.model_fields_set and "inline_data" in part.model_fields_set):
        return None
    return None if "data" not in blob.model_fields_set or any(char in data for char in _ESCAPED) else blob


def _with_marks(content: Content, blobs: Sequence[Blob | None]) -> Content:
    """The same content with a mark in the place of each large blob's data; nothing large is copied."""
    parts = [
        part if blob is None else part.model_copy(update={"inline_data": blob.model_copy(update={"data": _MARK})})
        for part, blob in zip(content.parts or (), blobs, strict=True)
    ]
    return content.model_copy(update={"parts": parts})


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request, in pieces."""

    segments: tuple[Segment, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return _size(self.segments)

    def __bytes__(self) -> bytes:
        """All bytes in one piece."""
        return _whole(self.segments)


def _size(segments: Iterable[Segment]) -> int:
    return sum(map(len, segments))


def _whole(segments: Iterable[Segment]) -> bytes:
    return b"".join([segment.encode("ascii") if isinstance(segment, str) else segment for segment in segments])


def writes(segments: Iterable[Segment]) -> Iterator[bytes]:
    """The segments as bytes, joined or cut so that each write is worth its while and none needs much memory."""
    waiting: list[bytes] = []
    room = AT_ONCE
    for segment in segments:
        start = 0
        while start < len(segment):
            piece = _slice(segment, start, room)
            start += len(piece)
            if len(piece) > room and waiting:
                yield b"".join(waiting)
                waiting, room = [], AT_ONCE
            waiting.append(piece)
            room -= len(piece)
            if room <= 0:
                yield b"".join(waiting)
                waiting, room = [], AT_ONCE
    if waiting:
        yield b"".join(waiting)


def _slice(segment: Segment, start: int, room: int) -> bytes:
    """Text up to the room that is left, or bytes as they are."""
    return segment[start : start + room].encode("ascii") if isinstance(segment, str) else segment


def build_body(contents: Sequence[Encoded], request: Mapping[str, Any] | bytes) -> Body:
    """The body of ``generateContent``: the contents, then everything else that was set.

    Args:
        contents: The contents.
        request: Everything else, or its JSON.
    """
    rest = request if isinstance(request, bytes) else written(request)
    pieces: list[Segment] = [b'{"contents":[']
    for number, encoded in enumerate(contents):
        if number:
            pieces.append(b",")
        pieces += encoded.segments
    pieces += [b"],", rest[1:]] if len(rest) > len(b"{}") else [b"]}"]
    return Body(tuple(_joined(pieces)))


def count_tokens_body(model: str, contents: Sequence[Encoded], request: Mapping[str, Any]) -> Body:
    """The body of ``countTokens``; the whole request goes in when there is more than contents to count."""
    if not request:
        return build_body(contents, {})
    whole = build_body(contents, {"model": f"models/{model.removeprefix('models/')}", **request})
    return Body((b'{"generateContentRequest":', *whole.segments, b"}"))


def written(request: Mapping[str, Any]) -> bytes:
    """What stands beside the contents of a request, as JSON.

    Raises:
        InputError: Something in it cannot be written.
    """
    if not request:
        return b"{}"
    try:
        data = pydantic_core.to_json(request)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The request cannot be written as JSON: {error}.") from None
    if b"NaN" in data or b"Infinity" in data:
        json.loads(data, parse_constant=_no_number)
    return data


def with_token(rest: bytes, token: str) -> bytes:
    """What stands beside the contents of a request, and from where its answer is to go on."""
    fields = {name: value for name, value in pydantic_core.from_json(rest).items() if name not in _TOKEN}
    return pydantic_core.to_json({**fields, _TOKEN[0]: token})


def _no_number(word: str) -> NoReturn:
    raise InputError(f"The request holds {word}, which is no number in JSON.")


def _joined(pieces: Iterable[Segment]) -> Iterator[Segment]:
    """Neighbouring bytes in one segment, up to a size; text stays what and where it is."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if waiting and (isinstance(piece, str) or size + len(piece) > AT_ONCE):
            yield b"".join(waiting)
            waiting, size = [], 0
        if isinstance(piece, str):
            yield piece
        else:
            waiting.append(piece)
            size += len(piece)
    if waiting:
        yield b"".join(waiting)
