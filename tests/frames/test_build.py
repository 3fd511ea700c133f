from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from gemini_magic.frames import build_frame

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

COLUMNS = {"number": int, "time": datetime, "name": str, "cost": float}
ROWS = [
    {"number": 1, "time": datetime(2026, 5, 6, 7, 8, tzinfo=UTC), "name": "a", "cost": 1.5},
    {"number": 2, "time": datetime(2026, 5, 6, 9, 8, tzinfo=UTC), "name": None, "cost": None},
]


def test_rows_become_a_frame_of_pandas_with_labels_and_types():
    frame = build_frame(ROWS, COLUMNS, index="number")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.index) == [1, 2]
    assert list(frame.columns) == ["time", "name", "cost"]
    assert frame["cost"].sum() == 1.5
    assert frame["name"].isna().tolist() == [False, True]
    assert str(frame["time"].dt.tz) == "UTC"
    assert list(build_frame([], COLUMNS).columns) == list(COLUMNS)


def test_rows_become_a_frame_of_polars_where_pandas_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    frame = build_frame(ROWS, COLUMNS, index="name")
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == ["name", "number", "time", "cost"]
    assert frame["number"].to_list() == [1, 2]
    assert build_frame([], COLUMNS).schema["time"] == pl.Datetime("us", "UTC")
    monkeypatch.setitem(sys.modules, "polars", None)
    assert build_frame(ROWS, COLUMNS) is None


@pytest.mark.parametrize("missing", ["", "pandas"])
def test_numbers_that_64_bits_do_not_hold_are_no_error(monkeypatch, missing):
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    frame = build_frame([{"number": 10**30}, {"number": 1}, {"number": None}], {"number": int})
    assert frame["number"][0] == 1e30
