"""A schema in few words, as a small model reads it best."""

from __future__ import annotations

import json

from gemini_magic.local.schema import Json, resolved

_DEEP = 5


def outline(schema: Json) -> str:
    """The names and kinds of a schema, such as ``{"city": string (where it is), "temperature": number}``."""
    return _outline(schema, schema, 0)


def _outline(schema: Json, root: Json, depth: int) -> str:
    schema = resolved(schema, root)
    about = f" ({schema['description']})" if depth and schema.get("description") else ""
    return _shape(schema, root, depth) + about


def _shape(schema: Json, root: Json, depth: int) -> str:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_outline(option, root, depth) for option in schema["anyOf"]))
    if depth >= _DEEP:
        return "..."
    if "properties" in schema:
        fields = [f'"{name}": {_outline(value, root, depth + 1)}' for name, value in schema["properties"].items()]
        return "{" + ", ".join(fields) + "}"
    if isinstance(schema.get("items"), dict):
        return f"[{_outline(schema['items'], root, depth + 1)}, ...]"
    return _kind(schema)


def _kind(schema: Json) -> str:
    kind = schema.get("type", "value")
    kinds = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return str(schema.get("format", kinds))
