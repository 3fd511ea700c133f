r"""What may stand in the braces of a text that nobody typed into a cell: a path, which is followed and never run.

A path is a name, attributes that do not start with ``_``, and indexes that are a number or a text in quotes, as in
``{{report.tables["costs"]}}``. Templates and prompts for rows may come from somebody else, so they hold nothing more.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.parts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.parts.braces import Expression

#: What a path does not lead through: from here it could reach everything that Python knows.
_CLOSED = (ModuleType, FrameType, CodeType)


@dataclass(frozen=True, slots=True)
class Path:
    """A name and the way from it to a value; a step is an attribute, or an index in a tuple of one."""

    name: str
    steps: tuple[str | tuple[str | int], ...] = ()


def read_path(expression: Expression, where: str, way_out: str = "") -> Path:
    """The path that an expression is.

    Args:
        expression: What stands in the braces.
        where: What they stand in, for the message.
        way_out: What to do instead, for the message.

    Raises:
        InputError: It is something else; the message says what.
    """
    steps: list[str | tuple[str | int]] = []
    node = expression.tree.body
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(attr=attr) if attr.startswith("_"):
                reason = f"the attribute {attr!r} starts with an underscore"
            case ast.Attribute(value=inner, attr=attr):
                node, reason = inner, ""
                steps.append(attr)
            case ast.Subscript(value=inner, slice=index):
                literal = _literal(index)
                node, reason = inner, "" if literal is not None else "an index must be a number or a text in quotes"
                steps.append((literal if literal is not None else 0,))
            case _:
                reason = _refused(node)
        if reason:
            raise InputError(f"{where}: {expression.shown} is refused: {reason}.", hint=way_out)
    return Path(node.id, tuple(reversed(steps)))


def _literal(node: ast.expr) -> str | int | None:
    match node:
        case ast.Constant(value=value) if type(value) in {str, int}:
            return value  # type: ignore[return-value]  # one of the two
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if type(value) is int:
            return -value
    return None


def _refused(node: ast.expr) -> str:
    what = "a call" if isinstance(node, ast.Call) else "code"
    return f"it is {what}, and a template holds names, attributes and literal indexes only"


def follow(path: Path, namespace: Mapping[str, Any], shown: str, way_out: str = "") -> object:
    """The value at the end of a path.

    Args:
        path: The path; its name is in the namespace.
        namespace: The variables, or the columns of a row.
        shown: What the user wrote, for the message.
        way_out: What to do instead, for the message.

    Raises:
        InputError: A step fails, or leads through a module, a frame or code.
    """
    value: Any = namespace[path.name]
    for step in path.steps:
        if isinstance(value, _CLOSED):
            kind = type(value).__name__
            raise InputError(f"{shown} reads from a {kind}; a template reads from variables only.", hint=way_out)
        try:
            value = getattr(value, step) if isinstance(step, str) else value[step[0]]
        except Exception as error:
            raise InputError(f"{shown} failed: {one_line(error)}.") from error
    return value
