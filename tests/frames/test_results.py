from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum

import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.frames import build_like, check_columns, read_rows

nw = pytest.importorskip("narwhals")
np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

DAY = date(2024, 5, 6)
NOON = datetime.fromisoformat("2024-05-06T12:00")
COLUMNS = [
    ("s", "str", True),
    ("i", "int", True),
    ("f", "float", True),
    ("b", "bool", True),
    ("d", "date", True),
    ("t", "datetime", True),
    ("z", "datetime", True),
    ("o", "object", True),
]
FULL = {
    "s": "x",
    "i": 2**62,
    "f": 1.5,
    "b": True,
    "d": "2024-05-06",
    "t": "2024-05-06T12:00:00",
    "z": "2024-05-06T12:00:00+02:00",
    "o": {"a": [1], "b": None},
}
BARE = {**FULL, "o": {"a": [1]}}
TEN = datetime(2024, 5, 6, 10, tzinfo=UTC)


def one(kind, *values, data=None):
    """The only new column of a result, on the rows of ``data``."""
    source = read_rows(pd.Series(["x"] * len(values)) if data is None else data)
    return build_like(source, [("c", kind, True)], [{"c": value} for value in values])


INDEXES = {
    "range": pd.RangeIndex(5, 20, 5, name="n"),
    "duplicate": pd.Index(["a", "b", "a"]),
    "text with null": pd.Index(["a", None, "a"]),
    "dates": pd.date_range("2024-01-01", periods=3, freq="D", name="day"),
    "zone": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin"),
    "levels": pd.MultiIndex.from_tuples([(1, "a"), (1, "a"), (2, None)], names=["x", "y"]),
    "floats": pd.Index([1.5, float("nan"), float("nan")]),
    "categories": pd.CategoricalIndex(["u", "v", "u"], categories=["v", "u"], ordered=True),
    "intervals": pd.interval_range(0, 3),
    "periods": pd.period_range("2024-01", periods=3, freq="M"),
    "falling": pd.RangeIndex(3, 0, -1),
    "nullable": pd.Index(pd.array([3, None, 1], dtype="Int64")),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
@pytest.mark.parametrize("keep", [(), ("a",)], ids=["new only", "kept"])
def test_a_result_has_the_index_of_its_rows(index, keep):
    frame = pd.DataFrame({"a": pd.Categorical(["u", "v", None])}, index=index)
    result = build_like(read_rows(frame), [("n", "int", False)], [{"n": 3}, None, {"n": 1}], keep=keep)
    assert result.index.identical(frame.index)
    assert getattr(result.index, "freq", None) == getattr(index, "freq", None)
    assert list(result.columns) == [*keep, "n"]
    assert result["n"].tolist() == [3, pd.NA, 1]
    if keep:
        pd.testing.assert_series_equal(result["a"], frame["a"])


def test_a_result_of_pandas_is_typed_and_keeps_what_is_nested():
    result = build_like(read_rows(pd.Series(["x", "y"], index=[7, 7])), COLUMNS, [FULL, None])
    assert [str(dtype) for dtype in result.dtypes] == [
        "string",
        "Int64",
        "float64",
        "boolean",
        "datetime64[us]",
        "datetime64[us]",
        "datetime64[us, UTC]",
        "object",
    ]
    first = result.iloc[0].to_dict()
    assert first["d"] == pd.Timestamp(DAY)
    assert (first["t"], first["z"]) == (NOON, TEN)
    assert first["o"] is FULL["o"]
    assert first["i"] == 2**62
    assert result.iloc[1].isna().all()


def test_types_do_not_depend_on_whether_a_row_has_failed():
    source = read_rows(["x", "y"]), read_rows(pd.Series(["x", "y"]))
    whole, failed = (build_like(source[1], COLUMNS, [FULL, row]) for row in (FULL, None))
    assert whole.dtypes.equals(failed.dtypes)
    empty = build_like(read_rows(pd.Series([], dtype="str")), COLUMNS, [])
    assert empty.drop(columns="z").dtypes.equals(whole.drop(columns="z").dtypes)


def test_a_result_of_polars_is_typed_and_has_structs():
    result = build_like(read_rows(pl.Series(["x", "y"])), COLUMNS, [BARE, None])
    assert dict(result.schema) == {
        "s": pl.String,
        "i": pl.Int64,
        "f": pl.Float64,
        "b": pl.Boolean,
        "d": pl.Date,
        "t": pl.Datetime("us"),
        "z": pl.Datetime("us", "UTC"),
        "o": pl.Struct({"a": pl.List(pl.Int64)}),
    }
    assert result.row(0) == ("x", 2**62, 1.5, True, DAY, NOON, TEN, {"a": [1]})
    assert result.row(1) == (None,) * 8


def test_a_result_of_pyarrow_is_typed_and_has_structs():
    result = build_like(read_rows(pa.table({"a": ["x", "y"]})), COLUMNS, [BARE, None], keep=["a"])
    assert [str(dtype) for dtype in result.schema.types] == [
        "string",
        "string",
        "int64",
        "double",
        "bool",
        "date32[day]",
        "timestamp[us]",
        "timestamp[us, tz=UTC]",
        "struct<a: list<item: int64>>",
    ] or "list<element" in str(result.schema)
    assert result.to_pylist()[0] == {**BARE, "a": "x", "d": DAY, "t": NOON, "z": TEN}
    assert result.to_pylist()[1] == {"a": "y"} | dict.fromkeys(FULL)


def test_lists_get_a_list_of_dicts_with_their_values_as_they_are():
    assert build_like(read_rows(["x", "y"]), COLUMNS[:2], [FULL, None]) == [
        {"s": "x", "i": 2**62},
        {"s": None, "i": None},
    ]
    rows = [{"a": 1}, {"b": 2}]
    kept = build_like(read_rows(rows), [("s", "str", True)], [None, {"s": "x"}], keep=["b", "a"])
    assert kept == [{"b": None, "a": 1, "s": None}, {"b": 2, "a": None, "s": "x"}]
    assert rows == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("data", [["x", "y"], np.array(["x", "y"]), iter("xy"), ({"a": 1}, {"a": 2})])
def test_lists_get_a_list_of_values_when_the_answer_has_no_fields(data):
    assert build_like(read_rows(data), [("value", "int", False)], [{"value": 3}, None]) == [3, None]


def test_a_dict_of_lists_gets_a_dict_of_lists():
    source = read_rows({"a": (1, 2), "b": np.array(["x", "y"])})
    assert build_like(source, [("s", "str", True)], [{"s": "u"}, None], keep=["b"]) == {
        "b": ["x", "y"],
        "s": ["u", None],
    }


def test_an_iterator_gets_a_list_and_keeps_nothing():
    source = read_rows(iter([{"a": 1}, {"a": 2}]))
    list(source.rows())
    assert build_like(source, [("s", "str", True)], [{"s": "u"}, None]) == [{"s": "u"}, {"s": None}]
    with pytest.raises(InputError, match="its column 'a' is not kept"):
        build_like(source, [("s", "str", True)], [{"s": "u"}, None], keep=["a"])


def test_frames_of_narwhals_get_one_back():
    source = read_rows(nw.from_native(pd.DataFrame({"a": [1]}, index=["x"])))
    result = build_like(source, [("n", "int", True)], [{"n": 2}], keep=["a"])
    assert isinstance(result, nw.DataFrame)
    assert result.to_native().index.tolist() == ["x"]


@pytest.mark.parametrize(
    "data",
    [pd.DataFrame(), pd.DataFrame({"a": []}), pl.DataFrame(), pl.DataFrame(schema={"a": pl.Int8}), pa.table({})],
)
def test_a_frame_of_nothing_gets_the_columns(data):
    result = build_like(read_rows(data), COLUMNS, [], keep=read_rows(data).names)
    names = list(getattr(result, "column_names", None) or result.columns)
    assert names == [*read_rows(data).names, *(name for name, *_ in COLUMNS)]
    assert len(result) == 0


def test_lists_of_nothing_get_nothing():
    assert build_like(read_rows([]), COLUMNS, []) == []
    assert build_like(read_rows({}), COLUMNS[:1], []) == {"s": []}
    assert build_like(read_rows([]), [("value", "int", True)], []) == []


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_no_new_column_gives_the_kept_ones(make):
    result = build_like(read_rows(make({"a": [1], "b": [2]})), [], [None], keep=["b"])
    names = getattr(result, "column_names", None) or getattr(result, "columns", result)
    assert list(names) == ["b"]
    assert len(result["b"]) == 1


def test_one_row_is_enough():
    assert build_like(read_rows(pd.Series(["x"], index=["r"])), COLUMNS, [FULL]).loc["r", "s"] == "x"
    assert build_like(read_rows(pl.Series(["x"])), COLUMNS, [FULL])["s"].to_list() == ["x"]


def test_the_rows_of_a_frame_without_columns_are_labelled():
    result = build_like(read_rows(pd.DataFrame(index=["x", "y"])), [("n", "int", True)], [{"n": 1}, None])
    assert result.index.tolist() == ["x", "y"]


def test_the_labels_of_columns_stay_what_they_are():
    frame = pd.DataFrame([[1, 2]], columns=pd.Index([10, 20], name="year"))
    result = build_like(read_rows(frame), [("n", "int", True)], [{"n": 3}], keep=["20", "10"])
    assert result.columns.tolist() == [20, 10, "n"]
    assert result.columns.name == "year"
    levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")], names=["u", "v"]))
    result = build_like(read_rows(levels), [("n", "int", True)], [{"n": 3}], keep=["a/c"])
    assert result.columns.tolist() == [("a", "c"), ("n", "")]
    assert list(result.columns.names) == ["u", "v"]


def test_kept_columns_are_a_copy_of_their_own():
    frame = pd.DataFrame({"a": [1, 2]})
    result = build_like(read_rows(frame), [("n", "int", True)], [None, None], keep=["a"])
    result.loc[0, "a"] = 9
    assert frame["a"].tolist() == [1, 2]


def test_a_hundred_new_columns_are_no_warning():
    columns = [(f"c{number}", "int", True) for number in range(200)]
    assert build_like(read_rows(pd.DataFrame({"a": [1]})), columns, [{}], keep=["a"]).shape == (1, 201)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_a_column_that_would_be_overwritten_is_named_before_anything_is_paid(make):
    source = read_rows(make({"city": ["x"], "date": ["y"], "text": ["z"]}))
    columns = [("date", "str", True), ("n", "int", True), ("city", "str", True)]
    words = r"The data have the columns 'date', 'city' already, which the answer would overwrite\. Rename"
    with pytest.raises(InputError, match=words):
        check_columns(source, columns, keep=source.names)
    with pytest.raises(InputError, match=words):
        build_like(source, columns, [None], keep=source.names)
    with pytest.raises(InputError, match="has the column 'date' already"):
        check_columns(source, columns, keep=["date"])
    check_columns(source, columns, keep=["text"])
    check_columns(source, columns)


def test_columns_that_are_there_twice_or_not_at_all_are_named():
    source = read_rows(pd.DataFrame({"a": [1]}))
    with pytest.raises(InputError, match="would have 'n' more than once"):
        check_columns(source, [("n", "int", True), ("n", "str", True)])
    with pytest.raises(InputError, match=r"There is no column 'b'\. There are: 'a'\."):
        check_columns(source, [], keep=["b"])


def test_every_row_needs_a_result():
    with pytest.raises(InputError, match="There are 2 rows, but 1 results"):
        build_like(read_rows(["x", "y"]), COLUMNS, [None])


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("kind", "values", "dtype", "shown"),
    [
        ("int", [1.0, 2], "Int64", [1, 2]),
        ("int", [2**63 - 1, -(2**63)], "Int64", [2**63 - 1, -(2**63)]),
        ("int", [2**63, 1], "object", [2**63, 1]),
        ("int", [1.5, 2], "object", [1.5, 2]),
        ("int", ["7", 2], "object", ["7", 2]),
        ("int", [float("inf"), 2], "object", [float("inf"), 2]),
        ("int", [[1], 2], "object", [[1], 2]),
        ("float", [1, Decimal("2.5")], "float64", [1.0, 2.5]),
        ("float", ["x", 1.0], "object", ["x", 1.0]),
        ("float", [10**400, 1.0], "object", [10**400, 1.0]),
        ("bool", [True, "no"], "object", [True, "no"]),
        ("str", ["x", 1], "object", ["x", 1]),
        ("str", ["\ud800x", "é"], "string", ["\ufffdx", "é"]),
        ("str", [Colour.RED, "x"], "string", ["red", "x"]),
        ("date", ["2024-02-30", "2024-02-01"], "object", ["2024-02-30", "2024-02-01"]),
        ("date", [DAY, "0001-01-01"], "datetime64[us]", [pd.Timestamp(DAY), datetime.fromisoformat("0001-01-01")]),
        ("date", [NOON, DAY], "object", [NOON, DAY]),
        ("datetime", [DAY, NOON], "datetime64[us]", [pd.Timestamp(DAY), NOON]),
        ("datetime", ["2024-05-06T12:00:00Z", NOON], "object", ["2024-05-06T12:00:00Z", NOON]),
        ("datetime", [TEN, "2024-05-06T12:00+02:00"], "datetime64[us, UTC]", [TEN, TEN]),
        ("datetime", ["soon", NOON], "object", ["soon", NOON]),
        ("object", [[1, 2], []], "object", [[1, 2], []]),
        ("unheard of", ["x", 1], "object", ["x", 1]),
    ],
)
def test_no_value_is_lost_when_it_is_not_of_its_kind(kind, values, dtype, shown):
    column = one(kind, *values)["c"]
    assert str(column.dtype) == dtype
    assert column.tolist() == shown
    for make in (pl.Series, lambda data: pa.table({"a": data})):
        assert len(one(kind, *values, data=make(["x", "y"]))["c"]) == 2


