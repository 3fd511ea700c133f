"""The engine of many machines: the workers of a Dask cluster ask, and the calling thread keeps what they bring."""

from __future__ import annotations

import uuid
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from distributed import Client as DaskClient
from distributed import LocalCluster, default_client

from gemini_magic.exceptions import ConfigError, UsageError
from gemini_magic.extract.answer import MAX_ATTEMPTS
from gemini_magic.extract.engines._dask_frames import DaskSource
from gemini_magic.extract.engines._dask_run import Run
from gemini_magic.extract.engines._dask_station import Station, readiness
from gemini_magic.extract.engines.allowance import Allowance
from gemini_magic.parts import one_line
from gemini_magic.settings import PROFILES, is_loopback

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from gemini_magic.client import Client
    from gemini_magic.extract.job import Job, Outcome, Task
    from gemini_magic.ledger import Budget
    from gemini_magic.settings import ApiKey

MAX_WORKERS = 1024


class DaskEngine:
    """Asks from the workers of a Dask cluster.

    A worker finds the key as every process of ours does: in its environment, its keyring or its config file; when one
    has none, nothing is asked. With ``ship_key=True``, and where the cluster is a ``LocalCluster`` of this process, it
    is sent along: once to each worker, never inside a task, to be kept in memory until the run ends.

    Functions that the model may call are sent to the workers by pickle, and run there.

    Args:
        dask_client: The cluster.
        client: Whom to ask.
        workers: Requests at a time on all workers together, at most.
        rpm: Requests a minute of all workers together.
        tpm: Tokens a minute of all workers together.
        max_attempts: Requests for a task, repairs and retries included.
        budget: What the run may spend.
        ship_key: Whether the key is sent along, also to other machines, with a warning where the cluster has no TLS;
            by default only to a ``LocalCluster`` of this process.

    Raises:
        ConfigError: A limit is none, or a header or the embedded server cannot get to the workers.
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
        self._key = _key_for(client, dask_client, local=local, ship=ship_key)
        _check_reachable(client, dask_client, local=local)

    def run(
        self, job: Job, tasks: Iterable[Task], emit: Callable[[Outcome], None], *, stop: threading.Event | None = None
    ) -> None:
        """As `Engine.run`."""
        name = f"gemini-magic-{uuid.uuid4().hex}"
        run = Run(self._dask, name, Allowance(self._client, job, self._rates, self._budget), emit, self._workers)
        with self._stations(name, job, run):
            run.go(tasks, stop)

    @contextmanager
    def _stations(self, name: str, job: Job, run: Run) -> Iterator[None]:
        """Have a station on every worker, also on those that join later."""
        profile = replace(self._client.profile, api_key=None)
        station = Station(name, job, profile, self._key, workers=self._workers, max_attempts=self._max_attempts)
        try:
            self._dask.register_plugin(station, name=name)
        except Exception as error:  # noqa: BLE001 - whatever a worker says
            raise ConfigError(f"The workers cannot be made ready: {one_line(error)}.", hint=_needed(job)) from None
        self._dask.subscribe_topic(name, run.heard)
        try:
            self._check_keys(name)
            yield
        finally:
            run.close()
            with suppress(Exception):
                self._dask.unsubscribe_topic(name)

    def _check_keys(self, name: str) -> None:
        """Find out before any row is sent whether each worker has what it takes.

        Raises:
            ConfigError: One has no key.
        """
        answers = self._dask.run(readiness, name, on_error="ignore")
        errors = [error for error in answers.values() if isinstance(error, ConfigError)]
        if errors:
            error = errors[0]
            if len(answers) > 1:
                error.message = f"{len(errors)} of {len(answers)} workers cannot ask. {error.message}"
            raise error


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
    return DaskSource.of(data, engine if isinstance(engine, DaskClient) else None), engine


def _needed(job: Job) -> str:
    """What workers need for a job."""
    words = "gemini-magic has to be installed on each of them, in the version that is used here."
    if job.tooling is None or not job.tooling:
        return words
    return f"{words} The functions have to get there by pickle, with all that they use."


def _check_limits(**limits: tuple[object, int]) -> None:
    for name, (value, most) in limits.items():
        if type(value) is not int or not 1 <= value <= most:
            raise ConfigError(f"{name} must be a whole number between 1 and {most}; it is {value!r}.")


def _check_rates(**rates: object) -> None:
    for name, value in rates.items():
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise ConfigError(f"{name} must be a number above 0; it is {value!r}.")


def _key_for(client: Client, dask_client: DaskClient, *, local: bool, ship: bool | None) -> ApiKey | None:
    """The key that is sent along, or None.

    Raises:
        ConfigError: A header of the user's own would travel unencrypted, and nobody has allowed it.
    """
    safe = _is_safe(dask_client)
    key = client._key if (local and safe if ship is None else ship) else None  # noqa: SLF001 - our own
    known = PROFILES.get(client.profile.name)
    own_headers = set(client.profile.headers) - set(known.headers if known else ())
    if safe or (key is None and not own_headers):
        return key
    what = "The key" if key is not None else "A header of this profile, which may be a secret,"
    where = f"unencrypted to the workers of {_address(dask_client)}"
    if not ship:
        hint = "Use a cluster with TLS (tls://…), or allow it with ship_key=True."
        raise ConfigError(f"{what} would go {where}.", hint=hint)
    warnings.warn(f"{what} goes {where}. With TLS (tls://…) nobody could read it.", stacklevel=3)
    return key


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
