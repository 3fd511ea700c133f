"""Where in the notebook a magic runs."""

from __future__ import annotations

import ast
import linecache
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

#: Where front ends put the id of the cell that is being run, in a message's metadata: JupyterLab, Notebook and
#: VS Code under the first name, others under the second.
_ID_NAMES = ("cellId", "cell_id")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question was asked, so that running its cell again can take its turn's place.

    Attributes:
        cell: The front end's id of the cell, or an empty string where it gives none.
        run: The id of this execution of the cell, or an empty string.
        append: Whether to add a turn all the same.
        number: The turn in whose place to ask, counted from 1, or None.
    """

    cell: str = ""
    run: str = ""
    append: bool = False
    number: int | None = None


def cell_id(shell: Any) -> str:  # noqa: ANN401 - IPython's shells differ
    """The front end's id of the running cell, or an empty string where it gives none."""
    metadata = _parent(shell).get("metadata") or {}
    places = (metadata, metadata.get("colab") or {})
    return next((str(place[name]) for place in places for name in _ID_NAMES if place.get(name)), "")


def run_id(shell: Any) -> str:  # noqa: ANN401 - IPython's shells differ
    """The id of the request that made the cell run, or an empty string outside of a kernel."""
    return str((_parent(shell).get("header") or {}).get("msg_id") or "")


def _parent(shell: Any) -> dict[str, Any]:  # noqa: ANN401 - IPython's shells differ
    """The message that made the cell run."""
    kernel = getattr(shell, "kernel", None)
    try:
        parent = kernel.get_parent("shell") if kernel is not None else None
    except (AttributeError, LookupError, TypeError):
        parent = None
    return parent or {}


def is_statement(shell: Any) -> bool:  # noqa: ANN401 - IPython's shells differ
    """Whether the line magic that is running stands alone, so that its reply is to be shown and not used.

    ``x = %gemini …`` and ``print(get_ipython().run_line_magic(…))`` use it.
    """
    frame = _users_frame(sys._getframe(1), shell.user_ns)  # noqa: SLF001 - there is no other way to the caller
    return frame is not None and any(
        node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno) and _is_magic(node)
        for node in ast.walk(_source_of(frame))
        if isinstance(node, ast.stmt)
    )


def is_alone(shell: Any) -> bool:  # noqa: ANN401 - IPython's shells differ
    """Whether the running magic is all that its cell has, so that all outputs of the cell are its own."""
    frame = _users_frame(sys._getframe(1), shell.user_ns)  # noqa: SLF001 - as above
    if frame is None or frame.f_code.co_name != "<module>":
        return False
    body = _source_of(frame).body
    return len(body) == 1 and _is_magic(body[0])


def _users_frame(frame: FrameType | None, namespace: dict[str, Any]) -> FrameType | None:
    while frame is not None and frame.f_globals is not namespace:
        frame = frame.f_back
    return frame


def _source_of(frame: FrameType) -> ast.Module:
    """The cell as Python; empty where nobody kept it."""
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def _is_magic(node: ast.stmt) -> bool:
    """Whether a statement is a magic and nothing else; IPython writes them as calls of its shell's methods."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="run_line_magic" | "run_cell_magic"))):
            return True
    return False
