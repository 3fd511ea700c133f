"""From answers to the frame that the user gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.extract.made import details_of
from gemini_magic.frames import build_like, check_columns, explode_like, flatten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.extract.locks import Lock
    from gemini_magic.extract.made import Made
    from gemini_magic.extract.schemas import Schema
    from gemini_magic.frames import Source

    Column = tuple[str, str, bool]
    Values = dict[str, Any] | None

#: The only column when whole answers are lists and are not exploded.
ITEMS = "items"
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
    answers = [_answer(made, locked, position) for position in range(len(made.keys))]
    if view.explode:
        return _exploded(source, schema, view, made, answers)
    columns = _columns(schema, view)
    rows: list[Values] = [_cells(schema, answer) for answer in answers]
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


def _answer(made: Made, locked: Mapping[int, Lock], position: int) -> Any:  # noqa: ANN401 - plain data
    if position in locked:
        return locked[position].answer
    outcome = made.outcome(position)
    return outcome.value if outcome is not None and outcome.ok else None


def _cells(schema: Schema, answer: Any) -> Values:  # noqa: ANN401 - plain data
    if answer is None:
        return None
    return {ITEMS: answer} if schema.is_list else dict(schema.rows(answer)[0])


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
    row = _cells(schema, answer) or {}
    name = str(view.explode)
    found = row.get(name)
    return [{**row, name: item} for item in found] if isinstance(found, list) and found else [{**row, name: None}]


def _how(made: Made, position: int) -> dict[str, Any]:
    found = details_of(made.status(position), made.outcome(position))
    return {f"_{name}": value for name, value in found.items() if name != "error_kind"}


def _known(cells: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    names = {name for name, *_ in columns}
    return {name: cell for name, cell in cells.items() if name in names}
