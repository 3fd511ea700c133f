"""One run over a Dask cluster, in the calling thread.

Each task goes to a worker as one future and comes back as soon as it is answered, so a worker that dies takes no more
than one answer with it for each request it had; Dask then gives its tasks to another one. As many futures are under way
as there may be requests, which makes the calling thread the one place where all limits of the run are kept, however
many workers come and go. What a server tells one worker to wait, all others are told.
"""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker

from gemini_magic.client.timing import stop_requested
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.extract.engines._dask_station import Errand, Report, ask, hear
from gemini_magic.extract.engines.failures import Failures
from gemini_magic.extract.job import Outcome

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from distributed import Client as DaskClient

    from gemini_magic.extract.engines.allowance import Allowance
    from gemini_magic.extract.job import Task

#: Seconds between two looks at whether the run is to be stopped, and seconds for what is cancelled to come home.
_LOOK, _CLEANING = 0.2, 0.9
#: Seconds without any worker after which a run ends, and seconds that results may take on their way.
_PATIENCE, _FETCHING = 60.0, 10.0
_AGAIN = "Run the same again: rows that have an answer are not asked, and not paid for, again."


class Run:
    """One run, in the calling thread; `heard` and the callbacks of futures only put something into its post."""

    def __init__(
        self, dask: DaskClient, name: str, limits: Allowance, emit: Callable[[Outcome], None], workers: int
    ) -> None:
        self._dask: Any = dask
        self._name = name
        self._limits = limits
        self._emit = emit
        self._workers = workers
        self._post: SimpleQueue[Any] = SimpleQueue()
        self._under_way: dict[Any, Task] = {}
        self._astray: list[Any] = []
        self._left: deque[Task] = deque()
        self._failures = Failures()
        self._halted: GeminiMagicError | None = None
        self._number = 0
        self._usable = True
        self._closed = False
        self._gone = False
        self._alive_at = time.monotonic()

    def heard(self, event: tuple[float, dict[str, float]]) -> None:
        """A worker was told to wait."""
        self._post.put(float(event[1]["seconds"]))

    def go(self, tasks: Iterable[Task], stop: threading.Event | None) -> None:
        """Until all tasks have their outcomes, or the run ends otherwise."""
        source = iter(tasks)
        try:
            while not self._gone and (self._hand_out(source) or self._under_way):
                if _is_stopped(stop):
                    break
                seconds = self._seconds()
                if not self._under_way:
                    self._limits.sleep(seconds)
                    seconds = 0.0
                self._collect(seconds)
        finally:
            self._end()
        if self._halted is not None:
            raise self._halted

    def close(self) -> None:
        """Take the stations, and the key with them, from the workers; requests under way are cancelled."""
        if not self._closed:
            self._closed = True
            with suppress(Exception):  # workers or a scheduler that are gone have nothing left
                self._dask.unregister_worker_plugin(self._name)

    def _hand_out(self, source: Iterator[Task]) -> bool:
        """Fill the workers; returns whether there is something left to hand out."""
        while self._halted is None and len(self._under_way) < self._workers:
            if self._limits.wait() > 0:
                return True
            task = self._left.popleft() if self._left else next(source, None)
            if task is None:
                return False
            try:
                self._limits.check()
            except GeminiMagicError as error:
                self._left.appendleft(task)
                self._halt(error)
                return False
            self._submit(task)
        return self._halted is None

    def _submit(self, task: Task) -> None:
        self._limits.take()
        self._number += 1
        future = self._dask.submit(
            ask, Errand(self._name, task), key=f"{self._name}-{self._number}", pure=False, priority=-self._number
        )
        self._under_way[future] = task
        future.add_done_callback(self._post.put)

    def _seconds(self) -> float:
        """How long to wait for news."""
        room = len(self._under_way) < self._workers and self._halted is None
        wait = self._limits.wait() if room else math.inf
        return min(_LOOK, wait) if wait > 0 else _LOOK

    def _collect(self, seconds: float) -> None:
        """Wait for news, and take in all that have come."""
        done: list[Any] = []
        try:
            news = self._post.get(seconds > 0, seconds)
            while True:
                if isinstance(news, float):
                    self._tell(news)
                else:
                    done.append(news)
                news = self._post.get_nowait()
        except Empty:
            pass
        done += self._astray
        self._astray.clear()
        self._take([future for future in done if future in self._under_way])
        if time.monotonic() - self._alive_at > _PATIENCE:
            self._look_for_workers()

    def _take(self, done: list[Any]) -> None:
        """Take in the results of futures; those whose results are lost with a worker come later, from another one."""
        for future, report in self._fetched([future for future in done if future.status == "finished"]):
            task = self._under_way.pop(future)
            future.release()
            self._report(task, report)
        for future in done:
            if future in self._under_way and future.status in {"error", "cancelled"}:
                self._fail(self._under_way.pop(future), future)
        self._astray += [future for future in done if future in self._under_way]

    def _fetched(self, futures: list[Any]) -> list[tuple[Any, Report]]:
        """The results of futures, all at once; none when a worker has died with some of them meanwhile."""
        if not futures:
            return []
        fetch = partial(self._dask.gather, futures, asynchronous=True)
        try:
            reports = self._dask.sync(fetch, callback_timeout=_FETCHING)
        except Exception as error:  # noqa: BLE001 - whatever happened to one of them, which its status tells
            if not isinstance(error, TimeoutError) and all(future.status == "finished" for future in futures):
                self._give_up(_failed(error))
            return []
        self._alive_at = time.monotonic()
        return list(zip(futures, reports, strict=True))

    def _report(self, task: Task, report: Report) -> None:
        if report.error is not None:
            self._halt(report.error)
        if report.outcome is None:
            self._left.append(task)
        else:
            self._settle(report.outcome)

    def _settle(self, outcome: Outcome) -> None:
        if not self._usable:
            return
        try:
            self._emit(outcome)
        except Exception:
            self._usable = False  # a store that cannot be written to, for one; it is not tried with the others
            raise
        self._limits.took(outcome)
        if why := self._failures.ended(outcome):
            self._halt(GeminiMagicError(f"The run was stopped, because {why}: {outcome.error}"))

    def _fail(self, task: Task, future: Any) -> None:  # noqa: ANN401 - Dask's, without types
        """A task has no result: several workers have died with it, or the scheduler has."""
        error = None if future.cancelled() else future.exception()
        if not isinstance(error, KilledWorker):
            self._give_up(_failed(error))
            return
        words = "Every worker that was to ask this row has died."
        self._settle(Outcome(task.key, "failed", error=words, error_kind="ConnectionLost"))

    def _tell(self, seconds: float) -> None:
        """Let all workers know that nobody sends anything for so long."""
        self._limits.told_to_wait(seconds)
        self._dask.run(hear, self._name, seconds, on_error="ignore")

    def _look_for_workers(self) -> None:
        if self._dask.nthreads():
            self._alive_at = time.monotonic()
        else:
            words = f"The Dask cluster has had no worker for {_PATIENCE:g} seconds."
            self._give_up(GeminiMagicError(words, hint=_AGAIN))

    def _halt(self, error: GeminiMagicError) -> None:
        """Hand out nothing more; what is under way comes to its end."""
        self._halted = self._halted or error

    def _give_up(self, error: GeminiMagicError) -> None:
        """What is under way will not come to its end, either."""
        self._halt(error)
        self._gone = True

    def _end(self) -> None:
        """Stop what is under way, and take in what was finished before."""
        if not self._under_way:
            return
        self.close()
        until = time.monotonic() + _CLEANING
        with suppress(GeminiMagicError):
            while self._usable and self._under_way and (left := until - time.monotonic()) > 0:
                self._collect(left)
        with suppress(Exception):  # as in `close`
            self._dask.cancel(list(self._under_way), force=True)
        self._under_way.clear()


def _failed(error: BaseException | None) -> GeminiMagicError:
    words = "its scheduler is gone" if error is None else f"{type(error).__name__}: {error}"
    return GeminiMagicError(f"The Dask cluster has failed: {words}.", hint=_AGAIN)


def _is_stopped(stop: threading.Event | None) -> bool:
    """Whether the run is to be stopped.

    Raises:
        KeyboardInterrupt: Whoever has begun it in another thread has interrupted it.
    """
    if stop_requested():
        raise KeyboardInterrupt
    return stop is not None and stop.is_set()
