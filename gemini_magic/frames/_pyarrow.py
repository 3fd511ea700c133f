"""Rows of pyarrow, and results in the same order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gemini_magic.frames.source import TEXT, Columnar, Filled, check_names
from gemini_magic.frames.values import as_json, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from gemini_magic.frames.source import Reader

_DTYPES = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "datetime utc": pa.timestamp("us", "UTC"),
}


def read_pyarrow(value: Any) -> ArrowSource:  # noqa: ANN401 - any table or array
    """Read a table, a batch or an array."""
    is_series = isinstance(value, pa.Array | pa.ChunkedArray)
    if is_series:
        value = pa.table({TEXT: value})
    table = pa.Table.from_batches([value]) if isinstance(value, pa.RecordBatch) else value
    names = check_names(table.column_names)
    return ArrowSource(kind="pyarrow", names=names, length=table.num_rows, is_series=is_series, table=table)


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrowSource(Columnar):
    """Rows of pyarrow."""

    table: Any

    def readers(self) -> list[Reader]:
        """The columns."""
        return [partial(_read, self.table.column(name)) for name in self.names]

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only; none is copied."""
        self.positions(names)
        return replace(self, names=check_names(names), table=self.table.select(list(names)))

    def head(self, count: int) -> Self:
        """The first rows."""
        if not self.names:
            return replace(self, length=min(count, self.length or 0))
        return self._with(self.table.slice(0, count))

    def take(self, positions: Sequence[int]) -> Self:
        """These rows."""
        if not self.names:
            return replace(self, length=len(positions))
        return self._with(self.table.take(pa.array(positions, pa.int64())))

    def _with(self, table: Any) -> Self:  # noqa: ANN401 - pyarrow is not typed
        return replace(self, table=table, length=table.num_rows)

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow is not typed
        """The kept columns as they are, and the new ones."""
        self.positions(keep)
        if not keep:
            return pa.table([_array(column) for column in filled], names=[column.name for column in filled])
        table = self.table.select(list(keep))
        for column in filled:
            table = table.append_column(column.name, _array(column))
        return table


def _read(column: Any, start: int, stop: int) -> list[Any]:  # noqa: ANN401 - pyarrow is not typed
    return list(column.slice(start, stop - start).to_pylist())


def _array(column: Filled) -> Any:  # noqa: ANN401 - pyarrow is not typed
    dtype = _DTYPES.get(column.kind)
    if dtype is not None:
        return pa.array(column.cells, dtype)
    try:
        return _nested(column)
    except (pa.ArrowException, OverflowError, RecursionError):
        return pa.array([as_json(value) for value in column.cells], pa.string())


def _nested(column: Filled) -> Any:  # noqa: ANN401 - pyarrow is not typed
    if column.kind == "large int":
        return pa.array(column.cells, pa.decimal128(38, 0))
    return pa.array([plain(value) for value in column.cells])
