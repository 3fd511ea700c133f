"""What may answer in the network's place, or remember what it answered: tapes and caches; no I/O here.

A client looks at its shelves before it sends anything, and tells them afterwards what came. What they get to
see holds no key and no address beyond the gateway's origin.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gemini_magic.client.body import writes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from gemini_magic.client.body import Segment
    from gemini_magic.exceptions import ApiError

GENERATE, STREAM, COUNT, MODELS = "generateContent", "streamGenerateContent", "countTokens", "models"
#: Calls that cost something.
PAID = frozenset({GENERATE, STREAM})
_GOOD = 200


@dataclass(frozen=True)
class Asked:
    """A call: what is asked, and nothing about who asks.

    Attributes:
        method: ``generateContent``, ``streamGenerateContent``, ``countTokens`` or ``models``.
        model: The model that is asked first; empty for the list of models.
        named: Whether the call itself named the model, so that no other will do.
        origin: Scheme, host and port of the gateway.
        prompt: The beginning of what was asked, for people.
        segments: The body.
        page: Which page of a list.
    """

    method: str
    model: str
    named: bool
    origin: str
    prompt: str
    segments: tuple[Segment, ...] = ()
    page: str = ""

    def digest(self, *more: str) -> str:
        """A name for the request: method and body, and whatever else should make a difference.

        Streaming makes none: the answer is the same, it only comes in pieces.
        """
        kind = GENERATE if self.method == STREAM else self.method
        found = hashlib.sha256("\n".join((kind, *more, self.page, "")).encode())
        for data in writes(self.segments):
            found.update(data)
        return found.hexdigest()


@dataclass(frozen=True)
class Recorded:
    """What came of a call.

    Attributes:
        documents: The JSON of a whole answer, or of each chunk of a stream, or of an error.
        streamed: Whether they are chunks.
        status: The HTTP status, or that of the error.
        model: The model that was asked.
        good: Whether the answer is complete, and neither blocked nor cut.
        note: What the user should be told when it is used again.
    """

    documents: tuple[bytes, ...]
    streamed: bool = False
    status: int = _GOOD
    model: str = ""
    good: bool = False
    note: str = ""

    @property
    def body(self) -> bytes:
        """The whole of an answer that is no stream."""
        return self.documents[0] if self.documents else b""


class Shelf(Protocol):
    """Finds the answer of a call that was made before, and keeps those of new ones."""

    def find(self, asked: Asked) -> Recorded | None:
        """The answer, or None when the call has to be made.

        Raises:
            InputError: There is none, and the call must not be made.
            StoreError: The shelf cannot be used; nothing was sent.
        """
        ...

    def keep(self, asked: Asked, recorded: Recorded) -> None:
        """Remember what came, if it is worth it.

        Raises:
            StoreError: It could not be written.
        """
        ...


class Replayed:
    """An answer from a shelf, in the place of one from a connection."""

    status = _GOOD
    headers: Mapping[str, str] = {}

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def __iter__(self) -> Iterator[bytes]:
        """The body, chunk by chunk, as it would come over the wire."""
        for document in self._recorded.documents:
            yield b"data: %s\n\n" % document if self._recorded.streamed else document

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The same, awaited."""
        for data in self:
            yield data

    def close(self) -> None:
        """Nothing to close."""

    async def aclose(self) -> None:
        """Nothing to close."""


def error_document(error: ApiError) -> bytes:
    """An error as Google's servers write it, from which `error_from` reads the same error again."""
    words: dict[str, Any] = {"code": error.status, "message": error.message}
    if error.reason:
        words["status"] = error.reason
    if error.details:
        words["details"] = error.details
    return json.dumps({"error": words}, ensure_ascii=False).encode("utf-8", "backslashreplace")
