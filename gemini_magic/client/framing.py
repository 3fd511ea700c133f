"""From bytes to the JSON documents in them, whatever the stream's spelling.

One reader takes server-sent events in every legal form, a JSON array, newline-delimited or back-to-back
objects, and a single object. The bytes decide, never the content type: gateways label all of these alike.
Nothing here reads from a network; bytes go in as they come, cut anywhere.

Sources: the WHATWG server-sent events specification for the line rules; Gemini's REST API streams
``data: {json}`` events with ``alt=sse`` and a JSON array without it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic_core import from_json

from gemini_magic.exceptions import ResponseTooLarge

#: Bytes one event may have; an image of 24 MB in base64 fits twice.
MAX_EVENT_BYTES = 64 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_LEADING = re.compile(rb"\A(?:\xef\xbb\xbf|[ \t\r\n])+")
_NAMES = (b"data", b"event", b"id", b"retry")
_FIELD = re.compile(rb"(?:event|id|retry)(?::|$)")


class Frame(NamedTuple):
    """One document of a stream.

    Attributes:
        data: The bytes that should be JSON.
        event: The name of a server-sent event; empty for most.
        stray: Whether the bytes stood outside the stream's spelling, such as a proxy's error page.
        cut: Whether the stream ended before this document did, as far as framing can tell.
    """

    data: bytes
    event: str = ""
    stray: bool = False
    cut: bool = False


class FrameReader:
    """Splits a stream into documents; looks at the first bytes to learn its spelling.

    Args:
        max_bytes: Bytes one document may have before `ResponseTooLarge` is raised.
    """

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._head = b""
        self._splitter: EventSplitter | JsonSplitter | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes in; returns the documents that are now whole."""
        if self._splitter is None:
            # White space and byte order marks may come first, for ever: some servers keep connections open so.
            start = _LEADING.sub(b"", self._head + data, count=1)
            if not start or (len(start) < len(_BOM) and _BOM.startswith(start)):
                self._head = start
                return []
            kind = JsonSplitter if start[:1] in b"{[" else EventSplitter
            self._splitter, data, self._head = kind(self._max_bytes), start, b""
        return self._splitter.feed(data)

    def close(self) -> list[Frame]:
        """The stream has ended; returns what was left over."""
        if self._splitter is not None:
            return self._splitter.close()
        return [Frame(self._head, stray=True)] if self._head else []


