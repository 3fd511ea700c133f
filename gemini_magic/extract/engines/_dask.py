"""The engine of many machines: workers of a Dask cluster ask, the calling thread hands out tasks and keeps outcomes.

A few tasks go to a worker at a time, as one future, and come back as soon as they are answered, so that a worker that
dies takes little with it; Dask then gives its tasks to another one. As many futures are under way as there may be
requests, which makes the calling thread the one place where all limits of the run are kept, however many workers come
and go. What a server tells one worker to wait, all others are told.
"""

from __future__ import annotations

import math
import time
import uuid
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker, LocalCluster, default_client

from gemini_magic.client.timing import stop_requested
from gemini_magic.exceptions import ConfigError, GeminiMagicError, UsageError
from gemini_magic.extract.answer import MAX_ATTEMPTS
from gemini_magic.extract.engines._dask_frames import DaskSource
from gemini_magic.extract.engines._dask_station import Batch, Report, Station, ask, hear
from gemini_magic.extract.engines.allowance import Allowance
from gemini_magic.extract.engines.failures import Failures
from gemini_magic.extract.job import Outcome
from gemini_magic.settings import PROFILES, is_loopback

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from distributed import Client as DaskClient

    from gemini_magic.client import Client
    from gemini_magic.extract.job import Job, Task
    from gemini_magic.ledger import Budget
    from gemini_magic.settings import ApiKey

MAX_WORKERS = 1024
#: Bytes of the parts of the tasks that go to a worker together; the last one may be larger.
_BYTES = 1_000_000
#: Seconds between two looks at whether the run is to be stopped, and seconds for what is cancelled to come home.
_LOOK, _CLEANING = 0.2, 0.9
#: Seconds without any worker after which a run ends.
_PATIENCE = 60.0


class DaskEngine:
    """Asks from the workers of a Dask cluster.

    A worker finds the key as every process of ours does: in its environment, its keyring or its config file. Where the
    cluster is a ``LocalCluster`` of this process, or with ``ship_key=True``, it is sent along: once to each worker,
    never inside a task, to be kept in memory until the run ends; and to another machine only over TLS.

    Args:
        dask_client: The cluster.
        client: Whom to ask.
        workers: Requests at a time on all workers together, at most.
        rpm: Requests a minute of all workers together.
        tpm: Tokens a minute of all workers together.
        max_attempts: Requests for a task, repairs and retries included.
        budget: What the run may spend.
        ship_key: Whether the key is sent along; by default only to a ``LocalCluster`` of this process.

    Raises:
        ConfigError: A limit is none, or the key or the embedded server cannot get to the workers.
    """

    def __init__(
        self,
        dask_client: DaskClient,
        client: Client,
        *,
        workers: int = 16,
        rpm: float | None = None,
        tpm: float | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        budget: Budget | None = None,
        ship_key: bool | None = None,
    ) -> None:
        _check_limits(workers=(workers, MAX_WORKERS), max_attempts=(max_attempts, 100))
        _check_rates(rpm=rpm, tpm=tpm)
        if dask_client.asynchronous:
            raise ConfigError("The Dask client is an asynchronous one, and this call waits.", hint="Use Client(…).")
        local = isinstance(dask_client.cluster, LocalCluster)
        self._dask: Any = dask_client  # much of it has no types
        self._client = client
        self._workers = workers
        self._rates = (rpm, tpm)
        self._max_attempts = max_attempts
        self._budget = budget
        self._key = _key_for(client, dask_client, ship=local if ship_key is None else ship_key)
        _check_reachable(client, dask_client, local=local)

    def run(
        self, job: Job, tasks: Iterable[Task], emit: Callable[[Outcome], None], *, stop: threading.Event | None = None
    ) -> None:
        """As `Engine.run`."""
        name = f"gemini-magic-{uuid.uuid4().hex}"
        run = _Run(self._dask, name, Allowance(self._client, job, self._rates, self._budget), emit, self._workers)
        with self._stations(name, job, run):
            run.go(tasks, stop)

    @contextmanager
    def _stations(self, name: str, job: Job, run: _Run) -> Iterator[None]:
        """Have a station on every worker, also on those that join later."""
        profile = replace(self._client.profile, api_key=None)
        station = Station(name, job, profile, self._key, workers=self._workers, max_attempts=self._max_attempts)
        try:
            self._dask.register_plugin(station, name=name)
        except Exception as error:  # noqa: BLE001 - whatever a worker says
            raise ConfigError(
                f"The workers cannot be made ready: {type(error).__name__}: {error}.",
                hint="gemini-magic has to be installed on each of them, in the version that is used here.",
            ) from None
        self._dask.subscribe_topic(name, run.heard)
        try:
            yield
        finally:
            run.close()
            with suppress(Exception):
                self._dask.unsubscribe_topic(name)


