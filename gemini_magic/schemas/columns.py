"""The columns of a table that a schema's values fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gemini_magic.schemas.tree import PYTHON_NAME, Json, kinds_of, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The column of a schema whose values have no names of their own.
VALUE = "value"

_KINDS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}
_DATES = {"date": "date", "date-time": "datetime"}
_OF_VALUES = {bool: "bool", int: "int", float: "float", str: "str"}
_DEEP = 10


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table that values of a schema make.

    Attributes:
        name: Its name; of a class, the name of the field in Python.
        kind: ``"str"``, ``"int"``, ``"float"``, ``"bool"``, ``"date"``, ``"datetime"``, or ``"object"`` for nested and
            mixed values. Dates are texts in ISO's spelling in plain values.
        nullable: Whether a valid value may lack it.
    """

    name: str
    kind: str
    nullable: bool = True


def columns_of(rules: Json, *, is_list: bool) -> tuple[Column, ...]:
    """The columns of one object, or the one column of a schema without names.

    Args:
        rules: A canonical schema of a whole answer.
        is_list: Whether the answer is an array of the objects.
    """
    one, defs = _one(rules, is_list=is_list)
    shapes = _named_shapes(one, defs)
    if not shapes:
        kind, nullable = _kind(one, defs)
        return (Column(VALUE, kind, nullable),)
    found: dict[str, list[Column]] = {}
    for shape in shapes:
        for column in _columns(shape, defs):
            found.setdefault(column.name, []).append(column)
    return tuple(_together(columns, always=len(columns) == len(shapes)) for columns in found.values())


def has_names(rules: Json, *, is_list: bool) -> bool:
    """Whether one value is an object whose names are the columns, and not the one value of a column."""
    return bool(_named_shapes(*_one(rules, is_list=is_list)))


def _one(rules: Json, *, is_list: bool) -> tuple[Json, Mapping[str, Json]]:
    """The schema of one value of an answer, and the shared shapes."""
    defs: Mapping[str, Json] = rules.get("$defs", {})
    one = resolved(rules, defs)
    return (resolved(one.get("items", {}), defs) if is_list else one), defs


def _named_shapes(one: Json, defs: Mapping[str, Json]) -> list[Json]:
    """The schemas that an object may have; none when it may be something without names."""
    shapes = [shape for shape in _branches(one, defs) if shape.get("type") != "null"]
    return shapes if all("properties" in shape for shape in shapes) else []


def _columns(shape: Json, defs: Mapping[str, Json]) -> Iterator[Column]:
    required = shape.get("required", ())
    for name, inner in shape["properties"].items():
        kind, nullable = _kind(inner, defs)
        filled = inner.get("default") is not None
        yield Column(inner.get(PYTHON_NAME, name), kind, nullable or (name not in required and not filled))


def _together(columns: list[Column], *, always: bool) -> Column:
    kinds = {column.kind for column in columns}
    nullable = not always or any(column.nullable for column in columns)
    return Column(columns[0].name, _common(kinds), nullable)


def _common(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"int", "float"} else "object"


def _kind(node: Json, defs: Mapping[str, Json]) -> tuple[str, bool]:
    """Kind and nullability of a value."""
    kinds: set[str] = set()
    nullable = False
    for branch in _branches(node, defs):
        found = _kinds_of_one(branch)
        nullable = nullable or "null" in found
        kinds |= found - {"null"}
    return _common(kinds) if kinds else "object", nullable


def _kinds_of_one(node: Json) -> set[str]:
    kinds = kinds_of(node)
    if kinds:
        date = _DATES.get(node.get("format", ""), "str")
        return {
            date if kind == "string" else _KINDS.get(kind, "null" if kind == "null" else "object") for kind in kinds
        }
    if "enum" in node:
        return {"null" if value is None else _OF_VALUES.get(type(value), "object") for value in node["enum"]}
    return {"object", "null"}


def _branches(node: Json, defs: Mapping[str, Json], depth: int = 0) -> Iterator[Json]:
    node = resolved(node, defs)
    if "anyOf" not in node or depth > _DEEP:
        yield node
        return
    for branch in node["anyOf"]:
        yield from _branches(branch, defs, depth + 1)
