"""Questions to a table: which rows, in which order, how many of each, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import narwhals as nw

from gemini_magic.exceptions import InputError
from gemini_magic.frames._narwhals import as_narwhals, column_name
from gemini_magic.frames.conditions import condition, kind_of_dtype
from gemini_magic.frames.kinds import is_frame
from gemini_magic.frames.reading import read_rows
from gemini_magic.frames.source import TEXT
from gemini_magic.frames.values import as_json, kind_of
from gemini_magic.settings.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.frames._narwhals import Frame
    from gemini_magic.frames.conditions import Kind
    from gemini_magic.frames.terms import Term

Measure: TypeAlias = Literal["count", "sum", "mean", "median", "min", "max"]

_LIBRARIES: tuple[Literal["pandas", "polars", "pyarrow"], ...] = ("pandas", "polars", "pyarrow")
_MOST_NAMED = 30
_LABELS = "index"
#: What columns of objects become, and how many values are looked at to find out.
_OBJECTS: Mapping[str, Any] = {
    "date": nw.Datetime("us"),
    "datetime": nw.Datetime("us"),
    "float": nw.Float64,
    "int": nw.Float64,
    "str": nw.String,
}
_LOOKED_AT = 1_000


def keep_rows(data: object) -> object:
    """What can be asked again and again: an iterator as a list, everything else as it is.

    Raises:
        InputError: There is no way to read rows from it.
    """
    if is_frame(data):
        return data
    data = list(data) if isinstance(data, Iterator) else data
    read_rows(data)
    return data


@dataclass(frozen=True, eq=False)
class Table:
    """A frame with a text as the name of each column.

    Attributes:
        frame: The frame; a lazy one is computed when rows are asked for.
        dtypes: The columns, and their types.
    """

    frame: Frame
    dtypes: Mapping[str, Any]

    @classmethod
    def of(cls, data: object) -> Self:
        """A table of whatever has rows; labels that say more than the position become columns.

        Raises:
            InputError: There is no way to read rows from it.
        """
        frame = as_narwhals(_labelled(data) if is_frame(data) else _framed(data))
        names: dict[Any, str] = {}
        for name in frame.collect_schema():
            text = column_name(name) or TEXT
            number = 2
            while text in names.values():
                text, number = f"{column_name(name) or TEXT} {number}", number + 1
            names[name] = text
        changed = {name: text for name, text in names.items() if name != text}
        return cls._of_frame(_typed(frame.rename(changed) if changed else frame))

    @classmethod
    def _of_frame(cls, frame: Frame) -> Self:
        return cls(frame, dict(frame.collect_schema()))

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.dtypes)

    def kind(self, name: str) -> Kind:
        """What a column holds.

        Raises:
            InputError: There is no such column.
        """
        self.check([name])
        return kind_of_dtype(self.dtypes[name])

    def check(self, names: Sequence[str]) -> None:
        """See that these columns are there.

        Raises:
            InputError: One is not; the message says which there are.
        """
        for name in names:
            if name not in self.dtypes:
                near = did_you_mean(name, self.names)
                raise InputError(f"There is no column {name!r}. {near}".strip(), hint=f"Columns: {self._named()}.")

    def _named(self) -> str:
        more = f" and {len(self.names) - _MOST_NAMED} more" if len(self.names) > _MOST_NAMED else ""
        return ", ".join(self.names[:_MOST_NAMED]) + more

    def where(self, term: Term) -> Self:
        """The rows for which a condition holds."""
        return self._of_frame(self.frame.filter(condition(term, self.dtypes)))

    def sorted(self, name: str, *, descending: bool = False) -> Self:
        """The rows in the order of a column; missing values come last."""
        self.check([name])
        return self._of_frame(_without_nan(self, [name]).sort(name, descending=descending, nulls_last=True))

    def select(self, names: Sequence[str]) -> Self:
        """These columns only."""
        self.check(names)
        return self._of_frame(self.frame.select(*dict.fromkeys(names)))

    def length(self) -> int:
        """How many rows there are."""
        if isinstance(self.frame, nw.LazyFrame):
            return int(self.frame.select(nw.len()).collect().item())
        return self.frame.shape[0]

    def rows(self, limit: int) -> list[tuple[Any, ...]]:
        """The first rows."""
        return list(_collected(self.frame.head(limit)).rows())

    def series(self, name: str) -> nw.Series[Any]:
        """A column's values, but for those that are missing."""
        self.check([name])
        return _collected(_without_nan(self, [name]).select(name))[name].drop_nulls()

    def nulls(self) -> dict[str, int]:
        """How many values of each column are missing."""
        if not self.names:
            return {}
        counts = _collected(_without_nan(self, self.names).select(nw.all().null_count()))
        return dict(zip(self.names, map(int, counts.rows()[0]), strict=True))

    def counts(self, name: str) -> Self:
        """The different values of a column, the most common first, and how often each is there."""
        self.check([name])
        frame = _without_nan(self, [name]).select(name).group_by(name).agg(nw.len().alias("count()"))
        by_value = [] if self.kind(name) == "other" else [name]
        order = [True, *(False for _ in by_value)]
        return self._of_frame(frame.sort("count()", *by_value, descending=order, nulls_last=True))

    def aggregate(self, measure: Measure, names: Sequence[str], by: Sequence[str]) -> Self:
        """What columns come to, as ``mean(column)``; for each group, in the groups' order, or in all.

        Args:
            measure: What is made of the values; missing ones are left out.
            names: The columns; for ``count``, there may be none: then rows are counted, as ``count()``.
            by: The columns whose values make the groups.
        """
        self.check([*names, *by])
        self._check_measure(measure, names)
        frame = _without_nan(self, [*names, *by])
        made = [getattr(nw.col(name), measure)().alias(f"{measure}({name})") for name in dict.fromkeys(names)]
        made = made or [nw.len().alias("count()")]
        if not by:
            return self._of_frame(frame.select(*made))
        keys = list(dict.fromkeys(by))
        return self._of_frame(frame.group_by(*keys).agg(*made).sort(*keys, nulls_last=True))

    def _check_measure(self, measure: Measure, names: Sequence[str]) -> None:
        if not names and measure != "count":
            raise InputError(f"{measure} needs the columns to take it of.", hint=f"Columns: {self._named()}.")
        for name in names if measure in {"sum", "mean", "median"} else ():
            if self.kind(name) != "number":
                raise InputError(f"{measure} needs numbers, and the column {name!r} holds {self.dtypes[name]}.")


