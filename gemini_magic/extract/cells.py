"""Values of cells: as plain data, and whether two are the same; whatever library or file they came through."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from gemini_magic.frames import is_null

_WORDS = {"true": True, "false": False}


def plain_cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    """A cell as plain data: numbers of numpy as numbers, dates as ISO text, frames' lists as lists, nulls as None."""
    if is_null(value):
        return None
    if isinstance(value, str | bool | int | float) and type(value).__module__ == "builtins":
        return value
    if isinstance(value, Mapping):
        return {str(name): plain_cell(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_cell(item) for item in value]
    return _single(value)


def _single(value: Any) -> Any:  # noqa: ANN401 - any library's value
    if isinstance(value, Enum):
        return plain_cell(value.value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta | Decimal):
        return str(value)
    if callable(dump := getattr(value, "model_dump", None)):
        return plain_cell(dump(mode="json", by_alias=True))
    if callable(unwrap := getattr(value, "tolist", None) or getattr(value, "to_list", None)):
        inner = unwrap()  # numpy scalars and arrays, series
        return plain_cell(inner) if inner is not value else str(value)
    return str(value)


def same(one: Any, other: Any, *, tolerance: float = 0.0, case: bool = True) -> bool:  # noqa: ANN401 - any cells
    """Whether two cells say the same.

    Args:
        one: A cell.
        other: Another; it may have been through a file in which numbers and dates became text.
        tolerance: How far numbers may be apart, as a part of the larger one.
        case: Whether capitals matter.
    """
    left, right = plain_cell(one), plain_cell(other)
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return _same_nested(_parsed(left), _parsed(right), tolerance, case)
    if isinstance(left, bool) or isinstance(right, bool):
        return _truth(left) == _truth(right)
    numbers = _number(left), _number(right)
    if numbers[0] is not None and numbers[1] is not None and not (isinstance(left, str) and isinstance(right, str)):
        return math.isclose(numbers[0], numbers[1], rel_tol=max(tolerance, 1e-12), abs_tol=1e-12)
    return _same_text(str(left), str(right), case)


def _same_nested(left: Any, right: Any, tolerance: float, case: bool) -> bool:  # noqa: ANN401
    if isinstance(left, dict) and isinstance(right, dict):
        names = left.keys() | right.keys()
        return all(same(left.get(name), right.get(name), tolerance=tolerance, case=case) for name in names)
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(same(a, b, tolerance=tolerance, case=case) for a, b in pairs)
    return False


def _same_text(left: str, right: str, case: bool) -> bool:
    left, right = left.strip(), right.strip()
    if left == right or (not case and left.casefold() == right.casefold()):
        return True
    dates = _date(left), _date(right)
    return dates[0] is not None and dates[0] == dates[1]


def _date(text: str) -> datetime | None:
    """A day and its midnight are the same."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # that is the question
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _truth(value: object) -> object:
    """Yes or no, also as a file writes it."""
    return _WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _parsed(value: object) -> object:
    """Nested values that a file keeps as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
