"""The size of a picture from its header alone; no pixel is decoded."""

from __future__ import annotations

import re
import struct
import zlib

from gemini_magic.parts.pictures.metadata import tiff_tags
from gemini_magic.parts.pictures.structure import Broken, jpeg_segments

#: Markers of JPEG that say how large it is: all of C0 to CF but three.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Those of them whose pixels come in several passes over the whole picture.
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_EXTENT = re.compile(rb"ispe\x00{4}(.{8})", re.DOTALL)
_SEARCHED = 1 << 20
_OS2 = 12


def size_of(data: bytes, mime: str) -> tuple[int, int] | None:
    """Read how large a picture is.

    Args:
        data: The file.
        mime: What it is.

    Returns:
        Width and height as they are stored, the largest of several; None when the header does not say.

    Raises:
        Broken: The header is damaged.
    """
    try:
        return _SIZES[mime](data) if mime in _SIZES else None
    except (struct.error, IndexError):
        raise Broken("it is cut off within its header") from None


def is_progressive(data: bytes) -> bool:
    """Whether a JPEG must be held whole to be decoded, however small it is to become."""
    return _frame(data)[0] in _PROGRESSIVE


def _png(data: bytes) -> tuple[int, int]:
    length, kind, width, height = struct.unpack_from(">I4sII", data, 8)
    (checksum,) = struct.unpack_from(">I", data, 29)
    if length != 13 or kind != b"IHDR" or zlib.crc32(data[12:29]) != checksum:  # noqa: PLR2004 - by the standard
        raise Broken("its header is damaged")
    return width, height


def _frame(data: bytes) -> tuple[int, int, int]:
    for kind, start, _ in jpeg_segments(data):
        if kind[0] in _FRAMES:
            height, width = struct.unpack_from(">HH", data, start + 5)
            return kind[0], width, height
    raise Broken("its header does not say how large it is")


def _jpeg(data: bytes) -> tuple[int, int]:
    _, width, height = _frame(data)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    """The canvas; frames that reach beyond it are for the walk over its blocks (``gif_extent``)."""
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def gif_extent(data: bytes, start: int) -> tuple[int, int]:
    """How far the frame reaches whose block starts there."""
    left, top, width, height = struct.unpack_from("<HHHH", data, start + 1)
    return left + width, top + height


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        _ = data[29]
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise Broken("its header does not say how large it is")


def _bmp(data: bytes) -> tuple[int, int]:
    if data[14] == _OS2:
        width, height = struct.unpack_from("<HH", data, 18)
        return width, height
    width, height = struct.unpack_from("<ii", data, 18)
    return max(width, 0), abs(height)


def _tiff(data: bytes) -> tuple[int, int]:
    tags = tiff_tags(data)
    if 256 not in tags or 257 not in tags:  # noqa: PLR2004 - width and height
        raise Broken("its header does not say how large it is")
    return tags[256], tags[257]


def _ico(data: bytes) -> tuple[int, int]:
    """The largest of the pictures, which may be PNG and then have a size of their own."""
    (count,) = struct.unpack_from("<H", data, 4)
    sizes = []
    for number in range(min(count, 64)):
        width, height, *_, offset = struct.unpack_from("<BBBBHHII", data, 6 + 16 * number)
        inner = data[offset : offset + 64]
        sizes.append(_png(inner) if inner.startswith(b"\x89PNG") else (width or 256, height or 256))
    return max(sizes, key=lambda size: size[0] * size[1])


def _boxed(data: bytes) -> tuple[int, int] | None:
    extents = [struct.unpack(">II", found) for found in _EXTENT.findall(data, 0, _SEARCHED)]
    return max(extents, key=lambda size: size[0] * size[1]) if extents else None


_SIZES = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/bmp": _bmp,
    "image/tiff": _tiff,
    "image/x-icon": _ico,
    "image/heic": _boxed,
    "image/heif": _boxed,
    "image/avif": _boxed,
}
