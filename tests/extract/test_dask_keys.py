"""How the key of a gateway gets to the workers of a cluster, and where it never is."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from distributed import Client as DaskClient
from distributed import LocalCluster
from distributed.security import Security

from gemini_magic.client import Client
from gemini_magic.exceptions import ConfigError
from gemini_magic.extract import extract
from gemini_magic.extract.engines._dask import DaskEngine
from gemini_magic.settings import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA, PROMPT = "city, temp int", "Read: {{text}}"
KEY, WORKER_S = "k" * 20, "w" * 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[DaskClient]:
    env = {"GEMINI_MAGIC_CONFIG": str(folder / "config.toml"), "GEMINI_MAGIC_STATE": str(folder)}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "env": env}
    with LocalCluster(**options) as local, DaskClient(local) as client:
        yield client


@pytest.fixture
def mine(gateway: Any) -> Iterator[Client]:
    with Client(profile=Profile("mine", gateway.wire.url, key_variables=("MY_KEY",)), api_key=KEY) as client:
        yield client


def towns(count: int) -> pd.DataFrame:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return pd.DataFrame(
        {"text": [f"Town{letters[place // 26]}{letters[place % 26]} {place}" for place in range(count)]}
    )


def set_key(value: str) -> None:
    os.environ["MY_KEY"] = value


def senders(gateway: Any) -> set[str | None]:
    return {seen.header("authorization") for seen in gateway.wire.seen}


def test_without_a_key_on_the_workers_nothing_is_sent_and_the_way_out_is_named(
    gateway: Any, mine: Client, cluster: DaskClient
) -> None:
    with pytest.raises(ConfigError, match=r"2 of 2 workers cannot ask. Worker tcp:.*No key .*MY_KEY") as caught:
        extract(towns(3), SCHEMA, PROMPT, client=mine, engine=DaskEngine(cluster, mine, ship_key=False))
    assert caught.value.hint.startswith(
        "Set MY_KEY where the workers are started, or let them have your key: ship_key=True."
    )
    assert gateway.requests == 0
    assert not cluster.cluster.scheduler.tasks


def test_workers_take_the_key_from_their_own_environment(gateway: Any, mine: Client, cluster: DaskClient) -> None:
    engine = DaskEngine(cluster, mine, ship_key=False)
    first, second = cluster.scheduler_info()["workers"]
    cluster.run(set_key, WORKER_S, workers=[first])
    try:
        with pytest.raises(ConfigError, match=f"1 of 2 workers cannot ask. Worker {second}: No key"):
            extract(towns(3), SCHEMA, PROMPT, client=mine, engine=engine)
        assert gateway.requests == 0
        cluster.run(set_key, WORKER_S, workers=[second])
        out = extract(towns(6), SCHEMA, PROMPT, client=mine, engine=engine)
    finally:
        cluster.run(set_key, "")
    assert out["temp"].tolist() == list(range(6))
    assert senders(gateway) == {f"Bearer {WORKER_S}"}


def test_workers_take_the_key_from_their_own_config_file(
    gateway: Any, mine: Client, cluster: DaskClient, folder: Path
) -> None:
    config = folder / "config.toml"
    config.touch(mode=0o600)
    config.write_text(f'[profiles.mine]\nbase_url = "{gateway.wire.url}"\napi_key = "{WORKER_S}"\n')
    try:
        extract(towns(6), SCHEMA, PROMPT, client=mine, engine=DaskEngine(cluster, mine, ship_key=False))
        assert senders(gateway) == {f"Bearer {WORKER_S}"}
        config.write_text(f'[profiles.mine]\nbase_url = "https://other.example"\napi_key = "{WORKER_S}"\n')
        with pytest.raises(ConfigError, match="No key"):
            extract(towns(9), SCHEMA, PROMPT, client=mine, engine=DaskEngine(cluster, mine, ship_key=False))
    finally:
        config.unlink()


@pytest.mark.parametrize("ship", [None, True])
def test_the_key_of_this_kernel_goes_to_a_cluster_of_this_process(
    gateway: Any, mine: Client, cluster: DaskClient, ship: bool | None
) -> None:
    extract(towns(6), SCHEMA, PROMPT, client=mine, engine=DaskEngine(cluster, mine, ship_key=ship))
    assert senders(gateway) == {f"Bearer {KEY}"}


def test_a_gateway_that_wants_no_key_needs_none_on_the_workers(gateway: Any, cluster: DaskClient) -> None:
    with Client(profile=Profile("open", gateway.wire.url, auth="none")) as client:
        out = extract(towns(4), SCHEMA, PROMPT, client=client, engine=DaskEngine(cluster, client, ship_key=False))
    assert out["temp"].tolist() == list(range(4))


def test_over_tls_the_key_goes_to_workers_and_is_used(gateway: Any, mine: Client, folder: Path) -> None:
    pytest.importorskip("cryptography")
    env = {"GEMINI_MAGIC_CONFIG": str(folder / "none.toml"), "GEMINI_MAGIC_STATE": str(folder)}
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "env": env}
    with LocalCluster(security=Security.temporary(), **options) as local, DaskClient(local) as secured:
        assert local.scheduler_address.startswith("tls://")
        out = extract(towns(20), SCHEMA, PROMPT, client=mine, engine=DaskEngine(secured, mine, ship_key=True))
    assert out["temp"].tolist() == list(range(20))
    assert senders(gateway) == {f"Bearer {KEY}"}


def test_the_key_is_in_no_task_log_or_event_and_gone_afterwards(
    gateway: Any, mine: Client, cluster: DaskClient
) -> None:
    seen: list[str] = []
    scheduler = cluster.cluster.scheduler

    def look(_: int) -> None:
        specs = [pickle.dumps(task.run_spec) for task in list(scheduler.tasks.values())]
        assert KEY.encode() not in b"".join(specs)
        seen.extend(task.key for task in list(scheduler.tasks.values()))

    gateway.before = look
    extract(towns(40), SCHEMA, PROMPT, client=mine, engine=cluster)
    assert any(key.startswith("gemini-magic-") for key in seen)
    words = repr((cluster.get_scheduler_logs(), cluster.get_worker_logs(), scheduler.get_events()))
    assert KEY not in words
    assert not [name for name in scheduler.worker_plugins if name.startswith("gemini-magic-")]
    assert not any(cluster.run(_stations).values())


def _stations(dask_worker: Any) -> list[str]:
    return [name for name in dask_worker.plugins if name.startswith("gemini-magic-")]


class Elsewhere:
    """What the engine looks at of a client whose cluster is on other machines."""

    asynchronous, cluster = False, None

    def __init__(self, address: str) -> None:
        self.scheduler = type("Scheduler", (), {"address": address})()


def test_the_key_goes_to_another_machine_only_when_it_is_allowed_and_with_a_warning_without_tls() -> None:
    with Client("https://gateway.example", KEY) as client:
        assert DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client)._key is None
        assert DaskEngine(Elsewhere("tls://10.0.0.1:8786"), client)._key is None
        assert DaskEngine(Elsewhere("tls://10.0.0.1:8786"), client, ship_key=True)._key is not None
        with pytest.warns(UserWarning, match=r"key goes unencrypted .*10\.0\.0\.1.*TLS") as caught:
            assert DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client, ship_key=True)._key is not None
        assert KEY not in str(caught[0].message)


def test_a_header_of_one_s_own_goes_to_another_machine_only_over_tls_or_when_it_is_allowed() -> None:
    with Client("https://gateway.example", KEY, headers={"x-team": "a-secret"}) as client:
        DaskEngine(Elsewhere("tls://10.0.0.1:8786"), client)
        for ship in (None, False):
            with pytest.raises(ConfigError, match=r"header.*unencrypted"):
                DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client, ship_key=ship)
        with pytest.warns(UserWarning, match="unencrypted"):
            DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client, ship_key=True)


def test_a_server_of_this_machine_is_not_promised_to_others(client: Client) -> None:
    with pytest.raises(ConfigError, match="may not reach"):
        DaskEngine(Elsewhere("tcp://10.0.0.1:8786"), client)
