"""Frames and series as compact Markdown tables."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.frames._narwhals import as_narwhals, column_name
from gemini_magic.frames.kinds import frame_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import narwhals as nw

    from gemini_magic.frames._narwhals import Frame

DEFAULT_ROWS = 20
DEFAULT_TOKENS = 2_000
#: The limit when the user named a number of rows.
NAMED_ROWS_TOKENS = 50_000
MAX_CELL = 200
_TAIL = 5


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
    frame, wanted = as_narwhals(value), DEFAULT_ROWS if rows is None else rows
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


def _ends(frame: Frame, wanted: int) -> tuple[nw.DataFrame[Any], nw.DataFrame[Any] | None, int | None]:
    """The first and the last rows, and how many there are; the end of a lazy frame is not computed."""
    import narwhals as nw  # noqa: PLC0415 - only when a frame comes by

    if isinstance(frame, nw.LazyFrame):
        return frame.head(wanted).collect(), None, None
    total = frame.shape[0]
    if total <= wanted:
        return frame, None, total
    last = min(_TAIL, wanted // 4)
    return frame.head(wanted - last), frame.tail(last) if last else None, total


def _has_labels(frame: Frame) -> bool:
    """Whether the rows have labels that say more than their position."""
    index = _index(frame)
    return index is not None and not (type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1))


def _index(frame: Frame) -> Any:  # noqa: ANN401 - pandas and its kin
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
    return column_name(name) or "value"


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
