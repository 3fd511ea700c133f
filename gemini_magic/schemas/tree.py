"""Walking through a canonical schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

#: Schemas within each other.
MAX_DEPTH = 100
#: Holds the Python name of a property whose name in the JSON is another one; it is never sent.
PYTHON_NAME = "x-python-name"
#: How a reference to a shared shape begins.
HEAD = "#/$defs/"


def escaped(name: str) -> str:
    """A name as it stands in a reference."""
    return name.replace("~", "~0").replace("/", "~1")


def unescaped(name: str) -> str:
    """The name that stands in a reference."""
    return name.replace("~1", "/").replace("~0", "~")


def kinds_of(node: Mapping[str, Any]) -> list[str]:
    """The types that a canonical schema names itself."""
    kinds = node.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def children(node: Json) -> Iterator[tuple[str, str, Json]]:
    """The schemas directly inside a canonical schema: keyword, name (for properties) and schema."""
    for key in ("properties", "patternProperties"):
        for name, inner in node.get(key, {}).items():
            yield key, name, inner
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(node.get(key), dict):
            yield key, "", node[key]
    for key in ("anyOf", "prefixItems"):
        for inner in node.get(key, ()):
            yield key, "", inner


def target(node: Json) -> str:
    """The name of the shared shape that a canonical schema refers to; empty when it does not."""
    return unescaped(node["$ref"].removeprefix(HEAD)) if "$ref" in node else ""


def resolved(node: Json, defs: Mapping[str, Json]) -> Json:
    """A canonical schema, or the shared shape that it refers to, with its own remarks."""
    seen = set()
    while (name := target(node)) and name not in seen:
        seen.add(name)
        node = {**defs[name], **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def references(node: Json) -> Iterator[str]:
    """The names of all shared shapes that are referred to within a canonical schema."""
    stack = [node]
    while stack:
        inner = stack.pop()
        if name := target(inner):
            yield name
        stack.extend(child for _, _, child in children(inner))
