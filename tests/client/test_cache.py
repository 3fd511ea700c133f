"""The cache of answers: asked once, free the second time, never stale by accident, shared by kernels."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import stat
import threading
import time

import pytest
from wire_server import answer, error, unary

from gemini_magic.client import Client
from gemini_magic.client.cache import AnswerCache, default_path
from gemini_magic.exceptions import StoreError, StoreLocked, StoreMismatch
from gemini_magic.ledger import Ledger

NOON = 1_790_000_000.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "answers.sqlite3"


@pytest.fixture
def cache(path):
    cache = AnswerCache(path, now=lambda: NOON)
    yield cache
    cache.close()


def said(way, *texts, finish="STOP"):
    return answer(*texts, finish=finish) if way == "stream" else unary("".join(texts), finish)


def count(path):
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT count(*) FROM answers").fetchone()[0]
    finally:
        database.close()


def test_the_same_question_is_sent_once(driver, wire, cache, way):
    wire.answers(said(way, "one ", "two"))
    ledger = Ledger()
    client = driver.client(wire.url, ledger=ledger).with_shelf(cache)
    first, again = driver.attempt(way, client), driver.attempt(way, client)
    assert again.text == first.text == "one two"
    assert again.events == first.events
    assert (again.reply.raw, again.reply.attempts, first.reply.warnings) == (first.reply.raw, 0, ())
    day = time.strftime("%Y-%m-%d", time.localtime(NOON))
    assert again.reply.warnings == (f"Answered from the cache of {day}; nothing was sent.",)
    assert len(wire.seen) == 1
    assert [entry.requests for entry in ledger.entries] == [1, 0]


def test_another_kernel_finds_it_too(driver, wire, cache, path, way):
    wire.answers(said(way, "a"))
    driver.attempt(way, driver.client(wire.url).with_shelf(cache))
    other = AnswerCache(path)
    assert driver.attempt(way, driver.client(wire.url).with_shelf(other)).text == "a"
    other.close()
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "change",
    [{"contents": "ho"}, {"model": "m2"}, {"system": "x"}, {"config": {"temperature": 0}}, {"extra": {"a": 1}}],
    ids=str,
)
def test_whatever_is_sent_makes_another_question(change, driver, wire, cache, way):
    wire.answers(said(way, "a"))
    client = driver.client(wire.url).with_shelf(cache)
    driver.attempt(way, client)
    driver.attempt(way, client, **change)
    assert len(wire.seen) == 2


def test_another_gateway_is_another_question(driver, wire, cache, way):
    wire.answers(said(way, "a"))
    for address in (wire.url, wire.url.replace("127.0.0.1", "localhost")):
        driver.attempt(way, driver.client(address).with_shelf(cache))
    assert len(wire.seen) == 2


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"])
def test_an_answer_that_is_not_whole_is_not_kept(finish, driver, wire, *, cache, path, way):
    wire.answers(said(way, "a", finish=finish))
    driver.attempt(way, driver.client(wire.url).with_shelf(cache))
    assert count(path) == 0


def test_errors_and_lists_are_not_kept(driver, wire, cache, path, way):
    wire.answers(error(400))
    client = driver.client(wire.url).with_shelf(cache)
    for _ in range(2):
        driver.attempt(way, client)
    assert (len(wire.seen), count(path)) == (2, 0)


def test_an_interrupted_answer_is_not_kept(driver, wire, cache, path):
    wire.answers(answer("a", "b", "c"))
    with driver.opened(driver.client(wire.url).with_shelf(cache)) as stream:
        stream.read()
    assert count(path) == 0


def test_the_file_is_the_users_alone(driver, wire, cache, path, way):
    wire.answers(said(way, "a"))
    driver.attempt(way, driver.client(wire.url).with_shelf(cache))
    files = sorted(path.parent.iterdir())
    assert files[0] == path
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(driver, wire, cache, path):
    path.parent.mkdir()
    path.touch(mode=0o644)
    wire.answers(unary("a"))
    driver.generate(driver.client(wire.url).with_shelf(cache))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_header_says_whose_file_it_is(driver, wire, cache, path):
    wire.answers(unary("a"))
    driver.generate(driver.client(wire.url).with_shelf(cache))
    cache.close()
    header = path.read_bytes()[:100]
    assert header[68:72] == b"gmAC"
    assert header[60:64] == (1).to_bytes(4, "big")


def test_the_default_is_a_file_in_the_users_cache_folder():
    assert default_path().name == "answers.sqlite3"
    assert AnswerCache().path == default_path()


def test_the_oldest_go_when_the_file_is_full(driver, wire, path):
    cache = AnswerCache(path, limit=400_000)
    client = driver.client(wire.url).with_shelf(cache)
    for number in range(60):
        wire.answers(unary(f"{number}" + "x" * 20_000))
        driver.generate(client, f"question {number}")
    wire.answers(unary("asked again"))
    found = {number: driver.generate(client, f"question {number}").text for number in (59, 58, 0)}
    assert found[59].startswith("59x")
    assert found[58].startswith("58x")
    assert found[0] == "asked again"
    cache.close()
    assert path.stat().st_size < 480_000
    assert 5 < count(path) < 20


def test_an_answer_that_would_fill_the_file_is_not_kept(driver, wire, path):
    cache = AnswerCache(path, limit=100_000)
    wire.answers(unary("x" * 30_000))
    driver.generate(driver.client(wire.url).with_shelf(cache))
    assert count(path) == 0
    cache.close()


def test_it_can_be_emptied(driver, wire, cache, path):
    wire.answers(unary("a"))
    client = driver.client(wire.url).with_shelf(cache)
    driver.generate(client, "a")
    driver.generate(client, "b")
    assert (cache.clear(), count(path)) == (2, 0)
    driver.generate(client, "a")
    assert len(wire.seen) == 3


# --- files that are none of ours ------------------------------------------------------------------------------


def _database(path, application, version):
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA application_id = {application}")
    database.execute(f"PRAGMA user_version = {version}")
    database.execute("CREATE TABLE answers (a)")
    database.close()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (
            lambda path: path.write_bytes(b"no database, but a diary" * 100),
            StoreError,
            "is damaged, or none. Delete",
        ),
        (lambda path: _database(path, 0, 0), StoreMismatch, "of another program"),
        (lambda path: _database(path, 7, 1), StoreMismatch, "of another program"),
        (lambda path: _database(path, 0x676D4143, 2), StoreMismatch, "has version 2"),
        (lambda path: path.mkdir(), StoreError, "cannot be used"),
    ],
    ids=["diary", "empty header", "another's", "newer", "folder"],
)
def test_a_file_that_is_none_of_ours_is_left_alone_and_named(make, kind, words, *, driver, wire, cache, path, way):
    path.parent.mkdir()
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    failure = driver.attempt(way, driver.client(wire.url).with_shelf(cache)).error
    assert type(failure) is kind
    assert str(path) in str(failure)
    assert words in str(failure)
    assert wire.seen == []
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_file_that_was_damaged_meanwhile_is_named_and_after_its_deletion_all_is_well(driver, wire, cache, path):
    wire.answers(unary("a" * 50_000))
    client = driver.client(wire.url).with_shelf(cache)
    for number in range(10):
        driver.generate(client, f"{number}")
    cache.close()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 400_000)
    failure = driver.try_generate(client, "0").error
    assert type(failure) is StoreError
    assert "Delete the file" in str(failure)
    path.unlink()
    assert driver.generate(client, "0").text == "a" * 50_000


def test_a_file_that_another_holds_is_named(driver, wire, path, monkeypatch):
    monkeypatch.setattr("gemini_magic.client.cache._BUSY_SECONDS", 0.05)
    cache = AnswerCache(path)
    wire.answers(unary("a"))
    client = driver.client(wire.url).with_shelf(cache)
    driver.generate(client, "a")
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    reply = driver.generate(client, "b")
    assert (reply.text, len(reply.warnings)) == ("a", 1)
    assert "is held by another process" in reply.warnings[0]
    fresh = AnswerCache(path)
    failure = driver.try_generate(driver.client(wire.url).with_shelf(fresh), "a").error
    assert isinstance(failure, StoreLocked)
    other.close()
    cache.close()
    fresh.close()


# --- many at once ---------------------------------------------------------------------------------------------


def test_threads_share_a_cache(wire, clock, cache):
    wire.answers(lambda seen: unary(seen.json()["contents"][0]["parts"][0]["text"]))
    client = Client(wire.url, model="m", clock=clock, ledger=Ledger()).with_shelf(cache)
    wrong = []

    def ask(start):
        for number in range(40):
            text = f"question {(start + number) % 40}"
            if client.generate(text).text != text:
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert wrong == []
    assert 40 <= len(wire.seen) < 160


def _kernel(path, url, number, results):
    client = Client(url, model="m", ledger=Ledger()).with_shelf(AnswerCache(path))
    try:
        texts = [client.generate(f"question {n}").text for n in range(number, number + 30)]
        results.put((number, texts == [f"question {n}" for n in range(number, number + 30)], ""))
    except Exception as error:  # noqa: BLE001 - told to the test
        results.put((number, False, repr(error)))


def test_kernels_share_a_cache_from_its_first_moment(wire, path):
    wire.answers(lambda seen: unary(seen.json()["contents"][0]["parts"][0]["text"]))
    spawning = multiprocessing.get_context("spawn")
    results = spawning.Queue()
    kernels = [spawning.Process(target=_kernel, args=(path, wire.url, number, results)) for number in range(0, 40, 10)]
    for kernel in kernels:
        kernel.start()
    found = sorted(results.get(timeout=120) for _ in kernels)
    for kernel in kernels:
        kernel.join()
    assert found == [(number, True, "") for number in range(0, 40, 10)]
    assert count(path) == 60


def test_what_is_in_the_file_is_the_answer_and_no_question(driver, wire, cache, path):
    wire.answers(unary("the answer"))
    driver.generate(driver.client(wire.url).with_shelf(cache), "the question")
    cache.close()
    data = path.read_bytes()
    assert b"the answer" in data
    assert b"the question" not in data
    database = sqlite3.connect(path)
    (row,) = database.execute("SELECT documents, model, time FROM answers").fetchall()
    database.close()
    assert json.loads(row[0])["candidates"]
    assert row[1:] == ("test-model", NOON)
