"""Arrays and tensors as pictures.

Named in a prompt, an array is a picture when it looks like one, and data otherwise:

=========================  =============================================  ============================================
dtype                      shape, both sides at least 8                   what it is
=========================  =============================================  ============================================
uint8, bool                H×W, H×W×1, H×W×3, H×W×4                       a picture
floats                     H×W×3, H×W×4, all values within 0..1           a picture
floats                     the same, values beyond, sides of 64 or more   refused: it can be meant either way
anything else              any: 1-D, 2-D of floats, int64 …               data, which goes as JSON
=========================  =============================================  ============================================

Tensors (what has ``detach``) may be C×H×W as well. Marked as a picture (``gm.image(array)``), any array is one, and is
refused with what is wrong about its shape, dtype or values when it cannot be.

Floats are of 0..1; 16 bits are of 0..65535; other whole numbers of 0..255; bools are black and white.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from gemini_magic import _optional
from gemini_magic.exceptions import GeminiMagicError, ImageRejected
from gemini_magic.frames import is_frame
from gemini_magic.parts.cache import KERNEL, Made
from gemini_magic.parts.media import Pictures, called
from gemini_magic.parts.pictures.guards import check_size
from gemini_magic.parts.pictures.pil_images import is_pil
from gemini_magic.parts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from gemini_magic import wire

_LEAST = 8
#: From this size on, floats beyond 0..1 are more likely a picture in other units than numbers to be read.
_SURELY = 64
_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
_BYTES = ("uint8", "bool")
_ONE_OF = "A picture is H×W, H×W×1, H×W×3 or H×W×4"


def is_array(value: object) -> bool:
    """Whether a value is an array or tensor, of whichever library."""
    cls = type(value)
    # Asked of the class: an object that answers to every name is none.
    if not (hasattr(cls, "__array__") or hasattr(cls, "detach")) or is_frame(value) or is_pil(value):
        return False
    return isinstance(getattr(value, "shape", None), tuple) and hasattr(value, "dtype")


def is_array_picture(value: object) -> bool:
    """Whether an array looks like a picture, by the table above."""
    if not is_array(value):
        return False
    shape, kind = tuple(value.shape), _dtype(value)  # type: ignore[attr-defined]
    channels = _channels(value, shape)
    if channels is None or min(_sides(value, shape)) < _LEAST:
        return False
    if kind in _BYTES:
        return True
    if not kind.startswith(("float", "bfloat")) or channels == 1:
        return False
    return min(_sides(value, shape)) >= _SURELY or _is_unit(value)


def array_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Turn an array into one part.

    Raises:
        ImageRejected: It is no picture, or there are values in it that are none.
    """
    what = _what(value, name)
    pixels = _pixels(value, what)
    height, width = pixels.shape[:2]
    check_size((width, height), what, pictures)
    key = (sha256(pixels.data).digest(), pixels.shape, pictures)
    return [KERNEL.part(key, lambda: _made(pixels, what, pictures))]


def _what(value: Any, name: str) -> str:  # noqa: ANN401 - any array
    shape = "×".join(map(str, value.shape)) or "no axes"
    return called(name, f"{type(value).__name__}, {shape}, {_dtype(value)}")


def _dtype(value: Any) -> str:  # noqa: ANN401 - any array
    return str(value.dtype).rpartition(".")[2].lstrip("<>|=")


def _is_tensor(value: object) -> bool:
    return hasattr(type(value), "detach")


def _is_channels_first(value: object, shape: Sequence[int]) -> bool:
    return _is_tensor(value) and len(shape) == 3 and shape[0] in _CHANNELS and shape[2] not in {3, 4}  # noqa: PLR2004


def _channels(value: object, shape: Sequence[int]) -> int | None:
    """The number of channels; None when the shape is not that of a picture."""
    if len(shape) == 2:  # noqa: PLR2004 - H×W
        return 1
    if len(shape) != 3:  # noqa: PLR2004 - H×W×C
        return None
    channels = shape[0] if _is_channels_first(value, shape) else shape[2]
    return channels if channels in _CHANNELS else None


def _sides(value: object, shape: Sequence[int]) -> tuple[int, int]:
    first = _is_channels_first(value, shape)
    return (shape[1], shape[2]) if first else (shape[0], shape[1])


