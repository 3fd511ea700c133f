"""Rows of lists, dicts of lists, NumPy arrays and iterators."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.frames.source import TEXT, Columnar, Filled, Source, check_names, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from gemini_magic.frames.source import Reader

# A schema that is no object has one column of this name; a list of rows becomes a list of its values.
_VALUE = "value"
# Asking these whether they are mappings would take long in a long list.
_SCALARS = frozenset({str, int, float, bytes, type(None)})


def read_list(items: Sequence[Any]) -> Source:
    """Read a list or tuple of dicts, or of values of any other kind."""
    keys = _keys(items)
    if keys is None:
        return ColumnsSource(
            kind="list", names=(TEXT,) if len(items) else (), length=len(items), is_series=True, columns={TEXT: items}
        )
    return DictsSource(
        kind="list", names=check_names([str(key) for key in keys]), length=len(items), items=items, keys=keys
    )


def read_columns(data: Mapping[Any, Any]) -> ColumnsSource:
    """Read a dict of lists, or of arrays or series, all of one length.

    Raises:
        InputError: The lengths differ, or it is no dict of lists.
    """
    alone = [
        str(name) for name, values in data.items() if isinstance(values, str | bytes | Mapping) or not _sized(values)
    ]
    if alone:
        raise InputError(f"A dict is read as columns, and {words(alone)} is no list.", hint="One row is [row].")
    lengths = {str(name): len(values) for name, values in data.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"The columns are not of one length: {lengths}.", hint="Give every row a value, or None.")
    names = check_names([str(name) for name in data])
    columns = dict(zip(names, map(_as_list, data.values()), strict=True))
    return ColumnsSource(kind="dict", names=names, length=next(iter(lengths.values()), 0), columns=columns)


def read_array(array: Any) -> ColumnsSource:  # noqa: ANN401 - numpy is optional
    """Read a NumPy array of one dimension; the fields of a structured one are columns.

    Raises:
        InputError: It has another number of dimensions.
    """
    if array.ndim != 1:
        raise InputError(
            f"An array of {array.ndim} dimensions has no rows to read.",
            hint="Make a list of it, or a DataFrame, which names its columns.",
        )
    fields = array.dtype.names
    columns = {name: array[name] for name in fields} if fields else {TEXT: array}
    names = check_names(list(columns))
    return ColumnsSource(kind="numpy", names=names, length=len(array), is_series=not fields, columns=columns)


def read_iterator(iterator: Iterator[Any]) -> IteratorSource:
    """Read from an iterator, which is asked for its first item only."""
    once = _Once(iterator)
    first = once.peek(1)
    keys = _keys(first)
    names = [TEXT] if keys is None else [str(key) for key in keys]
    return IteratorSource(
        kind="iterator",
        names=check_names(names if first else []),
        length=None,
        is_series=keys is None,
        keys=keys,
        once=once,
    )


def _keys(items: Sequence[Any]) -> tuple[Any, ...] | None:
    """All keys of dicts, in the order in which they come; None when there is no dict."""
    dicts = [item for item in items if type(item) not in _SCALARS and isinstance(item, Mapping)]
    if not dicts:
        return None
    for number, item in enumerate(items if len(dicts) < len(items) else ()):
        if item is not None and not isinstance(item, Mapping):
            raise InputError(
                f"Some rows are dicts, but row {number:,} is of the type {type(item).__name__}.",
                hint="Give every row the same form.",
            )
    return tuple(dict.fromkeys(key for item in dicts for key in item))


def _sized(values: object) -> bool:
    return hasattr(values, "__len__") and hasattr(values, "__iter__")


def _as_list(values: Any) -> Any:  # noqa: ANN401 - a list, or a series of any library
    for name in ("to_list", "tolist", "to_pylist"):
        if hasattr(values, name):
            return getattr(values, name)()
    return values if isinstance(values, list | tuple) else list(values)


def _merged(kept: Iterable[dict[str, Any]], filled: Sequence[Filled], length: int) -> list[dict[str, Any]]:
    new = zip(*(column.cells for column in filled), strict=True) if filled else (() for _ in range(length))
    names = [column.name for column in filled]
    return [{**old, **dict(zip(names, cells, strict=True))} for old, cells in zip(kept, new, strict=True)]


def _listed(source: Source, filled: Sequence[Filled], keep: Sequence[str]) -> list[Any]:
    """Rows as dicts; the bare values where there is nothing but the value of a schema without fields."""
    if not keep and [column.name for column in filled] == [_VALUE]:
        return filled[0].cells
    length = source.length or 0
    kept = source.select(keep).rows() if keep else ({} for _ in range(length))
    return _merged(kept, filled, length)


@dataclass(frozen=True, eq=False, kw_only=True)
class ColumnsSource(Columnar):
    """Columns that are lists or arrays."""

    columns: Mapping[str, Any]

    def readers(self) -> list[Reader]:
        """The columns."""
        return [partial(_read, self.columns[name]) for name in self.names]

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only; none is copied."""
        self.positions(names)
        return replace(self, names=check_names(names))

    def head(self, count: int) -> Self:
        """The first rows."""
        return replace(self, length=min(count, self.length or 0))

    def take(self, positions: Sequence[int]) -> Self:
        """These rows."""
        taken = {name: [self.columns[name][position] for position in positions] for name in self.names}
        return replace(self, columns=taken, length=len(positions))

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> Any:  # noqa: ANN401 - a list or a dict
        """A dict of lists gives one back; all others a list."""
        if self.kind != "dict":
            return _listed(self, filled, keep)
        self.positions(keep)
        kept = {name: list(_read(self.columns[name], 0, self.length or 0)) for name in keep}
        return {**kept, **{column.name: column.cells for column in filled}}


