"""The answer to one request while it arrives, and after: what both kinds of client know about it; no I/O."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic_core import to_json

from gemini_magic.client.shelf import Recorded, error_document
from gemini_magic.events import Finished, UsageUpdate
from gemini_magic.exceptions import (
    ApiError,
    ConnectionLost,
    GeminiMagicError,
    ProtocolError,
    RedirectRefused,
    StreamTruncated,
)
from gemini_magic.wire import FinishReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.client.caller import Plan
    from gemini_magic.client.response import AnswerReader
    from gemini_magic.client.retry import Attempts
    from gemini_magic.client.timing import Patience
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply

_REDIRECTS = range(300, 400)
_OK = range(200, 300)
_DROPPED = (ConnectionLost, StreamTruncated)
#: Bytes of an error body that are read.
MAX_ERROR_BYTES = 1024 * 1024


class Answer:
    """The answer to one request while it arrives, and after.

    Args:
        plan: What was sent.
        reader: Reads its bytes.
        attempts: The tries that it took.
        patience: How long it may take.
    """

    def __init__(self, plan: Plan, reader: AnswerReader, attempts: Attempts, patience: Patience) -> None:
        self.plan = plan
        self.patience = patience
        self._reader = reader
        self._attempts = attempts
        self._interrupted = False
        self._broken = False
        self._seconds: float | None = None
        self._warnings: list[str] = []
        #: What it has ended with, if that was an error.
        self.error: GeminiMagicError | None = None
        #: Events that have come and were not asked for yet.
        self.waiting: deque[Event] = deque()
        #: Those that end it; whether another request goes on with it is not for this one to know.
        self.closing: deque[Event] = deque()
        #: Whether nothing more will come.
        self.over = False

    @property
    def reply(self) -> Reply:
        """What has arrived so far; all of it once the answer has ended."""
        seconds = self.patience.seconds if self._seconds is None else self._seconds
        reply = self._reader.reply(
            attempts=self._attempts.number, seconds=seconds, interrupted=self._interrupted, broken=self._broken
        )
        return reply.with_note(*self._attempts.notes, *self._warnings)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about how the answer came to be."""
        return tuple(self._attempts.notes)

    @property
    def token(self) -> str | None:
        """From where another request can go on, when this one was left unfinished; known when it is over."""
        if self.error is not None:
            return self._reader.checkpoint if isinstance(self.error, _DROPPED) else None
        ended = next((event for event in self.closing if isinstance(event, Finished) and not event.candidate), None)
        if ended is None or ended.block_reason is not None:
            return None
        if ended.finish_reason is None:
            return self._reader.checkpoint
        if ended.finish_reason != FinishReason.CONTINUATION:
            return None
        first = next(candidate for candidate in self.reply.candidates if not candidate.index)
        return first.continuation_token or None

    @property
    def is_dropped(self) -> bool:
        """Whether it broke off before its end."""
        return isinstance(self.error, _DROPPED)

    def exchange(self, *, goes_on: bool = False) -> Recorded | None:
        """What is worth keeping: an answer that came to its end, be it an error's; None when none did.

        Args:
            goes_on: Whether another request goes on with it; then it counts, also when it broke off.
        """
        documents, error = self._reader.documents, self.error
        if documents is None or not self.over or self._interrupted:
            return None
        if error is not None and not isinstance(error, ApiError) and not goes_on:
            return None
        ending = (error_document(error),) if isinstance(error, ApiError) else ()
        reply = self.reply
        if self._reader.in_pieces:
            documents = [to_json(reply.raw)]
        return Recorded(
            (*documents, *ending),
            streamed=not self._reader.unary,
            model=reply.requested_model,
            good=error is None and reply.status == "ok",
        )

    def add_warning(self, words: str) -> None:
        """Something that the user should be told beneath the answer."""
        self._warnings.append(words)

    def take(self, data: bytes | None, error: GeminiMagicError | None = None) -> None:
        """Bytes have been read, or the end has come, or an error in the bytes' place."""
        if error is None:
            error = self._reader.read(data, self.waiting)
        if self.waiting:
            self.patience.answering()
        if error is not None or data is None:
            self.error = error
            self._end()

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self._seconds = self.patience.seconds
            while self.waiting and isinstance(self.waiting[-1], (UsageUpdate, Finished)):
                self.closing.appendleft(self.waiting.pop())

    def stop(self, *, early: bool = False) -> None:
        """The reader has had enough: what has not come counts as interrupted.

        Args:
            early: Whether there was to be more, although this is over.
        """
        if early or not self.over or self.waiting or self.closing:
            self._interrupted = True
        self._end()

    def wants_more(self, *, whole: bool) -> bool:
        """Whether the answer has not begun, or, if `whole`, not ended."""
        return not self.over and (whole or not self.waiting)

    def raise_before_events(self, *, whole: bool) -> None:
        """Raise what went wrong before anything was shown; it may be tried again."""
        if self.error is not None and (whole or not self.waiting):
            raise self.error

    def failed(self, error: GeminiMagicError) -> GeminiMagicError:
        """The error to be raised for one that came after something was shown."""
        self._broken = True
        self._attempts.hide(error)
        if isinstance(error, (ConnectionLost, ProtocolError)):
            cut = StreamTruncated(
                f"The answer was cut off: {error.message}",
                hint="What had arrived is in .partial; run it again for the whole answer.",
            )
            cut.__cause__ = error
            return cut
        return error


def check_redirect(status: int, headers: Mapping[str, str]) -> None:
    """Refuse a redirect: it would carry the prompt, and perhaps the key, to somewhere else."""
    if status in _REDIRECTS:
        raise RedirectRefused(
            f"The server answered with a redirect ({status}) to {_host_of(headers)}; it was not followed.",
            hint="If that is the right server, use its address as base_url.",
        )


def _host_of(headers: Mapping[str, str]) -> str:
    """Where a redirect leads, without its path and query, which may hold a secret."""
    try:
        host = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return host[:100] or "another address"


def is_ok(status: int) -> bool:
    """Whether a status says that the body is an answer."""
    return status in _OK
