"""What is asked: a message that was typed, or a turn that is asked again, changed, or gone on with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gemini_magic.chat.turns import question_of
from gemini_magic.exceptions import InputError
from gemini_magic.parts import Medium, picture_notes, size_warnings
from gemini_magic.parts.secrets import check_secret
from gemini_magic.widget.attachments import Attachment, media_of
from gemini_magic.widget.values import filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.chat import Turn
    from gemini_magic.client import Encoded
    from gemini_magic.widget.notebook import Notebook
    from gemini_magic.widget.values import Piece
    from gemini_magic.wire import Part

CONTINUE = "Continue exactly where you stopped."
_CONTINUE_CUT = (
    "You had begun to answer this, and were stopped. What you had written stands below. Continue exactly where it "
    "stops, and repeat nothing of it.\n\n"
)
#: A text file as `parts.files` writes it into a prompt.
_FILE = re.compile(r"File (?P<name>[^\n]+):\n(?P<ticks>`{3,})\n(?P<text>.*)(?P=ticks)\n", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A question that is ready to be sent.

    Attributes:
        content: What is sent.
        source: What was typed, before values came into it; None when it was not typed here.
        names: Names of files, by the place of their part.
        notes: Lines for the person about what was put in.
    """

    content: Encoded
    source: str | None = None
    names: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def file_in(part: Part) -> tuple[str, str] | None:
    """Name and text of a part that is a text file in a prompt, else None."""
    match = _FILE.fullmatch(part.text) if part.text and part.text.startswith("File ") else None
    return (match["name"], match["text"]) if match is not None else None


def new(text: str, attachments: Sequence[Attachment], notebook: Notebook) -> tuple[Asked | None, dict[int, str]]:
    """A message that was typed.

    Args:
        text: The text.
        attachments: The files that come with it.
        notebook: The notebook around the pane.

    Returns:
        The question, or None and what is wrong with the attachments, by their numbers.

    Raises:
        InputError: The text cannot be sent.
    """
    keys, pictures = notebook.keys, notebook.pictures
    media, bad = media_of(attachments, pictures=pictures, keys=keys)
    pieces = _typed(text, notebook)
    if bad:
        return None, bad
    if not media and not text.strip():
        raise InputError("There is nothing to send.")
    return _asked([*media, *pieces], text), {}


def changed(text: str, turn: Turn, notebook: Notebook, *, was_typed: bool) -> Asked:
    """A turn's question with another text; its files stay.

    Args:
        text: The text.
        turn: The turn.
        notebook: The notebook around the pane.
        was_typed: Whether the turn was typed in this pane. What comes from a cell or a file may hold braces that were
            a value once, and values are not read again.

    Raises:
        InputError: The text cannot be sent.
    """
    front: list[Piece] = [Medium("", part) for part in turn.question.content.parts or [] if _is_file(part)]
    is_plain = not was_typed and "{{" in turn.prompt
    if is_plain and (keys := notebook.keys) is not None:
        check_secret(text, "The message", keys=keys)
    pieces = [text] if is_plain else _typed(text, notebook)
    if not front and not text.strip():
        raise InputError("There is nothing to send.")
    return _asked([*front, *pieces], text)


def continued(turn: Turn) -> Asked:
    """A question for the rest of an answer that was cut off or stopped.

    Raises:
        InputError: There is nothing to go on with.
    """
    begun = turn.reply.text if turn.reply is not None else ""
    if turn.replayed:
        return Asked(question_of((CONTINUE,)), CONTINUE)
    if not begun:
        raise InputError("Nothing had come of this answer; ask again instead.")
    parts = turn.question.content.parts or []
    return Asked(question_of((*parts, f"{_CONTINUE_CUT}{begun}")), CONTINUE)


def _typed(text: str, notebook: Notebook) -> list[Piece]:
    keys = notebook.keys
    if keys is not None:
        check_secret(text, "The message", keys=keys)
    return filled(text, notebook.variables, pictures=notebook.pictures, keys=keys)


def _asked(pieces: Sequence[Piece], source: str) -> Asked:
    media = [piece for piece in pieces if isinstance(piece, Medium)]
    content = question_of(tuple(piece.part if isinstance(piece, Medium) else piece for piece in pieces))
    names = {place: piece.name for place, piece in enumerate(pieces) if isinstance(piece, Medium) and piece.name}
    return Asked(content, source, names, (*picture_notes(media), *size_warnings(media)))


def _is_file(part: Part) -> bool:
    return part.text is None or file_in(part) is not None
