"""All that Pillow does: decode what passed the guards, turn, shrink, and write."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gemini_magic import _optional
from gemini_magic.exceptions import GeminiMagicError, ImageRejected, UnsupportedValue
from gemini_magic.parts.cache import Made
from gemini_magic.parts.media import Pictures, kind_name
from gemini_magic.parts.pictures.guards import MAX_PIXELS, reduction
from gemini_magic.parts.pictures.structure import png_chunks, webp_chunks
from gemini_magic.parts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from gemini_magic.parts.pictures.guards import Found

#: The one format that is tried; Pillow's own search would try PostScript, too.
_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/x-icon": "ICO",
}
_HEIF = ("image/heic", "image/heif")
_LOSSY = frozenset({"image/jpeg", "image/avif", *_HEIF})
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"gAMA", b"sRGB", b"IDAT", b"IEND"})
_QUALITY = 95
_ORIENTATION = 0x0112
_WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
#: What to do with a picture for each orientation of EXIF: names of Pillow's transpositions.
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def rewrite(found: Found, pictures: Pictures) -> Made:
    """Write a picture anew: upright, and as was asked for."""
    why = f"send {found.what}, which has to be written anew"
    _optional.require("PIL.Image", extra="images", why=why)
    with _our_errors(found.what):
        image = _opened(found, pictures)
        frames = _frames(found, image)
        image.load()
        # Pillow gives the turn of an AVIF as EXIF, and has done those of TIFF and HEIC itself.
        turn = image.getexif().get(_ORIENTATION, 1) if found.mime == "image/avif" else found.orientation
        made = write(image, pictures, found.what, orientation=turn, lossy=_is_lossy(found))
    notes = [*found.notes, made.note]
    if frames > 1:
        notes.append(f"the first of its {frames:,} frames was sent")
    return made._replace(note="; ".join(filter(None, notes)))


def write(image: Image, pictures: Pictures, what: str, *, orientation: int = 1, lossy: bool = False) -> Made:
    """Write a picture as PNG or JPEG, without any metadata.

    Args:
        image: The picture, decoded; it is not changed.
        pictures: What was asked for.
        what: The picture in a message.
        orientation: How it lies, as EXIF has it; it is turned upright.
        lossy: It was JPEG or the like, so it may be again.

    Returns:
        The bytes, and what was done.
    """
    with _our_errors(what):
        shown = _shrunk(_upright(_plain(_standard(image), what), orientation), pictures.max_side)
        as_jpeg = pictures.quality is not None or (lossy and not _has_alpha(shown))
        note = "turned upright" if orientation != 1 else ""
        if shown.size not in {image.size, image.size[::-1]}:
            note = f"{note}; made smaller".removeprefix("; ")
        if not as_jpeg:
            return Made(_png(shown), "image/png", note)
        keep = shown is image and image.format == "JPEG" and pictures.quality is None
        return Made(_jpeg(shown, "keep" if keep else pictures.quality or _QUALITY), "image/jpeg", note)


@contextmanager
def _our_errors(what: str) -> Iterator[None]:
    """Whatever a damaged picture makes of a decoder becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except GeminiMagicError:
        raise
    except Exception as error:
        raise ImageRejected(
            f"{what} cannot be read as a picture: {one_line(error)}.", hint="Save it again, as PNG or JPEG."
        ) from error


