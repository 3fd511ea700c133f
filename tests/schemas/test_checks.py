"""Our own check of values against the reference library's."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.exceptions import SchemaError, SchemaMismatch
from gemini_magic.schemas import schema_of
from gemini_magic.schemas.canonical import canonical
from gemini_magic.schemas.checks import Check

SCALARS = [None, True, False, 0, 1, 1.0, 2, 3.5, -1, 2**70, "", "a", "ab", "abc", "1", "2026-05-31"]
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
COUNTS = st.integers(0, 3)
NUMBERS = st.sampled_from([-1, 0, 0.5, 1, 2.5, 3])
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])


def shapes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(st.sampled_from(SCALARS), min_size=1, max_size=3),
            "properties": st.dictionaries(NAMES, inner, min_size=1, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b|c"]), inner, max_size=1),
            "propertyNames": st.just({"enum": ["a", "b"]}),
            "additionalProperties": st.booleans() | inner,
            "minProperties": COUNTS,
            "maxProperties": COUNTS,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": COUNTS,
            "maxItems": COUNTS,
            "uniqueItems": st.booleans(),
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "pattern": st.sampled_from(["^a", "b$", "."]),
            "minimum": NUMBERS,
            "maximum": NUMBERS,
            "exclusiveMinimum": NUMBERS,
            "exclusiveMaximum": NUMBERS,
            "multipleOf": st.sampled_from([1, 0.5, 3]),
            "anyOf": st.lists(inner, min_size=1, max_size=3),
        },
    )


SCHEMAS = st.recursive(st.just({"type": "string"}) | st.just({"type": "integer"}), shapes, max_leaves=4)


@settings(max_examples=500)
@given(SCHEMAS, VALUES)
def test_a_value_is_valid_where_the_reference_says_so(schema: dict[str, Any], value: Any) -> None:
    rules = canonical(schema)
    faults = list(Check(rules).faults(value))
    assert (not faults) == jsonschema.Draft202012Validator(rules).is_valid(value)
    assert all(fault.split() for fault in faults)


@pytest.mark.parametrize(
    ("schema", "answer", "words"),
    [
        ({"properties": {"n": {"type": "integer", "minimum": 1}}}, '{"n": 0}', "n should be at least 1, not 0"),
        ({"properties": {"n": {"multipleOf": 0.1}}}, '{"n": 0.25}', "a multiple of 0.1"),
        ({"properties": {"s": {"pattern": "^a", "type": "string"}}}, '{"s": "b"}', r's should match "\^a", not "b"'),
        ({"items": {"type": "string"}, "minItems": 2}, '["a"]', "at least 2 elements"),
        ({"items": {"type": "string"}, "uniqueItems": True}, '["a", "a"]', "no element twice"),
        (
            {"properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
            '{"x": 1}',
            "x should be a text or null, not 1",
        ),
        (
            {"properties": {"x": {"anyOf": [{"properties": {"y": {"type": "null"}}}, {"type": "null"}]}}},
            '{"x": {"y": 1}}',
            r"x\.y should be null",
        ),
        ("when date", '{"when": "20260531"}', "should be a date, such as 2026-05-31"),
        ("when datetime", '{"when": "2026-05-31T25:00"}', "should be a date-time"),
        ("at time", '{"at": "noon"}', "should be a time"),
    ],
)
def test_faults_say_what_should_be(schema: Any, answer: str, words: str) -> None:
    with pytest.raises(SchemaMismatch, match=words):
        schema_of(schema).read(answer)


def test_decimals_are_multiples_as_they_are_written() -> None:
    assert schema_of({"properties": {"n": {"multipleOf": 0.1}}}).read('{"n": 0.3}') == {"n": 0.3}


def test_a_pattern_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(SchemaError, match="no regular expression"):
        schema_of({"properties": {"a": {"patternProperties": {"(": {}}}}})
