"""The keywords of JSON Schema that hold no schema, each with the reader of its value."""

from __future__ import annotations

import difflib
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.tree import HEAD, PYTHON_NAME, Json, escaped, unescaped
from gemini_magic.wire.schema import KEYWORD_SPELLINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What the whole schema is called where it refers to itself.
ROOT = "WholeSchema"
#: The types of JSON Schema.
TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
#: Other names that keywords go by.
SPELLINGS = {**KEYWORD_SPELLINGS, "example": "examples"}
_COUNTS = frozenset({"maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_TEXTS = frozenset({"title", "description", "format", "pattern", PYTHON_NAME})
_NICKNAMES = {"str": "string", "text": "string", "list": "array", "float": "number", "dict": "object", "none": "null"}
#: Keywords that change nothing about what is valid.
REMARKS = frozenset(
    {
        "$anchor",
        "$comment",
        "$id",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "deprecated",
        "discriminator",
        "externalDocs",
        "id",
        "readOnly",
        "writeOnly",
        "xml",
    }
)
_UNTRANSLATABLE = frozenset(
    {
        "$dynamicAnchor",
        "$dynamicRef",
        "$recursiveRef",
        "contains",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "maxContains",
        "minContains",
        "not",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)


def take(made: Json, key: str, value: Any, path: str) -> None:  # noqa: ANN401 - anything may stand there
    """Put a keyword that holds no schema into a canonical schema.

    Raises:
        SchemaError: It cannot be sent, or its value is not of its kind.
    """
    if key in _READERS:
        made["enum" if key == "const" else key] = _READERS[key](value, key, path)
    elif key in _UNTRANSLATABLE or not key.startswith("x-"):
        raise cannot(path, key)


def cannot(path: str, key: str) -> SchemaError:
    """The error for a keyword that has no place in what models take."""
    known = [*_READERS, "items", "properties", "anyOf", "additionalProperties"]
    near = [] if key in _UNTRANSLATABLE else difflib.get_close_matches(key, known, 1)
    meant = f"Did you mean '{near[0]}'?" if near else "Say it in the description instead."
    return SchemaError(f"{where(path)} has the keyword '{key}', which cannot be sent to a model.", hint=meant)


def wrong(path: str, key: str, wanted: str) -> SchemaError:
    """The error for a keyword whose value is not of its kind."""
    return SchemaError(f"{where(path)}: '{key}' must be {wanted}.")


def where(path: str) -> str:
    """What a message calls the schema at a place."""
    return f"The schema of '{path}'" if path else "The schema"


def reference(value: Any, path: str) -> str:  # noqa: ANN401 - anything may stand there
    """The name of the shared shape that a ``$ref`` of a user's schema leads to."""
    if value == "#":
        return ROOT
    for head in (HEAD, "#/definitions/", "#/defs/", "#/components/schemas/"):
        if isinstance(value, str) and value.startswith(head) and "/" not in value[len(head) :]:
            return unescaped(value[len(head) :])
    raise SchemaError(f"{where(path)} refers to {value!r}; only '#/$defs/NAME' and '#' can be followed.")


def _reference(value: Any, _key: str, path: str) -> str:  # noqa: ANN401 - anything may stand there
    return f"{HEAD}{escaped(reference(value, path))}"


def _type(value: Any, key: str, path: str) -> str | list[str]:  # noqa: ANN401 - anything may stand there
    kinds: Any = [value] if isinstance(value, str) else value
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise wrong(path, key, f"one of {', '.join(TYPES)}")
    for kind in kinds:
        if kind.lower() not in TYPES:
            near = difflib.get_close_matches(_NICKNAMES.get(str(kind), str(kind)), TYPES, 1, 0.4)
            hint = f"Did you mean '{near[0]}'?" if near else ""
            raise SchemaError(f"{where(path)} has the type {kind!r}; types are {', '.join(TYPES)}.", hint=hint)
    lower = list(dict.fromkeys(kind.lower() for kind in kinds))
    return lower[0] if len(lower) == 1 else lower


def _values(value: Any, key: str, path: str) -> list[Any]:  # noqa: ANN401 - anything may stand there
    if not isinstance(value, list) or not value:
        raise wrong(path, key, "a list of values")
    # By spelling: to Python, true and 1 are equal.
    return list({json.dumps(item, sort_keys=True, default=str): item for item in value}.values())


def _names(value: Any, key: str, path: str) -> list[str]:  # noqa: ANN401 - anything may stand there
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise wrong(path, key, "a list of names")
    return list(dict.fromkeys(value))


def _count(value: Any, key: str, path: str) -> int:  # noqa: ANN401 - anything may stand there
    try:
        # The wire writes 64-bit integers as strings.
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if number < 0 or isinstance(value, bool):
        raise wrong(path, key, "a whole number from 0")
    return number


def _number(value: Any, key: str, path: str) -> int | float:  # noqa: ANN401 - anything may stand there
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(path, key, "a number")
    return value


def _text(value: Any, key: str, path: str) -> str:  # noqa: ANN401 - anything may stand there
    if not isinstance(value, str):
        raise wrong(path, key, "a text")
    return value


_READERS: Mapping[str, Callable[[Any, str, str], Any]] = MappingProxyType(
    {
        "$ref": _reference,
        "const": lambda value, _key, _path: [value],
        "default": lambda value, _key, _path: value,
        "enum": _values,
        "examples": lambda value, _key, _path: value if isinstance(value, list) else [value],
        "required": _names,
        "type": _type,
        "uniqueItems": lambda value, _key, _path: bool(value),
        **dict.fromkeys(_COUNTS, _count),
        **dict.fromkeys(_NUMBERS, _number),
        **dict.fromkeys(_TEXTS, _text),
    }
)
