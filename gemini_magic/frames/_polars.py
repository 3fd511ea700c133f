"""Rows of polars, and results in the same order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from gemini_magic.frames.source import TEXT, Columnar, Filled, check_names
from gemini_magic.frames.values import TOO_LARGE, as_json, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from gemini_magic.frames.source import Reader

_DTYPES: dict[str, pl.DataType] = {
    "str": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "datetime utc": pl.Datetime("us", "UTC"),
}
_SCALARS = {bool: pl.Boolean(), int: pl.Int64(), float: pl.Float64(), str: pl.String()}
_LARGEST = 2**127
# Up to here, a float holds every whole number.
_EXACT = 2**53


class _Mixed(Exception):
    """Values that no column of polars holds together."""


def read_polars(value: Any) -> PolarsSource:  # noqa: ANN401 - any frame or series
    """Read a frame, a series, or a lazy frame, which is computed."""
    if isinstance(value, pl.LazyFrame):
        value = value.collect()
    is_series = isinstance(value, pl.Series)
    frame = value.to_frame(value.name or TEXT) if is_series else value
    return PolarsSource(
        kind="polars", names=tuple(frame.columns), length=frame.height, is_series=is_series, frame=frame
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PolarsSource(Columnar):
    """Rows of polars."""

    frame: pl.DataFrame

    def readers(self) -> list[Reader]:
        """The columns."""
        return [partial(_read, self.frame[name]) for name in self.names]

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only; none is copied."""
        self.positions(names)
        return replace(self, names=check_names(names), frame=self.frame.select(names))

    def head(self, count: int) -> Self:
        """The first rows."""
        if not self.names:
            return replace(self, length=min(count, self.length or 0))
        return self._with(self.frame.head(count))

    def take(self, positions: Sequence[int]) -> Self:
        """These rows."""
        if not self.names:
            return replace(self, length=len(positions))
        return self._with(self.frame[pl.Series(positions, dtype=pl.UInt32)])

    def _with(self, frame: pl.DataFrame) -> Self:
        return replace(self, frame=frame, length=frame.height)

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> pl.DataFrame:
        """The kept columns as they are, and the new ones."""
        self.positions(keep)
        new = [_series(column) for column in filled]
        return self.frame.select(keep).with_columns(new) if keep else pl.DataFrame(new)


def _read(series: pl.Series, start: int, stop: int) -> list[Any]:
    return series.slice(start, stop - start).to_list()


def _series(column: Filled) -> pl.Series:
    dtype = _DTYPES.get(column.kind)
    if dtype is not None:
        return pl.Series(column.name, column.cells, dtype=dtype)
    if column.kind == "large int":
        return _large_series(column)
    values = [plain(value) for value in column.cells]
    try:
        return pl.Series(column.name, values, dtype=_common(values))
    except (_Mixed, RecursionError):
        return pl.Series(column.name, [as_json(value) for value in column.cells], dtype=pl.String)


def _large_series(column: Filled) -> pl.Series:
    if hasattr(pl, "Int128") and all(value is None or -_LARGEST <= value < _LARGEST for value in column.cells):
        return pl.Series(column.name, column.cells, dtype=pl.Int128)
    return pl.Series(column.name, [as_json(value) for value in column.cells], dtype=pl.String)


def _common(values: Sequence[Any]) -> pl.DataType:
    """The type that holds all values; polars' own guess looks at the first of them, and drops what others have more."""
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if not kinds:
        return pl.Null()
    if kinds == {int, float} and all(abs(value) <= _EXACT for value in present if type(value) is int):
        return pl.Float64()
    if len(kinds) > 1:
        raise _Mixed
    kind = kinds.pop()
    if kind is list:
        return pl.List(_common([item for value in present for item in value]))
    if kind is dict:
        return _struct(present)
    if kind not in _SCALARS or (kind is int and any(not -TOO_LARGE <= value < TOO_LARGE for value in present)):
        raise _Mixed
    return _SCALARS[kind]


def _struct(values: Sequence[dict[str, Any]]) -> pl.DataType:
    names = dict.fromkeys(name for value in values for name in value)
    if not names:
        raise _Mixed
    return pl.Struct({name: _common([value.get(name) for value in values]) for name in names})
