"""Processes that tests of the store start: they hold it, are killed while they write, or have no room or no right."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import sys
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = Job(SimpleNamespace(json_schema={"type": "object"}), "Read {{text}}", "m")  # type: ignore[arg-type]


def outcome(number: int, size: int = 10) -> Outcome:
    return Outcome(f"{number:064x}", "ok", {"n": number}, raw="x" * size, attempts=1)


def say(value: object) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201 - the way to whoever started it


def hold(path: str) -> None:
    """Open it, and keep it until the input ends."""
    with Store.open(path, JOB) as store:
        store.put(outcome(1))
        say(os.getpid())
        sys.stdin.read()


def share(path: str, first: str, count: str) -> None:
    """Put rows, in turns with others."""
    for number in range(int(first), int(first) + int(count), 100):
        while True:
            try:
                with Store.open(path, JOB) as store:
                    for one in range(number, number + 100):
                        store.put(outcome(one))
                break
            except GeminiMagicError as error:
                if type(error).__name__ != "StoreLocked":
                    raise
    say("done")


def fill(path: str, limit: str) -> None:
    """Put rows until a file may not grow any more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    put, report = 0, dict[str, Any]()
    try:
        with Store.open(path, JOB) as store:
            try:
                while True:
                    store.put(outcome(put, 500))
                    put += 1
            except GeminiMagicError as error:
                report = {"error": type(error).__name__, "message": str(error)}
                report |= {"still": len(list(store.outcomes())), "first": store.get(outcome(0).key) == outcome(0, 500)}
    except GeminiMagicError as error:
        report = {"error": type(error).__name__, "message": str(error), "opening": True}
    say({"put": put, **report})


def unprivileged(path: str) -> None:
    """Open it as somebody who may not write there."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        with Store.open(path or None, JOB) as store:
            store.put(outcome(1))
            say({"path": store.path and str(store.path), "notes": store.notes, "rows": len(store)})
    except GeminiMagicError as error:
        say({"error": type(error).__name__, "message": str(error)})


def kills(path: str, rounds: str, seed: str) -> None:
    """Be killed, again and again; say what was acknowledged, what is missing, and what SQLite thinks of the file."""
    chance, acknowledged = random.Random(int(seed)), 0  # noqa: S311 - no secret
    report: dict[str, Any] = {"rounds": 0, "missing": 0, "unsound": 0}
    for _ in range(int(rounds)):
        first = acknowledged
        acknowledged += killed_once(path, first, chance.randint(1, 80), chance.randint(0, 2_000))
        with Store.open(path, JOB) as store:
            wrong = [
                number for number in range(first, acknowledged) if store.get(outcome(number).key) != content(number)
            ]
            report["missing"] += len(wrong) + max(0, acknowledged - len(store))
            acknowledged = len(store)
        with closing(sqlite3.connect(path)) as database:
            report["unsound"] += database.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        report["rounds"] += 1
    with Store.open(path, JOB) as store:
        report["right"] = list(store.outcomes()) == [content(number) for number in range(acknowledged)]
    say({**report, "acknowledged": acknowledged})


def content(number: int) -> Outcome:
    return outcome(number, 200 + number * 37 % 1_000)


def killed_once(path: str, first: int, after: int, moment: int) -> int:
    """Start a writer, and kill it a moment after so many rows; how many it has acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write_for_ever(path, first, writing)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as acknowledgements:
        count = sum(len(piece) for piece in until(acknowledgements, after))
        for _ in range(moment):
            pass  # a moment that no clock knows
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return count + len(acknowledgements.read())


def until(pipe: Any, wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (piece := pipe.read(1)):
        wanted -= len(piece)
        yield piece


def write_for_ever(path: str, first: int, pipe: int) -> None:
    """A byte for every row that was put; the journal goes into the file so often that a kill meets that, too."""
    store, number = Store.open(path, JOB), first
    store._database.execute("PRAGMA wal_autocheckpoint = 20")  # type: ignore[union-attr]
    while True:
        store.put(content(number))
        os.write(pipe, b".")
        number += 1


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
