"""What is said to a model whose answer is not what it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from gemini_magic.client import encode
from gemini_magic.wire import Content, Part

if TYPE_CHECKING:
    from gemini_magic.client import Encoded
    from gemini_magic.exceptions import InvalidAnswer

#: Bytes by which a request may grow.
MAX_GROWTH = 2_000
_ANSWER = 1_100
_WORDS = 500
_ASK = "That answer cannot be used: {problem} Give the whole answer again: JSON of the schema, and nothing else."
_NOTHING = "(no text)"
_GAP = " … "


def repair_turns(answer: str, problem: InvalidAnswer) -> list[Encoded]:
    """The model's answer, cut to its beginning and its end, and what was wrong with it.

    Args:
        answer: The text of the answer.
        problem: Why it cannot be used.

    Returns:
        Two contents to be sent behind the prompt, of `MAX_GROWTH` bytes at most with the commas before them.
    """
    said = cut(answer, _ANSWER) if answer.strip() else _NOTHING  # a turn without text is refused
    asked = _ASK.format(problem=cut(" ".join(problem.message.split()), _WORDS))
    return [encode(Content(role=role, parts=[Part(text=text)])) for role, text in (("model", said), ("user", asked))]


def cut(text: str, room: int) -> str:
    """A text that is at most so many bytes in JSON: as it is, or its beginning and its end."""
    text = text.encode("utf-8", "replace").decode() if len(text) <= room else text
    if len(text) <= room and _size(text) <= room:
        return text
    keep = min(room, len(text) - 1)
    while True:
        ends = text[: keep * 2 // 3] + _GAP + text[len(text) - keep // 3 :]
        ends = ends.encode("utf-8", "replace").decode()
        size = _size(ends)
        if size <= room:
            return ends
        keep = keep * room // size


def _size(text: str) -> int:
    """Bytes between the quotes."""
    return len(to_json(text)) - 2
