"""How large a picture may be; all of this is known before anything is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.exceptions import ImageRejected

if TYPE_CHECKING:
    from gemini_magic.parts.media import Pictures

MAX_BYTES = 100_000_000
MAX_PIXELS = 40_000_000
#: Where Pillow itself would stop; a JPEG up to this is decoded at a fraction of its size.
MAX_SHRUNK = 178_956_970


class Found(NamedTuple):
    """A picture's file after all the guards."""

    data: bytes
    mime: str
    size: tuple[int, int] | None
    orientation: int
    what: str
    notes: tuple[str, ...] = ()


def check_size(size: tuple[int, int], what: str, pictures: Pictures, *, shrinks: bool = False) -> None:
    """Refuse a picture with no pixels, or with too many.

    Args:
        size: Width and height.
        what: The picture in a message.
        pictures: What was asked for.
        shrinks: It can be decoded at a fraction of its size.
    """
    pixels = size[0] * size[1]
    if not pixels:
        raise ImageRejected(f"{what} has no pixels.", hint="Save it again.")
    if pixels <= MAX_PIXELS:
        return
    limit = f"{what} has {pixels / 1e6:,.0f} megapixels; the limit is {MAX_PIXELS // 10**6}."
    if not shrinks or pixels > MAX_SHRUNK:
        raise ImageRejected(limit, hint="Make it smaller before it is sent; --max-side cannot open one so large.")
    if pictures.max_side is None:
        raise ImageRejected(limit, hint="Use --max-side 3000 to send it smaller.")
    scale = reduction(size, pictures.max_side)
    if pixels / scale**2 > MAX_PIXELS:
        raise ImageRejected(limit, hint=f"Use a --max-side of less than {pictures.max_side}, such as 2000.")


def reduction(size: tuple[int, int], max_side: int) -> int:
    """By how much a JPEG's sides are divided while it is decoded, so that it stays large enough: 1, 2, 4 or 8."""
    times = max(size) // max_side
    return next(scale for scale in (8, 4, 2, 1) if scale <= max(times, 1))
