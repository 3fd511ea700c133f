"""Gemini's own schema language, a subset of OpenAPI 3."""

from __future__ import annotations

from typing import Any

from gemini_magic.wire.base import WireModel

#: Keywords of JSON Schema that some clients write in snake_case, or by a name that the servers take for another.
KEYWORD_SPELLINGS = {
    "additional_properties": "additionalProperties",
    "any_of": "anyOf",
    "defs": "$defs",
    "definitions": "$defs",
    "exclusive_maximum": "exclusiveMaximum",
    "exclusive_minimum": "exclusiveMinimum",
    "max_items": "maxItems",
    "max_length": "maxLength",
    "max_properties": "maxProperties",
    "min_items": "minItems",
    "min_length": "minLength",
    "min_properties": "minProperties",
    "oneOf": "anyOf",
    "one_of": "anyOf",
    "prefix_items": "prefixItems",
    "property_ordering": "propertyOrdering",
    "ref": "$ref",
}


class Schema(WireModel):
    """The shape of a value.

    Servers refuse keywords that are not among these fields; for JSON Schema in full there are
    `GenerationConfig.response_json_schema` and `FunctionDeclaration.parameters_json_schema`.
    """

    type: str | list[str] | None = None
    """One of `SchemaType`; servers take a single type."""

    format: str | None = None
    """For example `int64`, `double`, `date-time`, `enum`."""

    title: str | None = None
    description: str | None = None
    nullable: bool | None = None
    enum: list[Any] | None = None
    """Allowed values; servers take strings."""

    items: Schema | None = None
    """Shape of an array's elements."""

    min_items: int | str | None = None
    """Least number of elements; the wire writes 64-bit integers as strings, servers read both."""

    max_items: int | str | None = None
    properties: dict[str, Schema] | None = None
    """Shapes of an object's values by name."""

    required: list[str] | None = None
    """Names that an object must have."""

    property_ordering: list[str] | None = None
    """Order in which the model writes an object's names; no part of OpenAPI."""

    min_properties: int | str | None = None
    max_properties: int | str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    min_length: int | str | None = None
    """Least number of characters."""

    max_length: int | str | None = None
    pattern: str | None = None
    """Regular expression."""

    any_of: list[Schema] | None = None
    """The value has at least one of these shapes."""

    example: Any = None
    default: Any = None
    additional_properties: Any = None
    """Newer servers only: a flag, or the shape of values with other names."""

    defs: dict[str, Schema] | None = None
    """Newer servers only: named shapes for `ref`."""

    ref: str | None = None
    """Newer servers only: the shape is the one in `defs`, as in `#/defs/Name`."""
