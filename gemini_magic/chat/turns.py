"""A turn of a conversation: a question, and what came of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import pydantic_core

from gemini_magic.chat.fields import ChatFields, kept_fields
from gemini_magic.client.request import Encoded, RequestFields, encode, request_fields, to_contents
from gemini_magic.exceptions import GeminiMagicError, InputError
from gemini_magic.reply.steps import said

if TYPE_CHECKING:
    from gemini_magic.reply import Reply
    from gemini_magic.wire import Content, Part

TurnStatus = Literal["ok", "truncated", "blocked", "failed", "interrupted"]
#: Turns that are part of the next request.
KEPT = frozenset({"ok", "truncated"})
#: Who may ask: the user, under either of the names that function results have gone by, or nobody named.
ASKERS = frozenset({"user", "function", "", None})
#: Fields of a request, and where they stand on the wire.
WRITTEN = {
    "system": "systemInstruction",
    "config": "generationConfig",
    "tool_config": "toolConfig",
    "safety": "safetySettings",
}


class _Stamps:
    """Times in microseconds, each given once."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return self._last


_STAMPS = _Stamps()


@dataclass(frozen=True, slots=True)
class Origin:
    """What a question was asked with and where, so that it can be asked again in its place.

    Attributes:
        fields: What was given beside the question, as plain JSON but for its functions.
        cell: The front end's id of the cell it came from, or an empty string.
        run: The id of that cell's execution, or an empty string.
    """

    fields: ChatFields = field(default_factory=ChatFields)
    cell: str = ""
    run: str = ""


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
        run: The id of that cell's execution, or an empty string.
        stale: Whether something before it has changed since it was asked.
        fields: What it was asked with beside the question, as plain JSON but for its functions, to ask it again.
        made: When it was made, in microseconds since 1970; no two turns of a process have the same.
        steps: What was said between question and answer: calls of functions and their results, in turn.
    """

    question: Encoded
    reply: Reply | None
    status: TurnStatus
    answer: Encoded | None = None
    error: str = ""
    cell: str = ""
    run: str = ""
    stale: bool = False
    fields: ChatFields = field(default_factory=ChatFields)
    made: int = field(default_factory=_STAMPS)
    steps: tuple[Encoded, ...] = ()

    @property
    def replayed(self) -> bool:
        """Whether the turn is part of the next request."""
        return self.answer is not None

    @property
    def contents(self) -> tuple[Encoded, ...]:
        """What the turn adds to the next request; nothing when it is not part of it."""
        return () if self.answer is None else (self.question, *self.steps, self.answer)

    @property
    def prompt(self) -> str:
        """The text of the question."""
        return "".join(part.text for part in self.question.content.parts or [] if part.text)

    def marked(self, *, stale: bool) -> Self:
        """The same turn, stale or fresh; what is not sent again has nothing to be stale."""
        return replace(self, stale=stale) if self.replayed and self.stale != stale else self

    def __repr__(self) -> str:
        """Status and the beginning of question and answer."""
        answer = self.reply.text if self.reply is not None else ""
        return f"<Turn {self.status}{', stale' * self.stale}: {_short(self.prompt)} → {_short(answer)}>"


def question_of(question: tuple[object, ...]) -> Encoded:
    """What was passed as a question, as one content.

    Raises:
        InputError: It is nothing, or several contents, or not a user's.
    """
    contents = to_contents(list(question))
    if len(contents) != 1:
        raise InputError("A conversation takes one question at a time; contents with roles go to client.generate().")
    if (role := contents[0].content.role) not in ASKERS:
        raise InputError(f"A question is the user's; one with the role {role!r} goes to client.generate().")
    return contents[0]


def plain_fields(fields: ChatFields) -> ChatFields:
    """What a question was asked with as plain JSON, but for its functions; only what says something.

    Raises:
        InputError: A field has a value it cannot have.
    """
    plain: dict[str, Any] = {}
    if model := fields.get("model"):
        plain["model"] = str(model)
    for name, key in WRITTEN.items():
        if fields.get(name) is not None:
            written = request_fields(cast("RequestFields", {name: fields.get(name)}))
            plain.update({name: written[key]} if key in written else {})
    if extra := fields.get("extra"):
        plain["extra"] = _plain(extra)
    return cast("ChatFields", {**plain, **kept_fields(fields)})


def plain_system(system: object) -> str | dict[str, Any] | None:
    """A system instruction as text or as it stands on the wire; None when there is none.

    Raises:
        InputError: It cannot be sent.
    """
    if system is None or isinstance(system, str):
        return system or None
    written: dict[str, Any] | None = request_fields({"system": system}).get("systemInstruction")
    return written


def _plain(extra: object) -> Any:  # noqa: ANN401 - any JSON
    try:
        return pydantic_core.from_json(pydantic_core.to_json(extra))
    except (ValueError, RecursionError) as error:
        raise InputError(f"The request cannot be written as JSON: {error}.") from None


def answered(question: Encoded, reply: Reply, origin: Origin) -> Turn:
    """The turn that a whole reply makes."""
    cut_call = reply.status == "truncated" and bool(reply.function_calls)  # nobody can answer it
    keep = reply.status in KEPT and not cut_call and any(_says_something(part) for part in reply.parts)
    answer, steps = (encode(said(reply)), between(reply)) if keep else (None, ())
    error = "" if keep else _words(reply)
    return Turn(
        question, reply, reply.status, answer, error, origin.cell, origin.run, fields=origin.fields, steps=steps
    )


def between(reply: Reply) -> tuple[Encoded, ...]:
    """What was said on the way to a reply: calls and their results; answers that nobody could use are left out."""
    contents: list[Content] = []
    for step in reply.steps:
        contents += [said(step.reply), step.results] if step.results is not None else []
    return tuple(encode(content) for content in contents)


def failed(question: Encoded, error: BaseException, reply: Reply | None, origin: Origin) -> Turn:
    """The turn that an error makes."""
    stopped = isinstance(error, KeyboardInterrupt)
    partial = error.partial if isinstance(error, GeminiMagicError) and reply is None else reply
    words = "stopped" if stopped else str(error) or type(error).__name__
    words = words.encode(errors="replace").decode()  # a server's words may hold what no file can
    status: TurnStatus = "interrupted" if stopped else "failed"
    return Turn(question, partial, status, error=words, cell=origin.cell, run=origin.run, fields=origin.fields)


def _says_something(part: Part) -> bool:
    """Whether a part has more than an empty text: servers refuse a history with a turn that says nothing."""
    return part.model_dump(exclude_unset=True) not in ({}, {"text": ""})


def _words(reply: Reply) -> str:
    return reply.finish_message or reply.block_reason or reply.finish_reason or "the answer was empty"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else line[:39] + "…")  # noqa: PLR2004 - fits a line
