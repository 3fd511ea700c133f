"""The engine of one machine: an event loop in the background does the waiting, the calling thread everything else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from gemini_magic._loop import background
from gemini_magic.client.retry import KERNEL_BUDGET
from gemini_magic.client.timing import stop_requested
from gemini_magic.exceptions import ConfigError
from gemini_magic.extract.answer import MAX_ATTEMPTS
from gemini_magic.extract.engines.crew import Crew
from gemini_magic.extract.engines.spending import Spending
from gemini_magic.extract.limiter import limiter_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from gemini_magic._loop import BackgroundLoop
    from gemini_magic.client import AsyncClient, Client
    from gemini_magic.client.retry import RetryBudget
    from gemini_magic.extract.job import Job, Outcome, Task
    from gemini_magic.extract.limiter import Limiter
    from gemini_magic.ledger import Budget

MAX_WORKERS = 64
#: Tasks that are read before the outcomes that have come meanwhile are looked at.
_AT_ONCE = 8
#: Seconds between two looks at whether the run is to be stopped, and seconds for what is cancelled to clean up.
_LOOK, _CLEANING = 0.2, 0.9
#: Seconds that reading tasks may take before workers are told first that their outcomes are safe.
_QUICK = 0.002


class AsyncioEngine:
    """Asks with many requests at a time, from one background event loop.

    Args:
        client: Whom to ask; the engine has connections of its own.
        workers: Requests at a time, at most.
        rpm: Requests a minute, at most.
        tpm: Tokens a minute, at most.
        max_attempts: Requests for a task, repairs and retries included.
        budget: What the run may spend.
        limiter: Who may send now; the kernel's for this model by default.
        retries: The budget that retries share; the kernel's by default.

    Raises:
        ConfigError: A limit is none.
    """

    def __init__(
        self,
        client: Client,
        *,
        workers: int = 16,
        rpm: float | None = None,
        tpm: float | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        budget: Budget | None = None,
        limiter: Limiter | None = None,
        retries: RetryBudget = KERNEL_BUDGET,
    ) -> None:
        _check_whole("workers", workers, MAX_WORKERS)
        _check_whole("max_attempts", max_attempts, 100)
        _check_rate("rpm", rpm)
        _check_rate("tpm", tpm)
        self._client = client
        self._workers = workers
        self._rpm, self._tpm = rpm, tpm
        self._max_attempts = max_attempts
        self._budget = budget
        self._limiter = limiter
        self._retries = retries

    def run(
        self, job: Job, tasks: Iterable[Task], emit: Callable[[Outcome], None], *, stop: threading.Event | None = None
    ) -> None:
        """As `Engine.run`; at most twice as many tasks as there are workers are read before they are needed."""
        limiter, client, post = self._limiter_for(job), _sending_once(self._client), _Post()
        crew = Crew(
            client,
            job,
            limiter,
            Spending(self._budget, self._client.ledger, self._client.profile.prices),
            post.put,
            workers=self._workers,
            max_attempts=self._max_attempts,
            retries=self._retries,
            resends=self._client.profile.retries,
        )
        with limiter.joined(rpm=self._rpm, tpm=self._tpm):
            _Exchange(background(), crew, client, post, room=2 * self._workers).run(tasks, emit, stop)

    def _limiter_for(self, job: Job) -> Limiter:
        client = self._client
        return self._limiter or limiter_for(client.profile.origin, job.model or client.model, client.clock)


def _check_whole(name: str, value: object, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise ConfigError(f"{name} must be a whole number between 1 and {most}; it is {value!r}.")


def _check_rate(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, int | float) and value > 0):
        raise ConfigError(f"{name} must be a number above 0; it is {value!r}.")


def _sending_once(client: Client) -> AsyncClient:
    """The awaited twin of a client; who tries again, and when, is for the engine to say."""
    other = client.to_async().with_options(retries=0)
    other.profile = replace(other.profile, fallback=())
    return other


class _Post:
    """Outcomes on their way from the loop to the calling thread, which is woken once for all of a turn of the loop."""

    def __init__(self) -> None:
        self._outcomes: deque[Outcome] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._ringing = False

    def put(self, outcome: Outcome) -> None:
        """Send an outcome; called in the loop."""
        self._outcomes.append(outcome)
        if not self._ringing:
            self._ringing = True
            asyncio.get_running_loop().call_soon(self.wake)

    def wake(self) -> None:
        """Let whoever waits look around."""
        self._ringing = False
        self._bell.put(None)
        time.sleep(0)  # a busy loop would let the calling thread wait for its turn of the interpreter

    def wait(self, seconds: float) -> int:
        """Wait for outcomes; returns how many there are."""
        if not self._outcomes and seconds:
            with suppress(Empty):
                self._bell.get(timeout=seconds)
        with suppress(Empty):
            while True:
                self._bell.get_nowait()
        return len(self._outcomes)

    def take(self) -> Outcome:
        """The oldest outcome."""
        return self._outcomes.popleft()


class _Exchange:
    """Tasks go to the crew, outcomes come from it; of the calling thread, but for one coroutine."""

    def __init__(self, loop: BackgroundLoop, crew: Crew, client: AsyncClient, post: _Post, *, room: int) -> None:
        self._loop = loop
        self._crew = crew
        self._client = client
        self._post = post
        self._room = room
        self._over = threading.Event()
        self._usable = True
        self._slow = False

    def run(self, tasks: Iterable[Task], emit: Callable[[Outcome], None], stop: threading.Event | None) -> None:
        """Until all tasks have their outcomes, or the run ends otherwise."""
        working = self._loop.submit(self._work())
        try:
            if not self._trade(tasks, emit, stop):
                self._end(working, emit)
                return
        except BaseException:
            self._end(working, emit)
            raise
        working.result()
        if self._crew.halted is not None:
            raise self._crew.halted

    async def _work(self) -> None:
        try:
            await self._crew.work()
        finally:
            try:
                await self._client.aclose()
            finally:
                self._over.set()
                self._post.wake()

    def _trade(self, tasks: Iterable[Task], emit: Callable[[Outcome], None], stop: threading.Event | None) -> bool:
        """Give tasks and emit outcomes; returns whether it came to an end by itself."""
        source, more, saved = iter(tasks), True, 0
        while not self._over.is_set():
            if _is_stopped(stop):
                return False
            batch: list[Task | None] = []
            if more and self._room and self._crew.halted is None:
                batch = self._read(source)
                more = batch[-1:] != [None]
            if batch or saved:
                self._loop.call(self._crew.trade, batch, saved)
            reading = more and self._room > 0 and self._crew.halted is None
            saved = self._emit_all(emit, 0.0 if reading else _LOOK)
        self._emit_all(emit, 0.0)
        return True

    def _read(self, source: Iterator[Task]) -> list[Task | None]:
        """The next few tasks, and None behind the last of all; no longer than those who wait for them can wait."""
        batch: list[Task | None] = []
        wanted, late = min(_AT_ONCE, self._room), time.monotonic() + _QUICK
        for task in islice(source, wanted):
            batch.append(task)
            if time.monotonic() > late:
                break
        else:
            batch += [None] if len(batch) < wanted else []
        self._slow = time.monotonic() > late
        self._room -= len(batch)
        return batch

    def _emit_all(self, emit: Callable[[Outcome], None], seconds: float) -> int:
        """Emit what has come, or comes soon; returns how many of them the crew is still to be told about."""
        count = self._post.wait(seconds)
        for _ in range(count):
            self._emit(emit)
        self._room += count
        if count and self._slow:
            self._loop.call(self._crew.trade, (), count)
            return 0
        return count

    def _emit(self, emit: Callable[[Outcome], None]) -> None:
        """Emit the oldest outcome."""
        outcome = self._post.take()
        try:
            emit(outcome)
        except Exception:
            self._usable = False  # a store that cannot be written to, for one; it is not tried with the others
            raise

    def _end(self, working: Future[None], emit: Callable[[Outcome], None]) -> None:
        """Cancel what is under way, close its connections, and emit what was finished before."""
        working.cancel()
        self._over.wait(_CLEANING)
        while self._usable and self._post.wait(0.0):
            self._emit(emit)


def _is_stopped(stop: threading.Event | None) -> bool:
    """Whether the run is to be stopped.

    Raises:
        KeyboardInterrupt: Whoever has begun it in another thread has interrupted it.
    """
    if stop_requested():
        raise KeyboardInterrupt
    return stop is not None and stop.is_set()
