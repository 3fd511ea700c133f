"""How right an extraction is: field by field against the truth, with the rows that differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.exceptions import InputError
from gemini_magic.extract.cells import plain_cell, same
from gemini_magic.extract.run import Run, label_column
from gemini_magic.extract.tables import matched, table_of
from gemini_magic.frames import build_frame, is_null
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gemini_magic.extract.tables import Table


class Difference(NamedTuple):
    """A cell that is not what it should be.

    Attributes:
        label: Of its row.
        field: Its column.
        got: What it says.
        expected: What it should say.
    """

    label: object
    field: str
    got: Any
    expected: Any


@dataclass(frozen=True)
class Score:
    """How right one field is.

    Attributes:
        field: Its name.
        rows: Rows that were compared.
        right: Rows that say the same; both may say nothing.
        missing: Rows without a value where there should be one.
        extra: Rows with a value where there should be none.
    """

    field: str
    rows: int
    right: int
    missing: int
    extra: int

    @property
    def wrong(self) -> int:
        """Rows that say something else, or nothing, or too much."""
        return self.rows - self.right

    @property
    def accuracy(self) -> float:
        """The share that is right; NaN of no rows."""
        return self.right / self.rows if self.rows else float("nan")


@dataclass(frozen=True, repr=False)
class Evaluation:
    """An extraction against the truth.

    Attributes:
        scores: Of each field.
        differing: The cells that differ, row by row.
        rows: Rows that were compared.
        rows_right: Rows in which every field is right.
    """

    scores: tuple[Score, ...]
    differing: tuple[Difference, ...]
    rows: int
    rows_right: int

    @property
    def accuracy(self) -> float:
        """The share of all cells that is right; NaN of no cells."""
        cells = sum(score.rows for score in self.scores)
        return sum(score.right for score in self.scores) / cells if cells else float("nan")

    @property
    def fields(self) -> Any:  # noqa: ANN401 - a frame
        """A frame with a row for each field: rows, right, wrong, missing, extra, accuracy; a list without pandas."""
        names = ("field", "rows", "right", "wrong", "missing", "extra", "accuracy")
        rows = [{name: getattr(score, name) for name in names} for score in self.scores]
        kinds = {"field": str, **dict.fromkeys(names[1:-1], int), "accuracy": float}
        frame = build_frame(rows, kinds)
        return rows if frame is None else frame

    @property
    def differences(self) -> Any:  # noqa: ANN401 - a frame
        """A frame with a row for each cell that differs: label, field, got, expected, as text."""
        labels, kind = label_column([one.label for one in self.differing])
        rows = [
            {"label": label, "field": one.field, "got": _text(one.got), "expected": _text(one.expected)}
            for label, one in zip(labels, self.differing, strict=True)
        ]
        frame = build_frame(rows, {"label": kind, "field": str, "got": str, "expected": str})
        return rows if frame is None else frame

    def __repr__(self) -> str:
        """A line on all, and one on each field."""
        width = max((len(score.field) for score in self.scores), default=0)
        lines = [f"{self.accuracy:.1%} of the cells are right; {self.rows_right:,} of {self.rows:,} rows wholly"]
        lines += [
            f"  {score.field:{width}}  {score.accuracy:7.1%}  {score.right:,} of {score.rows:,}{_more(score)}"
            for score in self.scores
        ]
        return "\n".join(lines)


def evaluate(
    result: object,
    truth: object,
    *,
    fields: Sequence[str] | None = None,
    tolerance: float = 0.0,
    case: bool = True,
) -> Evaluation:
    """Compare an extraction with what is known to be true.

    Args:
        result: A run, or a frame that an extraction returned.
        truth: A frame, or a list of dicts, with columns of the same names. Rows are matched by labels where both have
            unique ones, else by position.
        fields: The columns to compare; all that both have by default.
        tolerance: How far numbers may be apart, as a part of the larger one: 0.01 is one percent.
        case: Whether capitals matter.

    Returns:
        Accuracy of each field, and the cells that differ. A row that failed counts as missing.

    Raises:
        InputError: They have no column in common, or rows cannot be matched.
    """
    got = table_of(result.frame if isinstance(result, Run) else result, "The result")
    expected = table_of(truth, "The truth")
    names = _fields(got, expected, fields)
    pairs = matched(got, expected, "The truth")
    is_same = partial(same, tolerance=tolerance, case=case)
    found = list(_differences(got, expected, pairs, names, is_same))
    differing = tuple(difference for _, difference in found)
    scores = tuple(_score(name, len(pairs), [one for one in differing if one.field == name]) for name in names)
    rows_wrong = len({place for place, _ in found})
    return Evaluation(scores, differing, len(pairs), len(pairs) - rows_wrong)


def _fields(got: Table, expected: Table, fields: Sequence[str] | None) -> tuple[str, ...]:
    for name in fields or ():
        for table, what in ((got, "The result"), (expected, "The truth")):
            if name not in table.names:
                near = did_you_mean(name, table.names)
                raise InputError(f"{what} has no column {name!r}.", hint=near or f"It has {', '.join(table.names)}.")
    names = tuple(fields) if fields else tuple(name for name in got.names if name in expected.names)
    if not names:
        raise InputError(
            f"The result ({', '.join(got.names)}) and the truth ({', '.join(expected.names)}) have no column in common."
        )
    return names


def _differences(
    got: Table,
    expected: Table,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[str],
    is_same: Callable[[Any, Any], bool],
) -> Iterator[tuple[int, Difference]]:
    """The cells that differ, each with the position of its row."""
    for place, there in pairs:
        for name in names:
            one, other = got.rows[place].get(name), expected.rows[there].get(name)
            if not is_same(one, other):
                yield place, Difference(got.labels[place], name, plain_cell(one), plain_cell(other))


def _score(name: str, rows: int, wrong: Sequence[Difference]) -> Score:
    missing = sum(is_null(one.got) for one in wrong)
    extra = sum(is_null(one.expected) for one in wrong)
    return Score(name, rows, rows - len(wrong), missing, extra)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _more(score: Score) -> str:
    parts = [f"{score.missing:,} missing"] if score.missing else []
    parts += [f"{score.extra:,} too many"] if score.extra else []
    return f" ({', '.join(parts)})" if parts else ""
