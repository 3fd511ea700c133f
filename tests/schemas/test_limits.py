"""Strange names, large schemas, and when two are equal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas import Column, schema_of


class City(BaseModel):
    name: str


@pytest.mark.parametrize(
    "name", ["$ref", "__class__", "model_config", "a.b", "a b", "naïve", "", "items", "type", "$defs", "default"]
)
def test_fields_of_any_name_are_sent_and_read(name: str) -> None:
    raw = {
        "type": "object",
        "properties": {name: {"type": "integer"}, "x": {"$ref": "#/$defs/X"}},
        "required": [name],
        "$defs": {"X": {"type": "null"}},
    }
    schema = schema_of(raw)
    assert schema.read(json.dumps({name: 1})) == {name: 1}
    assert schema.columns[0] == Column(name, "int", nullable=False)
    made = type("Made", (BaseModel,), {"__annotations__": {"field": int}, "field": Field(alias=name)})
    assert schema_of(made).read(json.dumps({name: 1})).field == 1


def test_large_schemas_are_sent_up_to_a_limit() -> None:
    wide = schema_of({"type": "object", "properties": {f"f{n}": {"type": "integer"} for n in range(1000)}})
    assert len(wide.columns) == 1000
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"]}
    assert schema_of(deep).config(form="openapi")
    with pytest.raises(SchemaError, match="limit is 1,000,000"):
        schema_of({"type": "object", "description": "x" * 2_000_000, "properties": {"a": {}}})
    for _ in range(200):
        deep = {"type": "object", "properties": {"a": deep}}
    with pytest.raises(SchemaError, match="too deeply"):
        schema_of(deep)
    with pytest.raises(SchemaError, match="too large"):
        schema_of({"type": "object", "properties": {f"f{n}": {} for n in range(30_000)}})


def test_schemas_are_equal_when_they_ask_for_the_same() -> None:
    assert schema_of("a, b int") == schema_of("a,b   int")
    assert schema_of("a, b int").digest == schema_of("a,b int").digest
    assert schema_of("a, b int").digest != schema_of("b int, a").digest
    assert schema_of("a").digest != schema_of("a", is_list=True).digest
    assert schema_of(City) == schema_of(City)
    assert len({schema_of("a"), schema_of("a str"), schema_of("b")}) == 2
    assert schema_of(City, name="Town").name == "Town"
