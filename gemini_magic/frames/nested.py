"""Nested answers as columns of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gemini_magic.frames.nulls import is_null
from gemini_magic.frames.values import kind_of

Column = tuple[str, str, bool]
Values = Mapping[str, Any] | None


def flatten(columns: Sequence[Column], values: Sequence[Values]) -> tuple[list[Column], list[dict[str, Any] | None]]:
    """Make a column of every field of a nested object: ``city`` becomes ``city.name`` and ``city.country``.

    Fields come in the order in which they are first seen, and are of the kind of their values; lists stay as they are.
    A column of which some value is no object, or which has no value at all, stays, and so does one whose fields would
    get the name of another column.

    Args:
        columns: Name, kind and whether null is allowed, for each column.
        values: The values of each row; None for a row without an answer.

    Returns:
        The columns and the values, as they came but flattened.
    """
    cells = {name: [None if row is None else row.get(name) for row in values] for name, _, _ in columns}
    flat: dict[str, Column] = {}
    taken = {name for name, _, _ in columns}
    for name, kind, nullable in columns:
        fields = _fields(name, cells[name]) if kind == "object" else {}
        if not fields or taken & fields.keys():
            flat[name] = (name, kind, nullable)
            continue
        taken |= fields.keys()
        cells.update(fields)
        flat.update({field: (field, kind_of(items) or "object", True) for field, items in fields.items()})
    rows = [None if row is None else {name: cells[name][number] for name in flat} for number, row in enumerate(values)]
    return list(flat.values()), rows


def _fields(name: str, cells: Sequence[Any]) -> dict[str, list[Any]]:
    """The fields of a column by their dotted names, down to what is no object; none when it holds something else."""
    present = [cell for cell in cells if not is_null(cell)]
    if not present or not all(isinstance(cell, Mapping) for cell in present):
        return {}
    keys = dict.fromkeys(key for cell in present for key in cell)
    found: dict[str, list[Any]] = {}
    for key in keys:
        items = [cell.get(key) if isinstance(cell, Mapping) else None for cell in cells]
        inner = _fields(f"{name}.{key}", items)
        if found.keys() & (inner.keys() or {f"{name}.{key}"}):
            return {}
        found.update(inner or {f"{name}.{key}": items})
    return found
