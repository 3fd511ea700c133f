"""The store of an extraction: what is put is there, for one writer and one job, whoever is killed when."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from gemini_magic.exceptions import StoreError, StoreLocked, StoreMismatch
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.store import Store, default_path
from gemini_magic.parts import Pictures

CHILD = Path(__file__).parent / "store_child.py"
NAN = float("nan")


def job(schema=None, prompt="Read {{text}}", model="m", **more):
    return Job(SimpleNamespace(json_schema=schema or {"type": "object"}), prompt, model, **more)


def outcome(number, **more):
    return Outcome(f"{number:064x}", "ok", {"n": number}, raw="x" * 10, attempts=1, **more)


def child(*words, **more):
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, str(CHILD), *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **more,
    )


def answer_of(process):
    out, _ = process.communicate(timeout=120)
    return json.loads(out)


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("GEMINI_MAGIC_DATA", str(tmp_path / "data"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "here.sqlite3"


@pytest.mark.parametrize(
    "given",
    [
        Outcome("k", "ok", {"city": "Oslo", "deep": [{"a": None}, 1.5, True]}),
        Outcome("k", "ok", [1, "ü😀\ud83d\0", 10**30], raw="```json\n[…]"),
        Outcome("k", "ok", 0, seconds=1.25, model="m", prompt_tokens=0, answer_tokens=5, total_tokens=None),
        Outcome("k", "ok", False),
        Outcome("k", "invalid", error="field 'a': \x1b[31m", error_kind="SchemaMismatch", attempts=2, raw="{"),
        Outcome("k", "failed", error="500", error_kind="ServerUnavailable", attempts=6),
    ],
)
def test_an_outcome_comes_back_as_it_was_put(given, path):
    with Store.open(path, job()) as store:
        store.put(given)
        assert store.get("k") == given
    with Store.open(path, job()) as store:
        assert store.get("k") == given
        assert list(store.outcomes()) == [given]
        assert store.get("other") is None


def test_a_number_that_json_does_not_know_is_not_lost(path):
    with Store.open(path, job()) as store:
        store.put(Outcome("k", "ok", {"a": NAN, "b": math.inf}))
        value = store.get("k").value
    assert math.isnan(value["a"])
    assert value["b"] == math.inf


def test_a_value_that_is_no_plain_data_is_refused(path):
    with Store.open(path, job()) as store:
        with pytest.raises(StoreError, match=r"An answer cannot be stored: .* bytes"):
            store.put(Outcome("k", "ok", b"x"))
        assert len(store) == 0


def test_a_later_outcome_takes_the_place_of_an_earlier_one(path):
    with Store.open(path, job()) as store:
        store.put(Outcome("a", "failed", error="no"))
        store.put(Outcome("b", "ok", 1))
        store.put(Outcome("a", "ok", 2))
        assert [(one.key, one.status) for one in store.outcomes()] == [("a", "ok"), ("b", "ok")]
        assert store.keys() == {"a", "b"}
        assert dict(store.count()) == {"ok": 2}


def test_many_outcomes_come_in_the_order_they_were_put_while_others_are_put(path):
    with Store.open(path, job()) as store:
        for number in range(1_200):
            store.put(outcome(number))
        seen = []
        for one in store.outcomes():
            seen.append(one.value["n"])
            store.put(one)
    assert seen == list(range(1_200))


def test_the_file_is_there_for_others_to_read(path):
    with Store.open(path, job()) as store:
        store.put(outcome(7))
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT status, json_extract(body, '$.value.n') FROM outcomes").fetchall()
            assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert found == [("ok", 7)]
    header = path.read_bytes()[:100]
    assert header[68:72] == b"gmEX"
    assert header[60:64] == (1).to_bytes(4, "big")


def test_the_default_is_a_file_of_the_job_in_the_folder_for_data(tmp_path, monkeypatch):
    one = job()
    with Store.open(None, one) as store:
        assert store.path == tmp_path / "data" / f"{one.digest}.sqlite3" == default_path(one.digest)
    monkeypatch.delenv("GEMINI_MAGIC_DATA")
    assert default_path("abc").parts[-3:] == ("gemini_magic", "extract", "abc.sqlite3")


def test_jobs_have_stores_of_their_own(tmp_path):
    with Store.open(None, job()) as one, Store.open(None, job(model="other")) as other:
        one.put(outcome(1))
        assert other.keys() == set()
    assert len(list((tmp_path / "data").iterdir())) == 2


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_it(umask, path):
    before = os.umask(umask)
    try:
        with Store.open(path, job()) as store:
            store.put(outcome(1))
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys([path.name, *(path.name + end for end in ("-wal", "-shm", ".lock"))], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(path):
    Store.open(path, job()).close()
    path.chmod(0o644)
    with Store.open(path, job()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_stays_beside_it_when_it_is_closed(path):
    with Store.open(path, job()) as store:
        store.put(outcome(1))
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_closed_store_says_so(path):
    store = Store.open(path, job())
    store.close()
    store.close()
    assert repr(store) == f"Store({str(path)!r}, closed)"
    for use in (lambda: store.get("k"), lambda: store.put(outcome(1)), store.keys, lambda: list(store.outcomes())):
        with pytest.raises(StoreError, match=r"is closed. Open it again."):
            use()


def test_a_store_in_memory_is_like_one_in_a_file(tmp_path):
    with Store.in_memory(job(), "because") as store:
        store.put(outcome(1))
        assert (store.path, store.notes, store.get(outcome(1).key)) == (None, ("because",), outcome(1))
    assert list(tmp_path.iterdir()) == []


def test_any_thread_may_use_it(path):
    with Store.open(path, job()) as store:
        starts = range(0, 400, 100)
        threads = [
            threading.Thread(target=lambda first=first: [store.put(outcome(first + n)) for n in range(100)])
            for first in starts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.value["n"] for one in store.outcomes()) == list(range(400))


# One writer


def test_another_run_of_this_kernel_is_refused(path):
    with Store.open(path, job()):
        with pytest.raises(StoreLocked) as caught:
            Store.open(path, job())
        assert f"by this kernel itself, process {os.getpid()} on {os.uname().nodename}, since 20" in str(caught.value)
        assert "store=PATH" in str(caught.value)
    Store.open(path, job()).close()


def test_a_link_is_no_way_around_the_lock(path, tmp_path):
    with Store.open(path, job()):
        (tmp_path / "link.sqlite3").symlink_to(path)
        with pytest.raises(StoreLocked):
            Store.open(tmp_path / "link.sqlite3", job())


def test_another_process_is_named_and_its_lock_ends_with_it(path):
    process = child("hold", path)
    pid = json.loads(process.stdout.readline())
    one = Job(SimpleNamespace(json_schema={"type": "object"}), "Read {{text}}", "m")
    with pytest.raises(StoreLocked, match=f"by process {pid} on .*, since 20"):
        Store.open(path, one)
    os.kill(pid, signal.SIGKILL)
    process.communicate()
    with Store.open(path, one) as store:
        assert store.get(outcome(1).key) == outcome(1)
        assert store.notes == ()


def test_a_store_that_was_forgotten_does_not_keep_its_lock(path):
    store = Store.open(path, job())
    store.put(outcome(1))
    store._database.close()
    del store
    with Store.open(path, job()) as store:
        assert len(store) == 1


def test_a_child_neither_uses_nor_keeps_its_parents_store(path):
    store = Store.open(path, job())
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:  # which lives on after the parent has closed the store
        os.close(writing)
        try:
            store.get("k")
        except StoreError as error:
            refused = "opened by another process" in str(error)
        store.close()
        os.read(reading, 1)
        os._exit(0 if refused else 1)
    os.close(reading)
    store.put(outcome(1))
    store.close()
    with Store.open(path, job()) as store:
        assert len(store) == 1
    os.close(writing)
    assert os.waitpid(pid, 0)[1] == 0


def test_four_processes_share_it_in_turns(path):
    processes = [child("share", path, first, 300) for first in range(0, 1_200, 300)]
    assert [answer_of(process) for process in processes] == ["done"] * 4
    with Store.open(path, job()) as store:
        assert sorted(one.value["n"] for one in store.outcomes()) == list(range(1_200))


def test_a_lock_that_was_left_on_another_machine_is_mentioned(path):
    Store.open(path, job()).close()
    lock = path.with_name(path.name + ".lock")
    lock.write_text(json.dumps({"pid": 7, "host": "elsewhere", "since": "2026-01-01 10:00:00"}))
    with Store.open(path, job()) as store:
        assert store.notes[0].startswith("The store was last written by process 7 on elsewhere")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "[" * 4_000, "\udce4"])
def test_an_odd_file_of_a_lock_is_no_lock(text, path):
    Store.open(path, job()).close()
    path.with_name(path.name + ".lock").write_text(text, errors="surrogateescape")
    with Store.open(path, job()) as store:
        assert store.notes == ()


# One job


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "Look at {{text}}"}, "prompt: 'Read {{text}}' → 'Look at {{text}}'"),
        ({"model": "m2"}, "model: 'm' → 'm2'"),
        ({"schema": {"type": "string"}}, """schema: '{"type": "object"}' → '{"type": "string"}'"""),
        ({"system": "Be brief."}, "system: nothing → 'Be brief.'"),
        ({"config": {"temperature": 0.5}}, """config: '{}' → '{"temperature":0.5}'"""),
        ({"pictures": Pictures(max_side=512)}, """pictures: '{}' → '{"max_side":512}'"""),
        ({"pack": 5}, "pack: '1' → '5'"),
        ({"origin": "https://gateway.example"}, "gateway: nothing → 'https://gateway.example'"),
        ({"model": "m2", "pack": 2}, "model: 'm' → 'm2'; pack: '1' → '2'"),
    ],
)
def test_b99_another_job_is_told_what_changed(change, words, path):
    Store.open(path, job()).close()
    with pytest.raises(StoreMismatch) as caught:
        Store.open(path, job(**change))
    assert caught.value.message == f"The store {path} belongs to a different job: {words}."
    Store.open(path, job()).close()


def test_b99_of_long_texts_only_the_place_that_differs_is_shown(path):
    Store.open(path, job(prompt="a" * 500 + " city " + "b" * 500)).close()
    with pytest.raises(StoreMismatch) as caught:
        Store.open(path, job(prompt="a" * 500 + " town " + "b" * 500))
    assert f"prompt: …'{'a' * 11} city {'b' * 31}'… → …'{'a' * 11} town {'b' * 31}'…." in str(caught.value)


def test_beginning_anew_keeps_what_was_there_beside_it(path):
    with Store.open(path, job()) as store:
        store.put(outcome(1))
    with Store.open(path, job(model="other"), resume=False) as store:
        assert len(store) == 0
    with Store.open(path, job(model="other")) as store:
        store.put(outcome(2))
    kept = path.with_name(path.name + ".previous")
    with Store.open(kept, job()) as store:
        assert store.get(outcome(1).key) == outcome(1)
    with Store.open(path, job(model="other"), resume=False):
        pass
    with Store.open(kept, job(model="other")) as store:
        assert store.get(outcome(2).key) == outcome(2)


def test_b100_order_number_and_repetition_of_rows_do_not_matter(path):
    chance = random.Random(100)  # noqa: S311 - no secret
    keys = [f"row {number}" for number in range(1_000)]
    wanted = {key: {"v": key[::-1]} for key in keys}
    asked = []
    for _ in range(5):
        rows = chance.sample(keys, 800) + chance.choices(keys, k=200)
        with Store.open(path, job()) as store:
            for key in rows:
                if store.get(key) is None:
                    asked.append(key)
                    store.put(Outcome(key, "ok", wanted[key]))
            assert [store.get(key).value for key in rows] == [wanted[key] for key in rows]
    assert len(asked) == len(set(asked))
