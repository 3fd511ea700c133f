"""What is said about the rows of a table, as values: columns, constants, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"
#: What can be done with terms. ``in`` has the value first and then the choices.
Action: TypeAlias = Literal[
    "==", "!=", "<", "<=", ">", ">=", "in", "null", "and", "or", "not",
    "+", "-", "*", "/", "//", "%", "negative", "abs",
    "contains", "startswith", "endswith", "lower", "upper", "strip", "year", "month", "day",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every row."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Operation:
    """What comes of an action on other terms."""

    action: Action
    operands: tuple[Term, ...]


Term: TypeAlias = Column | Constant | Operation
