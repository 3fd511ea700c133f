"""JSON Schemas in all their spellings, and the two forms in which they are sent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel, Field

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Schema as WireSchema


def sent(**shape: Any) -> Any:
    """What is sent for one property."""
    defs = shape.pop("defs", {})
    schema = {"type": "object", "properties": {"a": shape}, **({"$defs": defs} if defs else {})}
    return schema_of(schema).json_schema["properties"]["a"]


def old(**shape: Any) -> Any:
    """The same in the older language."""
    defs = shape.pop("defs", {})
    schema = {"type": "object", "properties": {"a": shape}, **({"$defs": defs} if defs else {})}
    return schema_of(schema).config(form="openapi")["responseSchema"]["properties"]["a"]


X = {"X": {"type": "string", "enum": ["p", "q"]}}


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "enum": ["p"], "nullable": True}, {"type": ["string", "null"], "enum": ["p", None]}),
        ({"const": 3}, {"enum": [3]}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"allOf": [{"type": "string"}], "title": "T"}, {"type": "string", "title": "T"}),
        (
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
            {"type": "integer", "minimum": 1, "maximum": 9},
        ),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, {"type": "integer", "minimum": 1}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "description": "Above 0."}),
        ({"type": "string", "minLength": 1}, {"type": "string", "description": "Not empty."}),
        ({"type": "string", "format": "email"}, {"type": "string", "description": "Format: email."}),
        ({"type": "string", "examples": ["x", 1]}, {"type": "string", "description": 'For example: "x", 1.'}),
        ({"type": "string", "default": "x", "$comment": "c", "readOnly": True, "x-mine": 1}, {"type": "string"}),
        (
            {"items": {"type": "string"}, "uniqueItems": True},
            {"type": "array", "description": "No element comes twice.", "items": {"type": "string"}},
        ),
        (
            {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        ),
        (
            {"type": "object", "patternProperties": {"^x": {"type": "integer"}}},
            {"type": "object", "description": "Names match ^x", "additionalProperties": {"type": "integer"}},
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"enum": ["p", "q"]}},
            {"type": "object", "description": 'Names are from: "p", "q".', "additionalProperties": {"type": "integer"}},
        ),
        ({"$ref": "#/$defs/X", "defs": X}, {"$ref": "#/$defs/X"}),
        (
            {"$ref": "#/$defs/X", "description": "D", "defs": X},
            {"type": "string", "description": "D", "enum": ["p", "q"]},
        ),
        (
            {"$ref": "#/$defs/X", "maxLength": 5, "defs": X},
            {"type": "string", "description": "At most 5 characters.", "enum": ["p", "q"]},
        ),
        ({"allOf": [{"$ref": "#/$defs/X"}], "default": "p", "defs": X}, {"$ref": "#/$defs/X"}),
        (
            {
                "allOf": [
                    {"properties": {"p": {"type": "null"}}, "required": ["p"]},
                    {"properties": {"q": {"type": "null"}}},
                ]
            },
            {"type": "object", "properties": {"p": {"type": "null"}, "q": {"type": "null"}}, "required": ["p"]},
        ),
        (True, {}),
    ],
)
def test_every_spelling_becomes_one_that_models_take(shape: Any, wanted: Any) -> None:
    made = (
        schema_of({"type": "object", "properties": {"a": shape}}).json_schema["properties"]["a"]
        if shape is True
        else sent(**shape)
    )
    assert made == wanted


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        (
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "T"},
            {"type": "INTEGER", "title": "T", "nullable": True},
        ),
        (
            {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}], "nullable": True},
        ),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]}),
        ({"const": "p"}, {"type": "STRING", "format": "enum", "enum": ["p"]}),
        (
            {"enum": ["p", 1, None]},
            {
                "anyOf": [
                    {"type": "STRING", "format": "enum", "enum": ["p"]},
                    {"type": "INTEGER", "description": "One of: 1."},
                ],
                "nullable": True,
            },
        ),
        ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER", "description": "One of: 1, 2."}),
        (
            {"type": "string", "pattern": "^a", "minLength": 1, "maxLength": 3},
            {"type": "STRING", "pattern": "^a", "minLength": 1, "maxLength": 3},
        ),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        ({"type": "string", "format": "date"}, {"type": "STRING", "description": "Format: date."}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "maxItems": 2},
            {
                "type": "ARRAY",
                "minItems": 2,
                "maxItems": 2,
                "items": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
            },
        ),
        (
            {"$ref": "#/$defs/X", "description": "D", "defs": X},
            {"type": "STRING", "description": "D", "format": "enum", "enum": ["p", "q"]},
        ),
        ({"properties": {"q": {"type": "null"}, "p": {"type": "boolean"}}, "additionalProperties": False}, None),
        (
            {
                "properties": {"q": {"type": "string"}, "p": {"type": "boolean"}},
                "required": ["p"],
                "additionalProperties": False,
            },
            {
                "type": "OBJECT",
                "properties": {"q": {"type": "STRING"}, "p": {"type": "BOOLEAN"}},
                "required": ["p"],
                "propertyOrdering": ["q", "p"],
            },
        ),
    ],
)
def test_the_older_language_says_the_same_or_says_no(shape: Any, wanted: Any) -> None:
    if wanted is None:
        with pytest.raises(SchemaError, match="takes any value"):
            old(**shape)
        return
    made = old(**shape)
    assert made == wanted
    assert WireSchema.model_validate(made).model_extra == {}


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({}, "'a' takes any value"),
        ({"type": "array"}, r"'a\[\]' takes any value"),
        ({"type": "object"}, "'a' is an object of any names"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "'additionalProperties'"),
        ({"type": "object", "patternProperties": {"x": {"type": "string"}}}, "'patternProperties'"),
    ],
)
def test_what_the_older_language_cannot_say_is_named(shape: Any, words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        old(**shape)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"not": {"type": "string"}}, r"'a' has the keyword 'not'"),
        ({"if": {}, "then": {}}, "'if'"),
        ({"type": "array", "contains": {}}, "'contains'"),
        ({"type": "strng"}, "Did you mean 'string'"),
        ({"type": "str"}, "Did you mean 'string'"),
        ({"type": 3}, "'type' must be"),
        ({"requird": ["x"]}, "Did you mean 'required'"),
        ({"properties": []}, "'properties' must be"),
        ({"properties": {"b": 3}}, "'a.b' is '3'"),
        ({"properties": {"b": False}}, "'a.b' is 'False'"),
        ({"type": "object", "required": ["b"]}, "requires 'b'"),
        ({"required": "b"}, "'required' must be"),
        ({"anyOf": []}, "'anyOf' must be"),
        ({"anyOf": {}}, "'anyOf' must be"),
        ({"allOf": 3}, "'allOf' must be"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "says two things"),
        ({"enum": []}, "'enum' must be"),
        ({"enum": "ab"}, "'enum' must be"),
        ({"minItems": -1}, "'minItems' must be"),
        ({"minItems": "x"}, "'minItems' must be"),
        ({"minimum": "x"}, "'minimum' must be"),
        ({"minimum": True}, "'minimum' must be"),
        ({"description": 3}, "'description' must be"),
        ({"pattern": "("}, "no regular expression"),
        ({"$ref": "#/$defs/No"}, "refers to 'No'"),
        ({"$ref": "https://example.org/x.json"}, "only '#/"),
        ({"$ref": "other.json#/X"}, "only '#/"),
        ({"$ref": 3}, "only '#/"),
        ({"$ref": "#"}, None),
    ],
)
def test_what_is_no_schema_is_named_with_its_place(shape: Any, words: str | None) -> None:
    schema = {"type": "object", "properties": {"a": shape}}
    if words is None:
        assert schema_of(schema).read('{"a": {"a": {}}}') == {"a": {"a": {}}}
        return
    with pytest.raises(SchemaError, match=words):
        schema_of(schema)


@pytest.mark.parametrize(
    "defs",
    [
        {"A": {"$ref": "#/$defs/A"}},
        {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
        {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}},
        {"A": {"allOf": [{"$ref": "#/$defs/A"}, {"type": "object"}]}},
        {"A": {"$ref": "#/$defs/A", "minLength": 1}},
    ],
)
def test_a_shape_that_never_ends_is_refused(defs: Any) -> None:
    with pytest.raises(SchemaError):
        schema_of({"$ref": "#/$defs/A", "$defs": defs})


def test_shapes_that_multiply_when_written_out_are_refused_in_the_older_language_only() -> None:
    names = [f"D{n}" for n in range(30)]
    defs: dict[str, Any] = {
        name: {"properties": {"x": {"$ref": f"#/$defs/{after}"}, "y": {"$ref": f"#/$defs/{after}"}}}
        for name, after in pairwise(names)
    }
    schema = schema_of({"$ref": "#/$defs/D0", "$defs": {**defs, "D29": {"type": "string"}}})
    assert len(schema.json_schema["$defs"]) == 30
    with pytest.raises(SchemaError, match="larger than 5,000"):
        schema.config(form="openapi")


def test_definitions_that_nobody_uses_are_not_sent() -> None:
    schema = schema_of({"properties": {"a": {"type": "null"}}, "definitions": {"X": {"not": {}}}})
    assert schema.json_schema == {"type": "object", "properties": {"a": {"type": "null"}}}


def test_names_of_shapes_may_hold_slashes() -> None:
    schema = schema_of({"properties": {"a": {"$ref": "#/$defs/x~1y"}}, "$defs": {"x/y": {"type": "integer"}}})
    assert schema.json_schema["$defs"] == {"x/y": {"type": "integer"}}
    assert schema.read('{"a": 1.0}') == {"a": 1}


def test_defaults_fill_what_is_missing() -> None:
    schema = schema_of({"properties": {"a": {"type": "integer", "default": 3}, "b": {"type": "integer"}}})
    assert schema.read("{}") == {"a": 3}
    assert [column.nullable for column in schema.columns] == [False, True]


def test_limits_that_are_only_said_are_checked_all_the_same() -> None:
    from gemini_magic.exceptions import SchemaMismatch  # noqa: PLC0415 - one test

    class Limited(BaseModel):
        code: str = Field(pattern="^[A-Z]+$")

    for schema in (schema_of(Limited), schema_of({"properties": {"code": {"type": "string", "pattern": "^[A-Z]+$"}}})):
        assert "pattern" not in schema.json_schema["properties"]["code"]
        with pytest.raises(SchemaMismatch, match="code"):
            schema.read('{"code": "abc"}')


def test_the_fields_of_the_request_are_named_as_the_protocol_has_them() -> None:
    schema = schema_of("a")
    assert schema.config() == {"responseMimeType": "application/json", "responseJsonSchema": schema.json_schema}
    assert schema.config(form="openapi").keys() == {"responseMimeType", "responseSchema"}
    with pytest.raises(ValueError, match="form"):
        schema.config(form="yaml")


def test_a_schema_of_the_older_language_comes_back_as_it_was() -> None:
    given = {
        "type": "OBJECT",
        "properties": {
            "b": {"type": "STRING", "nullable": True},
            "a": {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "1"},
        },
        "required": ["a"],
        "propertyOrdering": ["a", "b"],
    }
    schema = schema_of(given)
    assert list(schema.json_schema["properties"]) == ["a", "b"]
    made = schema.config(form="openapi")["responseSchema"]
    assert made == {
        **given,
        "properties": {**given["properties"], "a": {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": 1}},
    }
