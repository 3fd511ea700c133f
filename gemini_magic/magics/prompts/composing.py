"""One prompt, put together from everything that a cell names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.magics.prompts.attachments import attached
from gemini_magic.magics.prompts.context import context
from gemini_magic.magics.prompts.interpolation import interpolate
from gemini_magic.magics.prompts.templates import fill
from gemini_magic.parts import Medium, Pictures, picture_notes, size_warnings
from gemini_magic.parts.secrets import check_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gemini_magic.magics.command import Command
    from gemini_magic.settings import ApiKey


@dataclass(frozen=True)
class Prompt:
    """What is asked.

    Attributes:
        pieces: Texts and parts, in the order in which they are sent.
        notes: Lines for the user about what was put in.
    """

    pieces: tuple[Any, ...]
    notes: tuple[str, ...] = ()


def compose(
    command: Command,
    namespace: Mapping[str, Any],
    shell: Any,  # noqa: ANN401 - IPython's shells differ
    *,
    pictures: Pictures,
    keys: Iterable[ApiKey] | None,
) -> Prompt:
    """Build the prompt of a cell or line.

    Args:
        command: What was typed.
        namespace: The notebook's variables.
        shell: The IPython shell, for the cells before this one.
        pictures: What was asked for pictures.
        keys: Keys that must not be sent to a model; None to send whatever there is.

    Raises:
        UsageError: Nothing is asked.
        InputError: A value, file or template cannot be used; nothing has been sent.
    """
    options = command.options
    keys = None if keys is None else tuple(keys)
    if keys is not None:
        check_secret(command.prompt, "The prompt", keys=keys)
    body = interpolate(command.prompt, namespace, raw="raw" in options, pictures=pictures, keys=keys)
    if "use" in options:
        body = fill(options["use"], body, namespace, pictures=pictures, keys=keys)
    front = attached(options, namespace, pictures, keys=keys)
    notes: list[str] = []
    if "context" in options:
        found = context(options["context"], shell)
        if keys is not None:
            check_secret(found.text, f"--context {options['context']}", keys=keys)
        front, notes = [found.text, *front], [found.note]
    pieces = [*front, *body]
    media = [piece for piece in pieces if isinstance(piece, Medium)]
    notes += [*picture_notes(media), *size_warnings(media)]
    return Prompt(tuple(_sent(pieces)), tuple(notes))


def _sent(pieces: Sequence[str | Medium]) -> list[Any]:
    """Texts and parts; texts that adjoin are kept apart by a blank line."""
    sent: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and sent and isinstance(sent[-1], str):
            sent[-1] = f"{sent[-1].rstrip()}\n\n{piece}"
        else:
            sent.append(piece.part if isinstance(piece, Medium) else piece)
    return sent
