"""JSON Schemas as people and libraries write them, brought to one spelling.

Understood: drafts 4 to 2020-12, OpenAPI's ``nullable``, Gemini's own upper-case types and snake_case names. In the one
spelling, types are lower-case, null is a type, shared shapes are in ``$defs`` and reached by ``$ref``, a constant is an
``enum`` of one, ``oneOf`` is ``anyOf``, and ``allOf`` is merged. A keyword that changes what is valid and that has no
place there is named in a `SchemaError` with its path; remarks that change nothing are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.keywords import REMARKS, ROOT, SPELLINGS, cannot, reference, take, where, wrong
from gemini_magic.schemas.paths import MAX_SHOWN, element, field
from gemini_magic.schemas.tree import MAX_DEPTH, PYTHON_NAME, Json, references

#: What one schema may have, after shared shapes have been merged where they must be.
MAX_NODES = 20_000

_BESIDE_REF = frozenset({"$ref", "title", "description", "default", "examples", PYTHON_NAME})


def canonical(schema: Mapping[str, Any]) -> Json:
    """Bring a schema to the one spelling.

    Args:
        schema: A JSON Schema, or a schema of Gemini's own language.

    Returns:
        A new schema; its ``$defs`` are at the top and hold only what is used.

    Raises:
        SchemaError: It is no schema, or has a keyword that cannot be sent, with the path.
    """
    return _Reader(schema).whole()


class _Reader:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._shared: dict[str, Any] = dict(schema.get("definitions") or {}) | dict(schema.get("defs") or {})
        self._shared |= dict(schema.get("$defs") or {})
        self._nodes = 0

    def whole(self) -> Json:
        made = self._node(self._root, "", 0)
        defs: Json = {}
        missing = list(references(made))
        while missing:
            name = missing.pop(0)
            if name not in defs:
                defs[name] = self._node(self._target(name, ""), name, 0)
                missing += references(defs[name])
        return {**made, "$defs": defs} if defs else made

    def _target(self, name: str, path: str) -> Any:  # noqa: ANN401 - anything may stand there
        if name == ROOT and name not in self._shared:
            return {key: value for key, value in self._root.items() if key not in {"$defs", "definitions", "defs"}}
        if name not in self._shared:
            raise SchemaError(f"{where(path)} refers to '{name}', which is not among the $defs.")
        return self._shared[name]

    def _node(self, raw: Any, path: str, depth: int) -> Json:  # noqa: ANN401 - anything may stand there
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise SchemaError(f"{where(path)} is nested too deeply, or the schema is too large to be sent.")
        if raw is True:
            return {}
        if not isinstance(raw, Mapping):
            raise SchemaError(f"{where(path)} is {str(raw)[:MAX_SHOWN]!r}, and a schema is a JSON object.")
        given = {SPELLINGS.get(str(key), str(key)): value for key, value in raw.items()}
        given = _without_old_bounds(self._merged(given, path, depth))
        made: Json = {}
        for key, value in given.items():
            self._take(made, key, value, path, depth)
        return _tidy(made, given, path)

    def _merged(self, given: Json, path: str, depth: int) -> Json:
        """Without ``allOf``, and without a ``$ref`` beside which something else stands."""
        parts = given.pop("allOf", [])
        if not isinstance(parts, list):
            raise wrong(path, "allOf", "a list of schemas")
        if "$ref" in given and not ((given.keys() - REMARKS - {"$defs"}) <= _BESIDE_REF and not parts):
            parts = [{"$ref": given.pop("$ref")}, *parts]
        if not parts:
            return given
        if len(parts) == 1 and _only_reference(parts[0]) and given.keys() <= _BESIDE_REF:
            return {**parts[0], **given}
        merged: Json = {}
        for part in [*(self._followed(part, path, depth) for part in parts), given]:
            _merge(merged, part, path)
        return merged

    def _followed(self, part: Any, path: str, depth: int) -> Json:  # noqa: ANN401 - anything may stand there
        """A part of an ``allOf`` as it stands, references followed."""
        if depth > MAX_DEPTH or not isinstance(part, Mapping):
            raise wrong(path, "allOf", "a list of schemas that end")
        given = {SPELLINGS.get(str(key), str(key)): value for key, value in part.items()}
        if "$ref" in given:
            target = self._target(reference(given.pop("$ref"), path), path)
            given = {"allOf": [target, *given.pop("allOf", [])], **given}
        return self._merged(given, path, depth + 1)

    def _take(self, made: Json, key: str, value: Any, path: str, depth: int) -> None:  # noqa: ANN401
        if key in {"$defs", "propertyOrdering", "nullable"} or key in REMARKS or (key == "items" and value is False):
            return
        if key in {"properties", "patternProperties"}:
            made[key] = self._named(key, value, path, depth)
        elif key in {"anyOf", "prefixItems"} or (key == "items" and isinstance(value, list)):
            made["anyOf" if key == "anyOf" else "prefixItems"] = self._listed(key, value, path, depth)
        elif key in {"items", "propertyNames"}:
            made[key] = self._node(value, element(path) if key == "items" else path, depth + 1)
        elif key == "additionalProperties":
            made[key] = value if isinstance(value, bool) else self._node(value, f"{path}[*]", depth + 1)
        elif key == "additionalItems":
            if value not in (True, False):
                raise cannot(path, key)
        else:
            take(made, key, value, path)

    def _named(self, key: str, value: Any, path: str, depth: int) -> Json:  # noqa: ANN401
        if not isinstance(value, Mapping):
            raise wrong(path, key, "an object of schemas")
        return {str(name): self._node(inner, field(path, str(name)), depth + 1) for name, inner in value.items()}

    def _listed(self, key: str, value: Any, path: str, depth: int) -> list[Json]:  # noqa: ANN401
        if not isinstance(value, list) or not value:
            raise wrong(path, key, "a list of schemas")
        return [self._node(inner, element(path) if key != "anyOf" else path, depth + 1) for inner in value]


def _without_old_bounds(given: Json) -> Json:
    """Draft 4 said with a flag that a bound itself is out of bounds."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(given.get(flag), bool):
            exclusive = given.pop(flag)
            if exclusive and bound in given:
                given[flag] = given.pop(bound)
    return given


