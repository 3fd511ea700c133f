"""Prompts to use again: Markdown with ``{{name}}`` where values go, and ``{{prompt}}`` where the cell's text goes.

A template may come from somebody else, so what stands in its braces is no code: a variable, attributes of it that do
not start with ``_``, and literal indexes, as in ``{{report.tables["costs"]}}`` or ``{{df:20}}``. Values are never read
again. Braces that hold no Python expression are text, as in a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from gemini_magic.exceptions import UnboundName, UsageError
from gemini_magic.magics.prompts.interpolation import merged, pieces_of, split
from gemini_magic.magics.prompts.template_files import find
from gemini_magic.parts import Pictures
from gemini_magic.parts.braces import Expression
from gemini_magic.parts.paths import Path, follow, read_path
from gemini_magic.parts.secrets import check_secret
from gemini_magic.settings import ApiKey, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gemini_magic.parts import Medium

Piece: TypeAlias = "str | Medium"

#: Where the cell's own text goes.
PROMPT = "prompt"
_WAY_OUT = "Give the value a name in a cell of its own, and write that name; \\{{ is two braces as they stand."


def fill(
    name: str,
    body: Sequence[Piece],
    namespace: Mapping[str, Any],
    *,
    pictures: Pictures | None = None,
    keys: Iterable[ApiKey] | None = (),
) -> list[Piece]:
    """Put a cell's prompt and the notebook's values into a template.

    Args:
        name: The template's name.
        body: What the cell asks, in pieces. It goes where ``{{prompt}}`` stands, or behind the template.
        namespace: The notebook's variables.
        pictures: What was asked for pictures.
        keys: Keys that must not be sent to a model; None to send whatever there is.

    Returns:
        Texts and parts in the order in which they stand; neighbouring texts are one.

    Raises:
        UsageError: There is no such template, or it has a place for a prompt and there is none.
        UnboundName: A name in it is not defined.
        InputError: It cannot be read, what stands in its braces is no path, or a value cannot be sent.
    """
    template = find(name)
    pieces = split(template.text, namespace)
    paths = {id(piece): path_of(piece, name) for piece in pieces if isinstance(piece, Expression)}
    for piece in pieces:
        if isinstance(piece, Expression):
            _check_name(piece, paths[id(piece)], namespace, name)
    has_place = any(path == Path(PROMPT) for path in paths.values())
    if has_place and not body:
        raise UsageError(
            f"The template {name!r} has a place for your text, {{{{prompt}}}}, and there is none.",
            hint="Write it behind the options, or below the %%gemini line.",
        )
    secrets = None if keys is None else tuple(keys)
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
        elif paths[id(piece)] == Path(PROMPT):
            found.extend(body)
        else:
            value = _resolve(paths[id(piece)], namespace, piece.shown)
            values = pieces_of(piece, value, pictures or Pictures())
            if secrets is not None:
                _check_secrets(values, piece.shown, secrets)
            found.extend(values)
    return merged(found if has_place or not body else [*found, "\n\n", *body])


def check(text: str, name: str) -> None:
    """Check that a text can be a template.

    Raises:
        InputError: Something in its braces is an expression, but no path.
    """
    for piece in split(text, {}):
        if isinstance(piece, Expression):
            path_of(piece, name)


def path_of(expression: Expression, template: str) -> Path:
    """The path that an expression is.

    Raises:
        InputError: It is something else; the message says what.
    """
    return read_path(expression, f"The template {template!r}", _WAY_OUT)


def _check_name(expression: Expression, path: Path, namespace: Mapping[str, Any], template: str) -> None:
    if path == Path(PROMPT) or path.name in namespace:
        return
    near = did_you_mean(path.name, [one for one in namespace if isinstance(one, str) and not one.startswith("_")])
    raise UnboundName(
        f"The template {template!r}: {path.name!r} in {expression.shown} is not defined in this notebook.",
        hint=near or "Define it in a cell above.",
    )


def _resolve(path: Path, namespace: Mapping[str, Any], shown: str) -> object:
    return follow(path, namespace, shown, _WAY_OUT)


def _check_secrets(pieces: Iterable[Piece], shown: str, keys: tuple[ApiKey, ...]) -> None:
    for piece in pieces:
        check_secret(piece if isinstance(piece, str) else piece.part.text or "", shown, keys=keys)
