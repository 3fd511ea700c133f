"""One answer while it arrives, and after: what both kinds of stream know about it; no I/O."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic_core import to_json

from gemini_magic.client.shelf import Recorded, error_document
from gemini_magic.exceptions import (
    ApiError,
    ConnectionLost,
    GeminiMagicError,
    ProtocolError,
    RedirectRefused,
    StreamTruncated,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.client.response import AnswerReader
    from gemini_magic.client.retry import Attempts
    from gemini_magic.client.timing import Patience
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply

_REDIRECTS = range(300, 400)
_OK = range(200, 300)
#: Bytes of an error body that are read.
MAX_ERROR_BYTES = 1024 * 1024


class Answer:
    """One answer while it arrives, and after; what both kinds of stream know about it."""

    def __init__(self, reader: AnswerReader, attempts: Attempts, patience: Patience) -> None:
        self._reader = reader
        self._attempts = attempts
        self._patience = patience
        self._interrupted = False
        self._broken = False
        self._seconds: float | None = None
        self._error: GeminiMagicError | None = None
        self._warnings: list[str] = []
        #: Events that have come and were not asked for yet.
        self.waiting: deque[Event] = deque()
        #: Whether nothing more will come.
        self.over = False

    @property
    def reply(self) -> Reply:
        """What has arrived so far; all of it once the answer has ended."""
        seconds = self._patience.seconds if self._seconds is None else self._seconds
        reply = self._reader.reply(
            attempts=self._attempts.number, seconds=seconds, interrupted=self._interrupted, broken=self._broken
        )
        return reply.with_note(*self._attempts.notes, *self._warnings)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about how the answer came to be."""
        return tuple(self._attempts.notes)

    def exchange(self) -> Recorded | None:
        """What is worth keeping: an answer that came to its end, be it an error's; None when none did."""
        documents, error = self._reader.documents, self._error
        if documents is None or not self.over or self._interrupted:
            return None
        if error is not None and not isinstance(error, ApiError):
            return None
        ending = () if error is None else (error_document(error),)
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
            self._patience.answering()
        if error is not None or data is None:
            self._error = error
            self._end()

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self._seconds = self._patience.seconds

    def stop(self) -> None:
        """The reader has had enough: what has not come counts as interrupted."""
        if not self.over or self.waiting:
            self._interrupted = True
        self._end()

    def wants_more(self, *, whole: bool) -> bool:
        """Whether the answer has not begun, or, if `whole`, not ended."""
        return not self.over and (whole or not self.waiting)

    def raise_before_events(self, *, whole: bool) -> None:
        """Raise what went wrong before anything was shown; it may be tried again."""
        if self._error is not None and (whole or not self.waiting):
            raise self._error

    def raise_after_events(self) -> None:
        """Raise what went wrong after something was shown, together with what had come."""
        error = self._error
        if error is None:
            return
        self._broken = True
        self._attempts.hide(error)
        error.attempts = self._attempts.number
        if isinstance(error, (ConnectionLost, ProtocolError)):
            cut = StreamTruncated(
                f"The answer was cut off: {error.message}",
                hint="What had arrived is in .partial; run it again for the whole answer.",
            )
            cut.__cause__, cut.attempts, error = error, error.attempts, cut
        error.partial = self.reply
        raise error


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
