r"""``{{ expression }}`` in a prompt becomes the value of the expression.

The rules, in the order in which they apply:

* One pass from left to right; what a value says is never read again.
* The inside is what stands between ``{{`` and the first ``}}`` that makes it a Python expression. It has no ``{{`` in
  it and at most 2,000 characters. When there is no such ``}}``, the braces are text and stay as they were typed: LaTeX,
  Helm, JSX, CSS, dict comprehensions, half-written braces. ``await`` and ``yield`` make no expression here.
* Of three or more braces in a row the last two open: ``{{{x}}}`` is a brace, the value, and a brace.
* ``\{{`` is ``{{`` as text where it would otherwise open an expression; a backslash elsewhere is a backslash.
* ``{{df:200}}`` names the number of rows of a table. Where ``df`` is not defined, and is no slip for the name of a
  table, it is text, as ``{{margin:0}}`` is.
* All names are looked up before anything is evaluated: the notebook's first, then Python's built-in ones.
  Attributes that start with ``_`` and assignments (``:=``) are refused. Calls, comprehensions and lambdas are fine:
  this is text that the user typed into the cell.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

from gemini_magic.exceptions import InputError, UnboundName
from gemini_magic.frames import is_frame
from gemini_magic.parts import Medium, Pictures, braces, check_text, is_media, one_line, table_text, to_parts, to_text
from gemini_magic.parts.braces import Expression
from gemini_magic.parts.secrets import check_secret
from gemini_magic.settings import ApiKey, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LITERALLY = r"To send it as it stands, write \{{ for this place, or use --raw for the cell."

Piece: TypeAlias = "str | Medium"


def interpolate(
    text: str,
    namespace: Mapping[str, Any],
    *,
    raw: bool = False,
    keys: Iterable[ApiKey] | None = (),
    pictures: Pictures | None = None,
) -> list[Piece]:
    """Put the values of ``{{…}}`` into a prompt.

    Args:
        text: The prompt as it was typed.
        namespace: The notebook's variables.
        raw: Leave everything as it was typed.
        keys: Keys that must not be sent to a model; None to send whatever there is.
        pictures: What was asked for pictures; they go as they are when None.

    Returns:
        Texts and media in the order in which they stand; neighbouring texts are one. An empty prompt gives no pieces.

    Raises:
        UnboundName: A name is not defined; nothing was evaluated.
        InputError: An expression is refused or fails, or its value cannot be sent.
    """
    pieces: list[str | Expression] = [text] if raw or "{{" not in text else split(text, namespace)
    expressions = [piece for piece in pieces if isinstance(piece, Expression)]
    for expression in expressions:
        _check_names(expression, namespace)
    for expression in expressions:
        _check_tree(expression)
    secrets = None if keys is None else tuple(keys)
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
            continue
        value = _value_of(piece, namespace)
        found.extend(_checked(piece.shown, pieces_of(piece, value, pictures or Pictures()), secrets))
    return merged(found)


def merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring texts made one, and checked."""
    merged: list[Piece] = []
    run: list[str] = []
    for piece in [*pieces, None]:
        if isinstance(piece, str):
            run.append(piece)
            continue
        if text := "".join(run):
            merged.append(check_text(text, "The prompt"))
        run.clear()
        if piece is not None:
            merged.append(piece)
    return merged


def split(text: str, namespace: Mapping[str, Any]) -> list[str | Expression]:
    """The prompt as text and expressions in turn."""
    return braces.split(text, lambda path: _means_table(path, namespace))


def _means_table(path: str, namespace: Mapping[str, Any]) -> bool:
    name = path.partition(".")[0]
    if name in namespace:
        return True
    tables = [known for known, value in namespace.items() if isinstance(known, str) and is_frame(value)]
    return bool(did_you_mean(name, tables))


def _check_names(expression: Expression, namespace: Mapping[str, Any]) -> None:
    known = [name for name in namespace if isinstance(name, str)]
    for name in sorted(expression.names):
        if name in namespace or hasattr(builtins, name):
            continue
        near = did_you_mean(name, [*(one for one in known if not one.startswith("_")), *dir(builtins)])
        raise UnboundName(
            f"{expression.shown}: {name!r} is not defined in this notebook.", hint=f"{near} {_LITERALLY}".strip()
        )


def _check_tree(expression: Expression) -> None:
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise InputError(
                f"{expression.shown}: the attribute {node.attr!r} starts with an underscore and is not read.",
                hint=_LITERALLY,
            )
        if isinstance(node, ast.NamedExpr):
            raise InputError(f"{expression.shown}: := is refused.", hint="Assign in a cell of its own.")


def pieces_of(expression: Expression, value: object, pictures: Pictures) -> list[Piece]:
    """What an expression's value puts into the prompt."""
    name = expression.shown
    if expression.rows is not None:
        return [table_text(value, f"{name} ({type(value).__name__})", expression.rows)]
    if not is_media(value):
        return [to_text(value, name=name)]
    parts = to_parts(value, name=name, pictures=pictures)
    # A part that is no more than text, of a list or a file, is text of the prompt; one with a signature is not.
    return [part.text or "" if part.model_fields_set == {"text"} else Medium(name, part) for part in parts]


def _checked(name: str, pieces: list[Piece], keys: tuple[ApiKey, ...] | None) -> list[Piece]:
    if keys is not None:
        for piece in pieces:
            check_secret(piece if isinstance(piece, str) else piece.part.text or "", name, keys=keys)
    return pieces


def _value_of(expression: Expression, namespace: Mapping[str, Any]) -> object:
    # A copy, so that the evaluation leaves nothing behind in the notebook's variables.
    scope = {**namespace}
    scope.setdefault("__builtins__", builtins)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            code = compile(expression.tree, "{{…}}", "eval")
        return eval(code, scope)  # noqa: S307 - the user typed it into the cell, as any other code of theirs
    except NameError as error:
        raise UnboundName(f"{expression.shown}: {one_line(error)}.", hint=_LITERALLY) from error
    except Exception as error:
        raise InputError(f"{expression.shown} failed: {one_line(error)}.") from error
