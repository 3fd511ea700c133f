"""What a picture's file says beside its pixels: which way is up, and where it was taken.

Models do not look at the first, so the pixels are to be turned; nobody else needs to know the second, so the block of
metadata is taken out, and every other byte stays as it is.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gemini_magic.parts.pictures.structure import Piece

_ORIENTATION = 0x0112
_PLACE = 0x8825
_PLACE_TAGS = frozenset({2, 4, 20, 22})
_MAX_TAGS = 1_000
_SHORT = 3
_LONGEST_BLOCK = 1 << 20
_EXIF = b"Exif\x00\x00"
_XMP = b"http://ns.adobe.com/x"
_APP1, _APP13 = b"\xe1", b"\xed"
#: Text of PNG that may be EXIF or XMP in disguise; it may be compressed, and is then taken for what it may hold.
_PROFILE = re.compile(rb"XML:com\.adobe\.xmp\x00(?P<packed>\x01)?|(?P<raw>Raw profile type (?:exif|APP1|xmp))\x00")
_TEXTS = (b"iTXt", b"zTXt", b"tEXt")
_WEBP_FLAGS = 0xFF ^ (0x08 | 0x04)
_TIFF_START = re.compile(rb"II\*\x00\x08\x00\x00\x00|MM\x00\*\x00\x00\x00\x08")
_IN_XMP = (b"GPSLatitude", b"GPSLongitude")


class Metadata(NamedTuple):
    """What matters of the metadata."""

    orientation: int = 1
    place: bool = False


def read_metadata(data: bytes, mime: str, pieces: list[Piece]) -> Metadata:
    """Read which way is up, 1 to 8 as EXIF has it, and whether it says where the picture was taken."""
    if mime not in _IS_METADATA:
        found = _TIFF_START.finditer(data) if mime in _BOXED else ()
        return Metadata(1, any(_has_place(_block(data, one.start())) for one in found))
    orientation, place = 1, False
    for piece in pieces:
        body = _IS_METADATA[mime](data, piece)
        if body is None:
            continue
        tiff = body.removeprefix(_EXIF)
        if tiff[:2] in {b"II", b"MM"}:
            orientation = tiff_tags(tiff).get(_ORIENTATION, 1)
            place = place or _has_place(tiff)
        else:
            place = place or not tiff or any(word in tiff for word in _IN_XMP)
    return Metadata(orientation if orientation in range(1, 9) else 1, place)


def without_metadata(data: bytes, mime: str, pieces: list[Piece]) -> bytes:
    """The same file without EXIF and XMP; every other byte is as it was."""
    if mime in _BOXED:
        return _without_place(data)
    dropped = [piece for piece in pieces if _IS_METADATA[mime](data, piece) is not None]
    if mime == "image/jpeg":
        dropped += [piece for piece in pieces if piece.kind == _APP13]
    kept, done = [], 0
    for piece in sorted(dropped, key=lambda piece: piece.start):
        kept.append(data[done : piece.start])
        done = piece.end
    kept.append(data[done:])
    return _mended(b"".join(kept)) if mime == "image/webp" else b"".join(kept)


def tiff_tags(tiff: bytes, offset: int | None = None) -> dict[int, int]:
    """The whole numbers of a TIFF directory by tag, the first one when none is named; empty when it is damaged."""
    order = "<" if tiff[:2] == b"II" else ">"
    tags: dict[int, int] = {}
    try:
        at = struct.unpack_from(f"{order}I", tiff, 4)[0] if offset is None else offset
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for number in range(min(count, _MAX_TAGS)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHII", tiff, at + 2 + 12 * number)
            if kind == _SHORT:
                (value,) = struct.unpack_from(f"{order}H", tiff, at + 10 + 12 * number)
            tags[tag] = value
    except struct.error:
        return tags
    return tags


def _has_place(tiff: bytes) -> bool:
    where = tiff_tags(tiff).get(_PLACE)
    return bool(where) and bool(_PLACE_TAGS & tiff_tags(tiff, where).keys())


def _of_jpeg(data: bytes, piece: Piece) -> bytes | None:
    """The EXIF or XMP in a segment; None when it has neither."""
    body = data[piece.start + 4 : piece.end] if piece.kind == _APP1 else b""
    return body if body.startswith((_EXIF, _XMP)) else None


def _of_png(data: bytes, piece: Piece) -> bytes | None:
    """The EXIF or XMP in a chunk, empty when it may be in there but packed; None when it has neither."""
    start = piece.start + 8
    if piece.kind == b"eXIf":
        return data[start : piece.end - 4]
    profile = _PROFILE.match(data, start, piece.end) if piece.kind in _TEXTS else None
    if profile is None:
        return None
    return b"" if profile["packed"] or profile["raw"] or piece.kind == b"zTXt" else data[start : piece.end - 4]


def _of_webp(data: bytes, piece: Piece) -> bytes | None:
    return data[piece.start + 8 : piece.end] if piece.kind in {b"EXIF", b"XMP "} else None


def _mended(webp: bytes) -> bytes:
    """A WebP from which chunks were taken: its length and its flags say so."""
    whole = bytearray(webp)
    struct.pack_into("<I", whole, 4, len(whole) - 8)
    if whole[12:16] == b"VP8X":
        whole[20] &= _WEBP_FLAGS
    return bytes(whole)


def _block(data: bytes, start: int) -> bytes:
    return data[start : start + _LONGEST_BLOCK]


def _without_place(data: bytes) -> bytes:
    """An HEIC or AVIF file whose place is blanked; taking bytes out would move all that its boxes point at."""
    whole = bytearray(data)
    for found in _TIFF_START.finditer(data):
        start = found.start()
        tiff = _block(data, start)
        where = tiff_tags(tiff).get(_PLACE, 0)
        if _has_place(tiff):
            _blank(whole, start, where, "<" if tiff[:2] == b"II" else ">")
    return bytes(whole)


def _blank(whole: bytearray, start: int, where: int, order: str) -> None:
    """Make a directory empty, and its values zeros."""
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
    (count,) = struct.unpack_from(f"{order}H", whole, start + where)
    for number in range(count):
        at = start + where + 2 + 12 * number
        if at + 12 > len(whole):
            break
        _, kind, length, value = struct.unpack_from(f"{order}HHII", whole, at)
        size = sizes.get(kind, 1) * length
        if 4 < size < 4096 and start + value + size <= len(whole):  # noqa: PLR2004 - smaller ones stand in the entry
            whole[start + value : start + value + size] = bytes(size)
        whole[at : at + 12] = bytes(12)
    whole[start + where : start + where + 2] = bytes(2)


_IS_METADATA = {"image/jpeg": _of_jpeg, "image/png": _of_png, "image/webp": _of_webp}
_BOXED = frozenset({"image/heic", "image/heif", "image/avif"})
