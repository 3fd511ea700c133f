"""Rows and dataframes; the only home of pandas, polars and pyarrow.

Everything goes through narwhals, which is imported when the first frame comes by. What narwhals does not take, such as
columns of the same name, is brought into a shape that it does, without copying data.
"""

from __future__ import annotations

import json
import math
import re
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import narwhals as nw

    _Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]

DEFAULT_ROWS = 20
DEFAULT_TOKENS = 2_000
#: The limit when the user named a number of rows.
NAMED_ROWS_TOKENS = 50_000
MAX_CELL = 200
_TAIL = 5
# Behind the name of a column that is there twice; cut off again when it is written.
_MARK = "\x00"
_TOO_LARGE = 2**63

_FRAMES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "pandas": frozenset({"DataFrame", "Series", "Index"}),
        "polars": frozenset({"DataFrame", "LazyFrame", "Series"}),
        "pyarrow": frozenset({"Table", "RecordBatch", "ChunkedArray", "Array"}),
        "narwhals": frozenset({"DataFrame", "LazyFrame", "Series"}),
    }
)


def frame_kind(value: object) -> str:
    """Name a dataframe or series, such as ``"pandas DataFrame"``; an empty string for anything else.

    No dataframe library is imported to find out.
    """
    for cls in type(value).__mro__:
        library = cls.__module__.partition(".")[0]
        if cls.__name__ in _FRAMES.get(library, ()):
            return f"{library} {cls.__name__}"
    return ""


def is_frame(value: object) -> bool:
    """Whether a value is a dataframe or series of pandas, polars, pyarrow or narwhals."""
    return bool(frame_kind(value))


def frame_text(value: object, rows: int | None = None, max_tokens: int | None = None) -> str:
    """Write a dataframe or series as a compact Markdown table.

    Without ``rows``, about 20 rows are shown, or fewer when they are long: the first ones, and the last ones behind a
    line with an ellipsis. With ``rows``, that many are shown, or none at all when they do not fit. None and NA are
    written as ``null``, NaN and NaT as themselves, nested values as JSON; a long cell is cut. Only the rows that are
    shown are read.

    Args:
        value: A frame or series of pandas, polars, pyarrow or narwhals.
        rows: How many rows to show.
        max_tokens: The limit, at four bytes a token; 2,000 unless rows are named, then 50,000.

    Returns:
        A line with the size and kind of the table, and the table.

    Raises:
        InputError: So many rows are above the limit.
    """
    limit = 4 * (max_tokens or (DEFAULT_TOKENS if rows is None else NAMED_ROWS_TOKENS))
    frame, wanted = _as_narwhals(value), DEFAULT_ROWS if rows is None else rows
    width = len(frame.collect_schema())
    if rows is not None and rows * (2 * width + 1) > limit:
        raise _too_long(rows, rows * (2 * width + 1), limit)
    head, tail, total = _ends(frame, wanted)
    if not width:
        return _title(frame_kind(value), total, 0, (total or 0, 0), 0)
    labelled = _has_labels(frame)
    columns = _columns(head, limit // 2)
    header = [_line([*(["index"] if labelled else []), *columns]), "|---" * (len(columns) + labelled) + "|"]
    first, last = (_lines(part, len(columns), labelled=labelled) for part in (head, tail))
    if _size(header) + _size(first) + _size(last) > limit:
        if rows is not None:
            raise _too_long(rows, _size(first) + _size(last), limit)
        first, last = _fitting(first, last, limit - _size(header))
    title = _title(frame_kind(value), total, width, (len(first), len(last)), width - len(columns))
    return "\n".join([title, *header, *first, *(["| … |"] if last else []), *last])


def _too_long(rows: int, size: int, limit: int) -> InputError:
    return InputError(
        f"{rows:,} rows are about {size // 4:,} tokens or more; the limit for a table is {limit // 4:,}.",
        hint="Name fewer rows, or send a part of it, such as df.head(100) or df[['a', 'b']].",
    )


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf-8", "surrogatepass")) + 1 for line in lines)


def _fitting(first: list[str], last: list[str], limit: int) -> tuple[list[str], list[str]]:
    """As many of the lines as fit, but at least the first; those in the middle go first."""
    while len(first) > 1 and _size(first) + _size(last) > limit:
        if len(last) >= len(first):
            del last[0]
        else:
            del first[-1]
    return first, last if _size(first) + _size(last) <= limit else []


def _title(kind: str, total: int | None, width: int, shown: tuple[int, int], hidden: int) -> str:
    size = f"{width:,} column{'s' * (width != 1)}"
    if total is not None:
        size = f"{total:,} row{'s' * (total != 1)}, {size}"
    text = f"{kind}, {size}"
    if sum(shown) != total:
        text += f"; shown: the first {shown[0]:,}" + (f" and the last {shown[1]:,}" if shown[1] else "")
    return text + (f"; {hidden:,} more columns are not shown" if hidden else "")


def _as_narwhals(value: object) -> _Frame:
    import narwhals as nw  # noqa: PLC0415 - only when a frame comes by

    plain = _plain_frame(value)
    try:
        frame = nw.from_native(plain, allow_series=True)
    except nw.exceptions.DuplicateError:
        frame = nw.from_native(_with_unique_names(plain))
    return frame.to_frame() if isinstance(frame, nw.Series) else frame


def _plain_frame(value: Any) -> Any:  # noqa: ANN401 - any library's frame
    """What narwhals does not know, as the frame nearest to it; no data is copied."""
    kind = frame_kind(value)
    if kind == "pandas Index":
        return value.to_frame(index=False)
    if kind == "pandas Series":
        return value.to_frame("value" if value.name is None else value.name)
    if kind in {"pyarrow RecordBatch", "pyarrow Array"}:
        import pyarrow as pa  # noqa: PLC0415 - it is loaded, or there would be no such value

        return pa.Table.from_batches([value]) if kind == "pyarrow RecordBatch" else pa.table({"value": value})
    return value


def _with_unique_names(value: Any) -> Any:  # noqa: ANN401 - any library's frame
    names = [_name(name) for name in (value.columns if hasattr(value, "iloc") else value.column_names)]
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}{_MARK}{seen[name]}")
    if not hasattr(value, "iloc"):
        return value.rename_columns(unique)
    renamed = value.copy(deep=False)
    renamed.columns = unique
    return renamed


