from __future__ import annotations

import subprocess
import sys

import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.frames import frame_kind, frame_text, is_frame

nw = pytest.importorskip("narwhals")
np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

SMALL = "| a (Int64) | b (String) |\n|---|---|\n| 1 | x |\n| 2 | y |"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pd.DataFrame, "pandas DataFrame"),
        (pl.DataFrame, "polars DataFrame"),
        (pa.table, "pyarrow Table"),
        (lambda data: pa.table(data).to_batches()[0], "pyarrow RecordBatch"),
        (lambda data: nw.from_native(pl.DataFrame(data)), "narwhals DataFrame"),
    ],
)
def test_a_small_frame_is_shown_whole_whichever_library_made_it(make, kind):
    frame = make({"a": [1, 2], "b": ["x", "y"]})
    assert is_frame(frame)
    assert frame_text(frame) == f"{kind}, 2 rows, 2 columns\n{SMALL}"


def test_a_lazy_frame_shows_its_first_rows():
    text = frame_text(pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]}))
    assert text == f"polars LazyFrame, 2 columns; shown: the first 2\n{SMALL}"


@pytest.mark.parametrize(
    ("series", "text"),
    [
        (pd.Series([1, 2], name="s"), "pandas Series, 2 rows, 1 column\n| s (Int64) |\n|---|\n| 1 |\n| 2 |"),
        (pl.Series("s", [1, 2]), "polars Series, 2 rows, 1 column\n| s (Int64) |\n|---|\n| 1 |\n| 2 |"),
        (pd.Index([1, 2], name="s"), "pandas Index, 2 rows, 1 column\n| s (Int64) |\n|---|\n| 1 |\n| 2 |"),
        (pd.Series([1]), "pandas Series, 1 row, 1 column\n| value (Int64) |\n|---|\n| 1 |"),
        (pl.Series([1]), "polars Series, 1 row, 1 column\n| value (Int64) |\n|---|\n| 1 |"),
        (pa.array([1]), "pyarrow Array, 1 row, 1 column\n| value (Int64) |\n|---|\n| 1 |"),
        (pa.chunked_array([[1]]), "pyarrow ChunkedArray, 1 row, 1 column\n| value (Int64) |\n|---|\n| 1 |"),
    ],
)
def test_a_series_is_a_table_of_one_column(series, text):
    assert frame_text(series) == text


@pytest.mark.parametrize("value", [None, 1, "a", [1], {"a": 1}, np.zeros(3), pd, pd.DataFrame, object()])
def test_other_values_are_no_frames(value):
    assert not is_frame(value)
    assert frame_kind(value) == ""


def test_a_subclass_of_a_frame_is_a_frame():
    class Mine(pd.DataFrame):
        pass

    assert frame_text(Mine({"a": [1]})) == "pandas DataFrame, 1 row, 1 column\n| a (Int64) |\n|---|\n| 1 |"


def test_a_long_frame_shows_its_two_ends():
    lines = frame_text(pd.DataFrame({"a": range(1000)})).splitlines()
    assert lines[0] == "pandas DataFrame, 1,000 rows, 1 column; shown: the first 15 and the last 5"
    assert lines[3:] == [*(f"| {i} |" for i in range(15)), "| … |", *(f"| {i} |" for i in range(995, 1000))]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_number_of_rows_can_be_named(make):
    frame = make({"a": list(range(1000))})
    assert len(frame_text(frame, 200).splitlines()) == 3 + 200 + 1
    assert frame_text(frame, 0).splitlines()[1:] == ["| a (Int64) |", "|---|"]
    assert "…" not in frame_text(frame, 1000)


def test_named_rows_that_do_not_fit_are_refused_without_reading_them():
    frame = pd.DataFrame({"a": np.arange(10_000_000)})
    with pytest.raises(InputError, match=r"10,000,000 rows .* limit .*head"):
        frame_text(frame, 10_000_000)
    with pytest.raises(InputError, match="limit for a table is 100"):
        frame_text(pd.DataFrame({"a": ["word " * 30] * 40}), 40, max_tokens=100)


def test_ten_million_rows_are_not_read():
    frame = pd.DataFrame({"a": np.arange(10_000_000), "b": np.zeros(10_000_000)})
    frame.columns = ["a", "a"]
    assert frame_text(frame).splitlines()[-1] == "| 9999999 | 0 |"
    assert frame_text(pl.from_pandas(frame.iloc[:, [0]])).startswith("polars DataFrame, 10,000,000 rows")


