"""Functions and classes as their source."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
import types
from functools import partial
from typing import TYPE_CHECKING

from gemini_magic.exceptions import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Iterator


def has_source(value: object) -> bool:
    """Whether a value is a function, method or class."""
    if isinstance(value, partial):
        value = value.func
    return isinstance(value, type) or inspect.isroutine(value)


def source_text(value: object, what: str) -> str:
    """Write a function, method or class as its source.

    Args:
        value: The function, method or class.
        what: What the user calls it, for the message.

    Returns:
        The source, without the indentation it has where it stands.

    Raises:
        UnsupportedValue: The source is not to be had, as for functions written in C.
    """
    if isinstance(value, partial):
        value = value.func
    try:
        return textwrap.dedent(inspect.getsource(value))  # type: ignore[arg-type]
    except (OSError, TypeError):
        source = _class_in_a_cell(value) if isinstance(value, type) else None
    if source is None:
        raise UnsupportedValue(
            f"{what} has no source to send: it was not written in Python, or its file is gone.",
            hint="Send help text instead, such as its __doc__.",
        )
    return source


def _class_in_a_cell(cls: type) -> str | None:
    """The source of a notebook's class: by one of its methods, else from the newest cell that has it."""
    for member in vars(cls).values():
        function = inspect.unwrap(member) if callable(member) else None
        if isinstance(function, types.FunctionType) and function.__qualname__.startswith(f"{cls.__qualname__}."):
            lines = linecache.getlines(function.__code__.co_filename)
            if source := _class_in("".join(lines), cls.__name__, function.__code__.co_firstlineno):
                return source
    sources = (_class_in(cell, cls.__name__) for cell in _cells() if cls.__module__ == "__main__")
    return next(filter(None, sources), None)


def _cells() -> Iterator[str]:
    """The cells that were run, newest first; unlike files they have no time of change."""
    for entry in reversed(list(linecache.cache.values())):
        if len(entry) > 1 and entry[1] is None:
            yield "".join(entry[2])


def _class_in(source: str, name: str, line: int | None = None) -> str | None:
    """The last class of that name in a source, or the one around a line of it."""
    if f"class {name}" not in source:
        return None
    found = None
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if line is None or first <= line <= (node.end_lineno or 0):
                found = textwrap.dedent("\n".join(source.splitlines()[first - 1 : node.end_lineno])) + "\n"
    return found
