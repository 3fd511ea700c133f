"""The columns of a frame as the kinds of a schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gemini_magic.frames._narwhals import as_narwhals, column_name
from gemini_magic.frames.source import TEXT, check_names
from gemini_magic.frames.values import kind_of

if TYPE_CHECKING:
    import narwhals as nw

_KINDS = {
    "Boolean": "bool",
    "String": "str",
    "Enum": "str",
    "Time": "str",
    "Duration": "str",
    "Date": "date",
    "Datetime": "datetime",
}
_NUMBERS = (("U?Int[0-9]+", "int"), ("Float[0-9]+|Decimal", "float"))
# Their values say what they are, as far as there are any.
_BY_VALUE = frozenset({"Object", "Categorical", "Unknown"})


def dtypes_of(frame: object) -> list[tuple[str, str, bool]]:
    """Name, kind and whether null is allowed, for each column of an example frame.

    Decimals are ``"float"``; categories are of the kind of their values; times of day and durations are ``"str"``;
    lists, structs and what is mixed are ``"object"``. A column of objects without any value is ``"str"``. Null is
    allowed where the example has one, and everywhere when it has no rows or is not computed yet.

    Args:
        frame: A frame or series of pandas, polars, pyarrow or narwhals; a lazy frame is not computed.

    Raises:
        InputError: Two columns have one name.
    """
    narwhal = as_narwhals(frame)
    schema = narwhal.collect_schema()
    names = check_names([column_name(name) or TEXT for name in schema])
    if not hasattr(narwhal, "rows"):
        kinds = [_kind(dtype) or "str" for dtype in schema.values()]
        return [(name, kind, True) for name, kind in zip(names, kinds, strict=True)]
    columns = [narwhal[name] for name in schema]
    return [(name, _kind_of_column(column), _has_nulls(column)) for name, column in zip(names, columns, strict=True)]


def _kind(dtype: Any) -> str:  # noqa: ANN401 - the types of narwhals, or their classes
    """The kind that a type says, or an empty string when only the values know."""
    name = re.sub(r"[([].*", "", str(dtype), flags=re.DOTALL)
    for pattern, kind in _NUMBERS:
        if re.fullmatch(pattern, name):
            return kind
    return _KINDS.get(name, "" if name in _BY_VALUE else "object")


def _kind_of_column(column: nw.Series[Any]) -> str:
    return _kind(column.dtype) or kind_of(column.to_list()) or "str"


def _has_nulls(column: nw.Series[Any]) -> bool:
    if not len(column) or column.null_count():
        return True
    return _kind(column.dtype) == "float" and str(column.dtype).startswith("Float") and bool(column.is_nan().any())