def test_long_rows_are_given_up_from_the_middle():
    text = frame_text(pl.DataFrame({"a": ["ab" * 90] * 100}), max_tokens=300)
    assert len(text.encode()) <= 4 * 300 + 100
    assert text.splitlines()[0].endswith("shown: the first 3 and the last 3")


def test_a_wide_frame_says_how_many_columns_are_missing():
    text = frame_text(pd.DataFrame({f"column {i}": [i] for i in range(5000)}))
    title = text.splitlines()[0]
    shown = text.splitlines()[1].count(" | ") + 1
    assert title == f"pandas DataFrame, 1 row, 5,000 columns; {5000 - shown:,} more columns are not shown"
    assert len(text.encode()) < 4 * 2_000


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        (["a", "a"], "| a (Int64) | a (Int64) |"),
        ([0, 1], "| 0 (Int64) | 1 (Int64) |"),
        ([("x", 1), ("y", 2)], "| x/1 (Int64) | y/2 (Int64) |"),
        ([("x", 1), ("x", 1)], "| x/1 (Int64) | x/1 (Int64) |"),
        ([False, 1.5], "| False (Int64) | 1.5 (Int64) |"),
        (["a|b", "c\nd"], "| a\\|b (Int64) | c\\nd (Int64) |"),
    ],
)
def test_any_column_names_will_do(columns, header):
    index = pd.MultiIndex.from_tuples(columns) if isinstance(columns[0], tuple) else columns
    assert frame_text(pd.DataFrame([[1, 2]], columns=index)).splitlines()[1:] == [header, "|---|---|", "| 1 | 2 |"]


def test_a_frame_is_left_as_it_was():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    frame_text(frame)
    assert list(frame.columns) == ["a", "a"]


def test_a_table_with_the_same_name_twice_is_shown():
    assert frame_text(pa.table([[1], [2]], names=["a", "a"])).splitlines()[1] == "| a (Int64) | a (Int64) |"


def test_labels_of_rows_are_shown_when_they_say_something():
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=["x", "y", "z"])
    assert frame_text(frame).splitlines()[1:] == [
        "| index | a (Int64) |",
        "|---|---|",
        "| x | 1 |",
        "| y | 2 |",
        "| z | 3 |",
    ]
    assert "| 2/b | 2 |" in frame_text(
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]))
    )
    assert "| 2 | 3 |" in frame_text(pd.DataFrame({"a": [1, 2, 3]}).iloc[1:])


def test_missing_values_are_told_apart():
    polars = frame_text(pl.DataFrame({"a": [None, float("nan"), 1.5]}))
    assert polars.splitlines()[3:] == ["| null |", "| NaN |", "| 1.5 |"]
    pandas = frame_text(
        pd.DataFrame({"a": [pd.NaT, pd.Timestamp("2024-05-06")], "b": pd.array([None, 1], dtype="Int64")})
    )
    assert pandas.splitlines()[3:] == ["| NaT | null |", "| 2024-05-06 00:00:00 | 1 |"]


def test_cells_stay_in_their_place():
    frame = pl.DataFrame({"a": ["x|y", "1\r\n2", "z" * 1000], "b": [[1, 2], [], [3]]})
    lines = frame_text(frame).splitlines()[3:]
    assert lines[:2] == ["| x\\|y | [1, 2] |", "| 1\\n2 | [] |"]
    assert lines[2] == f"| {'z' * 199}… | [3] |"


def test_structs_and_objects_are_shown():
    class Rude:
        def __str__(self):
            raise RuntimeError

    frame = pd.DataFrame({"a": [{"x": [1, "é"]}, Rude(), (1, 2)]})
    assert frame_text(frame).splitlines()[3:] == ['| {"x": [1, "é"]} |', "| <Rude> |", "| [1, 2] |"]


@pytest.mark.parametrize("frame", [pd.DataFrame(), pl.DataFrame(), pa.table({})])
def test_a_frame_of_nothing_is_a_title(frame):
    assert frame_text(frame).endswith("DataFrame, 0 rows, 0 columns") or frame_text(frame).startswith("pyarrow Table")


def test_a_frame_without_rows_shows_its_columns():
    assert frame_text(pl.DataFrame(schema={"a": pl.Date})).splitlines() == [
        "polars DataFrame, 0 rows, 1 column",
        "| a (Date) |",
        "|---|",
    ]


def test_asking_what_a_value_is_imports_nothing():
    code = "import sys; from gemini_magic.frames import is_frame; is_frame([1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"narwhals", "pandas", "polars", "pyarrow", "numpy"} & set(done.stdout.split())
