"""What Dask costs for each row: the same rows, once over asyncio and once over two workers of this machine.

``python -m tests.benchmarks.cluster URL`` measures against the server of `batch`. CPU is that of this process, in which
the scheduler runs, and of the workers together.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.batch import AT_ONCE, KEY, MODEL, rows

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 600


def measure(base: str) -> dict[str, float]:
    """Milliseconds of CPU and of wall time a row, that Dask adds to asyncio."""
    from distributed import Client as DaskClient
    from distributed import LocalCluster

    from gemini_magic.client import Client
    from gemini_magic.extract.engines import AsyncioEngine
    from gemini_magic.extract.engines._dask import DaskEngine

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        DaskClient(cluster) as dask,
    ):

        def cpu() -> float:
            return time.process_time() + sum(dask.run(time.process_time).values())

        client = Client(base, KEY, MODEL)
        alone = timed(AsyncioEngine(client, workers=AT_ONCE), base, cpu)
        shared = timed(DaskEngine(dask, client, workers=AT_ONCE), base, cpu)
    return {
        "ms": shared["cpu"] - alone["cpu"],
        "times": shared["cpu"] / alone["cpu"],
        "wall": shared["wall"],
        "wall alone": alone["wall"],
    }


def timed(engine: Any, base: str, cpu: Callable[[], float]) -> dict[str, float]:
    """Milliseconds a row, after a warm-up."""
    ask(engine, base, 2 * AT_ONCE)
    spent, began = cpu(), time.perf_counter()
    ask(engine, base, ROWS)
    return {"wall": (time.perf_counter() - began) / ROWS * 1e3, "cpu": (cpu() - spent) / ROWS * 1e3}


def ask(engine: Any, base: str, count: int) -> None:
    """Ask for so many rows."""
    from gemini_magic.extract.job import Job
    from gemini_magic.schemas import schema_of
    from gemini_magic.wire import Part

    job = Job(schema_of("city, temperature int"), "{{text}}", model=MODEL, origin=base)
    done: list[Any] = []
    tasks = (job.task((Part(text=row),), number) for number, row in enumerate(rows(count)))
    engine.run(job, tasks, done.append)
    assert sum(outcome.ok for outcome in done) == count, done[:1]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1])) + "\n")