def test_a_time_that_its_zone_moves_out_of_the_calendar_stays_as_it_is():
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    assert one("datetime", early, None)["c"].tolist() == [early, None]


def test_what_polars_and_pyarrow_cannot_mix_is_json():
    values = [{"a": 1}, "x\ud800", [1], None, 3.5]
    expected = ['{"a": 1}', "x\ufffd", "[1]", None, "3.5"]
    assert one("object", *values, data=pl.Series(["x"] * 5))["c"].to_list() == expected
    assert one("object", *values, data=pa.array(["x"] * 5))["c"].to_pylist() == expected


@pytest.mark.parametrize("make", [pl.Series, pa.array])
@pytest.mark.parametrize(
    "values",
    [
        [{"a": 1}, {"a": 2, "b": "x"}, None],
        [*[{"a": 1}] * 200, {"b": [{"c": 1.5}, {"d": None}]}],
        [[], [1, None], None],
        [[{"a": [1]}], [{"a": []}, {"b": "x"}]],
        [None, None],
        [1, 2.5, None],
        [[[]], [None]],
        [{"a": {}}, {"a": None}],
        [{}, None],
        [2**70, None],
        [[2**70], [1]],
        [{"a": NOON}, {"b": NOON}],
        [[[[["deep"]]]], []],
    ],
)
def test_nested_answers_lose_nothing(make, values):
    column = one("object", *values, data=make(["x"] * len(values)))["c"]
    found = column.to_list() if hasattr(column, "to_list") else column.to_pylist()
    assert len(found) == len(values)
    for value, cell in zip(values, found, strict=True):
        assert (value is None) == (cell is None)
        assert isinstance(cell, str) or without_nulls(cell) == without_nulls(value)


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, Decimal):
        return int(value)
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("make", [pl.Series, pa.array])
def test_halves_of_characters_do_not_stop_a_result(make):
    column = one("object", {"\ud800": ["\udfff"]}, None, data=make(["x", "y"]))["c"]
    assert (column.to_list if hasattr(column, "to_list") else column.to_pylist)() == [{"\ufffd": ["\ufffd"]}, None]


@pytest.mark.parametrize(("number", "dtype"), [(2**63, getattr(pl, "Int128", pl.String)), (2**127, pl.String)])
def test_numbers_that_64_bits_do_not_hold_stay_exact_in_polars(number, dtype):
    column = one("int", number, None, data=pl.Series(["x", "y"]))["c"]
    assert column.dtype == dtype
    assert [None if cell is None else int(cell) for cell in column.to_list()] == [number, None]


@pytest.mark.parametrize("number", [2**63, 10**60])
def test_numbers_that_64_bits_do_not_hold_stay_exact_in_pyarrow(number):
    column = one("int", number, None, data=pa.array(["x", "y"]))["c"]
    assert [None if cell is None else int(cell) for cell in column.to_pylist()] == [number, None]


def test_models_inside_an_answer_become_structs_in_polars():
    pydantic = pytest.importorskip("pydantic")
    city = pydantic.create_model("City", name=(str, ...))(name="x")
    assert one("object", city, None)["c"].tolist() == [city, None]
    assert one("object", [city], None, data=pl.Series(["x", "y"]))["c"].to_list() == [[{"name": "x"}], None]
