"""One answer over several requests: the model asks for calls, they are carried out, and it goes on with the results."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self, cast

from gemini_magic.client.request import encode
from gemini_magic.client.timing import stop_requested
from gemini_magic.client.tool_forms import learn_refusals, said_otherwise, takes_ids, tool_form
from gemini_magic.events import Finished, FunctionCall, ToolFinished, UsageUpdate
from gemini_magic.exceptions import BadRequest, ConfigError, GeminiMagicError
from gemini_magic.tools.loop import Loop
from gemini_magic.tools.results import without_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from gemini_magic.client import Client, Encoded, Stream
    from gemini_magic.client.request import RequestFields
    from gemini_magic.events import Event, ToolRun
    from gemini_magic.reply import Reply
    from gemini_magic.tools.tooling import Tooling

_AGAIN = "The model wrote a call that cannot be read ({}); it was asked again."


class ToolStream:
    """The events of an answer for which functions are called; a context manager and an iterator, as a client's stream.

    Calls that are carried out here give `ToolStarted` and `ToolFinished` in the place of `FunctionCall`. What comes at
    the end of an answer, its usage and why it ended, comes once.

    Args:
        client: Whom to ask.
        contents: The history and the question.
        fields: What else the request says, but for its tools.
        tooling: What may be called.
        whole: Whether each answer is waited for as a whole; then only the calls give events.
        labels: Makes a context in which requests are recorded.

    Raises:
        InputError: Something cannot be sent.
    """

    def __init__(
        self,
        client: Client,
        contents: Sequence[Encoded],
        fields: RequestFields,
        tooling: Tooling,
        *,
        whole: bool = False,
        labels: Callable[[], Any] = nullcontext,
    ) -> None:
        self._client = client
        self._contents = list(contents)
        self._loop = Loop(tooling, fields, model=fields.get("model") or client.model, stopped=stop_requested)
        self._loop.form = tool_form(client.profile)
        self._loop.ids = takes_ids(client.profile)
        self._whole = whole
        self._labels = labels
        self._notes: list[str] = []
        self._hop = self._next_hop()  # what cannot be sent is found out here
        self._asks: Reply | None = None  # the answer whose calls are being carried out
        self._ran = 0  # calls of the answers before it
        self._final: Reply | None = None
        self._begun = False

    def __enter__(self) -> Self:
        """Send the first request; returns when its answer begins, or is whole."""
        self._open()
        self._begun = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; an answer that was not read to its end counts as interrupted."""
        try:
            if self._asks is None and self._final is None:
                self._close(kind, error, trace)
        finally:
            if self._final is None:
                self._stop(error)

    def __iter__(self) -> Iterator[Event]:
        """The events, in order."""
        while True:
            held: list[Event] = []
            yield from self._hop_events(held)
            self._close()
            reply = self._hop.reply
            if self._loop.again(reply):
                self._note(_AGAIN.format(reply.finish_reason))
            elif calls := self._loop.calls(reply):
                yield from self._run(calls, reply)
            else:
                self._final = self._loop.ended(reply)
                yield from self._ending(held)
                return
            self._hop = self._next_hop()
            self._asks = None
            self._open()

    def _hop_events(self, held: list[Event]) -> Iterator[Event]:
        """What one answer brings, but for what is only known when nothing follows it."""
        for event in self._hop.events():
            if isinstance(event, (FunctionCall, UsageUpdate, Finished)):
                held.append(event)
            else:
                yield event

    def _ending(self, held: list[Event]) -> Iterator[Event]:
        usage = self.reply.usage
        for event in held:
            yield UsageUpdate(usage) if isinstance(event, UsageUpdate) and usage is not None else event

    def _run(self, calls: list[FunctionCall], reply: Reply) -> Iterator[Event]:
        """Carry calls out."""
        self._asks, self._ran = reply, len(self._loop.runner.runs)
        for event in self._loop.runner.run(calls):
            yield ToolFinished(self._harmless(event.run), event.number) if isinstance(event, ToolFinished) else event
        self._loop.add(reply, self._runs)

    @property
    def _runs(self) -> list[ToolRun]:
        """What came of the calls that were carried out last."""
        return [self._harmless(run) for run in self._loop.runner.runs[self._ran :]]

    def _harmless(self, run: ToolRun) -> ToolRun:
        """The same run, without a result that would give the key away."""
        return without_key(run, self._client.holds_key)

    def _next_hop(self) -> _Hop:
        contents = [*self._contents, *(encode(content) for content in self._loop.contents)]
        return _Hop(self._client, contents, cast("RequestFields", self._loop.fields), whole=self._whole)

    def _open(self) -> None:
        """Begin an answer; what a gateway does not know is said in another way, once."""
        while True:
            try:
                with self._labels():
                    self._hop.open()
            except BadRequest as error:
                if not self._mended(error):
                    raise
                self._hop = self._next_hop()
            else:
                for words in self._hop.notes:
                    self._note(words)
                return

    def _mended(self, error: BadRequest) -> bool:
        refused = said_otherwise(self._loop, error)
        if refused is not None:
            learn_refusals(self._client.profile, {refused: str(error)})
        return refused is not None

    def _close(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """End one answer."""
        with self._labels():
            self._hop.close(kind, error, trace)

    def _stop(self, error: BaseException | None) -> None:
        """The way has ended before the last answer did: what came of it is one reply all the same."""
        is_stop = error is None or isinstance(error, KeyboardInterrupt)
        if self._asks is None and self._hop.opened:
            self._final = self._loop.ended(self._hop.reply)
        else:
            runs = self._runs if self._asks is not None else ()
            self._final = self._loop.stopped(self._asks, runs, interrupted=is_stop)
        if isinstance(error, GeminiMagicError):
            error.partial = self._final

    def _note(self, words: str) -> None:
        if words not in self._notes:
            self._notes.append(words)

    @property
    def opened(self) -> bool:
        """Whether an answer has begun."""
        return self._begun

    @property
    def reply(self) -> Reply:
        """What has arrived so far; the whole reply once the iteration has ended."""
        reply = self._final or self._loop.ended(self._hop.reply)
        return reply.with_note(*(words for words in self._notes if words not in reply.warnings))

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user, such as which fallback model answers."""
        return tuple(self._notes)


class _Hop:
    """One request of several, streamed or whole."""

    def __init__(self, client: Client, contents: list[Encoded], fields: RequestFields, *, whole: bool) -> None:
        self._client = client
        self._stream: Stream | None = None if whole else client.stream(contents, **fields)
        self._plan = client.plan(contents, "generateContent", **fields) if whole else None
        self._whole: Reply | None = None

    def open(self) -> None:
        """Send the request."""
        if self._stream is not None:
            self._stream.__enter__()
        elif self._plan is not None:
            self._whole = self._client.ask(self._plan)

    def close(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connection, if there is one."""
        if self._stream is not None and self._stream.opened:
            self._stream.__exit__(kind, error, trace)

    def events(self) -> Iterator[Event]:
        """What is streamed."""
        return iter(()) if self._stream is None else iter(self._stream)

    @property
    def opened(self) -> bool:
        """Whether its answer has begun."""
        return self._whole is not None or (self._stream is not None and self._stream.opened)

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user."""
        return self._stream.notes if self._stream is not None else ()

    @property
    def reply(self) -> Reply:
        """What has come of it."""
        if self._stream is not None:
            return self._stream.reply
        if self._whole is None:
            raise ConfigError("The stream is not open.", hint="Use it as `with … as events:`.")
        return self._whole
