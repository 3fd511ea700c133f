"""What may be put right in an answer without changing its meaning.

An answer is judged as JSON: ``true`` is no number, ``12`` is no text, null is only for what may be null. Some spellings
mean the same, though, and asking again would be paid for, so these are put right first: ``3.0`` for a whole number,
``"3"`` for a number where no text is allowed, a name that differs from the schema's in case, spaces, hyphens and
underscores alone, one object where an array is wanted, an array of one where an object is wanted.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gemini_magic.schemas.tree import PYTHON_NAME, Json, kinds_of, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Defs = Mapping[str, Json]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?")
_FILLING = re.compile(r"[\s_-]+")
_ANYTHING = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


def whole_answer(value: Any, rules: Json) -> Any:  # noqa: ANN401 - JSON
    """One object where an array is wanted, or the other way round, brought to what is wanted."""
    defs = rules.get("$defs", {})
    kinds = allowed_kinds(rules, defs)
    if "array" not in kinds and isinstance(value, list) and len(value) == 1 and "object" in kinds:
        return value[0]
    if "object" in kinds or "array" not in kinds or not isinstance(value, dict):
        return value
    item = resolved(resolved(rules, defs).get("items", {}), defs)
    only = next(iter(value.values())) if len(value) == 1 else None
    if isinstance(only, list) and next(iter(value)) not in item.get("properties", {}):
        return only
    return [value] if "object" in allowed_kinds(item, defs) else value


def allowed_kinds(node: Json, defs: Defs, depth: int = 0) -> frozenset[str]:
    """The types a value may have."""
    node = resolved(node, defs)
    if "anyOf" in node and depth < len(_ANYTHING):
        return frozenset().union(*(allowed_kinds(branch, defs, depth + 1) for branch in node["anyOf"]))
    if kinds := kinds_of(node):
        return frozenset(kinds)
    return _ANYTHING


def mended(value: Any, node: Json, defs: Defs) -> Any:  # noqa: ANN401 - JSON
    """Put right what can be; what cannot stays as it is, for the check that follows."""
    node = resolved(node, defs)
    if isinstance(value, dict | list):
        branch = _only_branch(value, node, defs)
        if branch is None:
            return value
        return _mended_object(value, branch, defs) if isinstance(value, dict) else _mended_array(value, branch, defs)
    if isinstance(value, str | float):
        return _mended_number(value, allowed_kinds(node, defs))
    return value


def _mended_number(value: str | float, kinds: frozenset[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, float):
        return int(value) if "integer" in kinds and "number" not in kinds and value.is_integer() else value
    if "string" in kinds or not kinds & {"integer", "number"} or not _NUMBER.fullmatch(value.strip()):
        return value
    number = json.loads(value)
    if isinstance(number, float) and "number" not in kinds:
        return int(number) if number.is_integer() else value
    return number


def _only_branch(value: dict[str, Any] | list[Any], node: Json, defs: Defs) -> Json | None:
    """The one schema that a value can be of; None when there are several, or none."""
    if "anyOf" not in node:
        return node
    kind = "object" if isinstance(value, dict) else "array"
    branches = [resolved(branch, defs) for branch in node["anyOf"]]
    branches = [branch for branch in branches if kind in allowed_kinds(branch, defs)]
    if isinstance(value, dict) and len(branches) > 1:
        branches = [branch for branch in branches if _has_all(value, branch)]
    return branches[0] if len(branches) == 1 and "anyOf" not in branches[0] else None


def _has_all(value: dict[str, Any], branch: Json) -> bool:
    properties = branch.get("properties", {})
    choices = ((name, inner["enum"]) for name, inner in properties.items() if "enum" in inner and name in value)
    return all(name in value for name in branch.get("required", ())) and all(
        value[name] in enum for name, enum in choices
    )


def _mended_object(value: dict[str, Any], node: Json, defs: Defs) -> dict[str, Any]:
    properties = node.get("properties", {})
    more = node.get("additionalProperties")
    known = _known_names(value, properties)
    made = {}
    for name, item in value.items():
        inner = properties.get(known.get(name, name), more)
        made[known.get(name, name)] = mended(item, inner, defs) if isinstance(inner, dict) else item
    return made


def _known_names(value: dict[str, Any], properties: Mapping[str, Json]) -> dict[str, str]:
    """What names of an answer should have been, where that is clear."""
    strange = [name for name in value if name not in properties]
    absent = [name for name in properties if name not in value]
    if not strange or not absent:
        return {}
    near: dict[str, list[str]] = {}
    for name in strange:
        near.setdefault(_folded(name), []).append(name)
    wanted: dict[str, list[str]] = {}
    for name in absent:
        wanted.setdefault(_folded(name), []).append(name)
    return {near[key][0]: names[0] for key, names in wanted.items() if len(names) == 1 == len(near.get(key, ()))}


def _folded(name: str) -> str:
    return _FILLING.sub("", name).casefold()


def _mended_array(value: list[Any], node: Json, defs: Defs) -> list[Any]:
    places = node.get("prefixItems", [])
    rest = node.get("items", {})
    return [mended(item, places[number] if number < len(places) else rest, defs) for number, item in enumerate(value)]


def plain_answer(value: Any, node: Json, defs: Defs, fits: Callable[[Any, Json], bool]) -> Any:  # noqa: ANN401 - JSON
    """A valid answer of a schema without a class, as a class would have it.

    Names that the schema does not have are left out unless it lets them in, defaults stand for what is missing, and
    values have their Python names.

    Args:
        value: A valid value.
        node: Its canonical schema.
        defs: The shared shapes.
        fits: Whether a value is valid by a schema; asked where there are alternatives.
    """
    node = resolved(node, defs)
    if not isinstance(value, dict | list):
        return value
    if "anyOf" in node:
        branch = next((branch for branch in node["anyOf"] if fits(value, branch)), None)
        return value if branch is None else plain_answer(value, branch, defs, fits)
    if isinstance(value, list):
        places, rest = node.get("prefixItems", []), node.get("items", {})
        shapes = [*places, *[rest] * len(value)]
        return [plain_answer(item, shape, defs, fits) for item, shape in zip(value, shapes, strict=False)]
    return _plain_object(value, node, lambda item, shape: plain_answer(item, shape, defs, fits))


def _plain_object(value: dict[str, Any], node: Json, inside: Callable[[Any, Json], Any]) -> dict[str, Any]:
    properties = node.get("properties")
    if properties is None:
        more = node.get("additionalProperties")
        return {name: inside(item, more) for name, item in value.items()} if isinstance(more, dict) else value
    made = {}
    for name, shape in properties.items():
        if name in value:
            made[shape.get(PYTHON_NAME, name)] = inside(value[name], shape)
        elif "default" in shape:
            made[shape.get(PYTHON_NAME, name)] = shape["default"]
    if node.get("additionalProperties"):
        made |= {name: item for name, item in value.items() if name not in properties}
    return made
