"""The bytes of a picture, guarded before anything is decoded, and sent as they are wherever that is right.

A file goes byte for byte, with these exceptions:

* A picture that EXIF says lies on its side or stands on its head is turned and written anew, for models ignore EXIF.
* EXIF or XMP that says where it was taken is left out; the pixels' bytes stay as they are.
* Bytes behind the picture's end are left out: they are something else, such as a film, a web page or an archive.
* BMP, TIFF and ICO, which models do not take, are written anew as PNG.
* With ``Pictures`` it is made smaller, and JPEG, where that was asked for; metadata goes, and colours become sRGB.

What moves keeps moving: animated GIF, WebP and PNG go as they are; of one that is written anew, the first frame is
sent. What was done is remembered in words (``cache.MediaCache.note``).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from gemini_magic.exceptions import FileRejected, ImageRejected
from gemini_magic.parts.cache import KERNEL, Made
from gemini_magic.parts.media import Pictures, called, kind_name, mime_type
from gemini_magic.parts.pictures.guards import MAX_BYTES, Found, check_size
from gemini_magic.parts.pictures.header import gif_extent, is_progressive, size_of
from gemini_magic.parts.pictures.metadata import read_metadata, without_metadata
from gemini_magic.parts.pictures.structure import Broken, pieces

if TYPE_CHECKING:
    from gemini_magic import wire

_ALWAYS_DECODED = frozenset({"image/bmp", "image/tiff", "image/x-icon"})


def bytes_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Turn bytes of a known kind into one part."""
    data = value if isinstance(value, bytes) else bytes(value)  # type: ignore[call-overload]
    mime = mime_type(data)
    what = called(name, kind_name(mime))
    if not is_picture_type(mime):
        return [media_part(data, mime, what)]
    _check_bytes(data, what)
    return [KERNEL.part((sha256(data).digest(), pictures), lambda: make_picture(data, mime, name, pictures))]


def is_picture_type(mime: str) -> bool:
    """Whether a media type is that of a picture."""
    return mime.startswith("image/")


def media_part(data: bytes, mime: str, what: str) -> wire.Part:
    """Put bytes that are no picture into a part, which is encoded once like those of pictures."""
    if len(data) > MAX_BYTES:
        raise FileRejected(
            f"{what} is {len(data) / 1e6:,.0f} MB; a request takes {MAX_BYTES // 10**6} MB at most.",
            hint="Send a piece of it, or its address if the model can fetch it.",
        )
    return KERNEL.part((sha256(data).digest(), mime), lambda: Made(data, mime))


def _check_bytes(data: bytes, what: str) -> None:
    if len(data) > MAX_BYTES:
        raise ImageRejected(
            f"{what} is {len(data) / 1e6:,.0f} MB; the limit for a picture is {MAX_BYTES // 10**6} MB.",
            hint="Make it smaller before it is sent.",
        )


def make_picture(data: bytes, mime: str, name: str, pictures: Pictures) -> Made:
    """Make a picture's file ready to be sent.

    Args:
        data: The file.
        mime: What it is.
        name: What the user calls it.
        pictures: What was asked for.

    Returns:
        The bytes to be sent.

    Raises:
        ImageRejected: It is damaged, too large, or of a kind that is not sent.
        ConfigError: It must be written anew, and Pillow is not installed.
    """
    try:
        found, place = _guarded(data, mime, name, pictures)
    except Broken as error:
        raise ImageRejected(
            f"{called(name, kind_name(mime))} is no whole picture: {error}.", hint="Download or save it again."
        ) from None
    if _is_to_be_written_anew(found, pictures):
        from gemini_magic.parts.pictures._pillow import rewrite  # noqa: PLC0415 - most pictures go as they are

        return rewrite(found, pictures)
    if place:
        clean = without_metadata(found.data, mime, pieces(found.data, mime))
        return Made(clean, mime, "; ".join([*found.notes, "the place in its metadata was left out"]))
    return Made(found.data, mime, "; ".join(found.notes))


def _guarded(data: bytes, mime: str, name: str, pictures: Pictures) -> tuple[Found, bool]:
    """The picture's file alone, and whether it says where it was taken."""
    size = size_of(data, mime)
    what = _what(name, mime, size)
    if size is not None:
        check_size(size, what, pictures, shrinks=mime == "image/jpeg" and not is_progressive(data))
    walked = pieces(data, mime)
    for piece in walked if mime == "image/gif" else ():
        if piece.kind == b",":
            check_size(gif_extent(data, piece.start), what, pictures)
    end = walked[-1].end if walked else len(data)
    notes = (f"{len(data) - end:,} bytes behind its end were left out",) if end < len(data) else ()
    orientation, place = read_metadata(data, mime, walked)
    return Found(data[:end], mime, size, orientation, what, notes), place


def _is_to_be_written_anew(found: Found, pictures: Pictures) -> bool:
    if found.mime in _ALWAYS_DECODED or found.orientation != 1 or pictures.quality is not None:
        return True
    return pictures.max_side is not None and (found.size is None or max(found.size) > pictures.max_side)


def _what(name: str, mime: str, size: tuple[int, int] | None) -> str:
    sides = f", {size[0]:,}×{size[1]:,}" if size else ""
    return called(name, f"{kind_name(mime)}{sides}")
