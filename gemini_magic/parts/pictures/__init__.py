"""Whatever is a picture, whichever library it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from gemini_magic.exceptions import ImageRejected, UnsupportedValue
from gemini_magic.parts.media import Pictures, called, drawing_kind, kind_name, mime_type
from gemini_magic.parts.pictures.arrays import array_parts, is_array, is_array_picture
from gemini_magic.parts.pictures.figures import figure_parts, is_figure
from gemini_magic.parts.pictures.image import bytes_parts
from gemini_magic.parts.pictures.pil_images import is_pil, pil_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic import wire

Row: TypeAlias = "tuple[Callable[[object], bool], Callable[[object, str, Pictures], list[wire.Part]]]"

_BYTES = (bytes, bytearray, memoryview)
_TEXT_START = 512


def is_known_bytes(value: object) -> bool:
    """Whether a value is bytes that say what they are."""
    return bool(mime_type(value) or drawing_kind(value))


def known_bytes_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Turn bytes that say what they are into one part: a picture, PDF, audio or video."""
    if mime_type(value):
        return bytes_parts(value, name, pictures)
    return picture_parts(value, name, pictures)


def picture_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Turn a value that is meant as a picture into parts.

    Args:
        value: Bytes, an image, an array or tensor, a figure.
        name: What the user calls it, for messages.
        pictures: What was asked for.

    Returns:
        The one part.

    Raises:
        ImageRejected: It is no picture, or one that cannot be sent.
        UnsupportedValue: It is nothing that could be one.
    """
    if isinstance(value, _BYTES):
        if mime_type(value).startswith("image/"):
            return bytes_parts(value, name, pictures)
        raise _no_picture(value, name)
    for takes, make in ((is_pil, pil_parts), (is_array, array_parts), (is_figure, figure_parts)):
        if takes(value):
            return make(value, name, pictures)
    raise UnsupportedValue(
        f"{called(name, type(value).__name__)} is no picture.",
        hint="Pictures are files, bytes, PIL images, arrays and figures.",
    )


def _no_picture(value: bytes | bytearray | memoryview, name: str) -> ImageRejected:
    """What bytes are instead, and the way out."""
    data = bytes(value)
    if drawing := drawing_kind(data):
        what = "a drawing in text" if drawing == "SVG" else "a program that draws"
        return ImageRejected(
            f"{called(name, drawing)} is {what}, and models take no such pictures.",
            hint="Save it as PNG, and send that.",
        )
    if mime := mime_type(data):
        return ImageRejected(
            f"{called(name, kind_name(mime))} is no picture.", hint="Send it as a file: -f or gm.file."
        )
    if not data:
        return ImageRejected(f"{called(name, 'bytes')} is empty, and no picture.", hint="Give the file that is meant.")
    kind = "text" if _is_text(data[:_TEXT_START]) else "of an unknown kind"
    return ImageRejected(
        f"{called(name, f'{len(data):,} bytes')} is no picture: it is {kind}.",
        hint="PNG, JPEG, WebP, GIF, HEIC, AVIF, BMP, TIFF and ICO are pictures.",
    )


def _is_text(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4
    return True


#: What is a picture or says what it is, and how it becomes parts; the first row that takes a value has it.
ROWS: tuple[Row, ...] = (
    (is_known_bytes, known_bytes_parts),
    (is_pil, pil_parts),
    (is_array_picture, array_parts),
    (is_figure, figure_parts),
)