def _ends(frame: _Frame, wanted: int) -> tuple[nw.DataFrame[Any], nw.DataFrame[Any] | None, int | None]:
    """The first and the last rows, and how many there are; the end of a lazy frame is not computed."""
    import narwhals as nw  # noqa: PLC0415 - only when a frame comes by

    if isinstance(frame, nw.LazyFrame):
        return frame.head(wanted).collect(), None, None
    total = frame.shape[0]
    if total <= wanted:
        return frame, None, total
    last = min(_TAIL, wanted // 4)
    return frame.head(wanted - last), frame.tail(last) if last else None, total


def _has_labels(frame: _Frame) -> bool:
    """Whether the rows have labels that say more than their position."""
    index = _index(frame)
    return index is not None and not (type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1))


def _index(frame: _Frame) -> Any:  # noqa: ANN401 - pandas and its kin
    import narwhals as nw  # noqa: PLC0415 - only when a frame comes by

    return nw.maybe_get_index(frame)


def _columns(frame: nw.DataFrame[Any], limit: int) -> list[str]:
    """Name and type of the columns, as many as fit, at least one."""
    columns: list[str] = []
    for name, dtype in frame.schema.items():
        text = f"{_name(name)} ({_cut(str(dtype))})"
        limit -= len(text) + 6
        if limit < 0 and columns:
            break
        columns.append(text)
    return columns


def _name(name: object) -> str:
    if isinstance(name, tuple):
        return "/".join(map(str, name))
    return str(name).partition(_MARK)[0] or "value"


def _lines(frame: nw.DataFrame[Any] | None, width: int, *, labelled: bool) -> list[str]:
    if frame is None:
        return []
    rows = [row[:width] for row in frame.rows()]
    if labelled:
        rows = [(_name(label), *row) for label, row in zip(_index(frame).tolist(), rows, strict=True)]
    return [_line(map(_cell, row)) for row in rows]


def _line(cells: Iterable[str]) -> str:
    texts = (re.sub(r"\r\n|[\r\n]", r"\\n", cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |"


def _cell(value: object) -> str:
    if value is None or type(value).__name__ == "NAType":
        return "null"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else format(value, ".10g")
    if isinstance(value, list | dict | tuple):
        return _cut(json.dumps(value, ensure_ascii=False, default=str))
    try:
        return _cut(str(value))
    except Exception:  # noqa: BLE001 - somebody else's __str__
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


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
