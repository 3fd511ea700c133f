from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.extract import compare, evaluate, extract, run_of
from gemini_magic.extract.cells import same

if TYPE_CHECKING:
    from gemini_magic.client import Client

SCHEMA = "city, temp int"
DATA = pd.Series(["Oslo 3", "Rome 21", "Bern 7"], index=["a", "b", "c"], name="text")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, float("nan")),
        (pd.NA, pd.NaT),
        (1, 1.0),
        (1, "1"),
        ("true", True),
        (np.int64(3), 3),
        (np.array([1, 2]), [1, 2]),
        (pd.Timestamp("2020-01-01"), date(2020, 1, 1)),
        (date(2020, 1, 1), "2020-01-01"),
        ({"a": 1, "b": None}, {"a": 1.0}),
        ('{"a": [1]}', {"a": [1]}),
        (" x ", "x"),
    ],
)
def test_these_cells_say_the_same(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [(None, 0), (None, ""), (1, 2), ("1", "01"), (True, 0), ("a", "A"), ([1], [1, 2]), ({"a": 1}, {"a": 2}), ([1], 1)],
)
def test_these_cells_do_not(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


def test_capitals_and_small_differences_are_forgiven_on_request() -> None:
    assert same("Oslo", "oslo", case=False)
    assert same(100, 101, tolerance=0.01)
    assert not same(100, 102, tolerance=0.01)
    assert same([{"a": "X"}], [{"a": "x"}], case=False)


def test_accuracy_is_given_for_each_field_with_the_rows_that_differ() -> None:
    got = pd.DataFrame({"city": ["Oslo", "Rome", None], "temp": [3, 20, 7]}, index=["a", "b", "c"])
    truth = pd.DataFrame({"temp": [7.0, 21.0, 3.0], "city": ["Bern", "Rome", "Oslo"]}, index=["c", "b", "a"])
    found = evaluate(got, truth)
    assert found.fields.to_dict("records") == [
        {"field": "city", "rows": 3, "right": 2, "wrong": 1, "missing": 1, "extra": 0, "accuracy": 2 / 3},
        {"field": "temp", "rows": 3, "right": 2, "wrong": 1, "missing": 0, "extra": 0, "accuracy": 2 / 3},
    ]
    assert (found.rows, found.rows_right) == (3, 1)
    assert found.differences[["label", "field", "expected"]].to_numpy().tolist() == [
        ["b", "temp", "21.0"],
        ["c", "city", "Bern"],
    ]
    assert repr(found).splitlines()[0] == "66.7% of the cells are right; 1 of 3 rows wholly"
    assert evaluate(got, truth, tolerance=0.05, fields=["temp"]).accuracy == 1


def test_frames_without_labels_are_matched_by_position() -> None:
    got = pl.DataFrame({"city": ["Oslo", "rome"]})
    assert evaluate(got, [{"city": "Oslo"}, {"city": "Rome"}], case=False).accuracy == 1
    with pytest.raises(InputError, match="3 rows, the result 2"):
        evaluate(got, [{"city": "Oslo"}] * 3)


def test_a_truth_of_other_columns_is_refused() -> None:
    got = pd.DataFrame({"city": ["Oslo"]})
    with pytest.raises(InputError, match="no column in common"):
        evaluate(got, pd.DataFrame({"town": ["Oslo"]}))
    with pytest.raises(InputError, match="'town'"):
        evaluate(got, pd.DataFrame({"town": ["Oslo"]}), fields=["town"])


@pytest.mark.usefixtures("gateway")
def test_a_run_is_evaluated_by_its_frame(client: Client) -> None:
    run = run_of(extract(DATA, SCHEMA, client=client))
    assert evaluate(run, pd.DataFrame({"temp": [3, 21, 8]}, index=["a", "b", "c"])).accuracy == pytest.approx(2 / 3)


def test_variants_are_compared_over_the_same_rows(gateway: Any, client: Client) -> None:
    def answer(text: str) -> Any:
        word, number = text.split()[-2:]
        return {"city": word, "temp": int(number) + ("warm" in text and word == "Rome")}

    gateway.answer = answer
    variants = {"plain": {"prompt": "Read"}, "warm": {"prompt": "Read, warm"}}
    truth = pd.DataFrame({"city": ["Oslo", "Rome", "Bern"], "temp": [3, 21, 7]}, index=DATA.index)
    found = compare(DATA, SCHEMA, variants, truth, client=client)
    table = found.table.set_index("variant")
    assert table["accuracy"].tolist() == [1.0, pytest.approx(5 / 6)]
    assert table["agreement"].tolist() == [pytest.approx(5 / 6)] * 2
    assert table["requests"].tolist() == [3, 3]
    assert table["tokens"].tolist() == [45, 45]
    assert found.differences.to_dict("records") == [{"label": "b", "field": "temp", "plain": "21", "warm": "22"}]
    assert repr(found).startswith("plain  100.0% right, 83.3% as others, 3 rows done")
    again = compare(DATA, SCHEMA, {"plain": {"prompt": "Read"}}, client=client)
    assert again.table["requests"].tolist() == [0]
    assert gateway.requests == 6


def test_variants_are_checked_before_anything_is_sent(gateway: Any, client: Client, tmp_path: Any) -> None:
    with pytest.raises(InputError, match="nothing"):
        compare(DATA, SCHEMA, {"a": {"prompt": "Read"}, "b": {"prompt": "{{nothing}}"}}, client=client)
    with pytest.raises(InputError, match="nothing to compare"):
        compare(DATA, SCHEMA, {}, client=client)
    assert gateway.requests == 0
    compare(DATA, SCHEMA, {"a b": {"model": "x"}, "c": {}}, client=client, store=tmp_path / "s.sqlite3")
    assert sorted(path.name for path in tmp_path.glob("s-*.sqlite3")) == ["s-a-b.sqlite3", "s-c.sqlite3"]