def _is_unit(value: object) -> bool:
    """Whether all values are within 0..1; NaN are not."""
    try:
        array = _array(value, "")
    except GeminiMagicError:
        return False
    return bool(array.size and array.min() >= 0 and array.max() <= 1)


def _array(value: Any, what: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - any array
    numpy = _optional.require("numpy", extra="images", why="send arrays as pictures")
    try:
        if _is_tensor(value):
            value = value.detach().cpu().numpy()
        array: np.ndarray[Any, Any] = numpy.asarray(value)
    except Exception as error:
        raise ImageRejected(
            f"{what} does not become an array: {one_line(error)}.", hint="Convert it first, as with tensor.float()."
        ) from error
    return array


def _pixels(value: object, what: str) -> np.ndarray[Any, Any]:
    """The array as uint8, H×W or H×W×C, in one piece of memory."""
    array = _array(value, what)
    _check_shape(value, array, what)
    if _is_channels_first(value, array.shape):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:  # noqa: PLR2004 - H×W×1
        array = array[:, :, 0]
    numpy = _optional.require("numpy", extra="images", why="send arrays as pictures")
    pixels: np.ndarray[Any, Any] = numpy.ascontiguousarray(_as_bytes(array, what))
    return pixels


def _check_shape(value: object, array: np.ndarray[Any, Any], what: str) -> None:
    if array.dtype.kind not in "buif":
        raise ImageRejected(f"{what} is no picture: its values are no numbers.", hint=f"{_ONE_OF} of uint8.")
    if not array.size:
        raise ImageRejected(f"{what} is empty: it has no pixels.", hint=f"{_ONE_OF}.")
    if _channels(value, array.shape) is None:
        hint = "Send them one by one: {{x[0]}}, {{x[1]}}." if array.ndim > 3 else ""  # noqa: PLR2004 - H×W×C
        raise ImageRejected(f"{what} is no picture by its shape.", hint=f"{_ONE_OF}. {hint}".strip())


def _as_bytes(array: np.ndarray[Any, Any], what: str) -> np.ndarray[Any, Any]:
    kind = array.dtype.kind
    if kind == "b":
        return array.astype("uint8") * 255
    if kind == "f":
        return _from_floats(array, what)
    if array.dtype.name == "uint8":
        return array
    low, high = int(array.min()), int(array.max())
    if array.dtype.name == "uint16":
        return ((array.astype("uint32") + 128) // 257).astype("uint8")
    if low < 0 or high > 255:  # noqa: PLR2004 - a byte
        raise ImageRejected(
            f"{what} has values from {low} to {high}; a picture has 0..255.", hint="Scale it, then .astype('uint8')."
        )
    return array.astype("uint8")


def _from_floats(array: np.ndarray[Any, Any], what: str) -> np.ndarray[Any, Any]:
    numpy = _optional.require("numpy", extra="images", why="send arrays as pictures")
    bad = ~numpy.isfinite(array)
    if bad.any():
        where = tuple(int(axis) for axis in numpy.argwhere(bad)[0])
        raise ImageRejected(
            f"{what} has {array[where]} at {list(where)}, and {int(bad.sum()):,} of such in all.",
            hint="Replace them first, as with numpy.nan_to_num.",
        )
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        in_bytes = low >= 0 and 1 < high <= 255  # noqa: PLR2004 - a byte
        way = "Divide it by 255, or use .astype('uint8')" if in_bytes else "Scale it to 0..1"
        raise ImageRejected(
            f"{what} has values from {low:g} to {high:g}; a picture of floats has 0..1.",
            hint=f"{way}; to send the numbers instead of a picture, use .tolist().",
        )
    scaled: np.ndarray[Any, Any] = (array.astype("float32") * 255 + 0.5).astype("uint8")
    return scaled


def _made(pixels: np.ndarray[Any, Any], what: str, pictures: Pictures) -> Made:
    module = _optional.require("PIL.Image", extra="images", why=f"send {what} as a picture")
    from gemini_magic.parts.pictures._pillow import write  # noqa: PLC0415 - optional

    height, width = pixels.shape[:2]
    mode = _CHANNELS[pixels.shape[2] if pixels.ndim == 3 else 1]  # noqa: PLR2004 - H×W×C
    return write(module.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1), pictures, what)
