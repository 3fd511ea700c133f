"""Whatever the frame and its labels, and whichever rows fail: each answer lands in its own row."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemini_magic.frames import build_like, explode_like, flatten, is_null, read_rows

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pl_testing = pytest.importorskip("polars.testing")

#: Few, so that most frames have duplicates.
WORDS = ["a", "b", "é\U0001f600", "", None]
START = datetime(2024, 5, 6, tzinfo=UTC)
MOST = 9
PANDAS = {
    "word": lambda cells: pd.Series([WORDS[cell] for cell in cells], dtype=object),
    "text": lambda cells: pd.Series([WORDS[cell] for cell in cells], dtype="str"),
    "category": lambda cells: pd.Series(pd.Categorical([WORDS[cell] for cell in cells], categories=WORDS[:4])),
    "number": lambda cells: pd.Series([cell or None for cell in cells], dtype="Int64"),
    "plain number": lambda cells: pd.Series(cells, dtype="int32"),
    "float": lambda cells: pd.Series([cell / 2 if cell else float("nan") for cell in cells], dtype="float64"),
    "time": lambda cells: pd.Series(
        [START + timedelta(days=cell) if cell else pd.NaT for cell in cells], dtype="datetime64[ns, UTC]"
    ),
    "list": lambda cells: pd.Series([[cell] * cell for cell in cells], dtype=object),
    "truth": lambda cells: pd.Series([cell > 2 for cell in cells], dtype="bool"),
}
POLARS = {
    "word": lambda cells: pl.Series([WORDS[cell] for cell in cells], dtype=pl.String),
    "category": lambda cells: pl.Series([WORDS[cell] for cell in cells], dtype=pl.Enum(WORDS[:4])),
    "number": lambda cells: pl.Series([cell or None for cell in cells], dtype=pl.Int16),
    "float": lambda cells: pl.Series([cell / 2 if cell else float("nan") for cell in cells], dtype=pl.Float32),
    "time": lambda cells: pl.Series([START + timedelta(days=cell) for cell in cells], dtype=pl.Datetime("ms", "UTC")),
    "list": lambda cells: pl.Series([[cell] * cell for cell in cells], dtype=pl.List(pl.Int8)),
    "struct": lambda cells: pl.Series([{"a": cell or None} for cell in cells], dtype=pl.Struct({"a": pl.Int64})),
}
INDEXES = {
    "range": lambda labels: pd.RangeIndex(10, 10 + 3 * len(labels), 3),
    "named range": lambda labels: pd.RangeIndex(len(labels), name="id"),
    "numbers": lambda labels: pd.Index(labels, dtype="int64"),
    "texts": lambda labels: pd.Index([f"r{label}" for label in labels], dtype=object, name="key"),
    "floats": lambda labels: pd.Index([label or float("nan") for label in labels], dtype="float64"),
    "times": lambda labels: pd.DatetimeIndex([START + timedelta(days=label) for label in labels], name="day"),
    "levels": lambda labels: pd.MultiIndex.from_arrays(
        [pd.Index(labels, dtype="int64"), pd.Index([f"r{label % 2}" for label in labels], dtype=object)],
        names=["x", None],
    ),
    "categories": lambda labels: pd.CategoricalIndex(labels, categories=range(5)),
}
COLUMNS = [
    ("seen", "str", False),
    ("s", "str", True),
    ("i", "int", True),
    ("f", "float", True),
    ("b", "bool", True),
    ("d", "date", True),
    ("t", "datetime", True),
    ("o", "object", True),
]
PANDAS_TYPES = "string string Int64 float64 boolean datetime64[us] datetime64[us] object".split()  # noqa: SIM905
ANSWERS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "s": st.sampled_from(["", "x", "é", None]),
        "i": st.integers(-(2**63), 2**63 - 1),
        "f": st.sampled_from([0.0, -1.5, 3, None]),
        "b": st.booleans(),
        "d": st.sampled_from(["2024-02-29", "0001-01-01", None]),
        "t": st.sampled_from(["2024-02-29T12:00:00", None]),
        "o": st.sampled_from([None, [], [1, 2], {"a": {"b": 1}}, {"a": None, "c": ["x"]}]),
    },
)
many = settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@st.composite
def jobs(draw, kinds):
    """Columns and labels of a frame, an answer for each kind of row, and the order in which the answers come."""
    length = draw(st.integers(0, MOST))
    cells = st.lists(st.integers(0, 4), min_size=length, max_size=length)
    names = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=3, unique=True))
    return (
        {name: kinds[name](draw(cells)) for name in names},
        draw(cells),
        draw(st.lists(ANSWERS, min_size=6, max_size=6)),
        draw(st.permutations(range(length))),
    )


def answered(source, answers, order):
    """What a run does: equal rows are asked once, and the answers come in any order."""
    rows = list(source.rows())
    tasks = {}
    for number, row in enumerate(rows):
        tasks.setdefault(as_text(row), []).append(number)
    values = [None] * len(rows)
    for first in order:
        task = as_text(rows[first])
        answer = answers[len(task) % len(answers)]
        for number in tasks[task]:
            values[number] = None if answer is None else {**answer, "seen": task}
    return [as_text(row) for row in rows], values


def as_text(row):
    return json.dumps({name: None if is_null(value) else str(value) for name, value in row.items()})


def check_rows(result, tasks, values):
    """Every row of the result says what its own input was answered with."""
    found = list(read_rows(result).rows())
    assert len(found) == len(tasks)
    for row, task, value in zip(found, tasks, values, strict=True):
        assert is_null(row["seen"]) if value is None else row["seen"] == task
        for name, *_ in COLUMNS[1:]:
            expected = None if value is None else value.get(name)
            if is_null(expected) or is_null(row[name]):
                assert is_null(expected) == is_null(row[name])
            elif name in {"d", "t"}:
                assert row[name].isoformat().startswith(expected)
            else:
                assert bare(row[name]) == bare(expected)


def bare(value):
    if isinstance(value, str) and value.startswith(("[", "{")):
        value = json.loads(value)
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if item is not None}
    return value


@many
@given(jobs(PANDAS), st.sampled_from(sorted(INDEXES)))
def test_no_row_of_pandas_gets_lost_or_crosses(job, index):
    columns, labels, answers, order = job
    frame = pd.DataFrame({name: column.array for name, column in columns.items()}, index=INDEXES[index](labels))
    before = frame.copy()
    source = read_rows(frame)
    tasks, values = answered(source, answers, order)
    result = build_like(source, COLUMNS, values, keep=source.names)
    assert result.index.identical(frame.index)
    pd.testing.assert_frame_equal(result[list(columns)], before)
    pd.testing.assert_frame_equal(frame, before)
    assert [str(dtype) for dtype in result.dtypes.iloc[len(columns) :]] == PANDAS_TYPES
    check_rows(result, tasks, values)


@many
@given(jobs(POLARS))
def test_no_row_of_polars_gets_lost_or_crosses(job):
    columns, _, answers, order = job
    frame = pl.DataFrame(columns)
    before = frame.clone()
    source = read_rows(frame)
    tasks, values = answered(source, answers, order)
    result = build_like(source, COLUMNS, values, keep=source.names)
    pl_testing.assert_frame_equal(result.select(list(columns)), before)
    pl_testing.assert_frame_equal(frame, before)
    assert result.columns == [*columns, *(name for name, *_ in COLUMNS)]
    types = [pl.String, pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date, pl.Datetime("us")]
    assert result.dtypes[len(columns) : -1] == types
    check_rows(result, tasks, values)


@settings(many, max_examples=150)
@given(jobs(PANDAS), st.sampled_from(sorted(INDEXES)))
def test_rows_that_are_exploded_keep_their_labels(job, index):
    columns, labels, answers, order = job
    frame = pd.DataFrame({name: column.array for name, column in columns.items()}, index=INDEXES[index](labels))
    source = read_rows(frame)
    tasks, values = answered(source, answers, order)
    lists = [None if value is None else [value] * (number % 4) for number, value in enumerate(values)]
    result = explode_like(source, COLUMNS, lists, keep=source.names)
    counts = [max(1, len(items or ())) for items in lists]
    rows = [number for number, count in enumerate(counts) for _ in range(count)]
    pd.testing.assert_frame_equal(result[list(columns)], frame.iloc[rows])
    check_rows(result, [tasks[row] for row in rows], [values[row] if lists[row] else None for row in rows])


@settings(many, max_examples=150)
@given(st.lists(ANSWERS, max_size=MOST))
def test_flattening_loses_no_value(values):
    columns, flat = flatten(COLUMNS[1:], values)
    assert [row is None for row in flat] == [row is None for row in values]
    names = [name for name, *_ in columns]
    assert len(set(names)) == len(names)
    for row, value in zip(flat, values, strict=True):
        if row is not None:
            assert sorted(leaves(row)) == sorted(leaves(value))
    result = build_like(read_rows(pd.Series(["x"] * len(values))), columns, flat)
    assert list(result.columns) == names


def leaves(value):
    """Every value that is no object, as text."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [] if value is None else [repr(value)]
