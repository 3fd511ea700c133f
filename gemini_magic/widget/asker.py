"""Asks in a conversation, follows what others do with it, and lets every view know."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from gemini_magic.chat.autosave import autosave
from gemini_magic.client.timing import SystemClock
from gemini_magic.display.visible import visible
from gemini_magic.exceptions import GeminiMagicError, StoreError
from gemini_magic.widget.answering import Answering
from gemini_magic.widget.errands import Errands
from gemini_magic.widget.notebook import Notebook
from gemini_magic.widget.parts import event_view, question_views
from gemini_magic.widget.shown import Live, Shown
from gemini_magic.widget.views import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gemini_magic.chat import Conversation
    from gemini_magic.chat.registry import Registry
    from gemini_magic.client.timing import Clock
    from gemini_magic.events import Event
    from gemini_magic.tools.approval import Leave
    from gemini_magic.widget.answering import Order
    from gemini_magic.widget.approval import Decided, Waiting
    from gemini_magic.widget.line import Send
    from gemini_magic.widget.messages import PartView
    from gemini_magic.widget.questions import Asked

#: What went wrong, in a few words; the first class of an error that stands here names it.
_TITLES = {
    "AuthError": "The key was refused",
    "PermissionDenied": "Not allowed",
    "NotFound": "Not found",
    "QuotaExhausted": "The quota is used up",
    "RateLimited": "Too many requests",
    "RequestTooLarge": "Too large",
    "BadRequest": "The server refused the question",
    "ServerUnavailable": "The server is failing",
    "ApiError": "The server reported an error",
    "Timeout": "No answer in time",
    "TransportError": "No connection",
    "StreamTruncated": "The answer was cut off",
    "BudgetExceeded": "The budget is used up",
    "ToolLimit": "Too many calls",
    "ToolError": "A function ended the answer",
}


class Asker(Shown):
    """The working half of an `Engine`, whose arguments these are."""

    def __init__(
        self,
        chat: Conversation,
        send: Send,
        clock: Clock | None = None,
        *,
        notebook: Notebook | None = None,
        registry: Registry | None = None,
        starters: Sequence[str] = (),
        height: str | None = None,
        touched: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(chat, send, clock or SystemClock(), notebook or Notebook(), starters=starters, height=height)
        self.registry = registry
        self.errands = Errands()
        self._touched = touched
        self._count = 0
        self._is_due = False
        chat.watch(self._changed)
        if registry is not None:
            registry.watch(self._changed)

    # What others do with the conversation

    def _changed(self) -> None:
        """The conversation has changed, or its name may mean another one; called in anybody's thread."""
        live = self.live
        if live is not None and threading.current_thread() is live.worker:
            return
        with self.lock:
            if self._is_due:
                return
            self._is_due = True
        self.errands.add(self._refresh)

    def _refresh(self) -> None:
        with self.lock:
            self._is_due = False
            if self.live is None and self._follow():
                return
            has_changed = self.say_what_changed()
        if has_changed:
            self._keep_later(own=False)

    def _follow(self) -> bool:
        """Take up the conversation that has the name now; when the name was forgotten, begin anew."""
        if self.registry is None:
            return False
        there = self.registry.find(self.chat.name)
        if there is None and self.chat.turns:
            there = self.chat.fork(self.chat.name, 0)
            there.system = self.notebook.system
        if there is None or there is self.chat:
            return False
        self.switch(there)
        return True

    def switch(self, chat: Conversation, *, restored: bool = False) -> None:
        """Show another conversation from now on."""
        with self.lock:
            self.chat = chat
            self.restored = restored
            chat.watch(self._changed)
            self.snapshot()
        self._keep_later(own=False)

    # What this pane asks

    def begin(self, make_order: Callable[[str], Order]) -> None:
        """Ask something; `make_order` gets the turn's id.

        Raises:
            GeminiMagicError: An answer is under way.
        """
        with self.lock:
            self.refuse_if_busy()
            if self.registry is not None and self.registry.find(self.chat.name) is None:
                self.registry.put(self.chat)
            self._count += 1
            turn = f"a{self._count}"
            worker = Answering(make_order(turn), self, self.clock)
            self.live = Live(turn, self.clock.monotonic(), worker)
            self.say_status("waiting")
            worker.start()

    def refuse_if_busy(self) -> None:
        """Refuse what cannot be done while an answer is under way.

        Raises:
            GeminiMagicError: One is.
        """
        if self.live is not None:
            raise GeminiMagicError("An answer is still on its way.", hint="Wait for its end, or stop it.")

    def stop(self) -> None:
        """Stop the answer that is under way; what has come is kept."""
        with self.lock:
            live = self.live
            if live is not None:
                live.worker.stop.set()
                self.say_status("stopping")
                self._settle(live, "stopped")

    # Leave for calls

    def leave_asked(self, waiting: Waiting) -> None:
        """Somebody waits for leave."""
        with self.lock:
            live = self.live
            if live is None or live.worker.stop.is_set():
                waiting.decided.put("stopped")
                return
            live.leave = waiting
            self.say_approval(waiting)

    def decide(self, turn: str, number: object, leave: Leave) -> None:
        """A person has decided on a call; once that is done, nothing else is heard of it."""
        with self.lock:
            live = self.live
            if live is None or live.turn != turn or live.leave is None or live.leave.pending.number != number:
                return
            self._settle(live, leave)

    def _settle(self, live: Live, decided: Decided) -> None:
        waiting, live.leave = live.leave, None
        if waiting is not None:
            self.say_approval(waiting, decided)
            waiting.decided.put(decided)

    # What comes of it

    def refused(self, order: Order, words: str, bad: Sequence[int] = ()) -> None:
        """Nothing was sent, and nothing has changed."""
        with self.lock:
            self.live = None
            if bad:
                self.line.reply(order.request, error=visible(words), bad=list(bad))
            else:
                self.line.reply(order.request, error=visible(words))
            self.say_status("idle")
        self._changed()

    def started(self, order: Order, asked: Asked) -> None:
        """The question goes out."""
        with self.lock:
            live, turns = self.live, order.chat.turns
            if live is None:
                return
            live.content, live.source = asked.content, asked.source
            live.number = order.place or len(turns) + 1
            live.model = order.fields.get("model") or order.chat.client.model
            live.prompt = question_views(asked.content.content.parts or [], self.blobs, asked.source, asked.names)
            live.before = frozenset(turn.made for turn in turns)
            live.replaced = turns[order.place - 1].made if order.place is not None else None
            self.line.reply(order.request, ok=True)
            self.say_what_changed()  # the turns that were taken back, if nobody has told of them before
            self.say_start()
            for words in asked.notes:
                self.noted(words, "warning")

    def answering(self) -> None:
        """The answer has begun."""
        with self.lock:
            if self.live is not None and self.live.state == "waiting":
                self.say_status("answering")

    def heard(self, event: Event) -> PartView | None:
        """What an event adds to the answer."""
        with self.lock:
            return event_view(event, self.blobs)

    def came(self, parts: list[PartView]) -> None:
        """More of the answer."""
        self.say_more(parts)

    def ended(self, order: Order, asked: Asked, error: BaseException | None, seconds: Sequence[float]) -> None:
        """The answer is over, however it ended."""
        with self.lock:
            live = self.live
            if live is None:
                return
            turn = next((one for one in order.chat.turns if live.made(one)), None)
            if turn is None:
                self._not_kept(asked, error)
            else:
                title = _title(error) if error is not None else ""
                self.views.know(turn, Known(live.turn, asked.source, asked.names, title, tuple(seconds)))
                self.say_done(turn)
                for words in turn.reply.warnings if turn.reply is not None else ():
                    self.noted(words, "warning")
            self.say_status("idle")
        self._keep_later(own=True)
        self._changed()

    def _not_kept(self, asked: Asked, error: BaseException | None) -> None:
        """The attempt did not drive out the answer that was there."""
        self.live = None
        self.say_turns()
        is_stopped = isinstance(error, KeyboardInterrupt)
        words = "Stopped." if is_stopped else str(error or "No answer came.")
        text = visible(f"{words} The earlier answer stays.")
        self.line.say("notice", level="info" if is_stopped else "error", text=text, draft=asked.source)

    def broke(self, error: Exception) -> None:
        """Something of ours has failed; the pane must not wait for it for ever."""
        with self.lock:
            self.live = None
            self.noted(f"{type(error).__name__}: {error}", "error")
            self.snapshot()
            self.say_status("idle")

    # What is kept

    def _keep_later(self, *, own: bool) -> None:
        """Keep what is to be kept: the file for the next kernel, and what stands beside the pane."""
        self.errands.add(lambda: self._keep(own=own))

    def _keep(self, *, own: bool) -> None:
        notebook = self.notebook.saves_for if own else ""
        if notebook:
            try:
                autosave(self.chat, notebook)
            except StoreError as error:  # the answer is there, and paid for
                self.noted(f"The conversation was not saved: {error}", "warning")
        if self._touched is not None:
            self._touched()

    def close(self) -> None:
        """Stop what is under way, and say nothing more."""
        self.line.close()
        self.errands.close()
        live = self.live
        if live is not None:
            live.worker.stop.set()
            if (waiting := live.leave) is not None:
                waiting.decided.put("gone")

    def __del__(self) -> None:
        """Whoever forgets a pane need not close it."""
        with contextlib.suppress(AttributeError):
            self.close()


def _title(error: BaseException) -> str:
    """What went wrong, in a few words."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((_TITLES[name] for name in names if name in _TITLES), "")
