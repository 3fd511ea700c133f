"""The small language in which a model says which rows it wants, read by Python's parser and never run.

``celsius > 20 and city in ["Oslo", "Madrid"]``, ``name.lower().contains("ann")``, ``10 <= price / weight < 20``,
``note is null``, ``not (day < "2026-01-31")``. A name is a column, whatever else it is in Python; a column whose name
is none in Python stands in backticks. Methods are those of a list. Nothing else is taken.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError
from gemini_magic.frames.terms import Column, Constant, Operation
from gemini_magic.settings.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from gemini_magic.frames.terms import Action, Scalar, Term

#: What the declaration of a function says about the language.
GRAMMAR = (
    "An expression over the columns: == != < <= > >=, and, or, not, in [...], is null, is not null, + - * / // %, "
    "column.contains('a'), .startswith('a'), .endswith('a'), .lower(), .upper(), .strip(), .abs(), .year(), .month(), "
    ".day(). Texts stand in quotes; dates are texts such as '2026-01-31'. A column whose name is not a plain word "
    "stands in backticks, as in `unit price` > 5, or is written col('unit price')."
)
#: How long, how deep and how wide an expression can be.
MOST_CHARACTERS = 2_000
MOST_LEVELS = 40
MOST_CHOICES = 200

_COMPARISONS: dict[type[ast.cmpop], Action] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_CALCULATIONS: dict[type[ast.operator], Action] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitAnd: "and",
    ast.BitOr: "or",
}
_UNARY: dict[type[ast.unaryop], Action] = {ast.Not: "not", ast.Invert: "not", ast.USub: "negative"}
#: Methods without an argument, those of one text, and those that ask for null.
_PLAIN: dict[str, Action] = {name: name for name in ("lower", "upper", "strip", "abs", "year", "month", "day")}
_WITH_TEXT: dict[str, Action] = {name: name for name in ("contains", "startswith", "endswith")}
_NULL = {"isnull": True, "isna": True, "is_null": True, "notnull": False, "notna": False, "is_not_null": False}
_METHODS = (*_PLAIN, *_WITH_TEXT, "isin", "between", *_NULL)
#: What stands between a column and its method in libraries that models know.
_ACCESSORS = {"str", "dt"}
_WORDS: dict[str, Scalar] = {"null": None, "true": True, "false": False, "nan": None}
_COLUMN = "col"
_QUOTED = re.compile(
    r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?P<column>[^`\n]*)`|(?P<word>\b(?:AND|OR|NOT|IN|IS|NULL|TRUE|FALSE)\b)"""
)


