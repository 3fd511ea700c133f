"""From whatever holds rows to a ``Source``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Reversible, Sized
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.frames.containers import read_array, read_columns, read_iterator, read_list
from gemini_magic.frames.kinds import frame_kind
from gemini_magic.frames.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

_ONE = (str, bytes, bytearray)
_WAYS_OUT = {
    "set": "Sets have no order: hand over sorted(...) of it.",
    "frozenset": "Sets have no order: hand over sorted(...) of it.",
    "DataFrameGroupBy": "Hand over the frame, or what an aggregation has made of it.",
}
_ROWS = (
    "Rows are read from a DataFrame or Series of pandas, polars or pyarrow, a list, a dict of lists, or an iterator."
)


def read_rows(data: object) -> Source:
    """Read rows from a frame, a series or another container.

    A frame, a dict of lists, a list of dicts and a structured array have columns. Everything else has one: it is
    called as the series is, or ``"text"``. The columns of a list of dicts are those of all its rows, and None stands
    where a row has none; those of an iterator are the columns of its first item. An iterator is read once, piece by
    piece, and its items are not kept.

    Args:
        data: A DataFrame, Series or Index of pandas, a DataFrame, LazyFrame (it is computed) or Series of polars, a
            Table, RecordBatch or array of pyarrow, a frame of narwhals, an array of NumPy with one dimension, a list,
            tuple, range, dict of lists, or an iterator.

    Returns:
        The rows, not copied.

    Raises:
        InputError: Two columns have one name, rows are of different form, or a single value was given.
        UnsupportedValue: There is no way to read rows from it.
    """
    if isinstance(data, Source):
        return data
    library = frame_kind(data).partition(" ")[0]
    if library:
        return _FRAMES[library](data)
    return _read_container(data)


def _read_container(data: object) -> Source:
    if isinstance(data, _ONE):
        raise InputError(
            f"A single value of the type {type(data).__name__} is no list of rows.", hint="One row is [value]."
        )
    if isinstance(data, Mapping):
        return read_columns(data)
    if isinstance(data, list | tuple | range):
        return read_list(data)
    if isinstance(data, Iterator):
        return read_iterator(data)
    return _read_other(data)


def _read_other(data: object) -> Source:
    """Arrays, views of dicts, deques, and what else is sized and in order."""
    library, name = type(data).__module__.partition(".")[0], type(data).__name__
    if library == "numpy" and hasattr(data, "ndim"):
        return read_array(data)
    if isinstance(data, Sized) and isinstance(data, Reversible):
        return read_list(list(data))
    whose = f"{library}." if library != "builtins" else ""
    raise UnsupportedValue(
        f"There is no way to read rows from a value of the type {whose}{name}.", hint=_WAYS_OUT.get(name, _ROWS)
    )


def _reader(library: str) -> Callable[[Any], Source]:
    """The reader of a library, imported when a frame of it comes by."""

    def read(data: Any) -> Source:  # noqa: ANN401 - any library's frame
        module = import_module(f"gemini_magic.frames._{library}")
        source: Source = getattr(module, f"read_{library}")(data)
        return source

    return read


def _read_narwhals(data: Any) -> Source:  # noqa: ANN401 - a frame of narwhals
    return replace(read_rows(data.to_native()), wrapped=True)


_FRAMES: dict[str, Callable[[Any], Source]] = {
    "narwhals": _read_narwhals,
    "pandas": _reader("pandas"),
    "polars": _reader("polars"),
    "pyarrow": _reader("pyarrow"),
}
