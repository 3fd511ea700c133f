"""The calls of functions on the way to a task's answer; no I/O but what the functions do.

The functions run when, and in the thread in which, somebody reads `Calling.run`.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeVar, cast

from gemini_magic.client import encode
from gemini_magic.client.tool_forms import said_otherwise, takes_ids, tool_form
from gemini_magic.events import ToolFinished
from gemini_magic.exceptions import ToolError
from gemini_magic.extract.repair import cut
from gemini_magic.extract.store_rows import written
from gemini_magic.tools.loop import Loop
from gemini_magic.tools.results import without_key
from gemini_magic.wire import FinishReason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gemini_magic.client import Encoded
    from gemini_magic.client.caller import Caller
    from gemini_magic.client.request import RequestFields
    from gemini_magic.client.tool_forms import Refused, ToolForm
    from gemini_magic.events import FunctionCall, ToolRun, ToolStarted
    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.reply import Reply
    from gemini_magic.tools.tooling import Tooling

T = TypeVar("T")

#: Answers with a call that nobody can read; the loop has them asked again as often as it helps.
UNREADABLE = frozenset({FinishReason.MALFORMED_FUNCTION_CALL, FinishReason.UNEXPECTED_TOOL_CALL})
#: Bytes of the arguments, and of the words about what went wrong, that are kept of a call.
_MOST_ARGS, _MOST_WORDS = 1_000, 200
#: What a function may raise that is not about this call alone.
_ENDS = (KeyboardInterrupt, SystemExit, MemoryError)


def _never(_: str) -> bool:
    return False


class Manner(NamedTuple):
    """How a gateway takes functions and their results.

    Attributes:
        form: In which language parameters are described.
        ids: Whether results may name their call.
        invocations: Whether the server may be asked to tell what its own tools did.
        holds_key: Whether a text holds the key for it, which no result may carry.
    """

    form: ToolForm = "json"
    ids: bool = True
    invocations: bool = True
    holds_key: Callable[[str], bool] = _never

    @classmethod
    def of(cls, client: Caller) -> Self:
        """What is known of the gateway that a client asks."""
        return cls(tool_form(client.profile), takes_ids(client.profile), holds_key=client.holds_key)


class Calling:
    """What a task calls.

    Args:
        tooling: What may be called.
        model: The model that is asked.
        manner: How the gateway takes it, as far as is known.

    Attributes:
        refused: What the gateway has refused meanwhile, ``form``, ``ids`` or ``invocations``, with its words.
        calls: The calls that are to be carried out before anything else is sent.
        record: The calls so far as plain data: ``step``, ``name``, ``args``, ``outcome``, ``seconds`` and ``error``.
    """

    def __init__(self, tooling: Tooling, model: str, manner: Manner) -> None:
        self._loop = Loop(tooling, {}, model=model)
        self._loop.form, self._loop.ids = manner.form, manner.ids
        self._loop.invocations = self._loop.invocations and manner.invocations
        self._manner = manner
        self.refused: dict[Refused, str] = {}
        self._reply: Reply | None = None
        self._encoded: list[Encoded] = []
        self._steps = 0
        self.calls: tuple[FunctionCall, ...] = ()
        self.record: list[dict[str, Any]] = []

    def say(self, fields: RequestFields) -> None:
        """Write into the fields of the next request what may be called."""
        said = self._loop.fields
        fields["tools"] = said["tools"]
        if config := said.get("tool_config"):
            fields["tool_config"] = config

    @property
    def shape(self) -> str:
        """A name for what `say` writes, equal for all tasks that send the same."""
        loop = self._loop
        return f"{loop.form} {loop.invocations} {bool(loop.contents)}"

    @property
    def manner(self) -> Manner:
        """How the gateway takes it, as far as is known now."""
        form: ToolForm = "openapi" if self._loop.form == "openapi" else "json"
        return self._manner._replace(form=form, ids=self._loop.ids, invocations=self._loop.invocations)

    @property
    def contents(self) -> list[Encoded]:
        """Calls and results so far, to be sent behind the question."""
        self._encoded += [encode(content) for content in self._loop.contents[len(self._encoded) :]]
        return self._encoded

    def took(self, reply: Reply) -> bool:
        """An answer has come; returns whether it asks for calls, which then wait to be carried out."""
        self._reply, self.calls = reply, tuple(self._loop.calls(reply))
        return bool(self.calls)

    def again(self, reply: Reply) -> bool:
        """Whether the same is to be asked again, because the model wrote a call that nobody can read."""
        return self._loop.again(reply)

    def changed(self, error: GeminiMagicError) -> bool:
        """Whether the gateway has refused a way of saying it for which there is another, which is taken from now on."""
        refused = said_otherwise(self._loop, error)
        if refused is None:
            return False
        self.refused[refused] = str(error)
        if refused == "ids":
            self._encoded.clear()
        return True

    def run(self) -> Generator[ToolStarted | ToolFinished]:
        """Carry out the calls that wait, in the thread that reads this.

        Raises:
            ToolLimit: There are too many, or they take too long.
        """
        if self._reply is None or not self.calls:
            return
        runs: list[ToolRun] = []
        self._steps += 1
        with closing(cast("Generator[ToolStarted | ToolFinished]", self._loop.runner.run(self.calls))) as events:
            for event in events:
                if isinstance(event, ToolFinished):
                    runs.append(without_key(event.run, self._manner.holds_key))
                    self.record.append(_noted(runs[-1], self._steps))
                    yield ToolFinished(runs[-1], event.number)
                else:
                    yield event
        self._loop.add(self._reply, runs)
        self.calls = ()


class _Waiting(Protocol):
    """A task that may have calls to be carried out, as `Answering` is."""

    def run(self) -> Generator[ToolStarted | ToolFinished]:
        """Carry them out."""
        ...

    def stopped(self, error: ToolError) -> bool:
        """They could not be; returns whether the task is over."""
        ...


class FunctionEnded(ToolError):
    """A function has raised what is not about this row alone; the cause is what it raised."""


def carried_out(task: _Waiting, stop: threading.Event | None = None) -> bool:
    """Carry out what waits, if anything does, in this thread.

    Args:
        task: The task.
        stop: Begins no further call when it is set.

    Returns:
        Whether the task is over.
    """
    try:
        with closing(task.run()) as events:
            for _ in events:
                if stop is not None and stop.is_set():
                    return True
    except ToolError as error:
        return task.stopped(error)
    return False


async def carried_out_elsewhere(task: _Waiting) -> bool:
    """The same in a thread of its own, so that the event loop goes on; cancelled, it begins no further call.

    Raises:
        FunctionEnded: A function has raised `KeyboardInterrupt`, `SystemExit` or `MemoryError`.
    """
    stop = threading.Event()
    try:
        return await _in_thread(partial(_guarded, task, stop))
    finally:
        stop.set()


def _guarded(task: _Waiting, stop: threading.Event) -> bool:
    try:
        return carried_out(task, stop)
    except _ENDS as error:  # in a task, each of them would end the event loop
        kind = type(error).__name__
        raise FunctionEnded(f"The run was stopped, because a function that the model called raised {kind}.") from error


async def _in_thread(work: Callable[[], T]) -> T:
    """What something gives that is done in a thread of its own, for which the process does not wait at its end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(done: Callable[[Any], None], value: object) -> None:
        if not future.done():
            done(value)

    def run() -> None:
        try:
            settled = partial(settle, future.set_result, context.run(work))
        except BaseException as error:  # noqa: BLE001 - for whoever waits
            settled = partial(settle, future.set_exception, error)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settled)

    context = copy_context()
    threading.Thread(target=run, name="gemini_magic functions", daemon=True).start()
    return await future


def _noted(run: ToolRun, step: int) -> dict[str, Any]:
    """A call as plain data, small enough to be kept for every row."""
    text = written(run.args)
    args = run.args if len(text) <= _MOST_ARGS else cut(text, _MOST_ARGS)
    noted = {"step": step, "name": run.name, "args": args, "outcome": run.outcome, "seconds": round(run.seconds, 6)}
    return {**noted, "error": cut(run.error, _MOST_WORDS)} if run.error else noted
