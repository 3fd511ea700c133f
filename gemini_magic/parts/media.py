"""What bytes are, by their first bytes, and what was asked for the pictures of a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gemini_magic import wire

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_FORM = {b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}
#: Brands of the ISO file format; what is not named is MP4.
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1"), "image/heif"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), "audio/mp4"),
    b"qt  ": "video/quicktime",
}
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
#: Version, layer III, a rate that is allowed, and no emphasis that is not.
_MP3 = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xeb]", re.DOTALL)
_AAC = re.compile(rb"\xff[\xf0\xf1\xf8\xf9][\x40-\xbf]", re.DOTALL)
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?|<!--.*?|<!DOCTYPE\s+svg.*?)?<svg[\s/>]", re.DOTALL | re.IGNORECASE
)
_POSTSCRIPT = (b"%!PS", b"\xc5\xd0\xd3\xc6")
_LONGEST = 1024

_NAMES = {
    "image/webp": "WebP",
    "audio/mpeg": "MP3",
    "audio/ogg": "Ogg",
    "audio/mp4": "M4A",
    "video/quicktime": "MOV",
    "video/webm": "WebM",
    "video/x-matroska": "MKV",
    "image/x-icon": "ICO",
}
#: Other names for what the protocol knows by one name.
_OTHER_NAMES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/apng": "image/png",
    "image/vnd.mozilla.apng": "image/png",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/mp4a-latm": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "application/ogg": "audio/ogg",
    "video/x-m4v": "video/mp4",
    "video/mov": "video/quicktime",
    "video/flv": "video/x-flv",
    "application/x-pdf": "application/pdf",
}


@dataclass(frozen=True)
class Pictures:
    """What was asked for the pictures of a request; nothing by default, and they go as they are.

    Attributes:
        max_side: The longer side in pixels at most; larger pictures are made smaller, none is made larger.
        quality: Send every picture as JPEG of this quality, 1 to 100.
    """

    max_side: int | None = None
    quality: int | None = None


class Medium(NamedTuple):
    """A part that is not text, and what the user calls it."""

    name: str
    part: wire.Part


def mime_type(value: object) -> str:
    """Name what bytes are by their first bytes; empty when they are nothing known, or no bytes."""
    if not isinstance(value, bytes | bytearray | memoryview):
        return ""
    start = _start(value)
    known = next((kind for magic, kind in _MAGIC if start.startswith(magic)), "")
    return known or _container(start) or _by_form(start)


def drawing_kind(value: object) -> str:
    """``SVG`` or ``PostScript`` when bytes are one of those, which are drawn by a program; else empty."""
    if not isinstance(value, bytes | bytearray | memoryview):
        return ""
    start = _start(value)
    if start.startswith(_POSTSCRIPT):
        return "PostScript"
    return "SVG" if _SVG.match(start) else ""


def wire_mime(name: str) -> str:
    """The name that the protocol uses for a media type, such as ``audio/mp4`` for ``audio/x-m4a``."""
    plain = name.partition(";")[0].strip().lower()
    return _OTHER_NAMES.get(plain, plain)


def kind_name(mime: str) -> str:
    """A media type as people say it, such as ``PNG``."""
    return _NAMES.get(mime) or mime.rpartition("/")[2].removeprefix("x-").upper()


def called(name: str, kind: str) -> str:
    """A value in a message: as the user typed it, and what it is."""
    if name.endswith(")"):
        return f"{name[:-1]}, {kind})"
    return f"{name} ({kind})" if name else f"This value ({kind})"


def _start(value: bytes | bytearray | memoryview) -> bytes:
    if isinstance(value, memoryview) and not value.contiguous:
        return b""
    return bytes(memoryview(value).cast("B")[:_LONGEST])


def _container(start: bytes) -> str:
    """What a container of many kinds holds."""
    if start[:4] == b"RIFF":
        return _RIFF.get(start[8:12], "")
    if start[:4] == b"FORM":
        return _FORM.get(start[8:12], "")
    if start[:4] == b"OggS":
        return "video/ogg" if b"\x80theora" in start[:64] else "audio/ogg"
    if start[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in start[:64] else "video/x-matroska"
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return "video/3gpp" if brand[:2] == b"3g" else _BRANDS.get(brand, "video/mp4")
    return ""


def _by_form(start: bytes) -> str:
    """What has too short a signature to be known by that alone."""
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if start[:4] == b"\x00\x00\x01\x00" and start[4:6] != b"\x00\x00" and start[9:10] == b"\x00":
        return "image/x-icon"
    if _MP3.match(start):
        return "audio/mpeg"
    return "audio/aac" if _AAC.match(start) else ""
