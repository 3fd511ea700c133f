"""Values checked against a canonical schema, for schemas that no Python class stands behind.

There is a library for this, jsonschema; beside Jupyter its import alone takes longer than an answer, for grammars of
formats that are not asked for here. The canonical spelling has few keywords, and tests hold the two against each other.
"""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.paths import element, field, shown
from gemini_magic.schemas.tree import Json, children, kinds_of, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LONGEST = 200
_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}
_FORMATS: dict[str, tuple[Callable[[str], object], str]] = {
    "date": (dt.date.fromisoformat, "2026-05-31"),
    "date-time": (dt.datetime.fromisoformat, "2026-05-31T12:30:00Z"),
    "time": (dt.time.fromisoformat, "12:30:00"),
}


class Check:
    """Checks values against one canonical schema."""

    def __init__(self, rules: Json) -> None:
        self._rules = rules
        self._defs: Json = rules.get("$defs", {})

    def faults(self, value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
        """What is wrong with a value, each with its place; nothing when it is valid."""
        return self._of(value, self._rules, "")

    def fits(self, value: Any, part: Json) -> bool:  # noqa: ANN401 - JSON
        """Whether a value is valid by a part of the schema."""
        return next(self._of(value, part, ""), None) is None

    def _of(self, value: Any, node: Json, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
        node = resolved(node, self._defs)
        if "enum" in node and not any(_same(value, choice) for choice in node["enum"]):
            yield _fault(path, f"should be one of {_cut(', '.join(map(shown, node['enum'])))}", value)
        elif not _is_of(value, kinds_of(node)):
            yield _fault(path, f"should be {' or '.join(_NAMES[kind] for kind in kinds_of(node))}", value)
        else:
            if "anyOf" in node:
                yield from self._alternatives(value, node["anyOf"], path)
            yield from self._inside(value, node, path)

    def _inside(self, value: Any, node: Json, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            yield from self._object(value, node, path)
        elif isinstance(value, list):
            yield from self._array(value, node, path)
        elif isinstance(value, str):
            yield from (_fault(path, demand, value) for demand in _text(value, node))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from (_fault(path, demand, value) for demand in _number(value, node))

    def _alternatives(self, value: Any, branches: list[Json], path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
        if any(self.fits(value, branch) for branch in branches):
            return
        near = [branch for branch in branches if _is_of(value, kinds_of(resolved(branch, self._defs)))]
        if len(near) == 1:
            yield from self._of(value, near[0], path)
            return
        kinds = [kind for branch in branches for kind in kinds_of(resolved(branch, self._defs))]
        wanted = " or ".join(dict.fromkeys(_NAMES[kind] for kind in kinds)) if not near else "one of the alternatives"
        yield _fault(path, f"should be {wanted}", value)

    def _array(self, value: list[Any], node: Json, path: str) -> Iterator[str]:
        places, rest = node.get("prefixItems", []), node.get("items", {})
        for number, item in enumerate(value):
            yield from self._of(item, places[number] if number < len(places) else rest, element(path, number))
        yield from (_fault(path, words, value) for words in _counts(len(value), node, "Items", "elements"))
        if node.get("uniqueItems") and any(_same(item, other) for n, item in enumerate(value) for other in value[:n]):
            yield _fault(path, "should hold no element twice", value)

    def _object(self, value: dict[str, Any], node: Json, path: str) -> Iterator[str]:
        for name in node.get("required", ()):
            if name not in value:
                yield f"{field(path, name)} is missing"
        for name, item in value.items():
            yield from self._property(name, item, node, path)
        yield from (_fault(path, words, value) for words in _counts(len(value), node, "Properties", "names"))

    def _property(self, name: str, item: Any, node: Json, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
        place = field(path, name)
        shapes = [node["properties"][name]] if name in node.get("properties", {}) else []
        shapes += [shape for pattern, shape in node.get("patternProperties", {}).items() if re.search(pattern, name)]
        more = node.get("additionalProperties", True)
        if not shapes and more is False:
            yield f"{place} is not in the schema"
        elif not shapes and isinstance(more, dict):
            shapes = [more]
        for shape in shapes:
            yield from self._of(item, shape, place)
        if "propertyNames" in node and not self.fits(name, node["propertyNames"]):
            yield f"{place} has a name that the schema does not allow"


def check_patterns(rules: Json) -> None:
    """Refuse patterns that are no regular expressions.

    Raises:
        SchemaError: With the pattern.
    """
    stack = [rules, *rules.get("$defs", {}).values()]
    while stack:
        node = stack.pop()
        stack.extend(inner for _, _, inner in children(node))
        for pattern in [*node.get("patternProperties", {}), *([node["pattern"]] if "pattern" in node else [])]:
            try:
                re.compile(pattern)
            except re.error as error:
                raise SchemaError(f"The pattern {shown(pattern)} is no regular expression: {error}.") from None


def _fault(path: str, demand: str, value: Any) -> str:  # noqa: ANN401 - JSON
    return f"{path or 'it'} {demand}, not {shown(value)}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _is_of(value: Any, kinds: list[str]) -> bool:  # noqa: ANN401 - JSON
    if not kinds or (value is None and "null" in kinds):
        return True
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, int | float):
        return "number" in kinds or ("integer" in kinds and value == int(value))
    names: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return any(isinstance(value, kind) and name in kinds for kind, name in names.items())


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Equality as JSON has it: to Python, true and 1 are equal."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)


def _counts(count: int, node: Json, of: str, what: str) -> Iterator[str]:
    if count < node.get(f"min{of}", 0):
        yield f"should have at least {node[f'min{of}']} {what}"
    if count > node.get(f"max{of}", count):
        yield f"should have at most {node[f'max{of}']} {what}"


def _text(value: str, node: Json) -> Iterator[str]:
    yield from _counts(len(value), node, "Length", "characters")
    if "pattern" in node and not re.search(node["pattern"], value):
        yield f"should match {shown(node['pattern'])}"
    if node.get("format") in _FORMATS:
        read, example = _FORMATS[node["format"]]
        try:
            read(value)
        except ValueError:
            valid = False
        else:
            # Python reads spellings without hyphens too, which tables do not.
            valid = node["format"] == "time" or bool(_DATE.match(value))
        if not valid:
            yield f"should be a {node['format']}, such as {example}"


def _number(value: float, node: Json) -> Iterator[str]:
    if value < node.get("minimum", value):
        yield f"should be at least {node['minimum']}"
    if value > node.get("maximum", value):
        yield f"should be at most {node['maximum']}"
    if "exclusiveMinimum" in node and value <= node["exclusiveMinimum"]:
        yield f"should be above {node['exclusiveMinimum']}"
    if "exclusiveMaximum" in node and value >= node["exclusiveMaximum"]:
        yield f"should be below {node['exclusiveMaximum']}"
    step = node.get("multipleOf")
    if step and Fraction(str(value)) % Fraction(str(step)):
        yield f"should be a multiple of {step}"
