"""A value that satisfies a JSON Schema, always the same one for the same schema."""

from __future__ import annotations

import math
from typing import Any

from gemini_magic.local.schema import Json, resolved

_BY_FORMAT = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "duration": "P1D",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "time": "00:00:00Z",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

#: Below this depth only what is required is filled in, so that recursive schemas end.
_DEEP = 6


def instance(schema: Json) -> Any:  # noqa: ANN401 - JSON
    """Make a value of the schema, deterministically; string patterns are not followed.

    Optional properties are filled in as well, lists have one element unless more are asked for.
    """
    return _Maker(schema).value(schema, depth=0)


class _Maker:
    """Knows the root, for references."""

    def __init__(self, root: Json) -> None:
        self.root = root

    def value(self, schema: Json, *, depth: int, number: int = 0) -> Any:  # noqa: ANN401 - JSON
        """A value; ``number`` tells the elements of one list apart."""
        schema = resolved(schema, self.root)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][number % len(schema["enum"])]
        if schema.get("anyOf"):
            shared = {name: item for name, item in schema.items() if name not in {"anyOf", "$defs"}}
            return self.value(shared | self._choice(schema["anyOf"], depth), depth=depth, number=number)
        if schema.get("allOf"):
            schema = self._merged(schema)
        return self._typed(_kind(schema), schema, depth, number)

    def _typed(self, kind: str, schema: Json, depth: int, number: int) -> Any:  # noqa: ANN401 - JSON
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in {"integer", "number"}:
            return _number(schema, number, whole=kind == "integer")
        return {"boolean": True, "null": None}[kind] if kind in {"boolean", "null"} else _string(schema, number)

    def _choice(self, options: list[Json], depth: int) -> Json:
        """The first option that is not null; when deep, null or whatever ends soonest."""
        shapes = [resolved(option, self.root) for option in options]
        nulls = [shape for shape in shapes if _kind(shape) == "null"]
        others = [shape for shape in shapes if _kind(shape) != "null"]
        if depth >= _DEEP:
            return min(nulls or others, key=lambda shape: len(str(shape)))
        return (others or nulls)[0]

    def _object(self, schema: Json, depth: int) -> Json:
        properties: Json = schema.get("properties", {})
        required = schema.get("required", [])
        names = [name for name in properties if depth < _DEEP or name in required]
        names += [name for name in required if name not in properties]
        result = {name: self.value(properties.get(name, {}), depth=depth + 1) for name in names}
        more = schema.get("additionalProperties")
        for number in range(len(result), schema.get("minProperties", 0)):
            shape = more if isinstance(more, dict) else {}
            result[f"name {number + 1}"] = self.value(shape, depth=depth + 1, number=number)
        return result

    def _array(self, schema: Json, depth: int) -> list[Any]:
        prefix: list[Json] = schema.get("prefixItems", [])
        count = max(schema.get("minItems", 0), len(prefix), 1 if depth < _DEEP else 0)
        count = min(count, schema.get("maxItems", count))
        items = schema.get("items", {})
        shape = items if isinstance(items, dict) else {}
        shapes = (prefix + [shape] * count)[:count]
        return [self.value(item, depth=depth + 1, number=number) for number, item in enumerate(shapes)]

    def _merged(self, schema: Json) -> Json:
        result = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            shape = resolved(part, self.root)
            shape = self._merged(shape) if "allOf" in shape else shape
            properties = result.get("properties", {}) | shape.get("properties", {})
            required = [*result.get("required", []), *shape.get("required", [])]
            result |= shape | {"properties": properties, "required": required}
        return result


def _kind(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _string(schema: Json, number: int) -> str:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    text = f"text {number + 1}" if number else "text"
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _number(schema: Json, number: int, *, whole: bool) -> int | float:
    low = _bound(schema, "minimum", "exclusiveMinimum", whole=whole, up=True)
    high = _bound(schema, "maximum", "exclusiveMaximum", whole=whole, up=False)
    value = min(max(1 + number, low), high)
    step = schema.get("multipleOf")
    if step:
        value = math.ceil(value / step) * step
        value = value if value <= high else math.floor(high / step) * step
    return int(value) if whole or (math.isfinite(value) and value == int(value)) else value


def _bound(schema: Json, inclusive: str, exclusive: str, *, whole: bool, up: bool) -> float:
    outermost = -math.inf if up else math.inf
    bounds = [float(schema[inclusive])] if inclusive in schema else []
    if isinstance(schema.get(exclusive), (int, float)) and not isinstance(schema.get(exclusive), bool):
        bounds.append(_beyond(schema[exclusive], whole=whole, up=up))
    if not bounds:
        return outermost
    bound = max(bounds) if up else min(bounds)
    return (math.ceil(bound) if up else math.floor(bound)) if whole else bound


def _beyond(edge: float, *, whole: bool, up: bool) -> float:
    if whole:
        return math.floor(edge) + 1 if up else math.ceil(edge) - 1
    nudge = max(abs(edge), 1.0) * 1e-3
    return edge + nudge if up else edge - nudge
