"""What a schema demands and its wire form has no keyword for, in words for the description."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

#: Examples and allowed values in a description.
MOST_VALUES = 20


def _values(values: list[Any]) -> str:
    texts = [json.dumps(value, ensure_ascii=False, default=str) for value in values[:MOST_VALUES]]
    return ", ".join(texts) + (", …" if len(values) > MOST_VALUES else "")


def _names(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"Names are from: {_values(schema['enum'])}."
    return f"Names match {schema['pattern']}" if "pattern" in schema else ""


def _format(name: str) -> str:
    # Bytes are sent as text; "binary" would lead a model astray.
    return "" if name == "binary" else f"Format: {name}."


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "enum": lambda values: f"One of: {_values(values)}.",
    "format": _format,
    "minLength": lambda number: f"At least {number} characters." if number > 1 else "Not empty.",
    "maxLength": lambda number: f"At most {number} characters.",
    "pattern": lambda pattern: f"Matches the regular expression {pattern}",
    "exclusiveMinimum": lambda number: f"Above {number}.",
    "exclusiveMaximum": lambda number: f"Below {number}.",
    "multipleOf": lambda number: f"A multiple of {number}.",
    "uniqueItems": lambda flag: "No element comes twice." if flag else "",
    "minProperties": lambda number: f"At least {number} names.",
    "maxProperties": lambda number: f"At most {number} names.",
    "patternProperties": lambda named: f"Names match {' or '.join(named)}",
    "propertyNames": _names,
    "examples": lambda values: f"For example: {_values(values)}." if values else "",
}


def described(schema: Mapping[str, Any], unsent: Collection[str]) -> str:
    """The description of a schema, and in words what its other keywords demand.

    Args:
        schema: A canonical schema.
        unsent: The keywords that the wire form does not have.
    """
    words = [schema.get("description", ""), *(_WORDS[key](schema[key]) for key in _WORDS if key in unsent)]
    return " ".join(word for word in words if word)
