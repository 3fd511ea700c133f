"""What a run of Dask keeps on each worker: the key and a client, one event loop, and a crew that sends requests.

It comes to a worker as a plugin: once, with the first tasks or when a worker takes the place of a dead one, and goes
when the run ends. So neither the key nor headers of the user's own are ever part of a task, which dashboards and logs
may show.
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin, get_worker, secede

from gemini_magic._loop import background
from gemini_magic.client.async_client import AsyncClient
from gemini_magic.exceptions import ConfigError, GeminiMagicError
from gemini_magic.extract.engines.crew import Crew
from gemini_magic.extract.engines.spending import Spending
from gemini_magic.extract.limiter import Limiter
from gemini_magic.ledger import Ledger
from gemini_magic.settings import ApiKey, load_config, resolve_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Worker

    from gemini_magic.extract.job import Job, Outcome, Task
    from gemini_magic.settings import Profile

#: Seconds a server has to name until it is worth telling the other workers.
_WORTH_TELLING = 0.25


class _Ended(Exception):
    """The station does not take or finish tasks any more."""


@dataclass(frozen=True)
class Errand:
    """A task on its way to a worker; its repr does not show it.

    Attributes:
        station: The name of the run's plugin.
        task: The task.
    """

    station: str
    task: Task = field(repr=False)


@dataclass(frozen=True)
class Report:
    """What came of a task.

    Attributes:
        outcome: None when it was not begun, or not finished.
        error: Why nothing more can be had, or None.
    """

    outcome: Outcome | None = field(default=None, repr=False)
    error: GeminiMagicError | None = None


class ClusterLimiter(Limiter):
    """A limiter that tells the other workers what a server has told it.

    Args:
        tell: Is given the seconds that nobody should send anything.
    """

    def __init__(self, tell: Callable[[float], None]) -> None:
        super().__init__()
        self._tell = tell

    def told_to_wait(self, seconds: float) -> None:
        """Nobody sends anything for so long, on any worker."""
        news = seconds - self.seconds_paused
        self.hear(seconds)
        if seconds >= _WORTH_TELLING and news > _WORTH_TELLING / 2:
            self._tell(seconds)

    def hear(self, seconds: float) -> None:
        """Another worker was told."""
        super().told_to_wait(seconds)


class Station(WorkerPlugin):
    """The part of a run that lives on a worker.

    Args:
        name: Its name, and that of the topic on which it tells of delays.
        job: What is the same for all tasks.
        profile: The gateway, without its key.
        key: The key, when it is sent along; else each worker looks for its own.
        workers: Requests at a time, at most.
        max_attempts: Requests for a task.
    """

    def __init__(
        self, name: str, job: Job, profile: Profile, key: ApiKey | None, *, workers: int, max_attempts: int
    ) -> None:
        self.name = name
        self._job = job
        self._profile = profile
        self._key = key
        self._workers = workers
        self._max_attempts = max_attempts

    def __repr__(self) -> str:
        """Its name alone."""
        return f"Station({self.name!r})"

    def __getstate__(self) -> dict[str, Any]:
        """For the way to a worker; the only place where a key that is to be sent along is written out."""
        return {**self.__dict__, "_key": None if self._key is None else (self._key.reveal(), self._key.origin)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """On the worker."""
        self.__dict__.update(state)
        self._key = None if state["_key"] is None else ApiKey(*state["_key"])

    def setup(self, worker: Worker) -> None:
        """The worker has it; nothing is opened before there is something to ask."""
        self._worker = worker
        self._lock = threading.Lock()
        self._crew: Crew | None = None
        self._working: Future[None] | None = None
        self._waiting: dict[str, Future[Outcome]] = {}
        self._over = False

    def teardown(self, worker: Worker) -> None:
        """The run has ended: requests under way are cancelled, the key is forgotten."""
        del worker
        self._key, self._over = None, True
        if self._working is not None:
            self._working.cancel()

    def hear(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        if self._crew is not None:
            self._limiter.hear(seconds)

    def ask(self, task: Task) -> Report:
        """Ask a task, and wait for its outcome."""
        try:
            return Report(self._answered(self._ready(), task))
        except (_Ended, CancelledError):
            return Report()
        except GeminiMagicError as error:
            return Report(error=error)

    def key(self) -> ApiKey | None:
        """The key that was sent along, or this worker's own.

        Raises:
            ConfigError: There is none, or it cannot be one.
        """
        if self._key is None:
            try:
                self._key = _own_key(self._profile)
            except ConfigError as error:
                where = f"Worker {self._worker.address}: "
                raise ConfigError(f"{where}{error.message}", hint=_way_out(self._profile)) from None
        return self._key

    def _answered(self, crew: Crew, task: Task) -> Outcome:
        with self._lock:
            self._check()
            waiting = self._waiting.get(task.key)
            if waiting is None:
                waiting = self._waiting[task.key] = Future()
                background().call(crew.trade, [task], 0)
        return waiting.result()

    def _check(self) -> None:
        if self._crew is not None and self._crew.halted is not None:
            raise self._crew.halted
        if self._over or (self._working is not None and self._working.done()):
            raise _Ended

    def _ready(self) -> Crew:
        """The crew, at work."""
        with self._lock:
            self._check()
            if self._crew is None:
                self._crew = self._new_crew()
            return self._crew

    def _new_crew(self) -> Crew:
        profile, ledger = self._profile, Ledger()
        client = AsyncClient(profile=replace(profile, fallback=(), retries=0), api_key=self.key(), ledger=ledger)
        self._limiter = ClusterLimiter(self._tell)
        crew = Crew(
            client,
            self._job,
            self._limiter,
            Spending(None, ledger, profile.prices),
            self._deliver,
            workers=self._workers,
            max_attempts=self._max_attempts,
            resends=profile.retries,
        )
        self._working = background().submit(_work(crew, client))
        self._working.add_done_callback(lambda _: self._let_go())
        return crew

    def _tell(self, seconds: float) -> None:
        self._worker.log_event(self.name, {"seconds": seconds})

    def _deliver(self, outcome: Outcome) -> None:
        """An outcome has come; whoever waits for it takes it home."""
        assert self._crew is not None  # noqa: S101 - it delivers
        with self._lock:
            waiting = self._waiting.pop(outcome.key)
        waiting.set_result(outcome)
        self._crew.trade((), 1)

    def _let_go(self) -> None:
        """Nothing more will be delivered."""
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        halted = self._crew.halted if self._crew is not None else None
        for one in waiting:
            one.set_exception(_Ended() if halted is None else halted)


async def _work(crew: Crew, client: AsyncClient) -> None:
    try:
        await crew.work()
    finally:
        await client.aclose()


def _own_key(profile: Profile) -> ApiKey | None:
    """The key of a profile as this process finds it, which has a config file of its own.

    Raises:
        ConfigError: There is none, or it cannot be one.
    """
    known = load_config().profiles.get(profile.name)
    stored = known.api_key if known is not None and known.origin == profile.origin else None
    return resolve_key(replace(profile, api_key=stored))[0]


def _way_out(profile: Profile) -> str:
    name = profile.key_variables[0] if profile.key_variables else "its variable"
    return f"Set {name} where the workers are started, or let them have your key: ship_key=True."


def ask(errand: Errand) -> Report:
    """What Dask runs on a worker: waiting leaves the worker's own threads to others."""
    secede()  # type: ignore[no-untyped-call]
    station = get_worker().plugins.get(errand.station)
    return station.ask(errand.task) if isinstance(station, Station) else Report()


def readiness(name: str, dask_worker: Worker) -> ConfigError | None:
    """Why a worker cannot ask, or None."""
    station = dask_worker.plugins.get(name)
    try:
        if isinstance(station, Station):
            station.key()
    except ConfigError as error:
        return error
    return None


def hear(name: str, seconds: float, dask_worker: Worker) -> None:
    """Let a worker know of a delay that another one was told."""
    station = dask_worker.plugins.get(name)
    if isinstance(station, Station):
        station.hear(seconds)
