"""Terms as expressions of narwhals, the same for every library.

There are two truths only: what compares a missing value is false, and ``not`` of it is true. NaN is missing, too.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import narwhals as nw

from gemini_magic.exceptions import InputError
from gemini_magic.frames.terms import Column, Constant, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.frames.terms import Term

Kind: TypeAlias = Literal["number", "text", "bool", "date", "datetime", "other"]

_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"U?Int\d+|Float\d+|Decimal.*", "number"),
    (r"String|Categorical.*|Enum.*", "text"),
    (r"Boolean", "bool"),
    (r"Date", "date"),
    (r"Datetime.*", "datetime"),
)
_SYMBOLS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_CALCULATIONS = frozenset({"+", "-", "*", "/", "//", "%"})
_TEXT_TESTS = frozenset({"contains", "startswith", "endswith"})
_TEXT_CHANGES: dict[str, Callable[[nw.Expr], nw.Expr]] = {
    "lower": lambda text: text.str.to_lowercase(),
    "upper": lambda text: text.str.to_uppercase(),
    "strip": lambda text: text.str.strip_chars(),
}
_DATE_PARTS: dict[str, Callable[[nw.Expr], nw.Expr]] = {
    "year": lambda day: day.dt.year(),
    "month": lambda day: day.dt.month(),
    "day": lambda day: day.dt.day(),
}


def kind_of_dtype(dtype: object) -> Kind:
    """What a column of this type of narwhals holds."""
    name = str(dtype)
    return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, name, re.DOTALL)), "other")


@dataclass(frozen=True)
class _Read:
    """A term as it was read.

    Attributes:
        value: An expression, or a constant.
        kind: What it holds.
        words: What it is, for messages.
        nan: Whether it can be NaN.
        zone: The time zone of its times.
    """

    value: Any
    kind: Kind
    words: str
    nan: bool = False
    zone: str | None = None

    @property
    def is_constant(self) -> bool:
        return not isinstance(self.value, nw.Expr)

    @property
    def missing(self) -> Any:  # noqa: ANN401 - an expression, or False for a constant
        if self.is_constant:
            return False
        return self.value.is_null() | self.value.is_nan() if self.nan else self.value.is_null()


def condition(term: Term, dtypes: Mapping[str, Any]) -> nw.Expr:
    """A condition as an expression that is true or false in each row.

    Args:
        term: The condition.
        dtypes: The columns that there are, and their types.

    Raises:
        InputError: It is no condition, names a column that is not there, or compares what cannot be compared.
    """
    return _Reader(dtypes).truth(term)


class _Reader:
    """Reads terms; knows the columns."""

    def __init__(self, dtypes: Mapping[str, Any]) -> None:
        self._dtypes = dtypes

    def truth(self, term: Term) -> nw.Expr:
        """A term that is true or false."""
        if isinstance(term, Operation):
            if term.action in {"and", "or"}:
                return reduce(operator.and_ if term.action == "and" else operator.or_, map(self.truth, term.operands))
            if term.action == "not":
                return ~self.truth(term.operands[0])
        read = self._read(term)
        if read.kind != "bool" or read.is_constant:
            raise InputError(f"{read.words} is no condition.", hint="Compare it, as in: column > 5.")
        expression: nw.Expr = read.value & ~read.value.is_null() if isinstance(term, Column) else read.value
        return expression

    def _read(self, term: Term) -> _Read:
        if isinstance(term, Column):
            return self._column(term.name)
        if isinstance(term, Constant):
            return _Read(term.value, _kind_of_value(term.value), repr(term.value))
        return self._operation(term)

    def _column(self, name: str) -> _Read:
        dtype = self._dtypes[name]
        kind, expression = kind_of_dtype(dtype), nw.col(name)
        if re.match("Categorical|Enum", str(dtype)):
            expression = expression.cast(nw.String)
        if str(dtype).startswith("Decimal"):
            expression = expression.cast(nw.Float64)
        nan = bool(re.match("Float|Decimal", str(dtype)))
        return _Read(expression, kind, f"The column {name!r}", nan, getattr(dtype, "time_zone", None))

    def _operation(self, term: Operation) -> _Read:
        if term.action in {"and", "or", "not"}:
            return _Read(self.truth(term), "bool", "A condition")
        operands = [self._read(operand) for operand in term.operands]
        first = operands[0]
        if term.action == "null":
            return _condition(_expression(first).missing)
        if term.action == "in":
            return _condition(reduce(operator.or_, (_compared("==", first, choice) for choice in operands[1:])))
        if term.action in _COMPARISONS:
            return _condition(_compared(term.action, first, operands[1]))
        if term.action in _CALCULATIONS:
            return _calculated(term.action, first, operands[1])
        return _applied(term.action, first, operands[1:])


def _condition(expression: nw.Expr) -> _Read:
    return _Read(expression, "bool", "A condition")


def _kind_of_value(value: object) -> Kind:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float) else "other"


def _expression(read: _Read) -> _Read:
    if read.is_constant:
        raise InputError(f"{read.words} is the same in every row.", hint="Name a column.")
    return read


def _compared(action: str, left: _Read, right: _Read) -> nw.Expr:
    for read, other in ((left, right), (right, left)):
        if read.is_constant and read.value is None:
            return _with_null(action, other)
    left, right = _dated(left, right), _dated(right, left)
    if left.is_constant and right.is_constant:
        _expression(left)
    if left.kind != right.kind and not {left.kind, right.kind} & {"other"} and not _are_times(left, right):
        raise InputError(f"{left.words} ({left.kind}) cannot be compared with {_small(right.words)} ({right.kind}).")
    missing = [read.missing for read in (left, right) if not read.is_constant]
    found: nw.Expr = _SYMBOLS[action](left.value, right.value)
    holds: nw.Expr = found & ~reduce(operator.or_, missing)
    return holds


def _with_null(action: str, other: _Read) -> nw.Expr:
    missing: nw.Expr = _expression(other).missing
    if action not in {"==", "!="}:
        raise InputError(f"{other.words} cannot be compared with null by {action}.", hint="Write: is null.")
    return missing if action == "==" else ~missing


def _are_times(left: _Read, right: _Read) -> bool:
    return {left.kind, right.kind} == {"date", "datetime"}


def _small(words: str) -> str:
    return words[0].lower() + words[1:] if words.startswith("The ") else words


def _dated(read: _Read, other: _Read) -> _Read:
    """A text as the date or time that the other side holds."""
    if not (read.is_constant and isinstance(read.value, str) and other.kind in {"date", "datetime"}):
        return read
    try:
        if other.kind == "date":
            return _Read(date.fromisoformat(read.value), "date", read.words)
        moment = datetime.fromisoformat(read.value)
    except ValueError:
        raise InputError(
            f"{other.words} cannot be compared with {read.words}, which is no {other.kind}.",
            hint="Write dates as '2026-01-31', and times as '2026-01-31T09:30'.",
        ) from None
    return _Read(_in_zone(moment, other.zone), "datetime", read.words)


def _in_zone(moment: datetime, zone: str | None) -> datetime:
    """A time as the column has it: with its zone, or without any."""
    if zone is None:
        return moment.replace(tzinfo=None)
    return moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone))


def _calculated(action: str, left: _Read, right: _Read) -> _Read:
    for read in (left, right):
        if read.kind != "number":
            raise InputError(f"{read.words} is no number, so it cannot be calculated with by {action}.")
    if right.is_constant and not right.value and action in {"/", "//", "%"}:
        raise InputError(f"{left.words} cannot be divided by 0.")
    value = _SYMBOLS["//" if action == "%" else action](left.value, right.value)
    if action == "%":  # of its own, it has another sign or is missing in some libraries
        value = left.value - value * right.value
    return _Read(value, "number", "What was calculated", nan=left.nan or right.nan or action in {"/", "//", "%"})


def _applied(action: str, first: _Read, others: list[_Read]) -> _Read:
    if action in {"negative", "abs"}:
        read = _of_kind(first, action, "number")
        return _Read(-read.value if action == "negative" else read.value.abs(), "number", first.words, first.nan)
    if action in _DATE_PARTS:
        if first.kind != "datetime":
            _of_kind(first, action, "date")
        return _Read(_DATE_PARTS[action](_expression(first).value), "number", f"The {action}", nan=True)
    text = _of_kind(first, action, "text")
    if action in _TEXT_CHANGES:
        return _Read(_TEXT_CHANGES[action](text.value), "text", first.words)
    wanted = others[0].value
    if not (action in _TEXT_TESTS and isinstance(wanted, str)):
        raise InputError(f"{action} needs a text to look for, as in: column.{action}('a').")
    return _condition(_tested(action, text.value, wanted) & ~text.missing)


def _of_kind(read: _Read, action: str, kind: Kind) -> _Read:
    if read.kind != kind:
        raise InputError(f"{action} needs a {kind}, and {_small(read.words)} is of the kind {read.kind}.")
    return _expression(read)


def _tested(action: str, text: nw.Expr, wanted: str) -> nw.Expr:
    text = text.fill_null("")  # missing values become objects in some libraries, which are no conditions
    if action == "contains":
        found: nw.Expr = text.str.contains(wanted, literal=True)
        return found
    return text.str.starts_with(wanted) if action == "startswith" else text.str.ends_with(wanted)