def _typed(frame: Frame) -> Frame:
    """The frame with columns of objects as what they hold, where that is all of one kind and can be told apart."""
    for name, dtype in frame.collect_schema().items():
        if str(dtype) != "Object" or isinstance(frame, nw.LazyFrame):
            continue
        kind = kind_of(frame[name].head(_LOOKED_AT).to_list())
        try:
            frame = frame.with_columns(nw.col(name).cast(_OBJECTS[kind])) if kind in _OBJECTS else frame
        except (TypeError, ValueError, OverflowError):  # further down it holds something else
            continue
    return frame


def _collected(frame: Frame) -> nw.DataFrame[Any]:
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def _without_nan(table: Table, names: Sequence[str]) -> Frame:
    """The frame with null for NaN in these columns, which libraries sort and sum in different ways."""
    floats = [name for name in dict.fromkeys(names) if str(table.dtypes[name]).startswith("Float")]
    cleaned = [nw.when(~nw.col(name).is_nan()).then(nw.col(name)).alias(name) for name in floats]
    return table.frame.with_columns(*cleaned) if cleaned else table.frame


def _labelled(data: Any) -> Any:  # noqa: ANN401 - any library's frame
    """A frame of pandas with its labels as columns, unless they are positions; all others as they are."""
    data = data.to_native() if hasattr(data, "to_native") else data
    index = getattr(data, "index", None)
    if not hasattr(data, "reset_index") or index is None or (type(index).__name__ == "RangeIndex" and not index.name):
        return data
    taken = [column_name(name) for name in getattr(data, "columns", [data.name if hasattr(data, "name") else None])]
    names = [str(name) if name is not None else _LABELS for name in index.names]
    free = [name if name not in taken and names.count(name) == 1 else f"{name} {n}" for n, name in enumerate(names, 1)]
    data = data if hasattr(data, "columns") else data.to_frame("value" if data.name is None else data.name)
    return data.set_axis(index.set_names(free)).reset_index()


def _framed(data: object) -> Any:  # noqa: ANN401 - any library's frame
    """Rows of a list, a dict or an array as a frame of whichever library there is."""
    library = next((name for name in _LIBRARIES if find_spec(name) is not None), None)
    if library is None:
        raise InputError(
            f"A {type(data).__name__} becomes a table by pandas, polars or pyarrow, and none is installed."
        )
    source = read_rows(data)
    columns: dict[str, list[Any]] = {name: [] for name in source.names}
    for row in source.rows():
        for name, values in columns.items():
            values.append(row[name])
    plain = {name: values if kind_of(values) != "object" else _texts(values) for name, values in columns.items()}
    return nw.from_dict(plain, backend=library)


def _texts(values: list[Any]) -> list[str | None]:
    return [as_json(value) for value in values]
