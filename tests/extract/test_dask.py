"""Extractions on the workers of a real cluster of this machine: two processes of one thread each."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from distributed import Client as DaskClient
from distributed import LocalCluster
from wire_server import FakeClock, Say, error

from gemini_magic.client import Client
from gemini_magic.client.cache import AnswerCache
from gemini_magic.exceptions import BudgetExceeded, ConfigError, UsageError
from gemini_magic.extract import Interrupted, extract, run_of
from gemini_magic.extract.engines import _dask_run
from gemini_magic.extract.engines._dask import DaskEngine
from gemini_magic.extract.engines._dask_station import ClusterLimiter, Errand, Report, Station
from gemini_magic.extract.engines.allowance import Allowance
from gemini_magic.extract.job import Job, Outcome, Task
from gemini_magic.extract.limiter import limiter_for
from gemini_magic.schemas import schema_of
from gemini_magic.settings import ApiKey, Profile
from gemini_magic.tools import frame, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA, PROMPT = "city, temp int", "Read: {{text}}"
KEY = "k" * 20


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskClient]:
    folder = tmp_path_factory.mktemp("workers")
    env = {"GEMINI_MAGIC_CONFIG": str(folder / "none.toml"), "GEMINI_MAGIC_STATE": str(folder)}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "env": env}
    with LocalCluster(**options) as local, DaskClient(local) as client:
        yield client


def towns(count: int) -> pd.DataFrame:
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = [f"Town{letters[place // 26]}{letters[place % 26]} {place}" for place in range(count)]
    return pd.DataFrame({"text": texts}, index=pd.Index(range(count, 0, -1), name="key"))


def test_rows_come_back_on_their_index_from_several_workers(gateway: Any, client: Client, cluster: DaskClient) -> None:
    data = towns(60)
    out = extract(data, SCHEMA, PROMPT, client=client, engine=cluster)
    assert out["temp"].tolist() == list(range(60))
    assert out["temp"].dtype == "Int64"
    pd.testing.assert_index_equal(out.index, data.index)
    assert set(gateway.asked.values()) == {1}
    assert len({seen.header("authorization") for seen in gateway.wire.seen}) == 1
    usage = run_of(out).usage
    assert (usage.requests, usage.total_tokens) == (60, 900)
    assert client.ledger.entries[-1].total_tokens == 15


def test_a_run_can_go_on_without_a_cluster(gateway: Any, client: Client, cluster: DaskClient) -> None:
    extract(towns(10), SCHEMA, PROMPT, client=client, engine=cluster)
    again = extract(towns(12), SCHEMA, PROMPT, client=client)
    assert again["temp"].tolist() == list(range(12))
    assert gateway.requests == 12


def test_a_worker_that_is_killed_twice_loses_nothing(gateway: Any, client: Client, cluster: DaskClient) -> None:
    workers, waiting = 8, list(cluster.run(os.getpid).values())
    lock = threading.Lock()

    def kill(number: int) -> None:
        with lock:
            if (number >= 60 and len(waiting) == 2) or (number >= 120 and len(waiting) == 1):
                os.kill(waiting.pop(), signal.SIGKILL)

    gateway.before = kill
    out = extract(towns(240), SCHEMA, PROMPT, client=client, engine=cluster, workers=workers)
    assert not waiting
    assert out["temp"].tolist() == list(range(240))
    assert run_of(out).errors.empty
    again = sum(gateway.asked.values()) - 240
    assert 0 <= again <= 2 * workers  # kills, times requests under way


def test_faults_are_retried_and_errors_stay_with_their_rows(gateway: Any, client: Client, cluster: DaskClient) -> None:
    gateway.faults["Rome"] = [error(503), Say(ending="rst", status=None)]
    gateway.faults["Bern"] = [error(400, "bad row", "INVALID_ARGUMENT")]
    data = pd.DataFrame({"text": ["Oslo 3", "Rome 21", "Bern 9"]})
    out = extract(data, SCHEMA, PROMPT, client=client, engine=cluster, details=True)
    assert out["_status"].tolist() == ["ok", "ok", "failed"]
    assert out["_attempts"].tolist() == [1, 3, 1]
    assert run_of(out).errors["error_kind"].tolist() == ["BadRequest"]


def test_a_wrong_key_ends_the_run_with_one_error(gateway: Any, client: Client, cluster: DaskClient) -> None:
    gateway.wire.answers(error(401, "no such key", "UNAUTHENTICATED"))
    with pytest.raises(Exception, match="no such key") as caught:
        extract(towns(100), SCHEMA, PROMPT, client=client, engine=cluster)
    assert type(caught.value).__name__ == "AuthError"
    assert len(gateway.wire.seen) <= 16


def test_a_budget_stops_all_workers(gateway: Any, client: Client, cluster: DaskClient) -> None:
    with pytest.raises(BudgetExceeded) as caught:
        extract(towns(200), SCHEMA, PROMPT, client=client, engine=cluster, budget=300, workers=4)
    assert 20 <= gateway.requests <= 20 + 4
    assert caught.value.partial["temp"].notna().sum() == gateway.requests


def test_an_interrupt_keeps_what_was_finished(gateway: Any, client: Client, cluster: DaskClient) -> None:
    class Impatient:
        def begin(self, total: int | None) -> None: ...

        def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
            del failed, tokens, retried
            if done >= 30:
                raise KeyboardInterrupt

        def finish(self, summary: object) -> None: ...

    with pytest.raises(Interrupted) as caught:
        extract(towns(100), SCHEMA, PROMPT, client=client, engine=cluster, progress=Impatient(), workers=8)
    assert caught.value.partial["temp"].notna().sum() >= 30
    out = extract(towns(100), SCHEMA, PROMPT, client=client, engine=cluster)
    assert out["temp"].tolist() == list(range(100))
    assert sum(gateway.asked.values()) <= 100 + 2 * 8


@pytest.mark.parametrize("limits", [{"workers": 0}, {"workers": 5000}, {"rpm": 0}, {"tpm": -1}, {"max_attempts": 0}])
def test_limits_that_are_none_are_refused(client: Client, cluster: DaskClient, limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(limits))):
        extract(towns(1), SCHEMA, PROMPT, client=client, engine=cluster, **limits)


def test_shelves_of_this_kernel_are_refused(client: Client, cluster: DaskClient, tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="cache"):
        DaskEngine(cluster, client.with_shelf(AnswerCache(tmp_path / "cache")))


def test_what_travels_shows_nothing_and_can_be_pickled() -> None:
    task = Task("a" * 64, (), 0)
    job = Job(schema_of(SCHEMA), PROMPT, "m")
    station = Station("name", job, Profile("mine", "https://x.example"), ApiKey(KEY), workers=2, max_attempts=6)
    report = Report(Outcome("a", "ok", "value"), ConfigError("no"))
    words = repr((Errand("name", task), station, report))
    assert KEY not in words
    assert "value" not in words
    assert "Town" not in words
    twin = pickle.loads(pickle.dumps(station))  # noqa: S301 - our own bytes
    assert twin._key == ApiKey(KEY)
    assert twin._job.digest == job.digest


def test_a_delay_is_told_once_and_only_when_it_is_worth_it() -> None:
    told: list[float] = []
    limiter = ClusterLimiter(told.append)
    for seconds in (0.01, 30.0, 30.0, 29.0, 60.0):
        limiter.told_to_wait(seconds)
    limiter.hear(300.0)
    limiter.told_to_wait(60.0)
    assert told == [30.0, 60.0]
    assert limiter.seconds_paused > 200


def test_one_rate_holds_for_all_workers(clock: FakeClock) -> None:
    with Client("https://gateway.example", KEY, "m", clock=clock) as client:
        allowance = Allowance(client, Job(schema_of(SCHEMA), model="m"), (60.0, 6000.0), None)
        assert allowance.wait() == 0.0
        allowance.take()
        assert allowance.wait() == pytest.approx(1.0)
        allowance.took(Outcome("a", "ok", attempts=3, total_tokens=300))  # two retries, and three seconds' tokens
        assert allowance.wait() == pytest.approx(3.0, rel=0.05)
        clock.now += 3.1
        assert allowance.wait() == 0.0
        allowance.told_to_wait(30.0)
        assert allowance.wait() == pytest.approx(30.0)


def test_all_workers_and_this_kernel_hear_of_a_delay_that_one_was_told(
    gateway: Any, client: Client, cluster: DaskClient
) -> None:
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.4s"}
    gateway.faults["Rome"] = [error(429, "slow", "RESOURCE_EXHAUSTED", delay)]
    kernel = limiter_for(client.profile.origin, "m", client.clock)
    out = extract(pd.DataFrame({"text": ["Rome 21", "Oslo 3"]}), SCHEMA, PROMPT, client=client, engine=cluster)
    assert out["temp"].tolist() == [21, 3]
    assert gateway.asked == {"Rome": 2, "Oslo": 1}
    assert kernel._paused_until > 0  # what only a worker was told


def test_a_cluster_that_has_lost_all_workers_ends_the_run_and_keeps_what_came(
    gateway: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask_run, "_PATIENCE", 0.3)
    with LocalCluster(n_workers=0, dashboard_address=":0") as local, DaskClient(local) as alone:
        command = [sys.executable, "-m", "dask", "worker", alone.scheduler.address, "--no-nanny", "--no-dashboard"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:  # noqa: S603 - our own words
            alone.wait_for_workers(1)
            gateway.before = lambda number: worker.kill() if number == 40 else None
            with pytest.raises(Exception, match=r"no worker for 0\.3 seconds") as caught:
                extract(towns(100), SCHEMA, PROMPT, client=client, engine=alone, workers=4)
    assert 30 <= caught.value.partial["temp"].notna().sum() < 100
    gateway.before = lambda _: None
    assert extract(towns(100), SCHEMA, PROMPT, client=client)["temp"].tolist() == list(range(100))
    assert sum(gateway.asked.values()) <= 100 + 4


def test_functions_run_on_the_workers(calling: Any, client: Client, cluster: DaskClient) -> None:
    offset = 100

    async def look_up(city: str) -> int:
        return offset + len(city)

    @tool(read_only=True)
    def where() -> int:
        return os.getpid()

    prices = frame(pd.DataFrame({"a": [1, 2, 3]}), "prices")
    calling.scripts["Here"] = lambda results: (
        {"city": str(results[1]["response"]["total_rows"]), "temp": results[0]["response"]["result"]}
        if results
        else [{"functionCall": {"name": "where"}}, {"functionCall": {"name": "prices_head", "args": {"rows": 2}}}]
    )
    data = pd.DataFrame({"text": [*towns(20)["text"], "Here 0"]})
    tools = [tool(read_only=True)(look_up), where, prices]
    out = extract(data, SCHEMA, PROMPT, client=client, engine=cluster, tools=tools)
    assert out["temp"].tolist()[:20] == [106] * 20
    assert out["temp"][20] in cluster.run(os.getpid).values()
    assert calling.requests == 42
    usage = run_of(out).usage
    assert (usage.requests, usage.total_tokens) == (42, 42 * 15)
    assert [one["name"] for one in run_of(out).inspect(20).calls] == ["where", "prices_head"]


def test_a_row_that_calls_without_end_fails_alone_on_a_worker(
    calling: Any, client: Client, cluster: DaskClient
) -> None:
    @tool(read_only=True)
    def look_up(city: str) -> int:
        return len(city)

    calling.scripts["Rome"] = lambda _: [{"functionCall": {"name": "look_up", "args": {"city": "Rome"}}}]
    data = pd.DataFrame({"text": ["Oslo 1", "Rome 2", "Bern 3"]})
    out = extract(data, SCHEMA, PROMPT, client=client, engine=cluster, tools=look_up, max_steps=2)
    assert out["temp"].tolist() == [4, pd.NA, 4]
    assert run_of(out).errors["error_kind"].tolist() == ["ToolLimit"]


def test_functions_that_cannot_travel_are_named_before_anything_is_sent(
    calling: Any, client: Client, cluster: DaskClient
) -> None:
    lock = threading.Lock()

    @tool(read_only=True)
    def look_up(city: str) -> int:
        with lock:
            return len(city)

    with pytest.raises(ConfigError, match="by pickle, with all that they use"):
        extract(towns(3), SCHEMA, PROMPT, client=client, engine=cluster, tools=look_up)
    assert calling.requests == 0
