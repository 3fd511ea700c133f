from __future__ import annotations

import pytest

from gemini_magic.frames import build_like, flatten, read_rows

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

CITY = [("city", "object", True)]


def test_a_nested_object_becomes_columns_with_dots():
    columns, values = flatten(
        [("n", "int", False), *CITY, ("tags", "object", True)],
        [
            {"n": 1, "city": {"name": "Rome", "size": {"people": 2, "area": 1.5}}, "tags": ["a"]},
            None,
            {"n": 2, "city": {"name": None, "mayor": True}, "tags": []},
            {"n": 3, "city": None, "tags": None},
        ],
    )
    assert columns == [
        ("n", "int", False),
        ("city.name", "str", True),
        ("city.size.people", "int", True),
        ("city.size.area", "float", True),
        ("city.mayor", "bool", True),
        ("tags", "object", True),
    ]
    names = [name for name, *_ in columns]
    assert [row and list(row.values()) for row in values] == [
        [1, "Rome", 2, 1.5, None, ["a"]],
        None,
        [2, None, None, None, True, []],
        [3, None, None, None, None, None],
    ]
    assert list(values[0]) == names


@pytest.mark.parametrize("make", [pd.Series, pl.Series])
def test_flat_columns_are_typed_in_the_result(make):
    columns, values = flatten(CITY, [{"city": {"name": "Rome", "people": 2}}, None])
    result = build_like(read_rows(make(["x", "y"])), columns, values)
    assert list(result.columns) == ["city.name", "city.people"]
    assert str(result["city.people"].dtype) == "Int64"


@pytest.mark.parametrize(
    "cells",
    [
        [{"a": 1}, "x"],
        [{"a": 1}, [{"a": 1}]],
        [None, None],
        [{}, None],
        [["a"], []],
        [1, 2],
        [],
    ],
)
def test_what_is_not_an_object_in_every_row_stays_as_it_is(cells):
    rows = [{"city": cell} for cell in cells]
    assert flatten(CITY, rows) == (CITY, rows)


def test_a_part_that_is_not_an_object_in_every_row_stays_nested():
    columns, values = flatten(CITY, [{"city": {"a": {"b": 1}}}, {"city": {"a": 5, "c": 1}}])
    assert columns == [("city.a", "object", True), ("city.c", "int", True)]
    assert values == [{"city.a": {"b": 1}, "city.c": None}, {"city.a": 5, "city.c": 1}]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ([*CITY, ("city.a", "int", True)], {"city": {"a": 1}, "city.a": 2}),
        ([("city.a", "int", True), *CITY], {"city": {"a": 1}, "city.a": 2}),
        (CITY, {"city": {"a.b": 1, "a": {"b": 2}}}),
        (CITY, {"city": {"1": 1, 1: 2}}),
    ],
)
def test_columns_whose_names_would_be_there_twice_stay_nested(columns, row):
    assert flatten(columns, [row]) == (columns, [row])


def test_mixed_values_are_objects_and_whole_and_broken_numbers_are_floats():
    columns, _ = flatten(CITY, [{"city": {"a": 1, "b": 1, "c": None}}, {"city": {"a": 2.5, "b": "x"}}])
    assert columns == [("city.a", "float", True), ("city.b", "object", True), ("city.c", "object", True)]


def test_only_columns_of_objects_are_looked_into():
    columns = [("city", "str", True)]
    rows = [{"city": {"a": 1}}]
    assert flatten(columns, rows) == (columns, rows)
