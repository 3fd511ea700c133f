"""PIL images, known by their class without importing Pillow.

One that was opened from a file, and neither loaded nor changed since, goes as the bytes of that file. Everything else
goes as what its pixels are: as PNG, or as JPEG with the file's own tables when it was loaded from a JPEG. Pixels of an
image that comes straight from a file are turned upright as its EXIF says; those of one that was made from another go
as they are seen, for they may have been turned already.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from gemini_magic.exceptions import GeminiMagicError, ImageRejected
from gemini_magic.parts.cache import KERNEL, Made
from gemini_magic.parts.media import Pictures, called, mime_type
from gemini_magic.parts.pictures.guards import MAX_BYTES, check_size
from gemini_magic.parts.pictures.header import size_of
from gemini_magic.parts.pictures.image import bytes_parts
from gemini_magic.parts.pictures.metadata import tiff_tags
from gemini_magic.parts.pictures.structure import Broken
from gemini_magic.parts.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

    from gemini_magic import wire

_ORIENTATION = 0x0112
_STRIP = 4_000_000
_LOSSY = frozenset({"JPEG", "MPO", "AVIF", "HEIF"})


def is_pil(value: object) -> bool:
    """Whether a value is an image of Pillow."""
    return _has_class(value, "PIL.Image", "Image")


def pil_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Turn an image of Pillow into one part."""
    image = cast("Image", value)
    what = called(name, f"image, {image.width:,}×{image.height:,}, {image.mode}")
    try:
        original = _original(image)
        if original is not None:
            return bytes_parts(original, name, pictures)
        check_size(image.size, what, pictures)
        turn = _orientation(image) if _is_from_file(image) else 1
        key = (_digest(image), turn, pictures)
    except GeminiMagicError:
        raise
    except Exception as error:
        raise ImageRejected(
            f"{what} cannot be read: {one_line(error)}.",
            hint="Open it again; in a `with` block, call image.load() before the block ends.",
        ) from error
    return [KERNEL.part(key, lambda: _made(image, what, pictures, turn))]


def _made(image: Image, what: str, pictures: Pictures, turn: int) -> Made:
    from gemini_magic.parts.pictures._pillow import write  # noqa: PLC0415 - keeps the extension's loading light

    return write(image, pictures, what, orientation=turn, lossy=image.format in _LOSSY)


def _has_class(value: object, module: str, name: str) -> bool:
    return any(cls.__module__ == module and cls.__name__ == name for cls in type(value).__mro__)


def _is_from_file(image: Image) -> bool:
    return _has_class(image, "PIL.ImageFile", "ImageFile")


def _original(image: Any) -> bytes | None:  # noqa: ANN401 - what Pillow does not show in its types
    """The bytes that an image was opened from, when it was not loaded or changed since; else None."""
    pixels = image.__dict__.get("_im", image.__dict__.get("im"))
    file = getattr(image, "fp", None)
    if pixels is not None or file is None or not _is_from_file(image) or image.tell() != 0:
        return None
    place = file.tell()
    try:
        file.seek(0)
        data = bytes(file.read(MAX_BYTES + 1))
    finally:
        file.seek(place)
    mime = mime_type(data)
    try:
        same = mime.startswith("image/") and size_of(data, mime) in {image.size, None}
    except Broken:
        return None
    return data if same else None


def _orientation(image: Image) -> int:
    block = image.info.get("exif")
    tiff = block.removeprefix(b"Exif\x00\x00") if isinstance(block, bytes) else b""
    turn = tiff_tags(tiff).get(_ORIENTATION, 1) if tiff else 1
    return turn if turn in range(1, 9) else 1


def _digest(image: Image) -> bytes:
    """A digest of all that a picture looks like; a strip at a time, for the pixels of all would be a copy."""
    image.load()
    info = [image.info.get(field) for field in ("transparency", "icc_profile")]
    palette = (image.palette.mode, bytes(image.palette.palette)) if image.palette else ()
    digest = sha256(repr((image.mode, image.size, image.format, palette, info)).encode())
    rows = max(1, _STRIP // max(image.width * 4, 1))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        digest.update(strip.tobytes())
    return digest.digest()
