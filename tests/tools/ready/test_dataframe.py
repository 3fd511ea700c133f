"""The functions by which a model reads a dataframe."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import cloudpickle
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.tools.ready.dataframe import MOST_ROWS, described_frame, frame

if TYPE_CHECKING:
    from gemini_magic.tools.toolbox import Toolbox

DATA: dict[str, list[Any]] = {
    "city": ["Oslo", "Madrid", "Oslo", None],
    "celsius": [-3.5, 31.0, float("nan"), None],
    "count": [1, 2, 3, 4],
    "day": [dt.date(2026, 1, 1), dt.date(2026, 2, 1), None, dt.date(2026, 3, 1)],
}
FRAMES = {
    "pandas": pd.DataFrame(DATA),
    "polars": pl.DataFrame(DATA, strict=False),
    "polars lazy": pl.LazyFrame(DATA, strict=False),
    "pyarrow": pa.table(DATA),
    "narwhals": nw.from_native(pl.DataFrame(DATA, strict=False)),
    "list": [dict(zip(DATA, row, strict=True)) for row in zip(*DATA.values(), strict=True)],
    "dict": DATA,
}
each = pytest.mark.parametrize("library", FRAMES)


def ask(box: Toolbox, name: str, **args: Any) -> Any:
    """What the model would get for a call, through JSON both ways."""
    tool = box.functions[name]
    bound = tool.bind(json.loads(json.dumps(args)))
    return json.loads(json.dumps(tool.function(*bound.args, **bound.kwargs), allow_nan=False))


def test_the_functions_are_called_after_the_frame_and_only_read() -> None:
    box = frame(FRAMES["pandas"], "sales") | frame(FRAMES["polars"], "staff")
    names = ["schema", "head", "describe", "values", "select", "aggregate"]
    assert list(box.functions) == [f"{name}_{what}" for name in ("sales", "staff") for what in names]
    assert all(tool.read_only for tool in box.functions.values())
    about = {name: tool.declaration.description or "" for name, tool in box.functions.items()}
    assert "The table is 'sales'. Its columns: city (text), celsius (number)" in about["sales_select"]
    assert "'staff'" in about["staff_head"]


def test_the_declaration_explains_the_expressions() -> None:
    written = json.dumps(frame(FRAMES["pandas"]).written())
    assert "`unit price` > 5" in written
    assert "col('unit price')" in written
    assert "is null" in written


@each
def test_the_schema_counts_rows_and_missing_values(library: str) -> None:
    schema = ask(frame(FRAMES[library]), "df_schema")
    assert schema["rows"] == 4
    nulls = {column["name"]: column["nulls"] for column in schema["columns"]}
    assert nulls == {"city": 1, "celsius": 2, "count": 0, "day": 1}
    assert {column["type"] for column in schema["columns"][:3]} == {"String", "Float64", "Int64"}


@each
def test_the_first_rows_are_given_as_json(library: str) -> None:
    assert ask(frame(FRAMES[library]), "df_head", rows=3) == {
        "total_rows": 4,
        "columns": ["city", "celsius", "count", "day"],
        "rows": [["Oslo", -3.5, 1, "2026-01-01"], ["Madrid", 31, 2, "2026-02-01"], ["Oslo", None, 3, None]],
        "note": "The first 3 of 4 rows.",
    }
    assert ask(frame(FRAMES[library]), "df_head", rows=1, columns=["count", "city"])["rows"] == [[1, "Oslo"]]


@each
def test_columns_are_described_by_figures_or_by_their_commonest_values(library: str) -> None:
    box = frame(FRAMES[library])
    columns = ask(box, "df_describe")["columns"]
    figures = {name: columns["celsius"][name] for name in ("values", "nulls", "mean", "min", "median", "max")}
    assert figures == {"values": 2, "nulls": 2, "mean": 13.75, "min": -3.5, "median": 13.75, "max": 31}
    assert columns["city"] == {
        "type": "String",
        "values": 3,
        "nulls": 1,
        "unique": 2,
        "commonest": [["Oslo", 2], ["Madrid", 1]],
    }
    assert (columns["day"]["min"], columns["day"]["max"]) == ("2026-01-01", "2026-03-01")
    assert list(ask(box, "df_describe", column="count")["columns"]) == ["count"]


@each
def test_the_values_of_a_column_are_counted(library: str) -> None:
    found = ask(frame(FRAMES[library]), "df_values", column="city")
    assert found["rows"] == [["Oslo", 2], ["Madrid", 1], [None, 1]]
    assert ask(frame(FRAMES[library]), "df_values", column="celsius")["rows"][0] == [None, 2]


@each
def test_rows_are_selected_and_sorted(library: str) -> None:
    box = frame(FRAMES[library])
    found = ask(box, "df_select", where="city == 'Oslo' or day > '2026-02-15'", columns=["count"], sort_by="count")
    assert found == {"total_rows": 3, "columns": ["count"], "rows": [[1], [3], [4]]}
    found = ask(box, "df_select", sort_by="celsius", descending=True, limit=3)
    assert [row[2] for row in found["rows"][:2]] == [2, 1]
    assert found["note"] == "The first 3 of 4 rows."


@each
def test_groups_are_summed_up(library: str) -> None:
    box = frame(FRAMES[library])
    found = ask(box, "df_aggregate", measure="sum", columns=["count", "celsius"], group_by=["city"])
    assert found["columns"] == ["city", "sum(count)", "sum(celsius)"]
    assert found["rows"][:2] == [["Madrid", 2, 31], ["Oslo", 4, -3.5]]
    assert found["rows"][2][:2] == [None, 4]
    counted = ask(box, "df_aggregate", measure="count", group_by=["city"], sort_by="count()", descending=True, limit=1)
    assert counted["rows"] == [["Oslo", 2]]
    assert ask(box, "df_aggregate", measure="mean", columns=["celsius"], where="count < 3")["rows"] == [[13.75]]
    assert ask(box, "df_aggregate", measure="count")["rows"] == [[4]]
    assert ask(box, "df_aggregate", measure="max", columns=["day", "city"])["rows"] == [["2026-03-01", "Oslo"]]
    assert ask(box, "df_aggregate", measure="median", columns=["count"])["rows"] == [[2.5]]


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("df_select", {"where": "citi == 'a'"}, "Did you mean 'city'[?] Columns: city, celsius"),
        ("df_select", {"columns": ["City"]}, "no column 'City'. Did you mean 'city'[?] Columns: city"),
        ("df_select", {"sort_by": "x"}, "no column 'x'"),
        ("df_values", {"column": "x"}, "no column 'x'"),
        ("df_describe", {"column": "x"}, "no column 'x'"),
        ("df_aggregate", {"measure": "mean", "columns": ["city"]}, "'city' holds String"),
        ("df_aggregate", {"measure": "sum"}, "needs the columns"),
        ("df_aggregate", {"measure": "count", "group_by": ["x"]}, "no column 'x'"),
        ("df_head", {"rows": 0}, f"1 to {MOST_ROWS}"),
        ("df_select", {"limit": 10_000}, f"1 to {MOST_ROWS}"),
    ],
)
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_refusal_says_what_is_wrong_and_which_columns_there_are(
    library: str, name: str, args: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        ask(frame(FRAMES[library]), name, **args)


def test_a_result_is_short_whatever_the_cells_hold() -> None:
    box = frame(pd.DataFrame({"text": ["x" * 10_000] * 500, "n": range(500)}))
    found = ask(box, "df_select", limit=200)
    assert len(json.dumps(found)) < 14_000
    assert len(found["rows"]) < 200
    assert found["note"] == f"The first {len(found['rows'])} of 500 rows."
    wide = frame(pd.DataFrame([range(1_000)], columns=[f"column {n}" for n in range(1_000)]))
    assert len(json.dumps(wide.written())) < 10_000
    assert "960 more" in ask(wide, "df_describe")["note"]


class Rude:
    """Will not be written."""

    def __str__(self) -> str:
        message = "no"
        raise ValueError(message)

    __repr__ = __str__


def test_cells_of_any_kind_become_json() -> None:
    cells = [Rude(), {"a": [1]}, Decimal("1.50"), np.float64("inf"), np.int64(3), 2**70, b"x", dt.timedelta(days=1)]
    rows = ask(frame(pd.DataFrame({"any": pd.Series(cells, dtype=object)})), "df_head", rows=8)["rows"]
    assert [row[0] for row in rows] == [
        "<Rude>",
        '{"a": [1]}',
        "1.50",
        "inf",
        3,
        2**70,
        "b'x'",
        "1 day, 0:00:00",
    ]


def test_labels_of_pandas_that_say_something_are_a_column() -> None:
    totals = pd.DataFrame(DATA).groupby("city")["count"].sum()
    assert ask(frame(totals), "df_select", where="city == 'Oslo'") == {
        "total_rows": 1,
        "columns": ["city", "count"],
        "rows": [["Oslo", 4]],
    }
    filtered = pd.DataFrame({"a": [1, 2, 3]}, index=["x", "y", "z"])
    assert ask(frame(filtered), "df_head", rows=1)["columns"] == ["index", "a"]
    clash = pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="a"))
    assert ask(frame(clash), "df_head", rows=1)["columns"] == ["a 1", "a"]


def test_names_of_columns_that_are_no_texts_become_texts() -> None:
    odd = pd.DataFrame([[1, 2, 3, 4]], columns=pd.Index(["a", "a", 5, ("x", "y")], dtype=object))
    found = ask(frame(odd), "df_head", rows=1)
    assert found["columns"] == ["a", "a 2", "5", "x/y"]
    assert ask(frame(odd), "df_select", where="`5` == 3", columns=["x/y"])["rows"] == [[4]]


def test_a_series_an_array_and_an_iterator_are_tables() -> None:
    assert ask(frame(pd.Series([1, 2], name="n")), "df_select", where="n > 1")["rows"] == [[2]]
    assert ask(frame(np.array([1, 2])), "df_select", where="text > 1")["rows"] == [[2]]
    box = frame({"n": number} for number in range(3))
    assert [ask(box, "df_select", where="n > 0")["total_rows"] for _ in range(2)] == [2, 2]


def test_the_frame_is_read_as_it_is_when_it_is_asked() -> None:
    df = pd.DataFrame({"n": [1]})
    box = frame(df)
    df.loc[1] = [2]
    assert ask(box, "df_schema")["rows"] == 2
    before = df.copy()
    ask(box, "df_select", where="n > 1", sort_by="n")
    pd.testing.assert_frame_equal(df, before)


def test_an_empty_frame_can_be_asked() -> None:
    for empty in (pd.DataFrame(), pl.DataFrame(), pd.DataFrame({"a": pd.Series([], dtype=float)})):
        box = frame(empty)
        assert ask(box, "df_schema")["rows"] == 0
        assert ask(box, "df_head")["rows"] == []
        assert ask(box, "df_describe")["rows"] == 0


@pytest.mark.parametrize("name", ["my df", "", "1df", "dé", 5, "__import__('os')"])
def test_a_name_that_no_function_can_begin_with_is_refused(name: Any) -> None:
    with pytest.raises(InputError, match="cannot begin the name"):
        frame(FRAMES["pandas"], name)


@pytest.mark.parametrize("value", [5, "text", {1, 2}, object()])
def test_what_has_no_rows_is_refused(value: object) -> None:
    with pytest.raises((InputError, UnsupportedValue)):
        frame(value)


def test_the_functions_travel_to_other_processes() -> None:
    box = cloudpickle.loads(cloudpickle.dumps(frame(FRAMES["pandas"])))
    assert ask(box, "df_schema")["rows"] == 4


@each
def test_a_frame_is_described_in_short(library: str) -> None:
    if library in {"list", "dict"}:
        return
    found = described_frame(FRAMES[library])
    assert (found["rows"], len(found["head"])) == (4, 4)
