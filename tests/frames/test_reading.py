from __future__ import annotations

import tracemalloc
from collections import deque
from datetime import date
from itertools import count, islice

import pytest

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.frames import read_rows

nw = pytest.importorskip("narwhals")
np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

COLUMNS = {"a": [1, 2, 3], "b": ["x", None, "z"]}
ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": 3, "b": "z"}]


def structured():
    array = np.empty(3, dtype=[("a", "i4"), ("b", "O")])
    array["a"], array["b"] = COLUMNS["a"], COLUMNS["b"]
    return array


FRAMES = {
    "pandas": lambda: pd.DataFrame({"a": [1, 2, 3], "b": pd.Series(["x", None, "z"], dtype=object)}),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "lazy": lambda: pl.LazyFrame(COLUMNS),
    "pyarrow": lambda: pa.table(COLUMNS),
    "batch": lambda: pa.table(COLUMNS).to_batches()[0],
    "narwhals": lambda: nw.from_native(pl.DataFrame(COLUMNS)),
    "dicts": lambda: [dict(row) for row in ROWS],
    "tuple": lambda: tuple(ROWS),
    "lists": lambda: dict(COLUMNS),
    "arrays": lambda: {"a": np.array([1, 2, 3]), "b": pd.Series(["x", None, "z"], dtype=object)},
    "structured": structured,
    "iterator": lambda: iter(ROWS),
    "generator": lambda: (row for row in ROWS),
    "view": {row["a"]: row for row in ROWS}.values,
}
SERIES = {
    "pandas": lambda: pd.Series(["x", "y"]),
    "index": lambda: pd.Index(["x", "y"]),
    "polars": lambda: pl.Series(["x", "y"]),
    "array": lambda: pa.array(["x", "y"]),
    "chunks": lambda: pa.chunked_array([["x"], ["y"]]),
    "narwhals": lambda: nw.from_native(pl.Series(["x", "y"]), series_only=True),
    "list": lambda: ["x", "y"],
    "numpy": lambda: np.array(["x", "y"]),
    "numpy objects": lambda: np.array(["x", "y"], dtype=object),
    "deque": lambda: deque(["x", "y"]),
    "iterator": lambda: iter("xy"),
    "keys": {"x": 1, "y": 2}.keys,
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_the_rows_are_the_same_whatever_holds_them(make):
    source = read_rows(make())
    assert source.names == ("a", "b")
    assert not source.is_series
    assert list(source.rows()) == ROWS


@pytest.mark.parametrize("make", SERIES.values(), ids=SERIES)
def test_a_column_without_a_name_is_called_text(make):
    source = read_rows(make())
    assert (source.names, source.is_series) == (("text",), True)
    assert list(source.rows()) == [{"text": "x"}, {"text": "y"}]


@pytest.mark.parametrize("make", [pd.Series, pd.Index, lambda values, name: pl.Series(name, values)])
def test_a_series_keeps_its_name(make):
    assert read_rows(make(["x"], name="review")).names == ("review",)


def test_values_of_a_list_may_be_of_any_kind():
    values = [1, None, "x", [1], date(2024, 1, 2), b"x"]
    assert [row["text"] for row in read_rows(values).rows()] == values
    assert [row["text"] for row in read_rows(range(3)).rows()] == [0, 1, 2]


def test_a_list_of_dicts_has_the_columns_of_all_its_rows():
    source = read_rows([{"a": 1}, None, {"b": 2, 3: 4}])
    assert source.names == ("a", "b", "3")
    none = {"a": None, "b": None, "3": None}
    assert list(source.rows()) == [{**none, "a": 1}, none, {**none, "b": 2, "3": 4}]


def test_an_iterator_has_the_columns_of_its_first_item():
    source = read_rows(iter([{"a": 1}, {"a": 2, "b": 3}, None, {}]))
    assert (source.names, source.length) == (("a",), None)
    assert list(source.rows()) == [{"a": 1}, {"a": 2}, {"a": None}, {"a": None}]


def test_an_iterator_is_read_when_its_rows_are_and_once():
    asked = []
    source = read_rows(asked.append(number) or number for number in count())
    assert asked == [0]
    rows = source.rows()
    assert [row["text"] for row in islice(rows, 3)] == [0, 1, 2]
    assert asked == [0, 1, 2]
    with pytest.raises(InputError, match="can be read once"):
        source.rows()
    with pytest.raises(InputError, match="can be read once"):
        source.head(1)


def test_the_head_of_an_iterator_is_not_lost():
    source = read_rows(iter("abcd"))
    assert list(source.head(2).rows()) == [{"text": "a"}, {"text": "b"}]
    assert list(source.head(3).select(["text"]).rows()) == [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    assert [row["text"] for row in source.rows()] == list("abcd")
    dicts = read_rows(iter(ROWS))
    assert list(dicts.head(2).rows()) == ROWS[:2]
    assert list(dicts.select(["b"]).rows()) == [{"b": row["b"]} for row in ROWS]


def test_items_of_an_iterator_are_not_kept():
    source = read_rows(bytes(100_000) for _ in range(300))
    tracemalloc.start()
    assert sum(len(row["text"]) for row in source.rows()) == 30_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_an_error_of_a_generator_arrives_as_it_is():
    def broken():
        yield "a"
        raise KeyError("mine")

    rows = read_rows(broken()).rows()
    assert next(rows) == {"text": "a"}
    with pytest.raises(KeyError, match="mine"):
        next(rows)


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_columns_are_selected_in_the_order_asked_for(make):
    source = read_rows(make()).select(["b", "a"])
    assert source.names == ("b", "a")
    assert [list(row) for row in source.rows()] == [["b", "a"]] * 3
    again = read_rows(make()).select(["b", "a"]).select(["a"])
    assert list(again.rows()) == [{"a": row["a"]} for row in ROWS]


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_a_column_that_is_not_there_is_named(make):
    with pytest.raises(InputError, match=r"There is no column 'c'. There are: 'a', 'b'."):
        read_rows(make()).select(["a", "c"])


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("number", [0, 2, 10])
def test_the_head_has_the_first_rows(make, number):
    head = read_rows(make()).head(number)
    assert head.length == min(number, 3)
    assert list(head.rows()) == ROWS[:number]


@pytest.mark.parametrize("kind", sorted(FRAMES.keys() - {"iterator", "generator"}))
def test_rows_are_taken_at_any_positions(kind):
    taken = read_rows(FRAMES[kind]()).take([2, 0, 2])
    assert taken.length == 3
    assert list(taken.rows()) == [ROWS[2], ROWS[0], ROWS[2]]
    bare = read_rows(FRAMES[kind]()).select([]).take([2, 0, 2, 1])
    assert list(bare.rows()) == [{}] * 4
    assert list(bare.head(1).rows()) == [{}]


def test_rows_of_an_iterator_cannot_be_taken():
    with pytest.raises(InputError, match="read once, so 2 of its rows"):
        read_rows(iter("abc")).take([1, 0])


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (pd.DataFrame(), ()),
        (pd.DataFrame({"a": []}), ("a",)),
        (pd.Series([], dtype="str"), ("text",)),
        (pl.DataFrame(), ()),
        (pl.DataFrame(schema={"a": pl.Int8}), ("a",)),
        (pa.table({}), ()),
        ([], ()),
        ((), ()),
        ({}, ()),
        ({"a": []}, ("a",)),
        (iter([]), ()),
        (np.array([]), ("text",)),
    ],
)
def test_nothing_has_no_rows(data, names):
    source = read_rows(data)
    assert list(source.head(5).rows()) == list(source.rows()) == []
    assert source.names == names


