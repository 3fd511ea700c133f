"""Frames as labelled rows of plain cells, to compare one with another."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.extract.cells import plain_cell
from gemini_magic.frames import read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.frames import Source


@dataclass(frozen=True)
class Table:
    """Rows with their labels.

    Attributes:
        names: The columns.
        labels: One a row: of a pandas index, or the position.
        rows: The cells of each row, by column.
        labelled: Whether the labels are more than positions.
    """

    names: tuple[str, ...]
    labels: Sequence[object]
    rows: Sequence[Mapping[str, Any]]
    labelled: bool = False


def table_of(data: object, what: str) -> Table:
    """Read a frame, a list of dicts, or a mapping of label to row.

    Args:
        data: The frame.
        what: What the user calls it, for the message.

    Raises:
        InputError: It has no columns.
    """
    source = read_rows(data)
    rows = list(source.rows())
    if rows and not source.names:
        raise InputError(f"{what} has no columns.")
    labels = labels_of(source, len(rows))
    return Table(tuple(source.names), labels, rows, not isinstance(labels, range))


def labels_of(source: Source, length: int) -> Sequence[object]:
    """The labels of a source's rows: of its index, or their positions."""
    index = source.index
    if index is None or not callable(getattr(index, "tolist", None)):
        return range(length)
    return list(index.tolist())


def matched(one: Table, other: Table, what: str) -> list[tuple[int, int]]:
    """Which rows belong together: those with the same label, or else at the same position.

    Args:
        one: A table.
        other: Another.
        what: What the user calls the other, for the message.

    Returns:
        Pairs of positions.

    Raises:
        InputError: Labels do not help, and the tables are not of the same length.
    """
    places = {key(label): place for place, label in enumerate(other.labels)}
    if one.labelled and other.labelled and _are_unique(one.labels) and len(places) == len(other.labels):
        pairs = [(place, places.get(key(label))) for place, label in enumerate(one.labels)]
        found = [(place, there) for place, there in pairs if there is not None]
        if found:
            return found
    if len(one.rows) != len(other.rows):
        raise InputError(
            f"{what} has {len(other.rows):,} rows, the result {len(one.rows):,}, and no labels say which belong "
            "together.",
            hint="Give both the same unique index, or the same rows in the same order.",
        )
    return [(place, place) for place in range(len(one.rows))]


def key(label: object) -> str:
    """A label to look rows up by; texts and numbers stay apart."""
    return repr(plain_cell(label))


def _are_unique(labels: Sequence[object]) -> bool:
    return max(Counter(map(key, labels)).values(), default=1) == 1
