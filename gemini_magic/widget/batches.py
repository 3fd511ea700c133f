"""Pieces of an answer, gathered so that the browser gets few messages; no I/O, no clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.widget.messages import joined

if TYPE_CHECKING:
    from gemini_magic.widget.messages import PartView

#: Seconds between two messages: at first 30 a second, and fewer the longer the answer is.
SHORTEST, LONGEST = 1 / 30, 1 / 5
_CHARACTERS_A_SECOND = 360_000


class Batches:
    """What has come and is not sent yet; the first piece may go at once."""

    def __init__(self) -> None:
        self._parts: list[PartView] = []
        self._next = float("-inf")
        self._length = 0

    def add(self, part: PartView) -> None:
        """Take the next piece."""
        self._length += len(part.get("text", ""))
        joined(self._parts, [part])

    @property
    def waiting(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._parts)

    def due(self, now: float) -> float:
        """Seconds until what waits may be sent; 0 when it may be sent now."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> list[PartView]:
        """What waits; it counts as sent."""
        parts, self._parts = self._parts, []
        self._next = now + min(LONGEST, max(SHORTEST, self._length / _CHARACTERS_A_SECOND))
        return parts