def opened(data: object, engine: object = "asyncio") -> tuple[DaskSource, object]:
    """The rows of a DataFrame or Series of Dask, and what is to carry its requests.

    Args:
        data: The frame.
        engine: What `extract` was told; in place of ``"asyncio"`` it is the cluster of the current client, if any.

    Returns:
        Rows that are read partition by partition, and whose result is a dask DataFrame with the same partitions,
        index and divisions; its answers are there already, so nothing is asked when it is computed.
    """
    if engine == "asyncio":
        with suppress(ValueError):
            engine = default_client()  # type: ignore[no-untyped-call]
    return DaskSource.of(data), engine


def _check_limits(**limits: tuple[object, int]) -> None:
    for name, (value, most) in limits.items():
        if type(value) is not int or not 1 <= value <= most:
            raise ConfigError(f"{name} must be a whole number between 1 and {most}; it is {value!r}.")


def _check_rates(**rates: object) -> None:
    for name, value in rates.items():
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise ConfigError(f"{name} must be a number above 0; it is {value!r}.")


def _key_for(client: Client, dask_client: DaskClient, *, ship: bool) -> ApiKey | None:
    """The key that is sent along, or None.

    Raises:
        ConfigError: It, or a header of the user's own, would travel unencrypted.
    """
    key = client._key if ship else None  # noqa: SLF001 - our own, and for its own origin only
    known = PROFILES.get(client.profile.name)
    own_headers = set(client.profile.headers) - set(known.headers if known else ())
    if (key is None and not own_headers) or _is_safe(dask_client):
        return key
    what = "The key" if key is not None else "A header of this profile, which may be a secret,"
    raise ConfigError(
        f"{what} would go unencrypted to the workers of {_address(dask_client)}.",
        hint="Use a cluster with TLS, or set the key in the environment of the workers.",
    )


def _address(dask_client: DaskClient) -> str:
    scheduler = dask_client.scheduler
    return str(scheduler.address) if scheduler is not None else ""


def _is_safe(dask_client: DaskClient) -> bool:
    """Whether what is sent to the scheduler stays on this machine, or is encrypted."""
    scheme, _, place = _address(dask_client).partition("://")
    return scheme in {"tls", "inproc", "wss"} or is_loopback(f"http://{place}")


def _check_reachable(client: Client, dask_client: DaskClient, *, local: bool) -> None:
    """Find out now what would otherwise fail on each worker."""
    if client._shelves:  # noqa: SLF001 - our own
        raise UsageError("A tape or a cache of this kernel cannot be used by the workers of Dask.")
    if is_loopback(client.base_url) and not local and not _is_safe(dask_client):
        raise ConfigError(
            f"{client.base_url} is a server of this machine, which the workers of Dask may not reach.",
            hint="Name a gateway that all of them can reach.",
        )


