"""Values of an answer as what a typed column holds.

Answers are paid for, so nothing here fails: where a value does not fit its column, the column becomes one of objects.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Any

from gemini_magic.frames.nulls import is_null

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Whole numbers from here on need more than 64 bits.
TOO_LARGE = 2**63
_SURROGATES = re.compile("[\ud800-\udfff]")


class _Misfit(Exception):
    """The value is not of the kind."""


def settle(kind: str, values: Iterable[Any]) -> tuple[str, list[Any]]:
    """Fit the values of a column to its kind.

    Args:
        kind: ``"str"``, ``"int"``, ``"float"``, ``"bool"``, ``"date"``, ``"datetime"`` or ``"object"``.
        values: The values; nulls become None.

    Returns:
        The kind that the values are of, and the values. It is the one that was asked for, or ``"large int"`` when 64
        bits do not hold a number, ``"datetime utc"`` when all times have a zone (they are in UTC then), ``"object"``
        when a value does not fit, or some times have a zone and others none.
    """
    values = [None if is_null(value) else value.value if isinstance(value, Enum) else value for value in values]
    fit = _FITS.get(kind)
    if fit is None:
        return "object", values
    try:
        fitted = [None if value is None else fit(value) for value in values]
        return _in_one_zone(fitted) if kind == "datetime" else (_width(kind, fitted), fitted)
    except (_Misfit, TypeError, ValueError, OverflowError):
        return "object", values


def _width(kind: str, fitted: list[Any]) -> str:
    if kind == "int" and any(value is not None and not -TOO_LARGE <= value < TOO_LARGE for value in fitted):
        return "large int"
    return kind


def _in_one_zone(fitted: list[Any]) -> tuple[str, list[Any]]:
    zoned = {value.utcoffset() is not None for value in fitted if value is not None}
    if len(zoned) > 1:
        raise _Misfit
    if zoned == {True}:
        return "datetime utc", [None if value is None else value.astimezone(UTC) for value in fitted]
    return "datetime", fitted


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the answer held
    if not isinstance(value, str):
        raise _Misfit
    return whole(value)


def _int(value: Any) -> int:  # noqa: ANN401 - whatever the answer held
    if isinstance(value, bool | str) or value != int(value):
        raise _Misfit
    return int(value)


def _float(value: Any) -> float:  # noqa: ANN401 - whatever the answer held
    if isinstance(value, bool | str):
        raise _Misfit
    return float(value)


def _bool(value: Any) -> bool:  # noqa: ANN401 - whatever the answer held
    if not isinstance(value, bool):
        raise _Misfit
    return value


def _datetime(value: Any) -> datetime:  # noqa: ANN401 - whatever the answer held
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise _Misfit


def _date(value: Any) -> date:  # noqa: ANN401 - whatever the answer held
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise _Misfit


_FITS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
}


def whole(text: str) -> str:
    """Text without halves of characters, which no column of texts takes."""
    return _SURROGATES.sub("\ufffd", text)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever the answer held
    """A nested value made of dicts, lists and scalars, with whole texts."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {whole(str(key)): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def as_json(value: Any) -> str | None:  # noqa: ANN401 - whatever the answer held
    """A nested value as text, for libraries whose columns hold one type only."""
    if value is None:
        return None
    if isinstance(value, str):
        return whole(value)
    return whole(json.dumps(plain(value), ensure_ascii=False, default=str))


def kind_of(values: Iterable[Any]) -> str:
    """The kind of column that holds all values; an empty string when none is there."""
    kinds = {_kind(value) for value in values if not is_null(value)}
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 else "object" if kinds else ""


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    for kind, cls in (("str", str), ("int", int), ("float", float), ("datetime", datetime), ("date", date)):
        if isinstance(value, cls):
            return kind
    return "object"
