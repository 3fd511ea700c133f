"""Response schemas in both spellings, brought to plain JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gemini_magic.local.errors import invalid
from gemini_magic.wire import Schema
from gemini_magic.wire.schema import KEYWORD_SPELLINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.wire import FunctionDeclaration, GenerationConfig

Json = dict[str, Any]

_COUNTS = {"maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"}
_MAPS = {"$defs", "properties"}
_LISTS = {"allOf", "anyOf", "prefixItems"}
_SINGLE = {"additionalProperties", "items", "not"}
#: Formats that say how a string is spelt; others, such as ``int32``, say how a number is stored.
_STRING_FORMATS = {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"}

#: A small model left alone with an open list or string fills it until it runs out of tokens.
MOST_ITEMS = 32
MOST_CHARACTERS = 1_000


def response_schema(config: GenerationConfig | None) -> Json | None:
    """The schema that the answer must have, whichever field it came in; None when none was given."""
    if config is None:
        return None
    if config.response_json_schema is not None:
        return _read(config.response_json_schema, "generationConfig.responseJsonSchema")
    return _read(config.response_schema, "generationConfig.responseSchema") if config.response_schema else None


def parameters(function: FunctionDeclaration) -> Json:
    """The schema of a function's arguments; an empty object when it takes none."""
    given = function.parameters_json_schema if function.parameters_json_schema is not None else function.parameters
    schema = _read(given, f"the parameters of '{function.name}'") if given is not None else {}
    return schema or {"type": "object", "properties": {}}


def _read(schema: Any, field: str) -> Json:  # noqa: ANN401 - JSON
    try:
        return plain(schema)
    except (AttributeError, RecursionError, TypeError, ValueError):
        raise invalid(f"Invalid value at {field}: not a JSON Schema", field) from None


def plain(schema: Schema | Mapping[str, Any] | bool) -> Json:
    """Bring a schema to JSON Schema: lower-case types, camelCase keywords, null as a type, properties in order."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    raw = schema.model_dump(by_alias=True, exclude_unset=True) if isinstance(schema, Schema) else dict(schema)
    result: Json = {}
    for key, value in raw.items():
        name = KEYWORD_SPELLINGS.get(key, key)
        if value is not None or name in {"const", "default"}:
            result[name] = _converted(name, value)
    return _tidied(result)


def _converted(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    convert = _CONVERSIONS.get(name)
    return value if convert is None or isinstance(value, bool) else convert(value)


def _type(value: str | list[str]) -> str | list[str]:
    return [kind.lower() for kind in value] if isinstance(value, list) else value.lower()


def _each(value: Json | list[Json]) -> Json | list[Json]:
    if isinstance(value, dict):
        return {name: plain(schema) for name, schema in value.items()}
    return [plain(schema) for schema in value]


def _reference(value: str) -> str:
    return value.replace("#/defs/", "#/$defs/").replace("#/definitions/", "#/$defs/")


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "$ref": _reference,
    "type": _type,
    **dict.fromkeys(_COUNTS, int),
    **dict.fromkeys(_MAPS | _LISTS, _each),
    **dict.fromkeys(_SINGLE, plain),
}


def _tidied(schema: Json) -> Json:
    if schema.get("type") == "type_unspecified":
        del schema["type"]
    if schema.get("format") not in _STRING_FORMATS:
        schema.pop("format", None)
    order = schema.pop("propertyOrdering", None)
    if order and "properties" in schema:
        schema["properties"] = _ordered(schema["properties"], order)
    if schema.pop("nullable", False):
        return _or_null(schema)
    return schema


def _ordered(properties: Json, order: list[str]) -> Json:
    first = {name: properties[name] for name in order if name in properties}
    return first | {name: value for name, value in properties.items() if name not in first}


def _or_null(schema: Json) -> Json:
    definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
    return {"anyOf": [schema, {"type": "null"}], **definitions}


def constrained(schema: Json) -> Json:
    """The schema with bounds a small model needs: no names of its own invention, no endless lists and strings."""
    result = {name: _bounded(name, value) for name, value in schema.items()}
    if "properties" in result:
        result.setdefault("additionalProperties", False)
    kinds = result.get("type")
    if kinds == "array" or "items" in result:
        result.setdefault("maxItems", max(MOST_ITEMS, result.get("minItems", 0)))
    if kinds == "string" and not result.keys() & {"const", "enum", "format", "pattern"}:
        result.setdefault("maxLength", max(MOST_CHARACTERS, result.get("minLength", 0)))
    if isinstance(result.get("pattern"), str):
        result["pattern"] = _anchored(result["pattern"])
    return result


def _anchored(pattern: str) -> str:
    """JSON Schema searches for a pattern; a grammar needs to know what is around it."""
    start = "" if pattern.startswith("^") else "^.*"
    end = "" if pattern.endswith("$") else ".*$"
    return f"{start}{pattern}{end}"


def _bounded(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if name in _MAPS:
        return {key: constrained(item) for key, item in value.items()}
    if name in _LISTS:
        return [constrained(item) for item in value]
    if name in _SINGLE and isinstance(value, dict):
        return constrained(value)
    return value


def resolved(schema: Json, root: Json) -> Json:
    """The schema that a ``$ref`` points at, or the schema itself."""
    seen: set[str] = set()
    while isinstance(pointer := schema.get("$ref"), str) and pointer not in seen:
        seen.add(pointer)
        schema = _at(root, pointer)
    return schema


def _at(root: Json, pointer: str) -> Json:
    place: Any = root
    for step in pointer.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place = place.get(name, {}) if isinstance(place, dict) else {}
    return cast("Json", place) if isinstance(place, dict) else {}
