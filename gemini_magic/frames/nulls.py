"""Where there is no value."""

from __future__ import annotations

import math
from decimal import Decimal
from numbers import Number
from typing import Any

_PRESENT = (str, bytes, bool, int, list, dict, tuple)
_NULL_TYPES = frozenset({"NAType", "NaTType", "MaskedConstant"})


def is_null(value: Any) -> bool:  # noqa: ANN401 - any cell
    """Whether a cell holds no value: None, NaN, NaT, NA, or the null of any dataframe library.

    An empty text or list is a value. No dataframe library is imported to find out.
    """
    if value is None:
        return True
    if isinstance(value, _PRESENT):
        return False
    if isinstance(value, float):
        return math.isnan(value)
    cls = type(value)
    if cls.__name__ in _NULL_TYPES:
        return True
    if cls.__module__.startswith("pyarrow"):
        return getattr(value, "is_valid", True) is False
    return _is_not_a_number(value)


def _is_not_a_number(value: Any) -> bool:  # noqa: ANN401 - any cell
    """NaN of Decimal, NumPy and complex numbers, and NumPy's NaT."""
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, Number) or type(value).__name__ in {"datetime64", "timedelta64"}:
        return bool(value != value)  # noqa: PLR0124 - what is not equal to itself is NaN
    return False