def _read(column: Any, start: int, stop: int) -> Sequence[Any]:  # noqa: ANN401 - a list or an array
    piece = column[start:stop]
    return list(piece.tolist() if hasattr(piece, "tolist") else piece)


@dataclass(frozen=True, eq=False, kw_only=True)
class DictsSource(Source):
    """A list of dicts; where a key is missing, the value is None."""

    items: Sequence[Any]
    keys: tuple[Any, ...]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row with all columns."""
        return (_row(item, self.names, self.keys) for item in islice(self.items, self.length))

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only."""
        keys = tuple(self.keys[position] for position in self.positions(names))
        return replace(self, names=check_names(names), keys=keys)

    def head(self, count: int) -> Self:
        """The first rows."""
        return replace(self, length=min(count, self.length or 0))

    def take(self, positions: Sequence[int]) -> Self:
        """These rows."""
        return replace(self, items=[self.items[position] for position in positions], length=len(positions))

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> list[Any]:
        """A list of dicts."""
        return _listed(self, filled, keep)


def _row(item: Any, names: Sequence[str], keys: Sequence[Any]) -> dict[str, Any]:  # noqa: ANN401 - a dict or None
    if item is None:
        return dict.fromkeys(names)
    return {name: item.get(key) for name, key in zip(names, keys, strict=True)}


class _Once:
    """An iterator that is read once, but whose first items can be looked at before."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._ahead: deque[Any] = deque()
        self._is_read = False

    def peek(self, count: int) -> list[Any]:
        self._check()
        self._ahead.extend(islice(self._items, max(0, count - len(self._ahead))))
        return list(islice(self._ahead, count))

    def __iter__(self) -> Iterator[Any]:
        self._check()
        self._is_read = True
        return chain(self._drain(), self._items)

    def _drain(self) -> Iterator[Any]:
        while self._ahead:
            yield self._ahead.popleft()

    def _check(self) -> None:
        if self._is_read:
            raise InputError("The iterator was read already, and can be read once.", hint="Hand over a list of it.")


@dataclass(frozen=True, eq=False, kw_only=True)
class IteratorSource(Source):
    """Items that are read once and not kept; those that ``head`` has looked at are kept until they are read.

    The first item says which columns there are. Fields that later items have more are not read.
    """

    keys: tuple[Any, ...] | None
    once: _Once = field(repr=False)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row, once.

        Raises:
            InputError: It was read before, or an item is of another kind than the first.
        """
        return self._rows(iter(self.once))

    def _rows(self, items: Iterator[Any]) -> Iterator[dict[str, Any]]:
        for number, item in enumerate(items):
            if self.keys is None:
                yield dict.fromkeys(self.names, item)
                continue
            if item is not None and not isinstance(item, Mapping):
                raise InputError(f"The first row is a dict, but row {number:,} is of the type {type(item).__name__}.")
            yield _row(item, self.names, self.keys)

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only; both share what was read."""
        positions = self.positions(names)
        keys = None if self.keys is None else tuple(self.keys[position] for position in positions)
        return replace(self, names=check_names(names), keys=keys)

    def head(self, count: int) -> Source:
        """The first rows as a list."""
        items = self.once.peek(count)
        return read_list(items).select(self.names) if items else read_list(items)

    def take(self, positions: Sequence[int]) -> Source:
        """Not possible, because nothing is kept.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f"An iterator is read once, so {len(positions):,} of its rows cannot be read again.",
            hint="Hand over a list of it.",
        )

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> list[Any]:
        """A list of dicts.

        Raises:
            InputError: Columns of the iterator are to be kept.
        """
        if keep:
            raise InputError(
                f"An iterator is read once, so its column {words(keep)} is not kept.", hint="Hand over a list of it."
            )
        length = len(filled[0].cells) if filled else 0
        return _listed(replace(self, length=length), filled, ())
