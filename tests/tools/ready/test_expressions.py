"""The language of conditions: what it takes, what it means in every library, and what it refuses."""

from __future__ import annotations

import datetime as dt
import string
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.exceptions import InputError
from gemini_magic.frames.selection import Table
from gemini_magic.frames.terms import Column, Constant, Operation
from gemini_magic.tools.ready.expressions import MOST_CHARACTERS, parse

DATA: dict[str, list[Any]] = {
    "n": [1, 2, 3, 4],
    "city": ["Oslo", "Madrid", None, "Lima"],
    "c": [-3.5, 31.0, None, float("nan")],
    "ok": [True, False, True, False],
    "day": [dt.date(2026, 1, 1), dt.date(2026, 2, 1), None, dt.date(2026, 3, 1)],
    "at": [dt.datetime(2026, 1, 1, 12), None, dt.datetime(2026, 2, 1), dt.datetime(2026, 3, 1)],  # noqa: DTZ001
    "unit price": [1, 2, None, 4],
    "it's": ["a`b", "c", "d", 'say "x"'],
}
FRAMES = {
    "pandas": pd.DataFrame(DATA),
    "pandas of arrow": pa.table(DATA).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas nullable": pd.DataFrame(DATA).convert_dtypes(),
    "polars": pl.DataFrame(DATA, strict=False),
    "polars lazy": pl.LazyFrame(DATA, strict=False),
    "pyarrow": pa.table(DATA),
    "list": [dict(zip(DATA, row, strict=True)) for row in zip(*DATA.values(), strict=True)],
    "dict": DATA,
}


def rows(frame: object, expression: str) -> list[int]:
    """Which rows an expression finds, by their number."""
    table = Table.of(frame)
    return [int(row[0]) for row in table.where(parse(expression, table.names)).select(["n"]).rows(9)]


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("c > 0", [2]),
        ("not c > 0", [1, 3, 4]),
        ("c != 31", [1]),
        ("c is null", [3, 4]),
        ("c is not null", [1, 2]),
        ("c IS NOT NULL AND n > 1", [2]),
        ("c == None", [3, 4]),
        ("day != null", [1, 2, 4]),
        ("city == 'Oslo'", [1]),
        ('"Oslo" != city', [2, 4]),
        ("city in ['Oslo', 'Lima', 'Rome']", [1, 4]),
        ("city not in ['Oslo', 'Lima']", [2, 3]),
        ("city in ['Oslo', None]", [1, 3]),
        ("city.isin(['Oslo'])", [1]),
        ("city.contains('i')", [2, 4]),
        ("'i' in city", [2, 4]),
        ("city.str.contains('.')", []),
        ("city.lower().startswith('o')", [1]),
        ("city.upper().strip().endswith('ID')", [2]),
        ("city.isna() or city.notnull()", [1, 2, 3, 4]),
        ("ok", [1, 3]),
        ("not ok", [2, 4]),
        ("ok == True", [1, 3]),
        ("ok == false", [2, 4]),
        ("~ok & (n > 2)", [4]),
        ("ok | (n == 4)", [1, 3, 4]),
        ("1 < n <= 3", [2, 3]),
        ("5 > n", [1, 2, 3, 4]),
        ("n.between(2, 3)", [2, 3]),
        ("n * 2 + 1 == 5", [2]),
        ("10 - n > 7", [1, 2]),
        ("n / 2 > 1", [3, 4]),
        ("n // 2 == 1", [2, 3]),
        ("n % 2 == 0", [2, 4]),
        ("-n % 3 == 2", [1, 4]),
        ("-n < -2", [3, 4]),
        ("(n - 3).abs() == 1", [2, 4]),
        ("n < 10 ** 9 if ok else n", None),
        ("`unit price` >= 2", [2, 4]),
        ("col('unit price') is null", [3]),
        ("`it's` == 'a`b'", [1]),
        ("""col("it's").contains('"x"')""", [4]),
        ("day >= '2026-02-01'", [2, 4]),
        ("day.month() == 2", [2]),
        ("at > '2026-01-15'", [3, 4]),
        ("at == '2026-01-01T12:00'", [1]),
        ("at.dt.year() == 2026", [1, 3, 4]),
        ("day in ['2026-01-01', '2026-03-01']", [1, 4]),
        (" n == 1\n  or n == 3 ", [1, 3]),
    ],
)
def test_an_expression_means_the_same_in_every_library(library: str, expression: str, found: list[int] | None) -> None:
    if found is None:
        with pytest.raises(InputError):
            rows(FRAMES[library], expression)
        return
    assert rows(FRAMES[library], expression) == found


