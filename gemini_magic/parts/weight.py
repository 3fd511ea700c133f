"""What the parts of a request weigh, and what was done to its pictures, in words for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.parts.cache import KERNEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic import wire

WARN_ABOVE = 20_000_000
_NAMED = 3


def size_warnings(parts: Sequence[tuple[str, wire.Part]]) -> list[str]:
    """Say when a request is larger than many gateways take.

    Args:
        parts: The parts of the request, each with what the user calls it.

    Returns:
        Nothing up to 20 MB on the wire; above that, one line with the largest parts.
    """
    sizes = sorted(((_weight(part), name) for name, part in parts), key=lambda size: size[0], reverse=True)
    total = sum(size for size, _ in sizes)
    if total <= WARN_ABOVE:
        return []
    largest = ", ".join(f"{name or 'text'} {_megabytes(size)}" for size, name in sizes[:_NAMED])
    limit = f"This request is {_megabytes(total)}, and many gateways take {WARN_ABOVE // 10**6} MB at most."
    return [f"{limit} The largest parts: {largest}. Pictures get smaller with --max-side 1600 --quality 85."]


def picture_notes(parts: Sequence[tuple[str, wire.Part]]) -> list[str]:
    """Say what was done to pictures before they were sent, one line for each that did not go as it was.

    Args:
        parts: The parts of the request, each with what the user calls it.
    """
    noted = ((name, KERNEL.note(part)) for name, part in parts)
    return [f"{name or 'A picture'}: {note}." for name, note in noted if note]


def _weight(part: wire.Part) -> int:
    """Bytes on the wire, but for the few around them."""
    media = len(part.inline_data.data or "") if part.inline_data else 0
    return media + len((part.text or "").encode("utf-8", "replace"))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
