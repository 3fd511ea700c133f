"""What stands beside a pane in the saved notebook, where no kernel and no script makes a pane of it."""

from __future__ import annotations

import contextvars
import threading
import uuid
from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.chat.export import harmless, remarks, system_in_words
from gemini_magic.chat.places import counted
from gemini_magic.chat.words import in_words, reply_in_words
from gemini_magic.display.answer import more_pieces, step_pieces, text_pieces
from gemini_magic.display.images import image_type
from gemini_magic.display.notebook import CellScreen
from gemini_magic.display.sanitize import UNLISTED, Safe, document, element, join, picture, style, unlisted
from gemini_magic.display.thumbnails import Medium
from gemini_magic.reply import Sources
from gemini_magic.reply.blobs import blobs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gemini_magic.chat import Turn
    from gemini_magic.chat.saved import Savable, Saved
    from gemini_magic.wire import Part

#: Characters of the whole transcript; of longer conversations the last turns are shown.
MOST = 1_000_000
_LONGEST = 200_000
_PICTURES = 4
# Two entries in the table of contents for each turn would be drawn anew with every answer.
_HEADING = f"gm-candidate {UNLISTED}"


class _Page(NamedTuple):
    """A turn to be read."""

    html: Safe
    plain: str


class Transcript:
    """Writes conversations down; each turn is rendered once."""

    def __init__(self) -> None:
        self._pages: dict[int, _Page] = {}

    def bundle(self, chat: Saved) -> dict[str, str]:
        """A conversation as MIME bundle: folded HTML, and Markdown as plain text."""
        known = self._pages
        self._pages = {turn.made: known.get(turn.made) or _page(turn) for turn in chat.turns}
        shown, left_out = self._last(chat.turns)
        title = f"{chat.name or 'Conversation'}: {counted(len(chat.turns))}"
        note = f"The first {counted(left_out)} of this conversation are not shown here." if left_out else ""
        pages = [(number, turn, self._pages[turn.made]) for number, turn in shown]
        html = [element("p", note, class_="gm-note")] if note else []
        plain = [f"# {harmless(title)}", note]
        if system := system_in_words(chat):
            html.append(element("details", element("summary", "System instruction"), unlisted(document(system))))
            plain += ["**System instruction**", harmless(system)]
        for number, turn, page in pages:
            html += [_heading(number, turn), page.html, *_remarks(turn)]
            plain += [f"## {number}\n\n{page.plain}", *(f"*{harmless(words)}*" for words in remarks(turn))]
        folded = element("details", element("summary", f"Transcript of {title}"), *html)
        section = element("section", folded, class_="gm", label=f"Transcript of {title}")
        return {"text/html": str(join(style(), section)), "text/plain": "\n\n".join(filter(None, plain))}

    def _last(self, turns: Sequence[Turn]) -> tuple[list[tuple[int, Turn]], int]:
        """The last turns that there is room for, with their numbers, and how many are left out."""
        room = MOST
        numbered = list(enumerate(turns, 1))
        for place in range(len(numbered) - 1, -1, -1):
            page = self._pages[numbered[place][1].made]
            room -= len(page.html) + len(page.plain)
            if room < 0 and place < len(numbered) - 1:
                return numbered[place + 1 :], place + 1
        return numbered, 0


class Durable:
    """The output beside a pane, in whichever cells the pane is shown."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._transcript = Transcript()
        self._context: contextvars.Context | None = None
        self._lock = threading.Lock()

    def show(self, chat: Savable) -> None:
        """Show it below the cell that is running."""
        with self._lock:
            self._context = contextvars.copy_context()  # knows the cell: updates belong to it whatever runs then
            CellScreen().show(self._transcript.bundle(chat.saved()), self._id)

    def update(self, chat: Savable) -> None:
        """Show what has been said by now; from any thread, and only where it is shown."""
        with self._lock:  # so that what is shown last is the newest
            if self._context is not None:
                bundle = self._transcript.bundle(chat.saved())
                self._context.copy().run(CellScreen().update, bundle, self._id)


def _page(turn: Turn) -> _Page:
    parts = turn.question.content.parts or []
    question, answer = in_words(parts), reply_in_words(turn.reply) if turn.reply is not None else ""
    html = [document(_short(question)), *_pictures(parts), *_answer(turn)]
    plain = [f"**You**\n\n{harmless(question)}", f"**{harmless(_answerer(turn))}**\n\n{harmless(answer)}"]
    return _Page(unlisted(join(*html)), "\n\n".join(plain))


def _answer(turn: Turn) -> Iterator[Safe]:
    yield element("h4", _answerer(turn), class_=_HEADING)
    reply = turn.reply
    if reply is None:
        return
    for step in reply.steps:
        yield from (piece.html for piece in step_pieces(step, images="small below"))
        yield from _pictures(step.reply.parts)
    if len(reply.text) > _LONGEST:
        yield document(_short(reply.text))
        return
    first = next((candidate for candidate in reply.candidates if not candidate.index), None)
    sources = Sources(first, reply.parts)
    yield from (piece.html for piece in text_pieces(first, sources, images="small below"))
    yield from _pictures(reply.parts)
    yield from (piece.html for piece in more_pieces(first, sources))


def _pictures(parts: Sequence[Part]) -> Iterator[Safe]:
    """Small pictures of the first pictures."""
    found = [blob.data for blob in blobs_of(parts) if image_type(blob.data)]
    for data in found[:_PICTURES]:
        small = Medium(image_type(data) or "", data).thumbnail()
        if small is not None:
            yield element("p", picture(small, f"image, {len(data):,} bytes"))


def _heading(number: int, turn: Turn) -> Safe:
    where = " (in a cell)" if turn.cell else ""
    return element("h4", f"{number}. You{where}", class_=_HEADING)


def _remarks(turn: Turn) -> list[Safe]:
    return [element("p", words, class_="gm-status", role="note") for words in remarks(turn)]


def _answerer(turn: Turn) -> str:
    return (turn.reply.model if turn.reply is not None else "") or "Model"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n\n… {len(text) - _LONGEST:,} more characters"