class EventSplitter:
    """Server-sent events: lines ended by CRLF, LF or CR, an event ended by an empty line."""

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._line: list[bytes] = []
        self._after_cr = False
        self._data: list[bytes] = []
        self._stray: list[bytes] = []
        self._event = ""

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes in; returns the events that are now whole."""
        if data.startswith(b"data: ") and not (
            self._line or self._data or self._event or self._stray or self._after_cr
        ):
            only = _single_event(data)
            if only and not only.isspace() and len(only) < self._max_bytes:
                return [Frame(only)]
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        frames: list[Frame] = []
        if lines and self._line:
            lines[0] = b"".join([*self._line, lines[0]])
            self._line = []
        for line in lines:
            self._take(line, frames)
        if rest:
            self._line.append(rest)
            self._grow(len(rest))
        return frames

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > self._max_bytes:
            raise ResponseTooLarge(f"One event of the answer is larger than {self._max_bytes:,} bytes.")

    def _take(self, line: bytes, frames: list[Frame]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            if len(line) > self._max_bytes or len(self._data) > 1:
                self._grow(len(line))
        elif not line:
            self._dispatch(frames)
        elif line == b"data":
            self._data.append(b"")
        elif line.startswith(b"event:"):
            self._event = line[6:].strip().decode(errors="replace")
        elif not line.startswith(b":") and not _FIELD.match(line):
            self._stray.append(line)
            self._grow(len(line))

    def _dispatch(self, frames: list[Frame]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        if data and not data.isspace():
            frames.append(Frame(data, self._event))
        self._data, self._event, self._size = [], "", 0
        # An error page or an error object written into the stream may have empty lines of its own.
        if self._stray and _is_whole(self._stray):
            frames.append(Frame(b"\n".join(self._stray), stray=True))
            self._stray = []

    def close(self) -> list[Frame]:
        """The stream has ended; its last event needs no empty line behind it."""
        frames: list[Frame] = []
        cut = bool(self._line or self._data)
        if self._line:
            line = b"".join(self._line)
            if not any(name.startswith(line) and name != line for name in _NAMES):  # half a name says nothing
                self._take(line, frames)
            self._line = []
        self._dispatch(frames)
        if cut:
            frames = [frame._replace(cut=True) for frame in frames]
        if self._stray:
            frames.append(Frame(b"\n".join(self._stray), stray=True, cut=True))
            self._stray = []
        return frames


def _single_event(data: bytes) -> bytes | None:
    """The usual case: a server writes each event by itself, and it arrives by itself."""
    first, size = data.find(b"\n"), len(data)
    if first == size - 3 and data.find(b"\r") == size - 4 and data.endswith(b"\r\n\r\n"):
        return data[6:-4]
    if first == size - 2 and data.endswith(b"\n\n") and b"\r" not in data:
        return data[6:-2]
    return None


def _is_whole(lines: list[bytes]) -> bool:
    return lines[0].lstrip()[:1] == b"{" and lines[-1].rstrip()[-1:] == b"}"


def _single_object(data: bytes) -> bytes | None:
    """The usual case: an object that arrives by itself; reading a small one is faster than looking for its end."""
    data = data.strip(_BLANK)
    if not (data.startswith(b"{") and data.endswith(b"}") and len(data) <= _SMALL):
        return None
    try:
        from_json(data)
    except ValueError:  # more than one, or none that is whole
        return None
    return data


_BLANK, _SMALL = b" \t\r\n", 64 * 1024
_OUTSIDE_STRING = re.compile(rb'["{}\[\]]')
_INSIDE_STRING = re.compile(rb'["\\]')
_BETWEEN = b" \t\r\n,[]\x1e"


class JsonSplitter:
    """JSON objects one after another: in an array, one a line, or with nothing between them."""

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._stray: list[bytes] = []

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes in; returns the objects that are now whole."""
        if not self._depth and not self._stray and (only := _single_object(data)) and len(only) <= self._max_bytes:
            return [Frame(only)]
        frames: list[Frame] = []
        at = 0
        while at < len(data):
            at = self._find_end(data, at, frames) if self._depth else self._find_object(data, at)
        return frames

    def _find_object(self, data: bytes, at: int) -> int:
        opening = data.find(b"{", at)
        end = len(data) if opening < 0 else opening
        between = data[at:end]
        if self._stray or between.strip(_BETWEEN):
            self._stray.append(between)
            self._grow(len(between))
        if opening < 0:
            return len(data)
        self._depth = 1
        self._pieces = [b"{"]
        return opening + 1

    def _find_end(self, data: bytes, start: int, frames: list[Frame]) -> int:
        at = start
        while at < len(data):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(data, at)
            if match is None:
                break
            at = match.end()
            self._turn(match[0])
            if self._depth == 0:
                self._pieces.append(data[start:at])
                frames.append(Frame(b"".join(self._pieces)))
                self._pieces, self._size = [], 0
                return at
        self._pieces.append(data[start:])
        self._grow(len(data) - start)
        return len(data)

    def _turn(self, char: bytes) -> None:
        if char == b'"':
            self._in_string = not self._in_string
        elif char == b"\\":
            self._escaped = True
        else:
            self._depth += 1 if char in b"{[" else -1

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > self._max_bytes:
            raise ResponseTooLarge(f"One object of the answer is larger than {self._max_bytes:,} bytes.")

    def close(self) -> list[Frame]:
        """The stream has ended; an object that is not whole was cut."""
        frames = [Frame(b"".join(self._stray).strip(_BETWEEN), stray=True)] if self._stray else []
        if self._pieces:
            frames.append(Frame(b"".join(self._pieces), cut=True))
        self._stray, self._pieces = [], []
        return frames
