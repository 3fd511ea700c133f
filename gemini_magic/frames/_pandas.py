"""Rows of pandas, and results on the same index."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gemini_magic.frames._narwhals import column_name
from gemini_magic.frames.source import TEXT, Columnar, Filled, check_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from gemini_magic.frames.source import Reader

# Always those that know a missing value, so that a type does not depend on whether some row has failed. A missing
# float is NaN, which everything that draws and computes takes.
_DTYPES = {"str": "string", "int": "Int64", "float": "float64", "bool": "boolean"}


def read_pandas(value: Any) -> PandasSource:  # noqa: ANN401 - any frame, series or index
    """Read a frame, a series or an index; it may grow afterwards without harm."""
    if isinstance(value, pd.DataFrame):
        names = check_names([column_name(label) for label in value.columns])
        return _source(value.copy(deep=False), names)
    name = TEXT if value.name is None or value.name == "" else value.name
    frame = value.to_frame(index=False) if isinstance(value, pd.Index) else value.to_frame(name)
    if frame.shape[1] == 1:
        frame.columns = pd.Index([name], dtype=object)
        return _source(frame, (column_name(name),), is_series=True)
    return _source(frame, check_names([column_name(label) for label in frame.columns]))


def _source(frame: pd.DataFrame, names: tuple[str, ...], *, is_series: bool = False) -> PandasSource:
    return PandasSource(
        kind="pandas",
        names=names,
        length=len(frame),
        is_series=is_series,
        frame=frame,
        places=tuple(range(len(names))),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PandasSource(Columnar):
    """Rows of pandas; ``places`` are the selected columns of the frame."""

    frame: pd.DataFrame
    places: tuple[int, ...]

    @property
    def index(self) -> pd.Index[Any]:
        """The index of the frame."""
        return self.frame.index

    def readers(self) -> list[Reader]:
        """Views of the columns."""
        return [partial(_read, self.frame.iloc[:, place]) for place in self.places]

    def select(self, names: Sequence[str]) -> Self:
        """The same frame with these columns only; none is copied."""
        places = tuple(self.places[position] for position in self.positions(names))
        return replace(self, names=check_names(names), places=places)

    def head(self, count: int) -> Self:
        """The first rows, as a view."""
        frame = self.frame.iloc[:count]
        return replace(self, frame=frame, length=len(frame))

    def take(self, positions: Sequence[int]) -> Self:
        """These rows; their labels are repeated as they are."""
        rows, columns = np.asarray(positions, dtype=np.intp), list(self.places)
        # Both take a copy, so the first is the one that leaves less.
        if len(rows) < len(self.frame):
            frame = self.frame.iloc[rows].iloc[:, columns]
        else:
            frame = self.frame.iloc[:, columns].iloc[rows]
        return replace(self, frame=frame, length=len(frame), places=tuple(range(len(self.places))))

    def labels(self) -> Sequence[Any]:
        """The labels of the index."""
        return self.index.tolist()

    def find(self, label: object) -> list[int]:
        """The positions of the rows with this label."""
        if self.index.nlevels > 1:
            return [position for position, found in enumerate(self.labels()) if found == label]
        try:
            where = self.index.get_loc(label)
        except (LookupError, TypeError, ValueError, pd.errors.InvalidIndexError):
            return []
        places = np.arange(len(self.index))[where]
        return [int(place) for place in np.atleast_1d(places)]

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> pd.DataFrame:
        """The kept columns as they are, and the new ones, on the index of the frame."""
        new = pd.DataFrame({column.name: _series(column, self.index) for column in filled}, index=self.index)
        if not keep:
            return new
        kept = self.frame.iloc[:, [self.places[position] for position in self.positions(keep)]]
        levels = kept.columns.nlevels
        if levels > 1:
            new.columns = pd.MultiIndex.from_tuples([(name, *[""] * (levels - 1)) for name in new.columns])
        result = pd.concat([kept, new], axis=1) if len(filled) else kept.copy()
        result.columns.names = kept.columns.names
        return result


def _read(series: pd.Series[Any], start: int, stop: int) -> list[Any]:
    return series.iloc[start:stop].tolist()


def _series(column: Filled, index: pd.Index[Any]) -> pd.Series[Any]:
    if column.kind in {"date", "datetime", "datetime utc"}:
        moments = [None if value is None else _without_zone(value) for value in column.cells]
        times = pd.Series(np.array(moments, dtype="datetime64[us]"), index=index)
        return times.dt.tz_localize("UTC") if column.kind == "datetime utc" else times
    return pd.Series(column.cells, index=index, dtype=_DTYPES.get(column.kind, "object"))


def _without_zone(value: Any) -> Any:  # noqa: ANN401 - a date or a datetime
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
