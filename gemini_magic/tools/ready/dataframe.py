"""Functions by which a model reads a dataframe: no code of its making is run, and nothing is changed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from gemini_magic.exceptions import InputError
from gemini_magic.frames import is_null
from gemini_magic.tools.function import tool
from gemini_magic.tools.ready.expressions import GRAMMAR, parse
from gemini_magic.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gemini_magic.frames.selection import Table

#: Rows of an answer unless more are asked for, at most, and characters of them all.
ROWS = 20
MOST_ROWS = 200
MOST_CHARACTERS = 12_000

_CELL = 200
_DIGITS = 10
_DESCRIBED = 40
_NAMED = 30
_COMMON = 3
_NUMBERS = ("mean", "std", "min", "median", "max")

Json = dict[str, Any]
Limit = Annotated[int, f"How many rows to give at most, up to {MOST_ROWS}."]
Where = Annotated[str, f"Which rows; all when empty. {GRAMMAR}"]


def frame(df: object, name: str = "df") -> Toolbox:
    """Make functions by which a model can read a dataframe.

    They are called ``df_schema``, ``df_head``, ``df_describe``, ``df_values``, ``df_select`` and ``df_aggregate``, with
    ``name`` in place of ``df``. All of them only read, so they run without asking. They see the frame as it is when
    they are called.

    Args:
        df: A frame of pandas, polars, pyarrow or narwhals, or a list or dict with rows in it.
        name: What the model calls it.

    Returns:
        The functions, for ``tools=``.

    Raises:
        InputError: There is no way to read rows from ``df``, or ``name`` cannot begin the name of a function.
    """
    from gemini_magic.frames.selection import keep_rows  # noqa: PLC0415 - loads narwhals

    if not (isinstance(name, str) and name.isidentifier() and name.isascii()):
        raise InputError(f"name={name!r:.40} cannot begin the name of a function.", hint="Use a name such as 'df'.")
    table = _Frame(keep_rows(df), name)
    made = (table.schema, table.head, table.describe, table.values, table.select, table.aggregate)
    return Toolbox.of(
        [
            tool(
                function,
                name=f"{name}_{function.__name__}",
                description=table.about(function),
                read_only=True,
            )
            for function in made
        ]
    )


def described_frame(df: object) -> Json:
    """The columns and the first rows of a dataframe."""
    table = _Frame(df, "")
    return table.schema() | {"head": table.head()["rows"]}


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame that can be asked; the docstrings and annotations are what the model reads."""

    data: object
    name: str

    def table(self) -> Table:
        """The frame as it is now."""
        from gemini_magic.frames.selection import Table  # noqa: PLC0415 - loads narwhals

        return Table.of(self.data)

    def about(self, function: Callable[..., Json]) -> str:
        """What a function does, in words for the model; one of them says which columns there are."""
        does = f"{function.__doc__} The table is {self.name!r}."
        if function != self.select:
            return does
        table = self.table()
        named = ", ".join(f"{name} ({table.kind(name)})" for name in table.names[:_NAMED])
        more = f" and {len(table.names) - _NAMED} more" if len(table.names) > _NAMED else ""
        return f"{does} Its columns: {named}{more}."

    def schema(self) -> Json:
        """The columns of the table, their types, how many values are missing, and the number of rows."""
        table = self.table()
        nulls = table.nulls()
        columns = [{"name": name, "type": str(table.dtypes[name]), "nulls": nulls[name]} for name in table.names]
        return {"rows": table.length(), "columns": columns}

    def head(
        self, rows: Limit = 5, columns: Annotated[list[str] | None, "Which columns; all when left out."] = None
    ) -> Json:
        """The first rows of the table."""
        table = self.table()
        return _shown(table.select(columns) if columns else table, rows)

    def describe(self, column: Annotated[str | None, "Which column; all when left out."] = None) -> Json:
        """Figures on the columns of the table: counts, mean, spread, least and greatest, or the commonest values."""
        table = self.table()
        names = [column] if column else table.names[:_DESCRIBED]
        total = table.length()
        found: Json = {"rows": total, "columns": {name: _described(table, name, total) for name in names}}
        if not column and len(table.names) > _DESCRIBED:
            found["note"] = f"{len(table.names) - _DESCRIBED} more columns: ask for them one by one."
        return found

    def values(self, column: Annotated[str, "Which column."], limit: Limit = ROWS) -> Json:
        """The different values of a column of the table, and how often each is there, the commonest first."""
        return _shown(self.table().counts(column), limit)

    def select(
        self,
        where: Where = "",
        columns: Annotated[list[str] | None, "Which columns; all when left out."] = None,
        sort_by: Annotated[str | None, "The column to sort by."] = None,
        descending: Annotated[bool, "Whether the greatest comes first."] = False,
        limit: Limit = ROWS,
    ) -> Json:
        """Rows of the table for which an expression holds, sorted, with chosen columns."""
        table = self.table()
        table = table.where(parse(where, table.names)) if where.strip() else table
        table = table.sorted(sort_by, descending=descending) if sort_by else table
        return _shown(table.select(columns) if columns else table, limit)

    def aggregate(
        self,
        measure: Literal["count", "sum", "mean", "median", "min", "max"],
        *,
        columns: Annotated[list[str] | None, "Of which columns; rows are counted when left out with count."] = None,
        group_by: Annotated[
            list[str] | None, "The columns whose values make the groups; one group when left out."
        ] = None,
        where: Where = "",
        sort_by: Annotated[str | None, "A column of the result, such as mean(price)."] = None,
        descending: Annotated[bool, "Whether the greatest comes first."] = False,
        limit: Limit = ROWS,
    ) -> Json:
        """What columns of the table come to, in all or for each group; the result is called as in mean(price)."""
        table = self.table()
        table = table.where(parse(where, table.names)) if where.strip() else table
        table = table.aggregate(measure, columns or [], group_by or [])
        return _shown(table.sorted(sort_by, descending=descending) if sort_by else table, limit)