def _only_reference(part: Any) -> bool:  # noqa: ANN401 - anything may stand there
    return isinstance(part, Mapping) and part.keys() == {"$ref"}


def _merge(merged: Json, part: Mapping[str, Any], path: str) -> None:
    for key, value in part.items():
        if key == "properties" and isinstance(value, Mapping):
            _merge(merged.setdefault(key, {}), value, path)
        elif key == "required" and isinstance(value, list):
            merged[key] = [*merged.get(key, []), *value]
        elif key in {"title", "description", "default", "examples", PYTHON_NAME} or merged.get(key, value) == value:
            merged[key] = value
        else:
            raise SchemaError(f"{where(path)} says two things with 'allOf' about '{key}'; write them as one schema.")


def _tidy(made: Json, given: Json, path: str) -> Json:
    if "properties" in made:
        made.setdefault("type", "object")
        order = given.get("propertyOrdering")
        if isinstance(order, list):
            named = {name: made["properties"][name] for name in order if name in made["properties"]}
            made["properties"] = named | made["properties"]
    for name in made.get("required", []):
        if name not in made.get("properties", {}):
            raise SchemaError(f"{where(path)} requires '{name}', which is not among its properties.")
    if "items" in made or "prefixItems" in made:
        made.setdefault("type", "array")
    if given.get("nullable") is True or (None in made.get("enum", ()) and "type" in made):
        made = _nullable(made)
    return made


def _nullable(made: Json) -> Json:
    kinds = made.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "anyOf" in made:
        null = [] if {"type": "null"} in made["anyOf"] else [{"type": "null"}]
        return {**made, "anyOf": [*made["anyOf"], *null]}
    if "$ref" in made:
        beside = {key: value for key, value in made.items() if key != "$ref"}
        return {**beside, "anyOf": [{"$ref": made["$ref"]}, {"type": "null"}]}
    if kinds and "null" not in kinds:
        made = {**made, "type": [*kinds, "null"]}
    if "enum" in made and None not in made["enum"]:
        made = {**made, "enum": [*made["enum"], None]}
    return made