class _Run:
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
        self._under_way: dict[Any, tuple[Task, ...]] = {}
        self._left: deque[Task] = deque()
        self._failures = Failures()
        self._halted: GeminiMagicError | None = None
        self._number = 0
        self._usable = True
        self._closed = False
        self._alive_at = time.monotonic()

    def heard(self, event: tuple[float, dict[str, float]]) -> None:
        """A worker was told to wait."""
        self._post.put(float(event[1]["seconds"]))

    def go(self, tasks: Iterable[Task], stop: threading.Event | None) -> None:
        """Until all tasks have their outcomes, or the run ends otherwise."""
        source = iter(tasks)
        try:
            while self._hand_out(source) or self._under_way:
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
            batch = self._batch(source)
            if not batch:
                return False
            try:
                self._limits.check()
            except GeminiMagicError as error:
                self._halt(error)
                return False
            self._submit(batch)
        return self._halted is None

    def _batch(self, source: Iterator[Task]) -> tuple[Task, ...]:
        """The next few tasks, those that came back undone first."""
        batch: list[Task] = []
        size = 0
        while len(batch) < self._limits.together and size < _BYTES:
            task = self._left.popleft() if self._left else next(islice(source, 1), None)
            if task is None:
                break
            batch.append(task)
            size += sum(_size(part) for part in task.parts)
        return tuple(batch)

    def _submit(self, batch: tuple[Task, ...]) -> None:
        self._limits.take()
        self._number += 1
        future = self._dask.submit(
            ask, Batch(self._name, batch), key=f"{self._name}-{self._number}", pure=False, priority=-self._number
        )
        self._under_way[future] = batch
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
                elif news in self._under_way:
                    done.append(news)
                news = self._post.get_nowait()
        except Empty:
            pass
        if done:
            self._alive_at = time.monotonic()
            self._take(done)
        elif time.monotonic() - self._alive_at > _PATIENCE:
            self._look_for_workers()

    def _take(self, done: list[Any]) -> None:
        """Take in the results of futures; the results of many are fetched at once."""
        finished = [future for future in done if future.status == "finished"]
        reports: list[Report] = self._dask.gather(finished) if finished else []
        for future, report in zip(finished, reports, strict=True):
            batch = self._under_way.pop(future)
            future.release()
            self._report(batch, report)
        for future in done:
            if future in self._under_way:
                self._fail(self._under_way.pop(future), future)

    def _report(self, batch: tuple[Task, ...], report: Report) -> None:
        if report.error is not None:
            self._halt(report.error)
        back = {outcome.key for outcome in report.outcomes}
        self._left.extend(task for task in batch if task.key not in back)
        for outcome in report.outcomes:
            self._settle(outcome)

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

    def _fail(self, batch: tuple[Task, ...], future: Any) -> None:  # noqa: ANN401 - Dask's, without types
        """A batch has no result: several workers have died with it, or the scheduler has."""
        error = None if future.cancelled() else future.exception()
        if not isinstance(error, KilledWorker):
            words = "its scheduler is gone" if error is None else f"{type(error).__name__}: {error}"
            self._halt(GeminiMagicError(f"The Dask cluster has failed: {words}.", hint=_AGAIN))
            return
        for task in batch:
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
            self._halt(GeminiMagicError(f"The Dask cluster has had no worker for {_PATIENCE:g} seconds.", hint=_AGAIN))

    def _halt(self, error: GeminiMagicError) -> None:
        self._halted = self._halted or error

    def _end(self) -> None:
        """Stop what is under way, and take in what was finished before."""
        if not self._under_way:
            return
        self.close()
        until = time.monotonic() + _CLEANING
        with suppress(GeminiMagicError):
            while self._usable and self._under_way and (left := until - time.monotonic()) > 0:
                self._collect(left)
        self._dask.cancel(list(self._under_way), force=True)
        self._under_way.clear()


_AGAIN = "Run the same again: rows that have an answer are not asked, and not paid for, again."


def _size(part: Any) -> int:  # noqa: ANN401 - a part of the wire
    data = part.inline_data.data if part.inline_data is not None else None
    return len(part.text or "") + len(data or "")


def _is_stopped(stop: threading.Event | None) -> bool:
    """Whether the run is to be stopped.

    Raises:
        KeyboardInterrupt: Whoever has begun it in another thread has interrupted it.
    """
    if stop_requested():
        raise KeyboardInterrupt
    return stop is not None and stop.is_set()
