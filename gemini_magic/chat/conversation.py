"""A conversation: what was said, kept exactly as it was sent and received.

The protocol has no memory, so every question carries the whole history. A turn is encoded once, when it is
made, and its bytes are sent again and again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from gemini_magic.client.request import Encoded, encode, to_contents
from gemini_magic.exceptions import ConfigError, GeminiMagicError, InputError
from gemini_magic.ledger import labelled
from gemini_magic.wire import Content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from gemini_magic.client import Client, Stream
    from gemini_magic.client.request import RequestFields
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply
    from gemini_magic.wire import Part

TurnStatus = Literal["ok", "truncated", "blocked", "failed", "interrupted"]
#: Turns that are part of the next request.
_KEPT = frozenset({"ok", "truncated"})


@dataclass(frozen=True, repr=False)
class Turn:
    """A question and what came of it.

    Attributes:
        question: What was asked.
        reply: What came, all of it or the part that had arrived; None when nothing had.
        status: ``ok``, ``truncated``, ``blocked``, ``failed`` or ``interrupted``.
        answer: The answer as it is sent with the next question; None when this turn is not.
        error: What went wrong, in words.
        cell: The front end's id of the cell it came from, or an empty string.
    """

    question: Encoded
    reply: Reply | None
    status: TurnStatus
    answer: Encoded | None = None
    error: str = ""
    cell: str = ""

    @property
    def replayed(self) -> bool:
        """Whether the turn is part of the next request."""
        return self.answer is not None

    @property
    def prompt(self) -> str:
        """The text of the question."""
        return "".join(part.text for part in self.question.content.parts or [] if part.text)

    def __repr__(self) -> str:
        """Status and the beginning of question and answer."""
        answer = self.reply.text if self.reply is not None else ""
        return f"<Turn {self.status}: {_short(self.prompt)} → {_short(answer)}>"


class Conversation:
    """Asks one question after another, each with everything said before.

    A turn that failed, was blocked or was interrupted stays visible in `turns` and is not sent again.

    Args:
        client: Where to ask; may be changed between turns.
        system: The system instruction: text, a value, parts or a content.
        name: What the ledger and the notebook call it.

    Example:
        >>> chat = Conversation(client, system="Answer in one sentence.")
        >>> chat.ask("What is a monad?").text
        >>> chat.ask("And in Python?").text
    """

    def __init__(self, client: Client, *, system: object = None, name: str = "") -> None:
        self.client = client
        self.system = system
        self.name = name
        self._turns: tuple[Turn, ...] = ()
        self._lock = threading.Lock()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, oldest first, those that are not sent again included."""
        return self._turns

    @property
    def history(self) -> list[Content]:
        """The contents that go with the next question, exactly as they were sent and received."""
        return [encoded.content for encoded in self._history()]

    def ask(self, *question: object, cell: str = "", **fields: Unpack[RequestFields]) -> Reply:
        """Ask, and wait for the whole answer.

        Args:
            *question: Text, values and parts, in the order they are meant.
            cell: The front end's id of the cell that asks.
            **fields: ``model``, ``config``, ``tools``, ``tool_config``, ``safety``, ``extra``; ``system`` for this
                question only.

        Raises:
            ConfigError: The client is not set up; the conversation is unchanged.
            InputError: Something cannot be sent; the conversation is unchanged.
            GeminiMagicError: No answer came; the turn is kept as failed.
        """
        asked = _question(question)
        try:
            with self._labelled(cell):
                reply = self.client.generate(self.contents_for(asked), **self.fields_for(fields))
        except (ConfigError, InputError):
            raise  # nothing was sent
        except BaseException as error:
            self._add(_failed(asked, error, None, cell))
            raise
        self._add(_answered(asked, reply, cell))
        return reply

    def stream(self, *question: object, cell: str = "", **fields: Unpack[RequestFields]) -> ChatStream:
        """Ask, and take the answer as it comes: ``with chat.stream("…") as events: for event in events: …``.

        Arguments and errors as in `ask`. The turn is added when the block is left.
        """
        asked = _question(question)
        stream = self.client.stream(self.contents_for(asked), **self.fields_for(fields))
        return ChatStream(self, asked, stream, cell)

    def reset(self) -> None:
        """Forget all turns; the system instruction stays."""
        with self._lock:
            self._turns = ()

    def _history(self) -> list[Encoded]:
        kept = [(turn.question, turn.answer) for turn in self._turns]
        return [content for question, answer in kept if answer is not None for content in (question, answer)]

    def contents_for(self, *question: object) -> list[Encoded]:
        """What goes out when this is asked next: the history, then the question."""
        return [*self._history(), _question(question)]

    def fields_for(self, fields: RequestFields) -> RequestFields:
        """The fields of the next request: those given, and the conversation's system instruction."""
        return {**fields, "system": self.system} if fields.get("system") is None else fields

    def _labelled(self, cell: str) -> Any:  # noqa: ANN401 - a context manager
        return labelled(conversation=self.name, cell=cell)

    def _add(self, turn: Turn) -> None:
        with self._lock:
            self._turns = (*self._turns, turn)

    def __len__(self) -> int:
        """How many turns there are."""
        return len(self._turns)

    def __repr__(self) -> str:
        """Name, model and number of turns."""
        name = f" {self.name!r}" if self.name else ""
        return f"<Conversation{name} with {self.client.model}: {len(self)} turns>"


