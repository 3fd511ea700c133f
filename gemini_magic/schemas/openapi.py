"""The form of a schema that is sent as ``responseSchema``, for servers that do not take JSON Schema.

It is a part of OpenAPI: types in upper case and one at a time, no references, no maps. Shared shapes are written out,
null becomes ``nullable``, numbers to choose from are said in the description. What has no form at all is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.paths import element, field
from gemini_magic.schemas.tree import Json, kinds_of, resolved, target
from gemini_magic.schemas.words import described

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Shapes written out at every place where they are used can multiply.
MAX_NODES = 5_000

_SENT = (
    "title",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "pattern",
)
_FORMATS = frozenset({"date-time", "enum"})
_ELSEWHERE = frozenset({"$ref", "$defs", "type", "items", "prefixItems", "anyOf", "properties", "required"})


def openapi_form(rules: Json) -> Json:
    """The form for ``responseSchema``.

    Args:
        rules: A canonical schema.

    Raises:
        SchemaError: A part of it has no such form; the message names its path and keyword.
    """
    defs: Mapping[str, Json] = rules.get("$defs", {})
    return _Writer(defs).node(rules, "")


def _cannot(path: str, what: str, hint: str = "") -> SchemaError:
    where = f"'{path}'" if path else "The schema"
    return SchemaError(
        f"{where} {what}, which has no form in this server's schema language (responseSchema).", hint=hint
    )


class _Writer:
    def __init__(self, defs: Mapping[str, Json]) -> None:
        self._defs = defs
        self._open: list[str] = []
        self._nodes = 0

    def node(self, node: Json, path: str) -> Json:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _cannot(path, f"makes the schema larger than {MAX_NODES:,} parts when its '$ref's are written out")
        name = target(node)
        if name in self._open:
            raise _cannot(path, f"comes back within itself ('$ref' to {name})")
        self._open.append(name or "\0")
        made = self._written(_without_null_branch(resolved(node, self._defs)), path)
        self._open.pop()
        return made

    def _written(self, node: Json, path: str) -> Json:
        kinds = [kind for kind in kinds_of(node) if kind != "null"] or _kinds_of_values(node)
        if len(kinds) > 1:
            return self._any_of(node, [_of_kind(node, kind) for kind in kinds], path)
        if "anyOf" in node:
            return self._any_of(node, node["anyOf"], path)
        if not kinds:
            raise _cannot(path, "takes any value (no 'type')", "Name what it holds.")
        return self._typed(node, kinds[0], path)

    def _any_of(self, node: Json, branches: list[Json], path: str) -> Json:
        beside: Json = {key: node[key] for key in ("title", "description") if key in node}
        written = [self.node(branch, path) for branch in branches]
        if len(written) == 1:
            return {**written[0], **beside, **_null(node)}
        return {**beside, "anyOf": written, **_null(node)}

    def _typed(self, node: Json, kind: str, path: str) -> Json:
        made: Json = {"type": kind.upper(), **{key: node[key] for key in _SENT if key in node}, **_null(node)}
        if kind == "string" and "enum" in node:
            made |= {"format": "enum", "enum": [value for value in node["enum"] if value is not None]}
        elif node.get("format") in _FORMATS and kind == "string":
            made["format"] = node["format"]
        if text := described(node, node.keys() - made.keys() - _ELSEWHERE):
            made["description"] = text
        if kind == "object":
            made |= self._object(node, path)
        elif kind == "array":
            made |= self._array(node, path)
        return made

    def _object(self, node: Json, path: str) -> Json:
        properties = node.get("properties", {})
        more = node.get("additionalProperties")
        if isinstance(more, dict) or "patternProperties" in node or not properties:
            key = "additionalProperties" if "patternProperties" not in node else "patternProperties"
            hint = "A list of objects with a name and a value says the same."
            raise _cannot(path, f"is an object of any names ('{key}')", hint)
        made: Json = {"properties": {name: self.node(inner, field(path, name)) for name, inner in properties.items()}}
        if node.get("required"):
            made["required"] = node["required"]
        return {**made, "propertyOrdering": list(properties)}

    def _array(self, node: Json, path: str) -> Json:
        places: list[Json] = []
        for inner in node.get("prefixItems", []):
            written = self.node(inner, element(path))
            places += [] if written in places else [written]
        if places:
            return {"items": places[0] if len(places) == 1 else {"anyOf": places}}
        return {"items": self.node(node.get("items", {}), element(path))}


def _null(node: Json) -> Json:
    return {"nullable": True} if "null" in kinds_of(node) or None in node.get("enum", ()) else {}


def _without_null_branch(node: Json) -> Json:
    """A branch that is null alone becomes a type of the whole; a branch that is left alone takes its place."""
    branches = [branch for branch in node.get("anyOf", ()) if branch.get("type") != "null"]
    if len(branches) == len(node.get("anyOf", ())):
        return node
    return {**node, "anyOf": branches, "type": "null"}


def _kinds_of_values(node: Json) -> list[str]:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    return list(dict.fromkeys(names[type(value)] for value in node.get("enum", ()) if value is not None))


def _of_kind(node: Json, kind: str) -> Json:
    """The part of a schema that speaks of one type."""
    made: dict[str, Any] = {key: value for key, value in node.items() if key not in {"title", "description"}}
    if "enum" in node:
        wanted = {"number": {"number", "integer"}}.get(kind, {kind})
        made["enum"] = [value for value in node["enum"] if set(_kinds_of_values({"enum": [value]})) & wanted]
    return {**made, "type": kind}
