r"""``{{name}}`` in a text typed into the pane becomes the value of a variable.

What stands in the braces is a path: a name, attributes that do not start with ``_``, and literal indexes. It is
followed and never run as code. Braces that hold no Python expression are text, and so is ``\{{``; ``{{df:200}}`` names
rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import UnboundName
from gemini_magic.frames import is_frame
from gemini_magic.parts import Medium, check_text, is_media, table_text, to_parts, to_text
from gemini_magic.parts.braces import Expression, split
from gemini_magic.parts.paths import Path, follow, read_path
from gemini_magic.parts.secrets import check_secret
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gemini_magic.parts import Pictures
    from gemini_magic.settings import ApiKey

_WHERE = "The message"
_WAY_OUT = "Give the value a name in a cell, and write that name; \\{{ is two braces as they stand."

Piece = str | Medium


def filled(
    text: str, variables: Mapping[str, Any], *, pictures: Pictures, keys: Sequence[ApiKey] | None
) -> list[Piece]:
    """Put the values of ``{{…}}`` into a text.

    Args:
        text: The text as it was typed.
        variables: The notebook's variables.
        pictures: What is asked for pictures.
        keys: Keys that must not be sent to a model; None to send whatever there is.

    Returns:
        Texts and media in the order in which they stand; neighbouring texts are one.

    Raises:
        UnboundName: A name is not defined; no value was read.
        InputError: Braces hold something else than a path, or a value cannot be sent.
    """
    pieces = split(text, lambda path: _means_table(path, variables))
    paths = {id(piece): _path(piece, variables) for piece in pieces if isinstance(piece, Expression)}
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
            continue
        value = follow(paths[id(piece)], variables, piece.shown, _WAY_OUT)
        values = _pieces(piece, value, pictures)
        if keys is not None:
            _check(values, piece.shown, keys)
        found += values
    return _merged(found)


def _means_table(path: str, variables: Mapping[str, Any]) -> bool:
    name = path.partition(".")[0]
    tables = [known for known, value in variables.items() if isinstance(known, str) and is_frame(value)]
    return name in variables or bool(did_you_mean(name, tables))


def _path(expression: Expression, variables: Mapping[str, Any]) -> Path:
    path = read_path(expression, _WHERE, _WAY_OUT)
    if path.name not in variables:
        near = did_you_mean(path.name, [name for name in variables if isinstance(name, str) and name[:1] != "_"])
        raise UnboundName(
            f"{expression.shown}: {path.name!r} is not defined in this notebook.",
            hint=near or "To send it as it stands, write \\{{ in its place.",
        )
    return path


def _pieces(expression: Expression, value: object, pictures: Pictures) -> list[Piece]:
    name = expression.shown
    if expression.rows is not None:
        return [table_text(value, f"{name} ({type(value).__name__})", expression.rows)]
    if not is_media(value):
        return [to_text(value, name=name)]
    parts = to_parts(value, name=name, pictures=pictures)
    return [part.text or "" if part.model_fields_set == {"text"} else Medium(name, part) for part in parts]


def _check(pieces: Iterable[Piece], name: str, keys: Sequence[ApiKey]) -> None:
    for piece in pieces:
        check_secret(piece if isinstance(piece, str) else piece.part.text or "", name, keys=keys)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbouring texts made one, and checked; empty ones are left out."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return [check_text(piece, _WHERE) if isinstance(piece, str) else piece for piece in merged if piece != ""]
