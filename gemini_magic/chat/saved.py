"""What of a conversation goes into a file: plain values that know nothing of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.chat.turns import Turn


@dataclass(frozen=True)
class Saved:
    """A conversation without its client.

    Attributes:
        name: Its name.
        turns: Its turns.
        system: The system instruction: text, or a content as it stands on the wire.
        notes: What was noticed when it was read, in words.
    """

    name: str
    turns: tuple[Turn, ...] = ()
    system: str | dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def saved(self) -> Saved:
        """Itself, as a conversation gives it."""
        return self


class Savable(Protocol):
    """A conversation, as far as files know it."""

    def saved(self) -> Saved:
        """What there is to save."""


#: By this a file of ours is known.
FORMAT = "gemini_magic.conversation"
VERSION = 1
_MOST_NOTES = 10


def some_of(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes without repetition; of very many only the first."""
    every = tuple(dict.fromkeys(notes))
    rest = len(every) - _MOST_NOTES
    return every if rest <= 0 else (*every[:_MOST_NOTES], f"and {rest} more things like that")
