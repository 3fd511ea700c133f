"""Whole runs against a gateway that fails, bills, and breaks off; by processes that are killed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from wire_server import Say, error, unary

from gemini_magic.extract import Interrupted, extract, run_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wire_server import Seen, WireServer

    from gemini_magic.client import Client

CHILD = Path(__file__).with_name("whole_system_child.py")
SCHEMA, PROMPT = "number int", "Read: {{text}}"
ROWS, AT_ONCE, KILLS, WORKER_KILLS = 2_000, 16, 3, 2
_NUMBER = re.compile(r"row (\d+)\.")
#: A row that fails by chance fails no more often than this one time after another, so that no run has to give it up.
_AT_MOST = 4
_SOON = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.01s"}


class Billing:
    """A gateway that counts what it has billed for each row, and fails as often as it is told, by a seed."""

    def __init__(self, seed: int = 1, *, too_many: float = 0.0, down: float = 0.0, reset: float = 0.0) -> None:
        self.billed: Counter[int] = Counter()
        self.requests = 0
        self.resets = 0
        self.before: Callable[[int], None] = lambda _: None
        self._failed: Counter[int] = Counter()
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._faults = (too_many, too_many + down, too_many + down + reset)
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Say:
        text = seen.json()["contents"][0]["parts"][0]["text"]
        found = _NUMBER.search(text)
        assert found is not None
        with self._lock:
            self.requests += 1
            self.before(self.requests)
            return self._say(int(found[1]))

    def _say(self, number: int) -> Say:
        has_chance = self._failed[number] < _AT_MOST or self._faults[-1] >= 1
        drawn = self._chance.random() if has_chance else 1.0
        self._failed[number] = self._failed[number] + 1 if drawn < self._faults[2] else 0
        if drawn < self._faults[0]:
            return error(429, "slow down", "RESOURCE_EXHAUSTED", _SOON)
        if drawn < self._faults[1]:
            return error(503, "overloaded", "UNAVAILABLE", _SOON)
        self.billed[number] += 1
        if drawn < self._faults[2]:
            self.resets += 1
            return Say(status=None, ending="rst")
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
        return unary(json.dumps({"number": number}), usageMetadata=usage, modelVersion="m")

    @property
    def paid_again(self) -> int:
        return sum(self.billed.values()) - len(self.billed)


def texts(numbers: Any) -> list[str]:
    return [f"This is row {number}." for number in numbers]


def test_nothing_is_lost_and_little_paid_twice_when_the_process_is_killed_three_times(
    wire: WireServer, tmp_path: Path
) -> None:
    gateway = Billing(seed=21, too_many=0.10, down=0.05, reset=0.02)
    wire.answers(gateway)
    rows, result = tmp_path / "rows.json", tmp_path / "result.json"
    rows.write_text(json.dumps(texts(range(ROWS))))
    command = [sys.executable, str(CHILD), wire.url, str(rows), str(tmp_path / "store.sqlite3"), str(result)]
    moments = sorted(random.Random(21).sample(range(100, ROWS), KILLS))  # noqa: S311 - no secret
    running: list[subprocess.Popen[bytes]] = []

    def kill(number: int) -> None:
        if moments and number >= moments[0]:
            moments.pop(0)
            running[-1].kill()

    gateway.before = kill
    for _ in range(KILLS + 1):
        with subprocess.Popen(command) as child:  # noqa: S603 - our own words
            running.append(child)
            child.wait()
    assert [child.returncode for child in running] == [-9] * KILLS + [0]
    found = json.loads(result.read_text())
    assert found == {"values": list(range(ROWS)), "failed": 0}
    assert set(gateway.billed) == set(range(ROWS))
    assert gateway.paid_again <= gateway.resets + KILLS * AT_ONCE


def test_nothing_is_lost_and_little_paid_twice_when_workers_of_dask_are_killed_twice(
    wire: WireServer, client: Client
) -> None:
    distributed = pytest.importorskip("distributed")
    gateway = Billing(seed=21, too_many=0.10, down=0.05, reset=0.02)
    wire.answers(gateway)
    chance = random.Random(21)  # noqa: S311 - no secret
    moments = sorted(chance.sample(range(100, ROWS), WORKER_KILLS))
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as dask:

        def kill(number: int) -> None:
            alive = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
            if moments and number >= moments[0] and alive:
                moments.pop(0)
                os.kill(chance.choice(alive), signal.SIGKILL)

        gateway.before = kill
        out = extract(texts(range(ROWS)), SCHEMA, PROMPT, client=client, engine=dask, workers=AT_ONCE)
    assert not moments
    assert [row and row["number"] for row in out] == list(range(ROWS))
    assert run_of(out).usage.failed == 0
    assert set(gateway.billed) == set(range(ROWS))
    assert gateway.paid_again <= gateway.resets + WORKER_KILLS * AT_ONCE


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_what_was_interrupted_goes_on_although_the_rows_have_changed(
    wire: WireServer, client: Client, library: str
) -> None:
    gateway = Billing(seed=5, too_many=0.05, reset=0.01)
    wire.answers(gateway)
    chance, count = random.Random(23), 400  # noqa: S311 - no secret
    numbers = [chance.randrange(count) for _ in range(count)]  # about a third of them are duplicates

    def frame() -> Any:
        data = {"text": texts(numbers), "truth": numbers}
        return pd.DataFrame(data, index=numbers) if library == "pandas" else pl.DataFrame(data)

    class Impatient:
        def begin(self, total: int | None) -> None: ...

        def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
            del failed, tokens, retried
            if done >= 0.3 * count:
                raise KeyboardInterrupt

        def finish(self, summary: object) -> None: ...

    with pytest.raises(Interrupted) as caught:
        extract(frame(), SCHEMA, PROMPT, client=client, progress=Impatient())
    partial = run_of(caught.value.partial)
    assert 0.3 * count <= partial.usage.done < count
    for _ in range(4):
        chance.shuffle(numbers)
        del numbers[:40]
        numbers[100:100] = [chance.randrange(2 * count) for _ in range(60)]
        out = extract(frame(), SCHEMA, PROMPT, client=client)
        assert out["number"].to_list() == numbers
    assert gateway.paid_again <= gateway.resets + AT_ONCE


def test_a_dead_server_is_left_alone_soon(wire: WireServer, client: Client) -> None:
    gateway = Billing(down=1.0)
    wire.answers(gateway)
    with pytest.raises(Exception, match="20 requests in a row") as caught:
        extract(texts(range(ROWS)), SCHEMA, PROMPT, client=client)
    assert gateway.requests <= ROWS + 50
    gateway.__init__(seed=1)  # type: ignore[misc]  # it heals
    assert caught.value.partial is not None
    assert extract(texts(range(50)), SCHEMA, PROMPT, client=client)[49] == {"number": 49}
