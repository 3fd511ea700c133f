"""One question's way: sent, shown while its answer comes, and judged when it is there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gemini_magic.chat.autosave import autosave
from gemini_magic.chat.outputs import turn_metadata
from gemini_magic.display.base import QuietRenderer
from gemini_magic.events import ToolFinished
from gemini_magic.exceptions import Blocked, GeminiMagicError, InvalidAnswer, StoreError
from gemini_magic.ledger import labelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gemini_magic.chat import ChatStream
    from gemini_magic.client import Stream
    from gemini_magic.display.base import Renderer
    from gemini_magic.events import ToolRun
    from gemini_magic.magics.question import Exchange, Question
    from gemini_magic.reply import Reply


@dataclass
class Asking:
    """Asks one question and shows its answer.

    Attributes:
        question: What is asked.
        exchange: Where the answer is remembered, all of it or what came.
        renderer: Where it is shown.
        notes: Lines for the user, shown above the answer.
        saved_for: The notebook for whose next kernel the conversation is saved; nothing is saved when empty.
    """

    question: Question
    exchange: Exchange
    renderer: Renderer
    notes: tuple[str, ...] = ()
    saved_for: str = ""
    _noted: set[str] = field(default_factory=set, init=False)

    def run(self) -> Reply:
        """Ask, show and judge.

        Raises:
            GeminiMagicError: No answer came, or none that can be used; what came is in ``.partial``.
        """
        for note in self.notes:
            self.renderer.note(note)
        with labelled(cell=self.question.place.cell):
            reply = self._streamed() if self.exchange.method == "streamGenerateContent" else self._whole()
        self.exchange.reply = reply
        self._save()
        _check(reply)
        return reply

    def _streamed(self) -> Reply:
        self.renderer.begin(self.question.model)
        stream = self.question.stream()
        try:
            with stream as events:
                self._note_all(events.notes)
                for event in events:
                    self.renderer.handle(event)
                    if isinstance(event, ToolFinished):
                        self._note_denied(event.run)
        finally:
            self._show(stream)
        return stream.reply

    def _show(self, stream: Stream | ChatStream) -> None:
        """Show for good what came, however it ended; nothing when no answer had begun."""
        if not stream.opened:
            return
        reply = stream.reply
        self.exchange.reply = reply
        if isinstance(self.renderer, QuietRenderer):
            self._note_all(stream.notes)
        # The others stand above the answer already; those of a later request, behind calls, do not.
        rest = tuple(words for words in reply.warnings if words not in self._noted)
        self._finish(replace(reply, warnings=rest))

    def _whole(self) -> Reply:
        self.renderer.begin(self.question.model)
        try:
            reply = self.question.ask()
        except BaseException as error:
            partial = error.partial if isinstance(error, GeminiMagicError) else self.question.broken_off()
            if partial is not None and partial.runs:  # what functions have done is done
                self.exchange.reply = partial
                self._finish(partial)
            raise
        for run in reply.runs:
            self._note_denied(run)
        if isinstance(self.renderer, QuietRenderer):
            self._note_all(reply.warnings)
        self._finish(reply)
        return reply

    def _note_all(self, notes: Iterable[str]) -> None:
        """Show notes, each of them once."""
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                self.renderer.note(note)

    def _note_denied(self, run: ToolRun) -> None:
        """Say that a function has not run because nobody could be asked: the answer does without it."""
        if run.decision == "nobody":
            self._note_all([run.error])

    def _finish(self, reply: Reply) -> None:
        if stale := self._stale():
            self.renderer.note(stale)
        self.renderer.finish(reply, seconds=reply.seconds, metadata=self._metadata())

    def _stale(self) -> str:
        """What to say of the turns that rest on an answer which this one has replaced."""
        chat = self.question.chat
        if chat is None or not chat.stale:
            return ""
        turns = f"turn {chat.stale[0]}" if len(chat.stale) == 1 else f"{len(chat.stale)} later turns"
        return f"Of {chat.name}, {turns} rested on an earlier answer; `%gemini replay` asks again."

    def _save(self) -> None:
        chat = self.question.chat
        if not self.saved_for or chat is None:
            return
        try:
            autosave(chat, self.saved_for)
        except StoreError as error:  # the answer is there, and paid for
            self.renderer.note(f"The conversation was not saved: {error}")

    def _metadata(self) -> Mapping[str, Any] | None:
        """The turn as it is kept with the cell's output, so that the notebook's file remembers the conversation.

        An attempt that failed leaves the cell's older turn in force, and in the output.
        """
        chat, cell = self.question.chat, self.question.place.cell
        if chat is None:
            return None
        turn = self.question.turn() or next((turn for turn in chat.turns if cell and turn.cell == cell), None)
        return turn_metadata(chat, turn) if turn is not None else None


def _check(reply: Reply) -> None:
    """An answer that was blocked, or came out unusable, fails the cell: what follows must not build on it."""
    if reply.status not in {"blocked", "failed"}:
        return
    reason = reply.block_reason or reply.finish_reason or "unknown reason"
    what = "The prompt" if reply.block_reason else "The answer"
    words = f" {reply.finish_message}" if reply.finish_message else ""
    error: GeminiMagicError
    if reply.status == "blocked":
        error = Blocked(f"{what} was blocked ({reason}).{words}", reason=reason)
    else:
        error = InvalidAnswer(f"The answer is unusable ({reason}).{words}", hint="Running the cell again may help.")
    error.partial = reply
    error.attempts = reply.attempts
    raise error