def test_an_expression_becomes_a_tree_of_plain_values() -> None:
    assert parse("a > 1 and not b in [2]", ["a", "b"]) == Operation(
        "and",
        (
            Operation(">", (Column("a"), Constant(1))),
            Operation("not", (Operation("in", (Column("b"), Constant(2))),)),
        ),
    )


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_times_with_a_zone_are_compared_in_it(library: str) -> None:
    moments = [dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC) for hour in (1, 12)]
    data = {"n": [1, 2], "at": moments}
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[library](data)
    assert rows(frame, "at > '2026-01-01T06:00'") == [2]
    assert rows(frame, "at > '2026-01-01T12:30+02:00'") == [2]


def test_columns_named_like_words_of_python_stand_in_backticks() -> None:
    frame = pd.DataFrame({"n": [1, 2], "class": ["a", "b"], "null": [1, None], "__class__": [5, 6]})
    assert rows(frame, "`class` == 'a'") == [1]
    assert rows(frame, "null == 1") == [1]
    assert rows(frame, "__class__ == 6") == [2]


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "eval('1')",
        "().__class__.__bases__",
        "n.__class__",
        "city.lower().__globals__",
        "city.format('x')",
        "city.contains.__self__",
        "[row for row in n]",
        "lambda: n",
        "n if ok else c",
        "(n := 1)",
        "n[0]",
        "f'{n}' == '1'",
        "b'x' == n",
        "1j == n",
        "... == n",
        "n ** 999999999",
        "n << 70",
        "n @ n",
        "city.contains(*n)",
        "city.contains(pat='x')",
        "city.contains()",
        "{'a': n}",
        "n > 1; n",
        "import os",
        "n = 1",
        "",
        "   ",
        "(",
        "n >",
        "n\x00 > 1",
        "await n",
        "yield",
        "\\",
        "`n",
        "@n > 1",
        "city is 'Oslo'",
        "n in []",
        "n in 5",
    ],
)
def test_what_is_not_of_the_language_is_refused(expression: str) -> None:
    with pytest.raises(InputError):
        rows(FRAMES["pandas"], expression)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("citi == 'Oslo'", "no column 'citi'. Did you mean 'city'[?] Columns: n, city, c"),
        ("city == Oslo", "no column 'Oslo'"),
        ("city > 5", r"The column 'city' \(text\) cannot be compared with 5 \(number\)"),
        ("n == '5'", r"The column 'n' \(number\) cannot be compared with '5' \(text\)"),
        ("day > 'soon'", "which is no date"),
        ("n", "is no condition. Compare it"),
        ("n + 1", "is no condition"),
        ("1 < 2", "the same in every row"),
        ("True", "is no condition"),
        ("city * 2 == 4", "is no number"),
        ("n / 0 > 1", "divided by 0"),
        ("n.lower() == 'a'", "lower needs a text, and the column 'n' is of the kind number"),
        ("city.contains(5)", "needs a text to look for"),
        ("n = 1", "Equal is written =="),
        ("city.title() == 'A'", "no method 'title'. Methods: lower"),
        ("c < null", "Write: is null"),
    ],
)
def test_a_refusal_says_what_is_wrong(expression: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rows(Table.of(FRAMES["polars"]).frame, expression)


@pytest.mark.parametrize(
    "expression",
    [
        "n > " + "1" * MOST_CHARACTERS,
        "(" * 500 + "n" + ")" * 500 + " > 1",
        "not " * 100 + "ok",
        "-" * 300 + "n > 1",
        "n" + " + n" * 200 + " > 1",
        "n in [" + "1," * 300 + "]",
        "n > 1e999 + n.abs().abs().abs()" + ".abs()" * 60,
    ],
)
def test_long_and_deep_expressions_are_refused(expression: str) -> None:
    with pytest.raises(InputError):
        rows(FRAMES["pandas"], expression)


def test_many_conditions_side_by_side_are_fine() -> None:
    assert rows(FRAMES["pandas"], " or ".join(f"n == {number}" for number in range(3, 150))) == [3, 4]


@given(st.text(string.printable, max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        parse(text, ["n", "city"])
    except InputError as error:
        assert error.message  # noqa: PT017 - both ends are right


WORDS = ["n", "city", "ok", "(", ")", "'a'", "5", "not", "and", "or", "in", "is", "null", "[", "]", ",", ".lower()"]
WORDS += [
    "<",
    "==",
    "+",
    "/",
    "%",
    "~",
    "&",
    "|",
    "`n`",
    "col('ok')",
    ".contains('s')",
    ".__class__",
    "__import__",
    ".",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_words_of_the_language_find_rows_or_are_refused_in_words(words: list[str]) -> None:
    try:
        found = rows(FRAMES["polars"], " ".join(words))
    except InputError as error:
        assert error.message  # noqa: PT017 - both ends are right
    else:
        assert set(found) <= {1, 2, 3, 4}
