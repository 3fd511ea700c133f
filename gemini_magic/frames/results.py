"""Results on the rows that they were made from: same library, same labels, same order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.frames.source import Filled, words
from gemini_magic.frames.values import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gemini_magic.frames.source import Source

    Column = tuple[str, str, bool]
    Row = Mapping[str, Any] | None

_KEPT_AS_THEY_ARE = frozenset({"list", "dict", "numpy", "iterator"})


def check_columns(source: Source, columns: Iterable[Column], *, keep: Sequence[str] = ()) -> None:
    """Say before anything is paid for whether a result can be built.

    Args:
        source: The rows.
        columns: Name, kind and whether null is allowed, for each new column.
        keep: The columns of the rows that the result is to have as well.

    Raises:
        InputError: A new column would overwrite a kept one, two new ones have one name, or there is no column to keep.
    """
    source.positions(keep)
    names = [name for name, *_ in columns]
    there = [name for name in names if name in keep]
    if there:
        plural = len(there) > 1
        raise InputError(
            f"The data ha{'ve' if plural else 's'} the column{'s' * plural} {words(there)} already, "
            f"which the answer would overwrite.",
            hint="Rename a field of the schema or a column of the data, or hand over only the columns that are needed.",
        )
    twice = [name for name, count in Counter([*names, *keep]).items() if count > 1]
    if twice:
        raise InputError(f"The result would have {words(twice)} more than once.", hint="Rename a field of the schema.")


def build_like(source: Source, columns: Sequence[Column], values: Sequence[Row], *, keep: Sequence[str] = ()) -> Any:  # noqa: ANN401
    """Make a result of the library that the rows came from, with the same labels in the same order.

    New columns of pandas are of the types ``string``, ``Int64``, ``float64``, ``boolean``, ``datetime64[us]`` (dates,
    too; in UTC when they have a zone) and ``object``; those of polars and pyarrow have nulls in any column, and nested
    values as structs and lists. Nothing here fails because of a value: a column with one that is not of its kind holds
    objects in pandas and JSON in polars and pyarrow. Lists get a list of dicts, or of values when the only new column
    is ``"value"``; dicts of lists get a dict of lists.

    Args:
        source: The rows.
        columns: Name, kind and whether null is allowed, for each new column. A row may fail, so every column can hold
            nulls whatever it says.
        values: A mapping of column to value for each row, in order; None for a row without an answer.
        keep: The columns of the rows that the result is to have as well, untouched and in front; ``source.names`` for
            all.

    Returns:
        A DataFrame, Table, list or dict.

    Raises:
        InputError: A new column would overwrite a kept one, or there are more or fewer values than rows.
    """
    columns = list(columns)
    check_columns(source, columns, keep=keep)
    if source.length is not None and len(values) != source.length:
        raise InputError(f"There are {source.length:,} rows, but {len(values):,} results.")
    filled = [_filled(column, values, settled=source.kind not in _KEPT_AS_THEY_ARE) for column in columns]
    result = source.assemble(filled, keep)
    return _wrapped(result) if source.wrapped else result


def _filled(column: Column, values: Sequence[Row], *, settled: bool) -> Filled:
    name, kind, _ = column
    cells = [None if row is None else row.get(name) for row in values]
    return Filled(name, *settle(kind, cells)) if settled else Filled(name, kind, cells)


def _wrapped(result: Any) -> Any:  # noqa: ANN401 - any library's frame
    import narwhals as nw  # noqa: PLC0415 - it is loaded, or there would be nothing to wrap

    return nw.from_native(result)


def explode_like(
    source: Source,
    columns: Sequence[Column],
    values: Sequence[Sequence[Row] | None],
    *,
    keep: Sequence[str] = (),
    number: str = "",
) -> Any:  # noqa: ANN401 - any library's frame
    """Make a result with a row for every item of the lists that were answered.

    The label of a row is repeated for each of its items. A row without an answer, or with an empty list, has one row
    of nulls, as ``explode`` of pandas and polars has it, so that no label gets lost.

    Args:
        source: The rows; not those of an iterator, which are gone.
        columns: Name, kind and whether null is allowed, for each new column.
        values: The items for each row, in order; None for a row without an answer.
        keep: The columns of the rows that the result is to have as well, repeated like the labels.
        number: The name of a first new column with the position of the row that an item came from, for the libraries
            that have no labels.

    Returns:
        A DataFrame, Table, list or dict.

    Raises:
        InputError: As for ``build_like``.
    """
    named: list[Column] = [(number, "int", False)] if number else []
    check_columns(source, [*named, *columns], keep=keep)
    if source.length is not None and len(values) != source.length:
        raise InputError(f"There are {source.length:,} rows, but {len(values):,} results.")
    positions: list[int] = []
    items: list[Row] = []
    for position, row in enumerate(values):
        found = list(row or ()) or [None]
        positions += [position] * len(found)
        items += [{**(item or {}), number: position} for item in found] if number else found
    return build_like(source.select(keep).take(positions), [*named, *columns], items, keep=keep)
