"""A small frame of our own rows, such as those of the ledger, in whichever library there is."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TOO_LARGE = 2**63


def build_frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, type], *, index: str = "") -> Any:  # noqa: ANN401
    """Make a dataframe of pandas, or else of polars.

    Args:
        rows: One mapping of column to value per row; None where there is no value.
        columns: The columns in order, and what they hold: int, float, str, or datetime with a time zone (shown in UTC).
        index: The column that labels the rows; in polars, which has no labels, it comes first.

    Returns:
        The dataframe, or None when neither library is installed.
    """
    data = {name: [row.get(name) for row in rows] for name in columns}
    kinds = {name: _kind_of(values, columns[name]) for name, values in data.items()}
    if find_spec("pandas") is not None:
        return _pandas_frame(data, kinds, index)
    return _polars_frame(data, kinds, index) if find_spec("polars") is not None else None


def _kind_of(values: list[Any], kind: type) -> str:
    """The name of a kind; numbers that 64 bits do not hold are as good as they can be."""
    if kind is int and any(value is not None and abs(value) >= _TOO_LARGE for value in values):
        return "float"
    return kind.__name__


def _pandas_frame(data: Mapping[str, list[Any]], kinds: Mapping[str, str], index: str) -> Any:  # noqa: ANN401
    import pandas as pd  # noqa: PLC0415 - only when it is asked for

    dtypes = {"int": "Int64", "float": "float64", "datetime": "datetime64[us, UTC]", "str": "object"}
    columns = {}
    for name, values in data.items():
        dtype = "str" if kinds[name] == "str" and values and None not in values else dtypes[kinds[name]]
        columns[name] = pd.Series(values, dtype=dtype)
    frame = pd.DataFrame(columns)
    return frame.set_index(index) if index else frame


def _polars_frame(data: Mapping[str, list[Any]], kinds: Mapping[str, str], index: str) -> Any:  # noqa: ANN401
    import polars as pl  # noqa: PLC0415 - only when it is asked for

    dtypes: dict[str, Any] = {
        "int": pl.Int64,
        "float": pl.Float64,
        "datetime": pl.Datetime("us", "UTC"),
        "str": pl.String,
    }
    names = sorted(data, key=lambda name: name != index)
    return pl.DataFrame({name: data[name] for name in names}, schema={name: dtypes[kinds[name]] for name in names})