def _shown(table: Table, limit: int) -> Json:
    """Rows as lists under the names of their columns, and how many there are in all."""
    if not 1 <= limit <= MOST_ROWS:
        raise InputError(f"{limit} rows cannot be given.", hint=f"Ask for 1 to {MOST_ROWS}.")
    total = table.length()
    rows = [[cell(value) for value in row] for row in table.rows(limit)]
    fit = _fitting(rows)
    found: Json = {"total_rows": total, "columns": table.names, "rows": rows[:fit]}
    if fit < total:
        found["note"] = f"The first {fit} of {total} rows."
    return found


def _fitting(rows: Sequence[list[Any]]) -> int:
    """How many rows are not too long together; one at least."""
    left = MOST_CHARACTERS
    for number, row in enumerate(rows):
        left -= len(json.dumps(row, ensure_ascii=False))
        if left < 0 and number:
            return number
    return len(rows)


def _described(table: Table, name: str, total: int) -> Json:
    series = table.series(name)
    found: Json = {"type": str(table.dtypes[name]), "values": len(series), "nulls": total - len(series)}
    kind = table.kind(name)
    if not len(series) or kind == "other":
        return found
    if kind == "number":
        return found | {measure: cell(getattr(series, measure)()) for measure in _NUMBERS}
    if kind in {"date", "datetime"}:
        return found | {"min": cell(series.min()), "max": cell(series.max())}
    counts = table.counts(name)
    common = [[cell(value), count] for value, count in counts.rows(_COMMON + 1) if not is_null(value)]
    return found | {"unique": series.n_unique(), "commonest": common[:_COMMON]}


def cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    """A value of a table as short JSON; null where it is missing."""
    if is_null(value):
        return None
    value = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(format(value, f".{_DIGITS}g")) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _moment(value: datetime) -> str:
    text = value.isoformat()
    return text.removesuffix("T00:00:00")


def _text(value: object) -> str:
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - somebody else's __str__
        return f"<{type(value).__name__}>"
