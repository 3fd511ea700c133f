"""One answer on its way, in a thread of its own: prepared, sent, and handed on piece by piece."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from weakref import ref

from gemini_magic.client.timing import stoppable
from gemini_magic.connect import connect_with_notice
from gemini_magic.events import ThoughtDelta
from gemini_magic.exceptions import GeminiMagicError, InputError
from gemini_magic.ledger import labelled
from gemini_magic.widget.approval import PaneApprover
from gemini_magic.widget.batches import Batches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gemini_magic.chat import ChatStream, Conversation
    from gemini_magic.chat.fields import ChatFields
    from gemini_magic.client.timing import Clock
    from gemini_magic.events import Event
    from gemini_magic.widget.approval import Waiting
    from gemini_magic.widget.messages import Message, PartView
    from gemini_magic.widget.questions import Asked

#: What the ledger calls the place where a pane's questions come from.
CELL = "widget"


@dataclass(frozen=True)
class Order:
    """What is to be asked.

    Attributes:
        request: The message that wants it.
        turn: What the pane calls the turn.
        chat: Where it is asked.
        make: Makes the question, or says what is wrong with its files.
        fields: What else the request says.
        place: The number of the turn whose place it takes, or None.
        back: How many turns are taken back first.
        cell: The cell that the turn in its place came from.
        run: That cell's execution.
    """

    request: Message
    turn: str
    chat: Conversation
    make: Callable[[], tuple[Asked | None, Mapping[int, str]]]
    fields: ChatFields
    place: int | None = None
    back: int = 0
    cell: str = ""
    run: str = ""


class Listener(Protocol):
    """Who is told what becomes of an order; called in the answer's thread."""

    def refused(self, order: Order, words: str, bad: Sequence[int] = ()) -> None:
        """Nothing was sent, and nothing has changed."""

    def started(self, order: Order, asked: Asked) -> None:
        """The question goes out."""

    def leave_asked(self, waiting: Waiting) -> None:
        """A call waits for the person's leave."""

    def answering(self) -> None:
        """The answer has begun."""

    def heard(self, event: Event) -> PartView | None:
        """What an event adds to the answer."""

    def came(self, parts: list[PartView]) -> None:
        """More of the answer."""

    def noted(self, words: str, level: str = "info") -> None:
        """A line for the person."""

    def ended(self, order: Order, asked: Asked, error: BaseException | None, seconds: Sequence[float]) -> None:
        """The answer is over, however it ended; its turn is in the conversation, if it is kept."""

    def broke(self, error: Exception) -> None:
        """Something of ours has failed, and nothing more will come."""


class Answering(threading.Thread):
    """Asks one question and hands on what comes of it.

    Args:
        order: What is asked.
        listener: Who is told; held weakly, and when it is gone the answer is stopped.
        clock: Where time comes from.
    """

    def __init__(self, order: Order, listener: Listener, clock: Clock) -> None:
        super().__init__(name="gemini-magic-chat", daemon=True)
        self.stop = threading.Event()
        self._order = order
        self._listener = ref(listener)
        self._clock = clock
        self._seconds: list[float] = []
        self._thinking_since: float | None = None

    def run(self) -> None:
        """Ask; nothing is raised."""
        try:
            self._ask()
        except KeyboardInterrupt:  # nobody listens any more
            self.stop.set()
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it who would hear
            listener = self._listener()
            if listener is not None:
                listener.broke(error)

    def _tell(self) -> Listener:
        listener = self._listener()
        if listener is None:
            raise KeyboardInterrupt
        return listener

    def _ask(self) -> None:
        order = self._order
        try:
            asked, bad = order.make()
            if asked is None:
                self._tell().refused(order, " ".join(bad.values()), list(bad))
                return
            stream = self._stream(asked)
        except KeyboardInterrupt:
            self._tell().refused(order, "Stopped before it was sent.")
            return
        except GeminiMagicError as error:
            self._tell().refused(order, str(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever a value of the notebook raises
            self._tell().refused(order, f"{type(error).__name__}: {error}")
            return
        self._tell().started(order, asked)
        ending = self._answer(stream)
        self._tell().ended(order, asked, ending, self._seconds)

    def _stream(self, asked: Asked) -> ChatStream:
        """The answer, not asked for yet; what cannot be sent is found out before a turn is taken back for it."""
        order, chat = self._order, self._order.chat
        if not chat.connected:
            chat.client, notice = connect_with_notice()
            if notice:
                self._tell().noted(notice)
        if any(chat.client.holds_key(part.text or "") for part in asked.content.content.parts or []):
            raise InputError("The message holds your API key: this would send your key to the model.")
        if self.stop.is_set():
            raise KeyboardInterrupt
        if order.back:
            chat.stream(asked.content, place=len(chat.turns) + 1 - order.back, **order.fields)
            chat.undo(order.back)
        fields: ChatFields = {**order.fields, "approver": PaneApprover(self._listener)}
        append = not order.cell
        return chat.stream(asked.content, cell=order.cell, run=order.run, append=append, place=order.place, **fields)

    def _answer(self, stream: ChatStream) -> BaseException | None:
        """Read the answer to its end; returns what ended it before."""
        pump = Pump(lambda parts: self._tell().came(parts), self._clock)
        pump.start()
        try:
            with stoppable(self.stop), labelled(cell=CELL), stream as events:
                for words in events.notes:
                    self._tell().noted(words, "warning")
                for number, event in enumerate(events):
                    if not number:
                        self._tell().answering()
                    self._take(event, pump)
        except BaseException as error:  # noqa: BLE001 - the conversation has it; the pane says it
            return error
        finally:
            self._time_thoughts(None)
            pump.finish()
        return None

    def _take(self, event: Event, pump: Pump) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        self._time_thoughts(event)
        part = self._tell().heard(event)
        if part is not None:
            pump.add(part)

    def _time_thoughts(self, event: Event | None) -> None:
        """Measure how long each thought takes, from its first piece to what comes behind it."""
        now = self._clock.monotonic()
        if isinstance(event, ThoughtDelta):
            self._thinking_since = now if self._thinking_since is None else self._thinking_since
        elif self._thinking_since is not None:
            self._seconds.append(now - self._thinking_since)
            self._thinking_since = None


class Pump(threading.Thread):
    """Sends what comes in batches, the last one when nothing follows for a while.

    Args:
        send: Sends a batch.
        clock: Where time comes from.
    """

    def __init__(self, send: Callable[[list[PartView]], None], clock: Clock) -> None:
        super().__init__(name="gemini-magic-pump", daemon=True)
        self._send = send
        self._clock = clock
        self._batches = Batches()
        self._is_over = False
        self._changed = threading.Condition()

    def add(self, part: PartView) -> None:
        """Take the next piece."""
        with self._changed:
            is_first = not self._batches.waiting
            self._batches.add(part)
            if is_first:
                self._changed.notify()

    def finish(self) -> None:
        """Send what is left; returns when all is sent."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self.join()

    def run(self) -> None:
        """Send batch after batch."""
        try:
            while (parts := self._next()) is not None:
                if parts:
                    self._send(parts)
        except KeyboardInterrupt:  # nobody listens any more
            return

    def _next(self) -> list[PartView] | None:
        """The next batch when it is due; None when all is sent."""
        with self._changed:
            while not self._is_over:
                left = self._batches.due(self._clock.monotonic()) if self._batches.waiting else None
                if left == 0:
                    break
                self._changed.wait(left)
            parts = self._batches.take(self._clock.monotonic())
            return parts or (None if self._is_over else [])
