"""One answer that takes several requests: the server pauses, and goes on where it had paused; no I/O.

Long answers end with the finish reason ``CONTINUATION`` and a token. The same contents and fields, sent again with
that token, bring what follows. A stream that broke off right behind such a token is taken up there, too, once.
"""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from gemini_magic.client.answer import Answer
from gemini_magic.events import Assembler, UsageUpdate
from gemini_magic.exceptions import ApiError
from gemini_magic.reply.steps import summed

if TYPE_CHECKING:
    from gemini_magic.client.caller import Caller, Plan
    from gemini_magic.client.shelf import Recorded
    from gemini_magic.events import Event
    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.reply import Reply

#: Requests that one answer may take.
MOST_HOPS = 64
_TAKEN_UP = "The connection broke, and the answer was taken up where the server had left a mark."
_ENDS = ("finishReason", "finishMessage", "continuationToken")

Hop = TypeVar("Hop", bound=Answer)


class Hops(Generic[Hop]):
    """An answer, and the requests that it takes; usually one.

    Args:
        caller: The client.
        answer: The answer to the first request, which has begun.

    Attributes:
        answer: The one to the request under way.
    """

    def __init__(self, caller: Caller, answer: Hop) -> None:
        self.answer = answer
        self._caller = caller
        self._before: Reply | None = None  # of all requests but this one
        self._exchanges: list[tuple[Plan, Recorded | None]] = []
        self._notes: tuple[str, ...] = ()
        self._token = ""
        self._is_taken_up = False
        self._is_between = False  # this one is over, and the next one has not begun
        self._error: GeminiMagicError | None = None
        self._context = copy_context()  # whose labels the ledger gives to all of them

    @property
    def reply(self) -> Reply:
        """What has arrived so far, as one reply."""
        return self._joined(self.answer.reply)

    def _joined(self, last: Reply) -> Reply:
        if self._before is None:
            return last
        whole = joined(self._before, last)
        self._caller.hide_in(whole)  # the key may have come in pieces of two requests
        return whole

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about how the answer came to be."""
        return (*self._notes, *(words for words in self.answer.notes if words not in self._notes))

    def next(self) -> Plan | None:
        """The request that goes on with an answer that is over; None when that was its end, whose events now come."""
        answer = self.answer
        if self._is_between:
            return None
        token = answer.token
        if token is None or not self._may_go_on(token):
            self._give_closing()
            return None
        if answer.is_dropped:
            self._is_taken_up = True
            answer.add_warning(_TAKEN_UP)
        reply = answer.reply
        self._exchanges.append((answer.plan, answer.exchange(goes_on=True)))
        self._is_between, self._token = True, token
        self._context.run(self._caller.record, answer.plan, replace(reply, broken=answer.is_dropped))
        return answer.plan.going_on(reply.requested_model, token)

    def _may_go_on(self, token: str) -> bool:
        if len(self._exchanges) + 1 >= MOST_HOPS or (self.answer.is_dropped and self._is_taken_up):
            return False
        return token != self._token or bool(self.answer.reply.parts)

    def _give_closing(self) -> None:
        """Let the events come that end an answer; its usage is that of all requests."""
        answer = self.answer
        closing: list[Event] = list(answer.closing)
        answer.closing.clear()
        if closing and self._before is not None and (usage := self.reply.usage) is not None:
            closing = [UsageUpdate(usage), *(event for event in closing if not isinstance(event, UsageUpdate))]
        answer.waiting.extend(closing)

    def began(self, answer: Hop) -> None:
        """The next request's answer has begun."""
        self._before, self._notes = self.reply, self.notes
        self.answer, self._is_between = answer, False

    def give_up(self, error: GeminiMagicError) -> NoReturn:
        """The next request's answer did not begin.

        Raises:
            GeminiMagicError: The error, with what had come before.
        """
        tries = self.reply.attempts + error.attempts
        if isinstance(error, ApiError):  # it was kept, and is found only behind the others
            self._keep(good=False)
        self._error = self._told(error, tries)
        raise self._error

    def raise_at_end(self) -> None:
        """Raise what the answer has ended with after something was shown, together with what had come."""
        if self._error is None and self.answer.error is not None:
            self._error = self._told(self.answer.error)
        if self._error is not None:
            raise self._error

    def _told(self, error: GeminiMagicError, tries: int = 0) -> GeminiMagicError:
        told = self.answer.failed(error)
        told.partial = reply = self.reply
        told.attempts = tries or reply.attempts
        return told

    def stop(self) -> None:
        """The reader has had enough: what has not come counts as interrupted."""
        if self._error is None or not self._is_between:
            self.answer.stop(early=self._is_between)

    def end(self) -> Reply:
        """The answer is over: write down what it cost, and keep it where it is to be kept."""
        reply = last = self.answer.reply
        if not self._is_between:
            self._caller.record(self.answer.plan, last)
            exchange = self.answer.exchange()
            if exchange is not None:
                self._exchanges.append((self.answer.plan, exchange))
                reply = self._keep(good=exchange.good) or last
        return self._joined(reply)

    def _keep(self, *, good: bool) -> Reply | None:
        """Give all exchanges to the shelves; the last reply as it is now, where there is something to be told."""
        failed: list[str] = []
        for plan, exchange in self._exchanges:
            if exchange is not None:
                failed += self._caller.keep(plan, replace(exchange, good=good))
        for words in dict.fromkeys(failed):
            self.answer.add_warning(words)
        return self.answer.reply if failed else None


def joined(before: Reply, last: Reply) -> Reply:
    """One reply of two, the second of which goes on where the first had paused."""
    assembler, events = Assembler(), list[Any]()
    first = before.raw
    for candidate in first.get("candidates") or ():
        for name in _ENDS:
            candidate.pop(name, None)
    assembler.feed(first, events)
    assembler.feed(last.raw, events)
    response, usage = assembler.merged(), summed([before.usage, last.usage])
    if usage is not None:
        response = response.model_copy(update={"usage_metadata": usage})
    return replace(
        last,
        response=response,
        attempts=before.attempts + last.attempts,
        seconds=before.seconds + last.seconds,
        warnings=tuple(dict.fromkeys((*before.warnings, *last.warnings))),
    )
