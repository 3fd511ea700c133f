"""A whole conversation to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gemini_magic.chat.export import remarks, system_in_words
from gemini_magic.chat.places import counted
from gemini_magic.chat.words import in_words, reply_in_words
from gemini_magic.display.sanitize import Safe, document, element, join, style
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.chat.saved import Saved
    from gemini_magic.chat.turns import Turn

_LONGEST = 200_000


@dataclass(frozen=True, repr=False)
class Transcript:
    """What was said in a conversation, as HTML in notebooks and as text everywhere else.

    Attributes:
        chat: The conversation as it was when it was asked for.
    """

    chat: Saved

    def __str__(self) -> str:
        """The turns with their numbers, and in words which of them are stale or are not sent again."""
        blocks = [self._title()]
        if self.chat.system:
            blocks.append(f"System instruction: {system_in_words(self.chat)}")
        for number, turn in enumerate(self.chat.turns, 1):
            blocks += [f"[{number}] You:", _question(turn), f"[{number}] {_answerer(turn)}:", _answer(turn)]
            blocks += [f"[{words}]" for words in remarks(turn)]
        return visible("\n\n".join(filter(None, blocks)))

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        section = element("section", *self._html(), class_="gm", label=self._title())
        return {"text/html": str(join(style(), section)), "text/plain": str(self)}

    def _html(self) -> Iterator[Safe]:
        yield element("h3", self._title())
        if self.chat.system:
            yield element("details", element("summary", "System instruction"), document(system_in_words(self.chat)))
        for number, turn in enumerate(self.chat.turns, 1):
            yield from _turn_html(number, turn)

    def _title(self) -> str:
        name = self.chat.name or "Conversation"
        turns = self.chat.turns
        return f"{name}: {counted(len(turns)) if turns else 'nothing has been said yet'}"


def _turn_html(number: int, turn: Turn) -> Iterator[Safe]:
    yield element("h4", f"{number}. You", class_="gm-candidate")
    yield document(_question(turn))
    yield element("h4", f"{number}. {_answerer(turn)}", class_="gm-candidate")
    if answer := _answer(turn):
        yield document(answer)
    for words in remarks(turn):
        yield element("p", words, class_="gm-status", role="note")


def _question(turn: Turn) -> str:
    return _shortened(in_words(turn.question.content.parts or []))


def _answer(turn: Turn) -> str:
    return _shortened(reply_in_words(turn.reply)) if turn.reply is not None else ""


def _answerer(turn: Turn) -> str:
    return (turn.reply.model if turn.reply is not None else "") or "Model"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n\n… {len(text) - _LONGEST:,} more characters"