def test_a_frame_without_columns_has_rows_all_the_same():
    assert list(read_rows(pd.DataFrame(index=[1, 2])).rows()) == [{}, {}]


def test_a_source_is_read_as_itself():
    source = read_rows([1])
    assert read_rows(source) is source


@pytest.mark.parametrize("data", ["text", b"text", bytearray(b"x")])
def test_a_single_value_is_no_list_of_rows(data):
    with pytest.raises(InputError, match=r"is no list of rows. One row is \[value\]"):
        read_rows(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (5, "rows from a value of the type int"),
        (None, "of the type NoneType"),
        ({"b", "a"}, r"of the type set. Sets have no order: hand over sorted"),
        (object(), "of the type object"),
        (pd.DataFrame({"a": [1]}).groupby("a"), "of the type pandas.DataFrameGroupBy. Hand over the frame"),
    ],
)
def test_what_has_no_rows_is_refused(data, words):
    with pytest.raises(UnsupportedValue, match=words):
        read_rows(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "x", "age": [1]}, r"'name' is no list. One row is \[row\]"),
        ({"a": [1], "b": [1, 2]}, "not of one length"),
        ([{"a": 1}, "x"], "row 1 is of the type str"),
        ([1, 2, {"a": 1}], "row 0 is of the type int"),
        (np.zeros((2, 2)), "2 dimensions"),
        (np.array(1), "0 dimensions"),
        ([{1: "a", "1": "b"}], "More than one column is called '1'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"More than one column is called 'a'. Rename them"),
        (pa.table([[1], [2]], names=["a", "a"]), "More than one column is called 'a'"),
    ],
)
def test_rows_that_are_not_clear_are_refused_in_words(data, words):
    with pytest.raises(InputError, match=words):
        read_rows(data)


