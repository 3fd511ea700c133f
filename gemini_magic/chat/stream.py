"""A conversation's answer while it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from gemini_magic.chat.turns import Origin, Turn, answered, failed
from gemini_magic.ledger import labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from gemini_magic.chat.tool_stream import ToolStream
    from gemini_magic.client import Encoded, Stream
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply


class ChatStream:
    """The events of a conversation's next answer; a context manager and an iterator.

    Args:
        stream: The answer as the client gives it, or one over several requests.
        question: What is asked.
        origin: What it is asked with, and where.
        keep: Takes the turn when the answer is over.
        name: The conversation's name.
    """

    def __init__(
        self, stream: Stream | ToolStream, question: Encoded, origin: Origin, keep: Callable[[Turn], None], name: str
    ) -> None:
        self._stream = stream
        self._question = question
        self._origin = origin
        self._keep = keep
        self._name = name

    def __enter__(self) -> Self:
        """Send the request; returns when the answer begins."""
        try:
            with self._labelled():
                self._stream.__enter__()
        except BaseException as error:
            self._keep(failed(self._question, error, None, self._origin))
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection and add the turn, also when the closing is interrupted."""
        try:
            with self._labelled():
                self._stream.__exit__(kind, error, trace)
        finally:
            self._keep(self._turn(error))

    def _turn(self, error: BaseException | None) -> Turn:
        reply = self._stream.reply
        if error is None:
            return answered(self._question, reply, self._origin)
        return failed(self._question, error, reply, self._origin)

    def _labelled(self) -> Any:  # noqa: ANN401 - a context manager
        return labelled(conversation=self._name, cell=self._origin.cell)

    def __iter__(self) -> Iterator[Event]:
        """The events, in order."""
        return iter(self._stream)

    @property
    def opened(self) -> bool:
        """Whether an answer has begun."""
        return self._stream.opened

    @property
    def reply(self) -> Reply:
        """What has arrived so far; the whole reply once the iteration has ended."""
        return self._stream.reply

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user, such as which fallback model answers."""
        return self._stream.notes
