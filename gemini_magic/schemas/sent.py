"""The form of a schema that is sent as ``responseJsonSchema``.

Models take a part of JSON Schema. What lies outside it is said in the description and checked when the answer is read.
A ``$ref`` stands alone, and a shape may come back within itself only in properties that are not required.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.paths import field
from gemini_magic.schemas.tree import Json, children, references, resolved, target
from gemini_magic.schemas.words import described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SENT = (
    "$ref",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "properties",
    "additionalProperties",
    "required",
)
_FORMATS = frozenset({"date", "date-time", "time"})


def json_form(rules: Json) -> Json:
    """The form for ``responseJsonSchema``.

    Args:
        rules: A canonical schema.

    Raises:
        SchemaError: A shape comes back within itself in a required property; the message names it.
    """
    defs: Mapping[str, Json] = rules.get("$defs", {})
    endless = shapes_within_themselves(defs)
    _check_recursion(defs)
    made = _node({key: value for key, value in rules.items() if key != "$defs"}, defs, endless)
    shared: Json = {}
    missing = list(references(made))
    while missing:
        name = missing.pop(0)
        if name not in shared:
            shared[name] = _node(defs[name], defs, endless)
            missing += references(shared[name])
    return {**made, "$defs": shared} if shared else made


def shapes_within_themselves(defs: Mapping[str, Json]) -> frozenset[str]:
    """The names of shared shapes from which a reference leads back to them."""
    direct = {name: set(references(shape)) for name, shape in defs.items()}
    return frozenset(name for name in defs if name in _reachable(name, direct))


def _reachable(start: str, direct: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    stack = list(direct[start])
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack.extend(direct[name])
    return seen


def _node(node: Json, defs: Mapping[str, Json], endless: frozenset[str]) -> Json:
    if "$ref" in node:
        if not node.get("description"):
            return {"$ref": node["$ref"]}
        if target(node) in endless:
            # Nothing may stand beside a reference, and the description is worth keeping.
            return {"description": node["description"], "anyOf": [{"$ref": node["$ref"]}]}
        node = resolved(node, defs)
    node = _with_whole_bounds(node)
    made = {key: node[key] for key in _SENT if key in node and (key != "format" or node[key] in _FORMATS)}
    made |= _inner(node, lambda inner: _node(inner, defs, endless))
    if text := described(node, node.keys() - made.keys()):
        made["description"] = text
    return {key: made[key] for key in _SENT if key in made}


def _inner(node: Json, convert: Callable[[Json], Json]) -> Json:
    """The keywords that hold schemas, each of them converted."""
    made: Json = {}
    if "properties" in node:
        made["properties"] = {name: convert(inner) for name, inner in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            made[key] = convert(node[key])
    for key in ("anyOf", "prefixItems"):
        if key in node:
            made[key] = [convert(inner) for inner in node[key]]
    if patterns := node.get("patternProperties"):
        # The patterns are said in the description; several shapes of values cannot be told apart by name.
        made["additionalProperties"] = convert(next(iter(patterns.values()))) if len(patterns) == 1 else True
    return made


def _with_whole_bounds(node: Json) -> Json:
    """Whole numbers above 0 are those from 1."""
    if node.get("type") != "integer":
        return node
    node = dict(node)
    if "exclusiveMinimum" in node:
        bound = math.floor(node.pop("exclusiveMinimum")) + 1
        node["minimum"] = max(bound, node.get("minimum", bound))
    if "exclusiveMaximum" in node:
        bound = math.ceil(node.pop("exclusiveMaximum")) - 1
        node["maximum"] = min(bound, node.get("maximum", bound))
    return node


def _check_recursion(defs: Mapping[str, Json]) -> None:
    """Refuse shapes that come back within themselves where a value must be."""
    edges = {name: list(_required_references(shape, name)) for name, shape in defs.items()}
    for name, first in edges.items():
        seen, stack = set(), list(first)
        while stack:
            path, to = stack.pop()
            if to == name:
                raise SchemaError(
                    f"'{path}' leads back to {name} itself; models take that only in properties that are not required.",
                    hint=f"Give '{path}' a default, or leave it out of 'required'.",
                )
            if to not in seen:
                seen.add(to)
                stack.extend((path, further) for _, further in edges[to])


def _required_references(node: Json, path: str) -> list[tuple[str, str]]:
    """References that every value of the schema meets, or may meet outside optional properties, with their place."""
    found = [(path, name)] if (name := target(node)) else []
    for key, inner_name, inner in children(node):
        if key == "properties" and inner_name not in node.get("required", ()):
            continue
        found += _required_references(inner, field(path, inner_name) if key == "properties" else path)
    return found