class ChatStream:
    """The events of a conversation's next answer; a context manager and an iterator."""

    def __init__(self, chat: Conversation, question: Encoded, stream: Stream, cell: str) -> None:
        self._chat = chat
        self._question = question
        self._stream = stream
        self._cell = cell

    def __enter__(self) -> Self:
        """Send the request; returns when the answer begins."""
        try:
            with self._chat._labelled(self._cell):  # noqa: SLF001 - the conversation's other half
                self._stream.__enter__()
        except BaseException as error:
            self._chat._add(_failed(self._question, error, None, self._cell))  # noqa: SLF001
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection and add the turn, also when the closing is interrupted."""
        try:
            with self._chat._labelled(self._cell):  # noqa: SLF001
                self._stream.__exit__(kind, error, trace)
        finally:
            self._chat._add(self._turn(error))  # noqa: SLF001

    def _turn(self, error: BaseException | None) -> Turn:
        reply = self._stream.reply
        if error is None:
            return _answered(self._question, reply, self._cell)
        return _failed(self._question, error, reply, self._cell)

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


def _question(question: tuple[object, ...]) -> Encoded:
    contents = to_contents(list(question))
    if len(contents) != 1:
        raise InputError("A conversation takes one question at a time; contents with roles go to client.generate().")
    return contents[0]


def _answered(question: Encoded, reply: Reply, cell: str) -> Turn:
    keep = reply.status in _KEPT and any(_says_something(part) for part in reply.parts)
    answer = encode(_said(reply)) if keep else None
    return Turn(question, reply, reply.status, answer, "" if keep else _words(reply), cell)


def _failed(question: Encoded, error: BaseException, reply: Reply | None, cell: str) -> Turn:
    if isinstance(error, KeyboardInterrupt):
        return Turn(question, reply, "interrupted", error="stopped", cell=cell)
    partial = error.partial if isinstance(error, GeminiMagicError) and reply is None else reply
    return Turn(question, partial, "failed", error=str(error) or type(error).__name__, cell=cell)


def _says_something(part: Part) -> bool:
    """Whether a part has more than an empty text: servers refuse a history with a turn that says nothing."""
    return part.model_dump(exclude_unset=True) not in ({}, {"text": ""})


def _said(reply: Reply) -> Content:
    """The first answer's content as it came, with the role that some gateways leave out."""
    first = next((candidate for candidate in reply.candidates if not candidate.index), reply.candidates[0])
    content = first.content or Content(parts=[])
    return content if content.role else content.model_copy(update={"role": "model"})


def _words(reply: Reply) -> str:
    return reply.finish_message or reply.block_reason or reply.finish_reason or "the answer was empty"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else line[:39] + "…")  # noqa: PLR2004 - fits a line
