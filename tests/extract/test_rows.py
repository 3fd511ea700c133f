"""Rows: from what they are read, which are not sent, and which hold a key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gemini_magic.exceptions import InputError, UnboundName, UnsupportedValue
from gemini_magic.extract.rows import Guard, Row, is_empty, rows_of
from gemini_magic.frames import read_rows
from gemini_magic.settings import ApiKey
from gemini_magic.wire import Blob, Part

TABLE = {"text": ["a", "b"], "n": [1, 2]}


@pytest.mark.parametrize(
    "make",
    [pd.DataFrame, pl.DataFrame, pa.table, dict, lambda table: pd.DataFrame(table, index=[7, 7])],
    ids=["pandas", "polars", "pyarrow", "dict", "duplicate index"],
)
def test_rows_of_any_frame_are_numbered_by_position(make):
    rows = list(rows_of(make(TABLE)))
    assert rows == [Row(0, {"text": "a", "n": 1}), Row(1, {"text": "b", "n": 2})]


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: ["a", "b"], [{"text": "a"}, {"text": "b"}]),
        (lambda: iter(["a", "b"]), [{"text": "a"}, {"text": "b"}]),
        (lambda: [{"x": 1}, {"x": 2}], [{"x": 1}, {"x": 2}]),
        (lambda: pd.Series(["a"], name="note"), [{"note": "a"}]),
        (lambda: pd.DataFrame({"text": []}), []),
    ],
    ids=["list", "iterator", "list of dicts", "series", "no rows"],
)
def test_rows_of_lists_iterators_and_series(make, found):
    assert list(rows_of(make())) == [Row(number, values) for number, values in enumerate(found)]


def test_only_the_columns_that_are_asked_for_are_read():
    assert next(iter(rows_of(pd.DataFrame(TABLE), ["n"]))) == Row(0, {"n": 1})
    assert next(iter(rows_of(read_rows(TABLE), ("n", "text")))) == Row(0, {"n": 1, "text": "a"})


def test_a_missing_column_is_named_with_the_nearest_before_a_row_is_read():
    with pytest.raises(UnboundName, match=r"The data: there is no column 'txet'. Did you mean 'text'\?"):
        rows_of(TABLE, ["txet"])


def test_what_holds_no_rows_is_refused_at_once():
    with pytest.raises(InputError):
        rows_of("a text")
    with pytest.raises(UnsupportedValue):
        rows_of(3)


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), "", "  \n", pa.scalar(None)],
    ids=repr,
)
def test_a_row_without_any_value_is_empty(value):
    assert is_empty({"a": value, "b": None})
    assert not is_empty({"a": value, "b": "x"})
    assert is_empty({"a": value, "b": "x"}, ["a"])


@pytest.mark.parametrize("value", [0, False, 0.0, "x", [], {}, np.zeros(0), np.array([np.nan]), b""], ids=repr)
def test_a_row_with_a_value_is_not_empty(value):
    assert not is_empty({"a": value})


# Keys

KEY = "planted-key-0123456789-abcdefghijklmnop"


def test_a_row_with_a_key_is_an_error_that_names_the_row_and_not_the_key():
    guard = Guard([ApiKey(KEY)])
    with pytest.raises(InputError, match=r"Row 17 holds your API key") as caught:
        guard.check([Part(text="fine"), Part(text=f"x {KEY}")], "Row 17")
    assert KEY not in str(caught.value)


def test_a_row_with_somebody_elses_token_is_an_error():
    with pytest.raises(InputError, match="Row 3 holds a GitHub token"):
        Guard().check([Part(text="ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")], "Row 3")


def test_pictures_are_no_text():
    Guard([ApiKey(KEY)]).check([Part(inline_data=Blob(mime_type="image/png", data="AAAA"))], "Row 1")


def test_each_text_is_looked_at_once():
    looked = []

    class Key:
        def is_in(self, text):
            looked.append(text)
            return False

    guard = Guard([Key()])
    for number in range(50):
        guard.check([Part(text="the same"), Part(text=f"own {number % 2}")], f"Row {number}")
    assert looked == ["the same", "own 0", "own 1"]


def test_a_row_with_a_key_is_an_error_each_time():
    guard = Guard([ApiKey(KEY)])
    for number in range(2):
        with pytest.raises(InputError, match=f"Row {number}"):
            guard.check([Part(text=KEY)], f"Row {number}")
