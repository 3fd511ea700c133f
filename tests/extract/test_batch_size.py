"""Batches of many rows: what is read of a store, how often, and what is remembered."""

from __future__ import annotations

import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from gemini_magic.extract import extract, run_of
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.store import Store
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gemini_magic.client import Client

SCHEMA = "city, temp int"
ROWS = 1_000


def job_of(client: Client) -> Job:
    return Job(schema_of(SCHEMA), "{{text}}", model=client.model, origin=client.profile.origin)


class AtOnce:
    """An engine that answers every task by itself."""

    def __init__(self) -> None:
        self.asked = 0

    def run(self, job: Job, tasks: Iterable[Any], emit: Any, **_: Any) -> None:
        for task in tasks:
            self.asked += 1
            value = {"city": task.parts[0].text.split()[0], "temp": task.number}
            emit(Outcome(task.key, "ok", value, attempts=1, total_tokens=15, model=job.model, raw=str(value) * 100))


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that SQLite is given."""
    found: list[str] = []
    connect = sqlite3.connect

    def watched(*args: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*args, **more)
        connection.set_trace_callback(found.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    return found


@pytest.fixture
def data() -> pd.DataFrame:
    return pd.DataFrame({"text": [f"Town {number}" for number in range(ROWS)]})


def test_a_new_run_asks_a_new_store_nothing_for_each_row(
    client: Client, data: pd.DataFrame, statements: list[str], tmp_path: Path
) -> None:
    extract(data, SCHEMA, "{{text}}", client=client, engine=AtOnce(), store=tmp_path / "s")
    assert sum(one.startswith("INSERT INTO outcomes") for one in statements) == ROWS
    assert len(statements) <= ROWS + 50


def test_a_resumed_run_reads_a_store_in_large_pieces_and_sends_nothing(
    client: Client, data: pd.DataFrame, statements: list[str], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"client": client, "store": tmp_path / "s"}
    first = extract(data, SCHEMA, "{{text}}", engine=AtOnce(), **options)
    statements.clear()
    engine = AtOnce()
    again = extract(data.sample(frac=1, random_state=1), SCHEMA, "{{text}}", engine=engine, **options)
    assert (engine.asked, run_of(again).usage.reused) == (0, ROWS)
    assert len(statements) <= 50
    pd.testing.assert_frame_equal(again.sort_index(), first)


def test_a_run_remembers_little_of_each_row(client: Client, data: pd.DataFrame, tmp_path: Path) -> None:
    run = run_of(extract(data, SCHEMA, "{{text}}", client=client, engine=AtOnce(), store=tmp_path / "s"))
    assert {outcome.raw for outcome in run.outcomes.values()} == {""}
    made = run.made
    packed = [*run.outcomes._good.values()]
    size = sum(map(sys.getsizeof, (*packed, *made.keys))) + sys.getsizeof(made.keys) + sys.getsizeof(run.outcomes._good)
    assert size / ROWS < 350
    assert isinstance(made.labels, range)
    assert all(key is there for key, there in zip(made.keys, run.outcomes, strict=True))
    assert run.inspect(7).raw.startswith("{'city': 'Town', 'temp': 7}")


def test_what_the_run_says_of_a_row_is_that_of_its_store(client: Client, data: pd.DataFrame, tmp_path: Path) -> None:
    run = run_of(extract(data, SCHEMA, "{{text}}", client=client, engine=AtOnce(), store=tmp_path / "s"))
    with Store.open(tmp_path / "s", job_of(client)) as store:
        assert {one.key: (one.value, one.attempts) for one in store.outcomes()} == {
            key: (one.value, one.attempts) for key, one in run.outcomes.items()
        }


def test_keys_of_rows_are_those_of_their_parts(client: Client) -> None:
    engine = AtOnce()
    data = pd.DataFrame({"text": ['A "b"', "é😀", "a\\n\n"]})
    run = run_of(extract(data, SCHEMA, "{{text}}", client=client, engine=engine))
    assert list(run.made.keys) == [job_of(client).key_of([Part(text=text)]) for text in data.text]


def test_a_row_that_cannot_be_sent_is_counted_once_and_its_twins_like_it(client: Client) -> None:
    data = pd.DataFrame({"text": ["Oslo 1", "half \ud800", "half \ud800", "Oslo 1"]}, dtype=object)
    run = run_of(extract(data, SCHEMA, "{{text}}", client=client, engine=AtOnce()))
    assert (run.usage.done, run.usage.failed, run.usage.empty) == (2, 2, 0)
    assert list(run.errors["error_kind"]) == ["InputError"] * 2


def test_progress_counts_every_row_once(client: Client) -> None:
    class Told:
        told: tuple[int, int] = (0, 0)

        def begin(self, total: int | None) -> None:
            assert total == 5

        def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
            del tokens, retried
            self.told = (done, failed)

        def finish(self, summary: object) -> None:
            del summary

    told = Told()
    data = pd.DataFrame({"text": ["Oslo 1", "half \ud800", None, "Oslo 1", "Rome 2"]}, dtype=object)
    for _ in range(2):
        extract(data, SCHEMA, "{{text}}", client=client, engine=AtOnce(), progress=told)
        assert told.told == (4, 1)
