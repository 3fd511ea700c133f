"""The media in the body of a request or an answer: what they are, how large, and small pictures of them."""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gemini_magic.display.images import image_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The longest side of a small picture.
SIDE = 160
#: Small pictures that one card shows.
MOST = 24
_MOST_PIXELS = 50_000_000
_MOST_BYTES_AS_THEY_ARE = 200_000
_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WEBP_BITS = 14
_NAME = re.compile(r"[\w.+-]+/[\w.+-]+")


@dataclass(frozen=True)
class Medium:
    """A part that is no text.

    Attributes:
        mime_type: What its bytes are, if they show it; else what they are said to be.
        data: Its bytes; None when only its address is sent.
        address: Where the server finds it.
    """

    mime_type: str
    data: bytes | None = None
    address: str = ""

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Width and height of a picture, from its header alone."""
        return pixels(self.data) if self.data is not None else None

    def __str__(self) -> str:
        """Type, bytes and pixels."""
        if self.data is None:
            return f"{self.mime_type}, not in the body: {self.address[:200]}"
        size = self.pixels
        words = [self.mime_type, f"{len(self.data):,} bytes", *([f"{size[0]:,} × {size[1]:,} pixels"] if size else [])]
        return ", ".join(words)

    def thumbnail(self) -> bytes | None:
        """A picture small enough to be shown along, or None."""
        size = self.pixels
        if self.data is None or size is None or size[0] * size[1] > _MOST_PIXELS:
            return None
        if find_spec("PIL") is not None and (small := _scaled(self.data)) is not None:
            return small
        return self.data if len(self.data) <= _MOST_BYTES_AS_THEY_ARE else None


def media(value: Any) -> Iterator[Medium]:  # noqa: ANN401 - any JSON
    """The media in a body, in order."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in {"inlineData", "inline_data"} and isinstance(item, dict):
                yield _inline(item)
            elif name in {"fileData", "file_data"} and isinstance(item, dict):
                yield Medium(_type_of(item), None, str(item.get("fileUri") or item.get("file_uri") or ""))
            else:
                yield from media(item)
    elif isinstance(value, list):
        for item in value:
            yield from media(item)


def _inline(blob: Mapping[str, Any]) -> Medium:
    try:
        data = base64.b64decode(str(blob.get("data") or "").replace("-", "+").replace("_", "/"))
    except (binascii.Error, ValueError):
        return Medium(_type_of(blob), b"")
    return Medium(image_type(data) or _type_of(blob), data)


def _type_of(item: Mapping[str, Any]) -> str:
    name = str(item.get("mimeType") or item.get("mime_type") or "")
    return name if _NAME.fullmatch(name) else "unknown type"


def pixels(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP picture; None for anything else, or a damaged header."""
    readers = {"image/png": _png, "image/gif": _gif, "image/webp": _webp, "image/jpeg": _jpeg}
    reader = readers.get(image_type(data) or "")
    size = reader(data) if reader is not None else None
    return size if size and all(size) else None


def _png(head: bytes) -> tuple[int, int]:
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _gif(head: bytes) -> tuple[int, int]:
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def _webp(head: bytes) -> tuple[int, int] | None:
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    mask = (1 << _WEBP_BITS) - 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & mask), 1 + (bits >> _WEBP_BITS & mask)
    if head[12:16] == b"VP8 ":
        return int.from_bytes(head[26:28], "little") & mask, int.from_bytes(head[28:30], "little") & mask
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """The first frame header; what stands before it is skipped segment by segment."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - JPEG's markers begin so
        marker = data[at + 1]
        if marker in _SOF:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")  # noqa: PLR2004 - as above
    return None


def _scaled(data: bytes) -> bytes | None:
    """The picture at thumbnail size; None when it cannot be read."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - an extra, and slow to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the file's oddities; its pixels were counted before
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
                image.draft("RGB", (SIDE, SIDE))
                image.thumbnail((SIDE, SIDE))
                small = ImageOps.exif_transpose(image)
                clear = small.has_transparency_data
                small = small.convert("RGBA" if clear else "RGB")
        out = io.BytesIO()
        small.save(out, "PNG" if clear else "JPEG")
    except Exception:  # noqa: BLE001 - Pillow raises what it likes about damaged files
        return None
    return out.getvalue()
