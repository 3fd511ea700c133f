"""The pieces that a picture's file is made of; nothing is decoded or decompressed.

Walking them finds the end of the picture: a file that stops before it is truncated, and what stands behind it is no
part of the picture.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PIECES = 1_000_000
_PNG_START = 8
_GIF_START = 13
_SCAN = 0xDA
_END = 0xD9
#: A marker of JPEG that is followed by something: no stuffed byte, no fill, no restart, no second start.
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]", re.DOTALL)
_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"idat", b"moof"})


class Broken(ValueError):
    """The bytes do not have the form of their kind."""


class Piece(NamedTuple):
    """A chunk, segment, block or box: its kind, and where it stands with all that belongs to it."""

    kind: bytes
    start: int
    end: int


def pieces(data: bytes, mime: str) -> list[Piece]:
    """Take a picture's file apart.

    Args:
        data: The file.
        mime: What it is.

    Returns:
        The pieces in order; the last one ends where the picture ends. None for kinds that are always decoded.

    Raises:
        Broken: It ends before its end, or is something else.
    """
    found: list[Piece] = []
    for piece in _WALKS[mime](data) if mime in _WALKS else ():
        found.append(piece)
        if len(found) > MAX_PIECES:
            raise Broken(f"it has more than {MAX_PIECES:,} blocks")
    return found


def png_chunks(data: bytes) -> Iterator[Piece]:
    """The chunks of a PNG, IEND the last of them."""
    at, kind, pixels = _PNG_START, b"", False
    while kind != b"IEND":
        if at + 12 > len(data):
            raise Broken("it is cut off: its end is missing")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise Broken("it is cut off: its end is missing")
        yield Piece(kind, at, end)
        at, pixels = end, pixels or kind == b"IDAT"
    if not pixels:
        raise Broken("it has no pixels in it")


def jpeg_segments(data: bytes) -> Iterator[Piece]:
    """The segments of a JPEG, the end marker the last of them; compressed pixels stand between them."""
    at, pixels = 2, False
    while found := _MARKER.search(data, at):
        marker, at = data[found.start() + 1], found.end()
        if marker == _END:
            if not pixels:
                raise Broken("it has no pixels in it")
            yield Piece(bytes([marker]), found.start(), at)
            return
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):  # noqa: PLR2004 - the length counts itself
            break
        yield Piece(bytes([marker]), found.start(), at + length)
        at, pixels = at + length, pixels or marker == _SCAN
    raise Broken("it is cut off: its end is missing")


def gif_blocks(data: bytes) -> Iterator[Piece]:
    """The blocks of a GIF: ``,`` for a picture, ``!`` for an extension, ``;`` for the end."""
    try:
        at, pixels = _GIF_START + _table(data[10]), False
        while (kind := data[at : at + 1]) != b";":
            start = at
            if kind == b",":
                at = _skip(data, at + 11 + _table(data[at + 9]))
                pixels = True
            elif kind == b"!":
                at = _skip(data, at + 2)
            elif kind == b"\x00":
                at += 1
                continue
            else:
                raise Broken("it is cut off or damaged: its end is missing")
            yield Piece(kind, start, at)
    except IndexError:
        raise Broken("it is cut off: its end is missing") from None
    if not pixels:
        raise Broken("it has no pixels in it")
    yield Piece(b";", at, at + 1)


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip(data: bytes, at: int) -> int:
    """Where a run of sub-blocks ends."""
    while size := data[at]:
        at += size + 1
    return at + 1


def webp_chunks(data: bytes) -> Iterator[Piece]:
    """The chunks of a WebP."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise Broken("it is cut off: its end is missing")
    at = 12
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        # An odd chunk is padded, but some writers forget that of the last one.
        after = min(at + 8 + length + (length & 1), end)
        if at + 8 + length > end:
            raise Broken("it is cut off: its end is missing")
        yield Piece(kind, at, after)
        at = after


def boxes(data: bytes) -> Iterator[Piece]:
    """The outer boxes of an HEIC or AVIF file, up to what is none."""
    at, seen = 0, set[bytes]()
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        end = at + size if size else len(data)
        if size and (size < 8 or end > len(data)):  # noqa: PLR2004 - the head of a box
            if kind in _BOXES or b"meta" not in seen:
                raise Broken("it is cut off: its end is missing")
            return
        yield Piece(kind, at, end)
        seen.add(kind)
        at = end
    if b"meta" not in seen:
        raise Broken("it is cut off: its end is missing")


_WALKS = {
    "image/png": png_chunks,
    "image/jpeg": jpeg_segments,
    "image/gif": gif_blocks,
    "image/webp": webp_chunks,
    "image/heic": boxes,
    "image/heif": boxes,
    "image/avif": boxes,
}