def _opened(found: Found, pictures: Pictures) -> Image:
    """The picture with its header read, and no pixel yet."""
    from PIL import Image  # noqa: PLC0415 - optional

    if found.mime in _HEIF:
        return _heif(found)
    data = _without_text(found.data) if found.mime == "image/png" else found.data
    image = Image.open(io.BytesIO(data), formats=[_FORMATS[found.mime]])
    if found.mime == "image/jpeg" and pictures.max_side and found.size:
        scale = reduction(found.size, pictures.max_side)
        if scale > 1 and found.size[0] * found.size[1] <= MAX_PIXELS:
            scale //= 2  # what is shrunk in two steps looks better
        image.draft(None, (max(found.size[0] // scale, 1), max(found.size[1] // scale, 1)))
    elif image.size[0] * image.size[1] > MAX_PIXELS:
        raise ImageRejected(f"{found.what} has {image.size[0]:,}×{image.size[1]:,} pixels in truth; that is too many.")
    return image


def _frames(found: Found, image: Image) -> int:
    """How many pictures there are; those of a PNG are not given to Pillow."""
    if found.mime == "image/png":
        return sum(chunk.kind == b"fcTL" for chunk in png_chunks(found.data))
    return getattr(image, "n_frames", 1)


def _is_lossy(found: Found) -> bool:
    if found.mime == "image/webp":
        return any(chunk.kind == b"VP8 " for chunk in webp_chunks(found.data))
    return found.mime in _LOSSY


def _heif(found: Found) -> Image:
    try:
        import pillow_heif  # noqa: PLC0415 - optional
    except ImportError:
        raise UnsupportedValue(
            f"{found.what} can only be sent as it is: Pillow does not read {kind_name(found.mime)}.",
            hint="Leave out --max-side and --quality, or run `pip install pillow-heif`.",
        ) from None
    image: Image = pillow_heif.open_heif(io.BytesIO(found.data)).to_pillow()
    return image


def _without_text(png: bytes) -> bytes:
    """A PNG without its texts, which are never decompressed, and without all frames but the first."""
    kept = [png[:8], *(png[chunk.start : chunk.end] for chunk in png_chunks(png) if chunk.kind in _PNG_KEPT)]
    return b"".join(kept)


def _standard(image: Image) -> Image:
    """The colours as sRGB, when the picture brings a profile of its own."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "LAB"}:
        return image
    try:
        from PIL import ImageCms  # noqa: PLC0415 - optional

        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(own).lower():
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        turned = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=mode)
    except Exception:  # noqa: BLE001 - a damaged profile; the picture is good without it
        return image
    return turned or image


def _plain(image: Image, what: str) -> Image:
    """The picture in a mode that PNG has and models see right."""
    if image.mode in _WIDE:
        return _narrowed(image, what)
    if image.mode == "P" and ("transparency" in image.info or getattr(image.palette, "mode", "RGB") != "RGB"):
        return image.convert("RGBA")
    if image.mode in _PNG_MODES:
        transparent = image.mode in {"1", "L", "RGB"} and "transparency" in image.info
        return image.convert("RGBA") if transparent else image
    return image.convert("RGBA" if image.mode == "RGBa" else "LA" if image.mode == "La" else _colours(image))


def _colours(image: Image) -> str:
    return "RGBA" if image.mode == "PA" else "RGB"


def _narrowed(image: Image, what: str) -> Image:
    """16 bits, whole numbers and floats as 8 bits: 0..1, 0..255 or 0..65535 by what is in there."""
    wide = image.convert("F")
    low, high = wide.getextrema()
    if not isinstance(low, float) or not isinstance(high, float) or not 0 <= low <= high <= 65535:  # noqa: PLR2004
        raise ImageRejected(
            f"{what} has values from {low} to {high}.", hint="Scale them to 0..255 with image.point(), and send that."
        )
    if image.mode.startswith("I;16") or high > 255:  # noqa: PLR2004
        scale = 1 / 257
    else:
        scale = 255.0 if image.mode == "F" and high <= 1 else 1.0
    return wide.point(lambda value: value * scale + 0.5).convert("L")


def _upright(image: Image, orientation: int) -> Image:
    from PIL.Image import Transpose  # noqa: PLC0415 - optional

    turn = _TURNS.get(orientation)
    return image.transpose(Transpose[turn]) if turn else image


def _shrunk(image: Image, max_side: int | None) -> Image:
    from PIL.Image import Resampling  # noqa: PLC0415 - optional

    if max_side is None or max(image.size) <= max_side:
        return image
    if image.mode in {"P", "1"}:
        image = image.convert("RGB" if image.mode == "P" else "L")
    ratio = max_side / max(image.size)
    width, height = (max(1, round(side * ratio)) for side in image.size)
    return image.resize((width, height), Resampling.LANCZOS)


def _has_alpha(image: Image) -> bool:
    return image.mode in _ALPHA


def _png(image: Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", icc_profile=None, exif=b"")
    return stream.getvalue()


def _jpeg(image: Image, quality: int | str) -> bytes:
    stream = io.BytesIO()
    options: dict[str, Any] = {"quality": quality, "comment": None}
    _flat(image).save(stream, "JPEG", **options)
    return stream.getvalue()


def _flat(image: Image) -> Image:
    """The picture on white, in a mode that JPEG has."""
    from PIL import Image as module  # noqa: N813, PLC0415 - optional

    if _has_alpha(image):
        behind = module.new("RGBA", image.size, "white")
        return module.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
    return image if image.mode in {"L", "RGB"} else image.convert("L" if image.mode == "1" else "RGB")