def test_an_iterator_whose_items_change_their_form_is_refused_where_it_does():
    rows = read_rows(iter([{"a": 1}, "x"])).rows()
    assert next(rows) == {"a": 1}
    with pytest.raises(InputError, match="row 1 is of the type str"):
        next(rows)


def test_names_that_are_no_texts_become_texts():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert read_rows(frame).names == ("a/b", "a/c")
    assert list(read_rows(pd.DataFrame([[1, 2]])).rows()) == [{"0": 1, "1": 2}]
    assert read_rows(pd.Series([1], name=("a", 1))).names == ("a/1",)
    assert read_rows(pd.MultiIndex.from_tuples([(1, 2)], names=["a", None])).names == ("a", "1")


def test_categories_nulls_and_nested_values_are_read_as_values():
    frame = pd.DataFrame(
        {
            "c": pd.Categorical(["u", None]),
            "i": pd.array([1, None], dtype="Int64"),
            "t": pd.to_datetime(["2024-05-06", None]),
            "l": [[1, 2], {"a": 1}],
        }
    )
    first, second = read_rows(frame).rows()
    assert first == {"c": "u", "i": 1, "t": pd.Timestamp("2024-05-06"), "l": [1, 2]}
    assert second["l"] == {"a": 1}
    assert all(pd.isna(second[name]) for name in "cit")


def test_labels_are_those_of_the_index_or_positions():
    assert list(read_rows(["a", "b"]).labels()) == [0, 1]
    assert list(read_rows(pl.DataFrame(COLUMNS)).labels()) == [0, 1, 2]
    source = read_rows(pd.DataFrame({"a": [1, 2, 3]}, index=["x", "y", "x"]))
    assert list(source.labels()) == ["x", "y", "x"]
    assert source.index.tolist() == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("index", "label", "positions"),
    [
        (["x", "y", "x"], "x", [0, 2]),
        (["x", "y", "x"], "z", []),
        ([1.0, float("nan"), 2.0], float("nan"), [1]),
        (pd.date_range("2024-01-01", periods=3), "2024-01-02", [1]),
        (pd.MultiIndex.from_tuples([(1, "a"), (0, "b"), (1, "a")]), (1, "a"), [0, 2]),
        ([1, 2, 3], [], []),
        ([1, 2, 3], "x", []),
        ([1, 1, 2], 1, [0, 1]),
    ],
)
def test_rows_are_found_by_their_labels(index, label, positions):
    assert read_rows(pd.DataFrame({"a": [1, 2, 3]}, index=index)).find(label) == positions


def test_rows_without_labels_are_found_by_their_positions():
    assert read_rows(["a", "b"]).find(1) == [1]
    assert read_rows(["a", "b"]).find(2) == []
    assert read_rows(["a", "b"]).find("a") == []


def test_a_frame_may_grow_while_it_is_read():
    frame = pd.DataFrame({"a": [1, 2]})
    items = ["x", "y"]
    sources = read_rows(frame), read_rows(items)
    frame["b"] = 1
    frame.index = ["x", "y"]
    del frame["a"]
    items.append("z")
    assert list(sources[0].rows()) == [{"a": 1}, {"a": 2}]
    assert list(sources[0].labels()) == [0, 1]
    assert list(sources[1].rows()) == [{"text": "x"}, {"text": "y"}]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_frame_of_ten_million_rows_is_not_copied_when_a_column_is_read(make):
    column = np.zeros(10_000_000, dtype=np.int8)
    frame = make({"a": column, "b": column, "c": column.view(bool)})
    tracemalloc.start()
    source = read_rows(frame).select(["b"])
    rows = list(islice(source.rows(), 2_500))
    head = source.head(5_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows) == 2_500
    assert head.length == 5_000_000
    assert peak < 2_000_000