def parse(text: str, columns: Collection[str]) -> Term:
    """Read an expression.

    Args:
        text: The expression.
        columns: The names of all columns.

    Returns:
        What it says. That it is a condition, and that kinds fit, is not looked at here.

    Raises:
        InputError: It is too long or no expression, uses something that is not of the language, or names a column
            that is not there.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"The expression has {len(text):,} characters; {MOST_CHARACTERS:,} at most are read.")
    return _Parser(columns).term(_tree(text.strip()), 0)


def _tree(text: str) -> ast.expr:
    source = re.sub(r"\\(?![\\'\"nrt])", r"\\\\", _QUOTED.sub(_unquoted, text))
    try:
        return ast.parse(f"({source})", mode="eval").body
    except (MemoryError, RecursionError, SyntaxError, ValueError) as error:
        why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        hint = "Equal is written ==." if re.search(r"(?<![=!<>])=(?!=)", source) else GRAMMAR.partition(".")[0] + "."
        raise InputError(f"This is no expression: {text[:100]} ({why}).", hint=hint) from None


def _unquoted(match: re.Match[str]) -> str:
    """Columns in backticks as calls, and words in capitals as Python has them; texts as they are."""
    if match["column"] is not None:
        return f"{_COLUMN}({match['column']!r})"
    return match["word"].lower() if match["word"] else match[0]


class _Parser:
    """Reads trees; knows the columns."""

    def __init__(self, columns: Collection[str]) -> None:
        self._columns = columns
        self._readers: dict[type[ast.expr], Callable[[ast.expr, int], Term]] = {
            ast.BinOp: self._binary,
            ast.BoolOp: self._logic,
            ast.Call: self._call,
            ast.Compare: self._comparison,
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.UnaryOp: self._unary,
        }

    def term(self, node: ast.expr, level: int) -> Term:
        """Read a tree."""
        if level > MOST_LEVELS:
            raise InputError(f"The expression is nested more than {MOST_LEVELS} deep.")
        read = self._readers.get(type(node))
        if read is None:
            raise _refused(node)
        return read(node, level + 1)

    def _name(self, node: ast.expr, _level: int) -> Term:
        name = node.id  # type: ignore[attr-defined]
        return Constant(_WORDS[name]) if name in _WORDS and name not in self._columns else self._column(name)

    def _column(self, name: str) -> Column:
        if name in self._columns:
            return Column(name)
        shown = ", ".join(list(self._columns)[:30]) + (" …" if len(self._columns) > 30 else "")  # noqa: PLR2004 - as many
        near = did_you_mean(name, self._columns)
        raise InputError(
            f"There is no column {name!r:.80}. {near}".strip(), hint=f"Columns: {shown}. Texts stand in quotes."
        )

    def _constant(self, node: ast.expr, _level: int) -> Term:
        value = node.value  # type: ignore[attr-defined]
        if value is not None and not isinstance(value, str | int | float):
            raise _refused(node)
        if isinstance(value, int) and abs(value) >= 2**63:
            value = float(value) if abs(value) < 10**300 else None
        return Constant(value)

    def _unary(self, node: ast.expr, level: int) -> Term:
        operator, operand = node.op, self.term(node.operand, level)  # type: ignore[attr-defined]
        if isinstance(operator, ast.UAdd):
            return operand
        if isinstance(operator, ast.USub) and isinstance(operand, Constant) and isinstance(operand.value, int | float):
            return Constant(-operand.value)
        return Operation(_UNARY[type(operator)], (operand,))

    def _binary(self, node: ast.expr, level: int) -> Term:
        action = _CALCULATIONS.get(type(node.op))  # type: ignore[attr-defined]
        if action is None:
            raise _refused(node.op)  # type: ignore[attr-defined]
        left, right = self.term(node.left, level), self.term(node.right, level)  # type: ignore[attr-defined]
        return Operation(action, (left, right))

    def _logic(self, node: ast.expr, level: int) -> Term:
        action: Action = "and" if isinstance(node.op, ast.And) else "or"  # type: ignore[attr-defined]
        return Operation(action, tuple(self.term(value, level) for value in node.values))  # type: ignore[attr-defined]

    def _comparison(self, node: ast.expr, level: int) -> Term:
        """A chain of comparisons holds where each of them does."""
        sides = [node.left, *node.comparators]  # type: ignore[attr-defined]
        links = zip(sides, node.ops, sides[1:], strict=False)  # type: ignore[attr-defined]
        found = tuple(self._compared(left, operator, right, level) for left, operator, right in links)
        return found[0] if len(found) == 1 else Operation("and", found)

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, level: int) -> Term:
        if isinstance(operator, ast.In | ast.NotIn):
            found = self._among(left, right, level)
            return found if isinstance(operator, ast.In) else Operation("not", (found,))
        if isinstance(operator, ast.Is | ast.IsNot):
            return self._is_null(left, right, level, wanted=isinstance(operator, ast.Is))
        return Operation(_COMPARISONS[type(operator)], (self.term(left, level), self.term(right, level)))

    def _is_null(self, left: ast.expr, right: ast.expr, level: int, *, wanted: bool) -> Term:
        if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.Not):
            right, wanted = right.operand, not wanted
        if self.term(right, level) != Constant(None):
            raise InputError("'is' takes null only.", hint="Compare with ==.")
        return _null(self.term(left, level), wanted=wanted)

    def _among(self, left: ast.expr, right: ast.expr, level: int) -> Term:
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            return self._choices(self.term(left, level), right, level)
        return Operation("contains", (self.term(right, level), self.term(left, level)))

    def _choices(self, value: Term, choices: ast.expr, level: int) -> Term:
        items = choices.elts if isinstance(choices, ast.List | ast.Tuple | ast.Set) else [choices]
        if not 0 < len(items) <= MOST_CHOICES:
            raise InputError(f"'in' takes 1 to {MOST_CHOICES} values, not {len(items)}.")
        return Operation("in", (value, *(self.term(item, level) for item in items)))

    def _call(self, node: ast.expr, level: int) -> Term:
        function, arguments = node.func, node.args  # type: ignore[attr-defined]
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in arguments):  # type: ignore[attr-defined]
            raise InputError(
                "Methods take values only, without names or stars.", hint=f"Methods: {', '.join(_METHODS)}."
            )
        if isinstance(function, ast.Name) and function.id == _COLUMN:
            return self._column(_text(arguments))
        if not isinstance(function, ast.Attribute):
            raise _refused(node)
        on = function.value
        if isinstance(on, ast.Attribute) and on.attr in _ACCESSORS:
            on = on.value
        return self._method(function.attr, self.term(on, level), arguments, level)

    def _method(self, name: str, value: Term, arguments: list[ast.expr], level: int) -> Term:
        if name in _NULL:
            _count(name, arguments, 0)
            return _null(value, wanted=_NULL[name])
        if name in _PLAIN:
            _count(name, arguments, 0)
            return Operation(_PLAIN[name], (value,))
        if name in _WITH_TEXT:
            _count(name, arguments, 1)
            return Operation(_WITH_TEXT[name], (value, self.term(arguments[0], level)))
        if name == "isin":
            _count(name, arguments, 1)
            return self._choices(value, arguments[0], level)
        if name == "between":
            _count(name, arguments, 2)
            low, high = (self.term(argument, level) for argument in arguments)
            return Operation("and", (Operation(">=", (value, low)), Operation("<=", (value, high))))
        raise InputError(f"There is no method {name!r:.80}.", hint=f"Methods: {', '.join(_METHODS)}.")


def _null(value: Term, *, wanted: bool) -> Term:
    found = Operation("null", (value,))
    return found if wanted else Operation("not", (found,))


def _count(name: str, arguments: list[ast.expr], wanted: int) -> None:
    if len(arguments) != wanted:
        raise InputError(f"{name} takes {wanted} value{'s' * (wanted != 1)}, not {len(arguments)}.")


def _text(arguments: list[ast.expr]) -> str:
    _count(_COLUMN, arguments, 1)
    value = getattr(arguments[0], "value", None)
    if not isinstance(value, str):
        raise InputError("col takes the name of a column in quotes.")
    return value


def _refused(node: ast.AST) -> InputError:
    what = f"{type(node).__name__} ({ast.unparse(node)[:80]})" if isinstance(node, ast.expr) else type(node).__name__
    return InputError(f"{what} is not part of an expression here.", hint=GRAMMAR)
