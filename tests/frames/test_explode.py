from __future__ import annotations

import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.frames import explode_like, read_rows

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

ITEMS = [[{"n": 1}, {"n": 2}], None, [], [{"n": 3}]]
NEW = [("n", "int", False)]


def test_lists_of_answers_become_rows_with_repeated_labels():
    frame = pd.DataFrame({"a": pd.Categorical(list("uvuv"))}, index=pd.Index([7, 8, 8, 9], name="id"))
    result = explode_like(read_rows(frame), NEW, ITEMS, keep=["a"])
    assert result.index.tolist() == [7, 7, 8, 8, 9]
    assert result.index.name == "id"
    assert result["a"].dtype == frame["a"].dtype
    assert result["a"].tolist() == list("uuvuv")
    assert result["n"].tolist() == [1, 2, pd.NA, pd.NA, 3]
    bare = explode_like(read_rows(frame["a"]), NEW, ITEMS)
    assert bare.index.tolist() == [7, 7, 8, 8, 9]
    assert list(bare.columns) == ["n"]


def test_lists_of_answers_become_rows_of_polars_and_pyarrow():
    frame = pl.DataFrame({"a": list("uvwx")}, schema={"a": pl.Enum(list("uvwx"))})
    result = explode_like(read_rows(frame), NEW, ITEMS, keep=["a"])
    assert result.rows() == [("u", 1), ("u", 2), ("v", None), ("w", None), ("x", 3)]
    assert result.schema["a"] == frame.schema["a"]
    numbered = explode_like(read_rows(frame), NEW, ITEMS, number="row")
    assert numbered.rows() == [(0, 1), (0, 2), (1, None), (2, None), (3, 3)]
    table = explode_like(read_rows(pa.table({"a": list("uvwx")})), NEW, ITEMS, number="row")
    assert table.to_pydict() == {"row": [0, 0, 1, 2, 3], "n": [1, 2, None, None, 3]}


def test_lists_of_answers_become_items_of_lists():
    assert explode_like(read_rows(list("uvwx")), NEW, ITEMS, keep=["text"])[1:3] == [
        {"text": "u", "n": 2},
        {"text": "v", "n": None},
    ]
    assert explode_like(read_rows({"a": list("uvwx")}), NEW, ITEMS)["n"] == [1, 2, None, None, 3]
    assert explode_like(read_rows([{"a": 1}]), [("value", "int", True)], [[{"value": 3}, {"value": 4}]]) == [3, 4]


def test_rows_of_an_iterator_cannot_be_exploded():
    source = read_rows(iter("ab"))
    list(source.rows())
    with pytest.raises(InputError, match="read once"):
        explode_like(source, NEW, [None, None])


@pytest.mark.parametrize("data", [pd.DataFrame({"a": []}), pl.DataFrame({"a": []}), pa.table({"a": []}), []])
def test_nothing_is_exploded_to_nothing(data):
    assert len(explode_like(read_rows(data), NEW, [])) == 0


def test_every_row_needs_its_items():
    with pytest.raises(InputError, match="There are 2 rows, but 1 results"):
        explode_like(read_rows(["x", "y"]), NEW, [None])


def test_a_column_that_would_be_overwritten_is_named():
    source = read_rows(pd.DataFrame({"n": [1]}))
    with pytest.raises(InputError, match="has the column 'n' already"):
        explode_like(source, NEW, [None], keep=["n"])
    with pytest.raises(InputError, match="would have 'n' more than once"):
        explode_like(source, NEW, [None], number="n")
