"""From answers to the frame that the user gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.extract.made import details_of
from gemini_magic.frames import build_like, check_columns, explode_like, flatten
from gemini_magic.schemas.columns import has_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.extract.locks import Lock
    from gemini_magic.extract.made import Made
    from gemini_magic.frames import Source
    from gemini_magic.schemas import Schema

    Column = tuple[str, str, bool]
    Values = dict[str, Any] | None

#: The only column when whole answers are lists and are not exploded.
ITEMS = "items"
#: Columns up to which it is cheaper to make every answer once for each than to have all of them at once.
_FEW_COLUMNS = 4
_DETAILS: tuple[Column, ...] = (
    ("_status", "str", True),
    ("_error", "str", True),
    ("_attempts", "int", True),
    ("_tokens", "int", True),
    ("_seconds", "float", True),
)


@dataclass(frozen=True)
class View:
    """How answers become columns.

    Attributes:
        details: Whether there are columns on how each row went.
        flatten: Whether the fields of nested objects are columns.
        explode: Whether each item of a list is a row: True for a schema that is a list, or the name of a column.
    """

    details: bool = False
    flatten: bool = False
    explode: bool | str = False


def check_view(source: Source, schema: Schema, view: View) -> None:
    """Say before anything is paid for whether the frame can be built.

    Raises:
        InputError: Two columns would have one name, or there is nothing to explode.
    """
    names = [column.name for column in schema.columns]
    if view.explode is True and not schema.is_list:
        raise InputError(
            "explode=True makes a row of each item when the whole answer is a list, and this schema is none.",
            hint="Name the column with the list, such as explode='tags'.",
        )
    if isinstance(view.explode, str) and view.explode not in names:
        raise InputError(f"There is no column {view.explode!r} to explode.", hint=f"There are: {', '.join(names)}.")
    if view.explode and source.length is None:
        raise InputError("The rows of an iterator cannot be repeated for each item.", hint="Hand over a list of it.")
    check_columns(source, [*_columns(schema, view), *(_DETAILS if view.details else ())])


def frame_of(source: Source, schema: Schema, view: View, made: Made, locked: Mapping[int, Lock]) -> Any:  # noqa: ANN401
    """The frame: a row for each row of the data, in its order and with its labels, null where there is no answer.

    Args:
        source: The data.
        schema: What an answer is.
        view: How it becomes columns.
        made: What came of each row.
        locked: The rows that a person has corrected, by position.
    """
    answers = _Answers(made, locked)
    if view.explode:
        return _exploded(source, schema, view, made, answers)
    columns = _columns(schema, view)
    if len(columns) <= _FEW_COLUMNS and not (view.flatten or view.details or locked):
        return build_like(source, columns, _Rows(schema, answers))
    rows: list[Values] = list(_Rows(schema, answers))
    if view.flatten:
        columns, rows = flatten(columns, rows)
    for position, lock in locked.items():
        rows[position] = {**(rows[position] or {}), **_known(lock.cells, columns)}
    if view.details:
        columns = [*columns, *_DETAILS]
        rows = [{**(row or {}), **_how(made, position)} for position, row in enumerate(rows)]
    return build_like(source, columns, rows)


def _columns(schema: Schema, view: View) -> list[Column]:
    if schema.is_list and not view.explode:
        return [(ITEMS, "object", True)]
    return [(column.name, column.kind, column.nullable) for column in schema.columns]


class _Answers(Sequence[Any]):
    """The answer for each row, made when it is asked for, so that they are not there all at once."""

    def __init__(self, made: Made, locked: Mapping[int, Lock]) -> None:
        self._made = made
        self._locked = locked

    def __len__(self) -> int:
        """As many as rows."""
        return len(self._made.keys)

    def __getitem__(self, position: Any) -> Any:  # noqa: ANN401 - plain data
        """Plain data, for the caller alone; None when there is none."""
        if position in self._locked:
            return self._locked[position].answer
        return self._made.value(position)


class _Rows(Sequence[Any]):
    """The cells of each answer by column; made when they are asked for, too."""

    def __init__(self, schema: Schema, answers: Sequence[Any]) -> None:
        self._answers = answers
        self._is_named = not schema.is_list and has_names(schema.rules, is_list=False)
        self._name = ITEMS if schema.is_list else schema.columns[0].name

    def __len__(self) -> int:
        """As many as rows."""
        return len(self._answers)

    def __getitem__(self, position: Any) -> Any:  # noqa: ANN401 - cells, or None
        """The cells by column; None when there is no answer."""
        answer = self._answers[position]
        if answer is None or (self._is_named and isinstance(answer, dict)):
            return answer
        return {self._name: answer}


def _exploded(source: Source, schema: Schema, view: View, made: Made, answers: Sequence[Any]) -> Any:  # noqa: ANN401
    columns = _columns(schema, view)
    lists: list[list[Values]] = [_items(schema, view, answer) for answer in answers]
    if view.flatten:
        flat: list[Values] = [item for items in lists for item in items]
        columns, flat = flatten(columns, flat)
        waiting = iter(flat)
        lists = [[next(waiting) for _ in items] for items in lists]
    if view.details:
        columns = [*columns, *_DETAILS]
        lists = [
            [{**(item or {}), **_how(made, position)} for item in items or [None]]
            for position, items in enumerate(lists)
        ]
    number = "" if source.index is not None else "row"
    return explode_like(source, columns, lists, number=number)


def _items(schema: Schema, view: View, answer: Any) -> list[Values]:  # noqa: ANN401 - plain data
    if answer is None:
        return []
    if view.explode is True:
        return [dict(row) for row in schema.rows(answer)]
    row = _Rows(schema, [answer])[0] or {}
    name = str(view.explode)
    found = row.get(name)
    return [{**row, name: item} for item in found] if isinstance(found, list) and found else [{**row, name: None}]


def _how(made: Made, position: int) -> dict[str, Any]:
    found = details_of(made.status(position), made.outcome(position))
    return {f"_{name}": value for name, value in found.items() if name != "error_kind"}


def _known(cells: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    names = {name for name, *_ in columns}
    return {name: cell for name, cell in cells.items() if name in names}
