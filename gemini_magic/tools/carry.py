"""One call carried out in its time: in a thread, on the library's loop, or on the thread that asks.

Python has no way to end a thread. A function that is still busy when its time is up is left behind in a daemon thread,
and whatever it returns later is thrown away; what is awaited is cancelled.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gemini_magic._loop import background
from gemini_magic.tools.results import given
from gemini_magic.tools.results.faults import in_words
from gemini_magic.tools.results.plain import MAX_ITERATED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gemini_magic.tools.function import BoundCall, Tool
    from gemini_magic.tools.results import Given

T = TypeVar("T")
#: What a function raises that is no answer for a model, but ends everything.
STOPS = (KeyboardInterrupt, SystemExit, MemoryError)
#: How often a wait looks up, for systems on which it cannot be interrupted.
_GLANCE = 0.25
#: How long something that was cancelled may take to clean up.
_GRACE = 0.5


class Ended(NamedTuple):
    """How a call ended: exactly one of these, but for the time it took.

    Attributes:
        given: What it gave.
        fault: What it raised, in words.
        stop: What it raised that is no answer, but ends everything.
        late: Whether its time was up.
        seconds: How long it ran.
    """

    given: Given | None = None
    fault: str = ""
    stop: BaseException | None = None
    late: bool = False
    seconds: float = 0.0


def _now() -> float:
    return time.monotonic()


@dataclass(frozen=True)
class Carried:
    """A call to be carried out.

    Attributes:
        tool: The function.
        bound: What to call it with.
        media: Whether the model takes pictures and documents.
        limit: How long it may run, in seconds; None for as long as it likes.
        stopped: Whether somebody has asked for the end, where that comes as no interrupt.
    """

    tool: Tool
    bound: BoundCall
    media: bool = False
    limit: float | None = None
    stopped: Callable[[], bool] = bool
    began: float = field(default_factory=_now)

    @property
    def is_async(self) -> bool:
        """Whether calling the function does nothing yet, because it is to be awaited."""
        function = self.tool.function
        return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(type(function), "__call__", None)  # noqa: B004 - an object with an async __call__
        )

    def here(self) -> Ended:
        """Carry it out, and wait for it."""
        if self.tool.seconds is None:
            got = self._attempted(self._called)
        else:
            got = self._awaited(_in_thread(lambda: self._attempted(self._called), self.tool.name))
        return got if isinstance(got, Ended) else self.collected(background().submit(self._on_loop(got)))

    def begun(self) -> Future[Any]:
        """Begin to carry out an async function; `collected` has what came of it."""
        return background().submit(self._on_loop(None))

    def collected(self, future: Future[Any]) -> Ended:
        """Wait for what was begun."""
        got = self._awaited(future, _GRACE)
        if isinstance(got, Ended):
            return got
        ended: Ended = self._awaited(_in_thread(lambda: self._attempted(lambda: self._made(got[0])), self.tool.name))
        return ended

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return _now() - self.began

    def _called(self) -> Any:  # noqa: ANN401 - whatever a function returns
        return self.tool.function(*self.bound.args, **self.bound.kwargs)

    def _made(self, value: object) -> Ended:
        return self._ended(given=given(value, media=self.media, max_bytes=self.tool.max_bytes))

    def _attempted(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - an Ended, or what is to be awaited
        try:
            value = call()
            return value if isinstance(value, Ended) or inspect.isawaitable(value) else self._made(value)
        except BaseException as error:  # noqa: BLE001 - nothing that a function raises is lost
            return self._failed(error)

    async def _on_loop(self, begun: Awaitable[Any] | None) -> Any:  # noqa: ANN401 - an Ended, or the value in a tuple
        """Await it within its time; the value comes back in a tuple, to be looked at elsewhere."""
        scope = asyncio.timeout(None if self.limit is None else max(self.limit - self.seconds, 0))
        try:
            async with scope:
                value = await (self._called() if begun is None else begun)
                value = await _items(value) if isinstance(value, AsyncIterator) else value
        except BaseException as error:  # an exit would end the loop
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            return self._ended(late=True) if scope.expired() else self._failed(error)
        return self._ended(late=True) if scope.expired() else (value,)

    def _awaited(self, future: Future[Any], grace: float = 0.0) -> Any:  # noqa: ANN401 - what the future has
        try:
            while not future.done():
                if self.stopped():
                    raise KeyboardInterrupt
                left = _GLANCE if self.limit is None else self.limit + grace - self.seconds
                if left <= 0:
                    return self._ended(late=True)
                wait([future], min(left, _GLANCE))
            return future.result()
        except CancelledError as error:  # the loop has ended
            return self._failed(error)
        finally:
            future.cancel()

    def _failed(self, error: BaseException) -> Ended:
        return self._ended(stop=error) if isinstance(error, STOPS) else self._ended(fault=in_words(error))

    def _ended(self, **what: Any) -> Ended:  # noqa: ANN401 - the fields of an Ended
        return Ended(**what, seconds=self.seconds)


def _is_cancelled() -> bool:
    """Whether somebody cancels this task, rather than the function raising as if somebody did."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _items(value: AsyncIterator[Any]) -> list[Any]:
    items: list[Any] = []
    async for item in value:
        items.append(item)
        if len(items) > MAX_ITERATED:
            break
    return items


def _in_thread(work: Callable[[], T], name: str) -> Future[T]:
    """Have something done in a thread that ends with the process, if not before."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        got = context.run(work)
        if future.set_running_or_notify_cancel():
            future.set_result(got)
        elif inspect.iscoroutine(got):
            got.close()

    threading.Thread(target=run, name=f"gemini-magic {name}", daemon=True).start()
    return future
