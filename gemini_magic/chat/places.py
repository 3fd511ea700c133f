"""Where in a conversation a question stands, and what its answer changes there.

Running a cell again asks its question where it was asked before: with what had been said up to there. The turns
behind it then rest on something that has changed; they are marked as stale and stay until they are asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.chat.turns import Turn

Turns = tuple["Turn", ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands.

    Attributes:
        before: The turns it is asked after.
        replaces: The turns that it takes the place of, by when they were made.
        at_end: Whether it goes to the end whatever other turns its cell has made.
    """

    before: Turns
    replaces: frozenset[int] = frozenset()
    at_end: bool = False


def find_place(turns: Turns, *, cell: str = "", run: str = "", append: bool = False, place: int | None = None) -> Place:
    """Find where a question stands.

    Args:
        turns: The conversation.
        cell: The cell that asks; without one, the question goes to the end.
        run: The cell's execution. Turns of the same cell from other executions are replaced; the question
            stands behind those of the same execution, as in a loop.
        append: Whether it goes to the end all the same.
        place: The number of the turn whose place it takes, counted from 1.

    Raises:
        InputError: There is no turn of that number.
    """
    if place is not None:
        old = turn_at(turns, place)
        return Place(turns[: place - 1], frozenset({old.made}))
    if append or not cell:
        return Place(turns, at_end=True)
    if earlier := [index for index, turn in enumerate(turns) if turn.cell == cell and turn.run != run]:
        return Place(turns[: earlier[0]], frozenset(turns[index].made for index in earlier))
    return Place(turns[: _behind_own(turns, cell, run)])


def put(turns: Turns, place: Place, turn: Turn) -> Turns:
    """The conversation with a turn in its place.

    A turn that has no answer to be sent again does not drive out one that has: the conversation stays as it was.

    Args:
        turns: The conversation as it is by now; others may have asked since the place was found.
        place: Where the turn stands.
        turn: The turn.
    """
    old = [index for index, other in enumerate(turns) if other.made in place.replaces]
    if not turn.replayed and any(turns[index].replayed for index in old):
        return turns
    index = old[0] if old else len(turns) if place.at_end else _behind_own(turns, turn.cell, turn.run)
    later = [other for other in turns[index:] if other.made not in place.replaces]
    if old and turn.replayed:
        later = [other.marked(stale=True) for other in later]
    return (*turns[:index], turn, *later)


def _behind_own(turns: Turns, cell: str, run: str) -> int:
    """The place behind the last turn of the same execution of a cell, or the end."""
    if not cell:
        return len(turns)
    own = [index for index, turn in enumerate(turns) if turn.cell == cell and turn.run == run]
    return own[-1] + 1 if own else len(turns)


def turn_at(turns: Sequence[Turn], number: int) -> Turn:
    """The turn of a number, counted from 1.

    Raises:
        InputError: There is none.
    """
    if 1 <= number <= len(turns):
        return turns[number - 1]
    raise InputError(f"There is no turn {number}; {how_many(turns)}.")


def how_many(turns: Sequence[Turn]) -> str:
    """How many turns there are, in words."""
    return f"the conversation has {counted(len(turns)) if turns else 'no turns'}"


def counted(count: int) -> str:
    """A number of turns, in words."""
    return f"{count} turn{'' if count == 1 else 's'}"
