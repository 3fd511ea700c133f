"""Extractions on the workers of a real cluster of this machine: two processes of one thread each."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from typing import TYPE_CHECKING, Any

import dask.dataframe as dd
import pandas as pd
import pytest
from distributed import Client as DaskClient
from distributed import LocalCluster
from wire_server import FakeClock, Say, error

from gemini_magic.client import Client
from gemini_magic.client.cache import AnswerCache
from gemini_magic.exceptions import BudgetExceeded, ConfigError, UnsupportedValue, UsageError
from gemini_magic.extract import Interrupted, extract, run_of
from gemini_magic.extract.engines._dask import DaskEngine, opened
from gemini_magic.extract.engines._dask_station import Batch, ClusterLimiter, Report, Station
from gemini_magic.extract.engines.allowance import Allowance
from gemini_magic.extract.job import Job, Outcome, Task
from gemini_magic.extract.limiter import limiter_for
from gemini_magic.extract.schemas import schema_of
from gemini_magic.settings import ApiKey, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA, PROMPT = "city, temp int", "Read: {{text}}"
KEY = "k" * 20


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskClient]:
    folder = tmp_path_factory.mktemp("workers")
    env = {"GEMINI_MAGIC_CONFIG": str(folder / "none.toml"), "GEMINI_MAGIC_STATE": str(folder)}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None, "env": env}
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


def test_a_dask_frame_comes_back_with_its_partitions_and_divisions(
    gateway: Any, client: Client, cluster: DaskClient
) -> None:
    data = dd.from_pandas(towns(30).sort_index(), npartitions=3)
    out = extract(data, SCHEMA, PROMPT, client=client, engine=cluster)
    assert isinstance(out, dd.DataFrame)
    assert (out.npartitions, out.divisions) == (3, data.divisions)
    assert gateway.requests == 30
    computed = out.compute()
    pd.testing.assert_index_equal(computed.index, data.compute().index)
    assert computed["temp"].tolist() == list(range(29, -1, -1))
    assert dict(out.dtypes) == dict(computed.dtypes)
    assert gateway.requests == 30
    run = run_of(out)
    assert run.usage.rows == 30
    assert run.inspect(7).source == {"text": "Townax 23"}


def test_a_dask_series_with_nulls_and_repeated_labels(gateway: Any, client: Client, cluster: DaskClient) -> None:
    texts = pd.Series(["Oslo 3", None, "Rome 21", "Oslo 3"], index=[5, 5, 6, 7], name="text")
    out = extract(dd.from_pandas(texts, npartitions=2), SCHEMA, client=client, engine=cluster).compute()
    assert out.index.tolist() == [5, 5, 6, 7]
    assert out["temp"].tolist()[0::2] == [3, 21]
    assert out["temp"].isna().tolist() == [False, True, False, False]
    assert gateway.requests == 2


def test_items_of_dask_rows_are_exploded_onto_their_labels(gateway: Any, client: Client, cluster: DaskClient) -> None:
    gateway.answer = lambda _: [{"n": 1}, {"n": 2}]
    data = dd.from_pandas(pd.DataFrame({"text": ["Oslo 3", "Rome 4"]}, index=["a", "b"]), npartitions=2)
    items = schema_of("n int", is_list=True)
    out = extract(data, items, PROMPT, client=client, engine=cluster, explode=True).compute()
    assert out.index.tolist() == ["a", "a", "b", "b"]
    assert out["n"].tolist() == [1, 2, 1, 2]


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
    assert 0 <= again <= 2 * 2 * workers  # kills, times rows of a batch, times batches that a worker can have


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


def test_the_key_is_in_no_task_log_or_event_and_gone_afterwards(
    gateway: Any, client: Client, cluster: DaskClient
) -> None:
    seen: list[str] = []
    scheduler = cluster.cluster.scheduler

    def look(_: int) -> None:
        specs = [pickle.dumps(task.run_spec) for task in list(scheduler.tasks.values())]
        assert KEY.encode() not in b"".join(specs)
        seen.extend(task.key for task in list(scheduler.tasks.values()))

    gateway.before = look
    extract(towns(40), SCHEMA, PROMPT, client=client, engine=cluster)
    assert any(key.startswith("gemini-magic-") for key in seen)
    words = repr((cluster.get_scheduler_logs(), cluster.get_worker_logs(), scheduler.get_events()))
    assert KEY not in words
    assert not [name for name in scheduler.worker_plugins if name.startswith("gemini-magic-")]
    assert not any(cluster.run(_stations).values())


def _stations(dask_worker: Any) -> list[str]:
    return [name for name in dask_worker.plugins if name.startswith("gemini-magic-")]


def test_without_the_key_workers_say_where_they_have_looked(gateway: Any, cluster: DaskClient) -> None:
    profile = Profile("mine", gateway.wire.url, key_variables=("MY_KEY",))
    with Client(profile=profile, api_key=KEY) as client:
        engine = DaskEngine(cluster, client, ship_key=False)
        with pytest.raises(ConfigError, match="MY_KEY"):
            extract(towns(3), SCHEMA, PROMPT, client=client, engine=engine)
    assert gateway.requests == 0


class Elsewhere:
    """What the engine looks at of a client whose cluster is on other machines."""

    asynchronous, cluster = False, None

    def __init__(self, address: str) -> None:
        self.scheduler = type("Scheduler", (), {"address": address})()


def test_the_key_goes_to_another_machine_only_over_tls() -> None:
    with Client("https://gateway.example", KEY) as client:
        DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client)
        DaskEngine(Elsewhere("tls://10.0.0.1:8786"), client, ship_key=True)
        with pytest.raises(ConfigError, match="unencrypted"):
            DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client, ship_key=True)
    other = Client("https://gateway.example", KEY, headers={"x-team": "a-secret"})
    with other, pytest.raises(ConfigError, match="unencrypted"):
        DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), other)


def test_a_server_of_this_machine_is_not_promised_to_others(client: Client) -> None:
    with pytest.raises(ConfigError, match="may not reach"):
        DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client)


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
    report = Report((Outcome("a", "ok", "value"),), ConfigError("no"))
    words = repr((Batch("name", (task,)), station, report))
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


def test_rows_of_dask_go_to_the_cluster_of_the_current_client(cluster: DaskClient) -> None:
    data = dd.from_pandas(towns(4), npartitions=2)
    source, engine = opened(data)
    assert (source.length, source.names, len(source.pieces)) == (4, ("text",), 2)
    assert engine is cluster
    assert opened(data, "mine")[1] == "mine"
    with pytest.raises(UnsupportedValue, match="to_dataframe"):
        opened(data.to_bag())


def test_one_rate_holds_for_all_workers(clock: FakeClock) -> None:
    with Client("https://gateway.example", KEY, "m", clock=clock) as client:
        allowance = Allowance(client, Job(schema_of(SCHEMA), model="m"), (60.0, 6000.0), None)
        assert (allowance.together, allowance.wait()) == (1, 0.0)
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
