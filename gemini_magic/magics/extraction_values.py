"""What the values of ``--schema``, ``--each`` and ``--where`` mean in this notebook.

They are typed by the user into the cell, so they are Python as ``{{…}}`` is, under the same rules: no attribute that
starts with an underscore, no assignment, and every name is looked up before anything is evaluated.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError, SchemaError, UnboundName
from gemini_magic.frames import is_frame
from gemini_magic.parts import one_line
from gemini_magic.parts.files.opening import read_file
from gemini_magic.schemas import Schema, schema_of
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LARGEST_SCHEMA = 1_000_000
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_FIELDS = "Fields are written like --schema 'name, age int, tags[]'."


def schema_named(typed: str, namespace: Mapping[str, Any], *, is_list: bool) -> Schema:
    """The schema that ``--schema`` names.

    Args:
        typed: A variable or type such as ``Person`` or ``list[Person]``, or fields such as ``name, age int``, or
            ``@file.json``.
        namespace: The notebook's variables.
        is_list: Whether the answer is a list of it.

    Raises:
        UnboundName: A variable is not defined.
        SchemaError: It describes nothing that can be asked for.
    """
    if typed.startswith("@"):
        return schema_of(_from_file(typed[1:]), is_list=is_list)
    source = typed.strip()
    if _PATH.fullmatch(source):
        return schema_of(_variable(source, namespace, "--schema"), is_list=is_list, name=source.rpartition(".")[2])
    if _is_type(source, namespace):
        return schema_of(evaluated(source, namespace, "--schema"), is_list=is_list)
    return schema_of(source, is_list=is_list)


def rows_named(typed: str, namespace: Mapping[str, Any]) -> tuple[Any, str | None]:
    """What ``--each`` names: the data, and the column of it, if it names one.

    Args:
        typed: ``df``, ``df.column``, or another expression.
        namespace: The notebook's variables.

    Raises:
        UnboundName: A variable is not defined.
        InputError: The frame has no such column.
    """
    source = typed.strip()
    if not _PATH.fullmatch(source):
        return evaluated(source, namespace, "--each"), None
    name, *steps = source.split(".")
    value = _variable(name, namespace, "--each")
    for number, step in enumerate(steps, 1):
        if is_frame(value) and (names := column_names(value)):
            if step in names and number == len(steps):
                return value, step
            if not hasattr(value, step):
                near = did_you_mean(step, names)
                raise InputError(f"--each {source}: there is no column {step!r}.", hint=near)
        value = evaluated(f"value.{step}", {"value": value}, f"--each {source}")
    return value, None


def mask_named(typed: str, namespace: Mapping[str, Any], data: Any) -> Any:  # noqa: ANN401 - any library's
    """What ``--where`` says of each row: a mask, or a function of a row.

    Args:
        typed: An expression such as ``df.lang == "de"``; with polars also one of columns, ``pl.col("n") > 3``.
        namespace: The notebook's variables.
        data: The rows.
    """
    value = evaluated(typed.strip(), namespace, "--where")
    is_lazy = type(value).__name__ == "Expr" and hasattr(data, "select")
    return data.select(value) if is_lazy else value


def column_names(frame: Any) -> list[str]:  # noqa: ANN401 - any library's frame
    """The names of a frame's columns that are texts; none for a series."""
    names = getattr(frame, "columns", None)
    if names is None or callable(names):
        names = getattr(frame, "column_names", None) or ()
    return [name for name in names if isinstance(name, str)]


def evaluated(source: str, namespace: Mapping[str, Any], flag: str) -> Any:  # noqa: ANN401 - any value
    """The value of an expression that the user typed into the cell.

    Args:
        source: The expression.
        namespace: The notebook's variables.
        flag: The option that it belongs to, for messages.

    Raises:
        UnboundName: A name is not defined; nothing was evaluated.
        InputError: It is no expression, or refused, or fails.
    """
    try:
        tree = ast.parse(source, mode="eval")
        code = compile(tree, flag, "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{flag}: {source[:60]!r} is not a Python expression.") from None
    _check(tree, namespace, flag)
    scope = {**namespace}
    scope.setdefault("__builtins__", builtins)
    try:
        return eval(code, scope)  # noqa: S307 - the user typed it into the cell, as any other code of theirs
    except NameError as error:
        raise UnboundName(f"{flag}: {one_line(error)}.") from error
    except Exception as error:
        raise InputError(f"{flag}: {source[:60]!r} failed: {one_line(error)}.") from error


def _check(tree: ast.Expression, namespace: Mapping[str, Any], flag: str) -> None:
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise InputError(f"{flag}: the attribute {node.attr!r} starts with an underscore and is not read.")
        if isinstance(node, ast.NamedExpr):
            raise InputError(f"{flag}: := is refused.", hint="Assign in a cell of its own.")
        if isinstance(node, ast.Name) and node.id not in own:
            _look_up(node.id, namespace, flag)


def _variable(path: str, namespace: Mapping[str, Any], flag: str) -> Any:  # noqa: ANN401 - any value
    _look_up(path.partition(".")[0], namespace, flag)
    return evaluated(path, namespace, flag)


def _look_up(name: str, namespace: Mapping[str, Any], flag: str) -> None:
    if name in namespace or hasattr(builtins, name):
        return
    near = did_you_mean(name, [known for known in namespace if isinstance(known, str) and not known.startswith("_")])
    hint = f"{near} {_FIELDS} A single one is written '{name} str'." if flag == "--schema" else near
    raise UnboundName(f"{flag}: {name!r} is not defined in this notebook.", hint=hint.strip())


def _is_type(source: str, namespace: Mapping[str, Any]) -> bool:
    """Whether a text is a type such as ``list[Person]`` or ``Literal['a', 'b']``, and not a row of fields."""
    try:
        body = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if not isinstance(body, ast.Subscript | ast.Attribute | ast.BinOp | ast.Dict | ast.Call):
        return False
    return _are_known((node.id for node in ast.walk(body) if isinstance(node, ast.Name)), namespace)


def _are_known(names: Iterable[str], namespace: Mapping[str, Any]) -> bool:
    return all(name in namespace or hasattr(builtins, name) for name in names)


def _from_file(typed: str) -> Any:  # noqa: ANN401 - any JSON
    what = f"--schema: {typed}"
    data = read_file(typed, what, _LARGEST_SCHEMA)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{what} is not JSON: {str(error)[:100]}.") from None
