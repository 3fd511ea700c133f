r"""Where in a text ``{{ … }}`` holds a Python expression; nothing is evaluated here.

The rules are those at the top of ``magics/prompts/interpolation.py``: one pass from left to right, the first ``}}``
that makes an expression, the last two of many braces, ``\{{`` as text. Braces that hold no expression are text.
"""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

MAX_EXPRESSION = 2_000
_MAX_CLOSINGS = 16
_RUN = re.compile(r"\{{2,}")
_ROWS = re.compile(r"\s*(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<rows>\d{1,9})\s*")

IsTable: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True)
class Expression:
    """One ``{{…}}`` that is to become a value."""

    typed: str
    tree: ast.Expression
    names: frozenset[str]
    rows: int | None = None

    @property
    def shown(self) -> str:
        """As the user typed it, short enough for a message."""
        return self.typed if len(self.typed) <= 80 else f"{self.typed[:77]}…}}}}"  # noqa: PLR2004 - a line's width


def split(text: str, is_table: IsTable) -> list[str | Expression]:
    """A text as text and expressions in turn.

    Args:
        text: The prompt, or a template.
        is_table: Says of a path before a colon and a number, as in ``{{df:20}}``, whether it is meant for a table.
    """
    pieces: list[str | Expression] = []
    done = 0
    for run in _RUN.finditer(text):
        if run.start() < done:
            continue
        start, expression = _open(text, run.start(), run.end(), is_table)
        if expression is None:
            continue
        escaped = _is_escaped(text, start)
        pieces.append(text[done : start - escaped])
        pieces.append(expression.typed if escaped else expression)
        done = start + len(expression.typed)
    pieces.append(text[done:])
    return pieces


def _is_escaped(text: str, start: int) -> bool:
    """Whether an odd number of backslashes stands before a place."""
    before = text[max(0, start - 64) : start]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _open(text: str, first: int, end: int, is_table: IsTable) -> tuple[int, Expression | None]:
    """The expression that a run of braces opens; of many braces the last pair that does."""
    escaped = _is_escaped(text, first)
    for start in [first] if escaped else range(end - 2, max(first, end - 5) - 1, -1):
        expression = _expression_at(text, start, is_table)
        if expression is not None:
            return start, expression
    return first, None


def _expression_at(text: str, start: int, is_table: IsTable) -> Expression | None:
    inside = start + 2
    window = text[inside : inside + MAX_EXPRESSION + 2]
    after = window.find("{{")
    end = len(window) if after < 0 else after
    close = window.find("}}", 0, end)
    for _ in range(_MAX_CLOSINGS):
        if close < 0:
            return None
        found = _parse(window[:close], is_table)
        if found is not None:
            return found
        close = window.find("}}", close + 1, end)
    return None


def _parse(inside: str, is_table: IsTable) -> Expression | None:
    """The expression that the inside is, or None when it is text."""
    typed = f"{{{{{inside}}}}}"
    source, rows = inside.strip(), None
    if table := _ROWS.fullmatch(inside):
        source, rows = table["path"], int(table["rows"])
        if not is_table(source):
            return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "{{…}}", "eval")
            tree = ast.parse(source, mode="eval")
            names = _free_names(symtable.symtable(source, "{{…}}", "eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return Expression(typed, tree, frozenset(names), rows)


def _free_names(table: symtable.SymbolTable) -> set[str]:
    """Names that an expression reads from outside; targets of comprehensions and lambdas are its own."""
    top = table.get_type() == "module"
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (not symbol.is_assigned() if top else symbol.is_global())
    }
    return names.union(*(_free_names(child) for child in table.get_children()))
