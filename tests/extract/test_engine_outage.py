"""How a run behaves when the server fails, heals, or allows only so much: in virtual time, over a fake wire."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from virtual_time import LoopClock, VirtualLoop, run_virtually

from gemini_magic.client import Client
from gemini_magic.client.retry import RetryBudget
from gemini_magic.exceptions import QuotaExhausted, RateLimited, ServerUnavailable
from gemini_magic.extract.engines._asyncio import _sending_once
from gemini_magic.extract.engines.crew import Crew
from gemini_magic.extract.engines.spending import Spending
from gemini_magic.extract.job import Job
from gemini_magic.extract.limiter import Limiter
from gemini_magic.ledger import Ledger
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {"candidates": [{"content": {"parts": [{"text": '{"name": "x"}'}]}, "finishReason": "STOP"}]}


class Said(NamedTuple):
    """An answer; or, when it has no status, the end of the connection."""

    status: int = 0
    bytes: bytes = b""


RESET = Said()


def said(status, body, **headers):
    content = json.dumps(body).encode()
    lines = [f"{name}: {value}" for name, value in {**headers, "content-length": len(content)}.items()]
    return Said(status, "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + content)


def good():
    return said(200, GOOD)


def bad(status, **headers):
    return said(status, {"error": {"code": status, "message": "no", "status": "X"}}, **headers)


class Connection(asyncio.Transport):
    """A connection that lies in memory: what is written to it is taken as requests, one after another."""

    def __init__(self, protocol: Any, asked: Callable[[Connection], None]) -> None:
        super().__init__()
        self._protocol, self._asked = protocol, asked
        self._written, self._open = b"", True

    def write(self, data: bytes) -> None:
        self._written += data
        head, _, body = self._written.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        if length and len(body) == int(length.split()[0]):
            self._written = b""
            self._asked(self)

    def say(self, answer: Said) -> None:
        if self._open and answer is RESET:
            self._open = False
            self._protocol.connection_lost(ConnectionResetError("reset"))
        elif self._open:
            self._protocol.data_received(answer.bytes)

    def is_closing(self) -> bool:
        return not self._open

    def close(self) -> None:
        if self._open:
            self._open = False
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close


class MemoryLoop(VirtualLoop):
    """Has no network: whoever connects is connected to a function."""

    def __init__(self, asked: Callable[[Connection], None]) -> None:
        super().__init__()
        self._asked = asked

    async def sock_connect(self, sock: Any, address: Any) -> None:
        pass

    async def create_connection(self, factory: Any, *_: Any, sock: Any, **__: Any) -> Any:
        sock.close()
        protocol = factory()
        connection = Connection(protocol, self._asked)
        protocol.connection_made(connection)
        return connection, protocol


class World:
    """A server that answers as it is told, and a run against it, in a time of their own.

    ``answering(seconds)`` says what is answered so many seconds after the beginning.
    """

    def __init__(self, answering, *, rows=2000, workers=16, latency=0.05):
        self.loop = MemoryLoop(self._asked)
        self.answering, self.rows, self.workers, self.latency = answering, rows, workers, latency
        self.sent: list[tuple[float, int]] = []
        self.done: list[tuple[float, str]] = []
        self.retries = RetryBudget()
        self.client = Client(
            "http://127.0.0.1:9",
            model="m",
            clock=LoopClock(self.loop),
            ledger=Ledger(),
        )
        self.limiter = Limiter(self.client.clock)

    @property
    def now(self):
        return self.loop.time() - 1000.0

    def _asked(self, connection):
        begun, answer = self.now, self.answering(self.now)
        self.loop.call_later(0 if answer is RESET else self.latency, self._say, connection, begun, answer)

    def _say(self, connection, begun, answer):
        if answer is not RESET:
            self.sent.append((begun, answer.status))
        connection.say(answer)

    def run(self):
        """Run to the end; returns the error that it ended with, or None."""
        return run_virtually(self._work(), self.loop)

    async def _work(self):
        job = Job(schema_of("name"), model="m")
        tasks = [job.task((Part(text=f"row {number}"),), number) for number in range(self.rows)]
        crew = Crew(
            _sending_once(self.client),
            job,
            self.limiter,
            Spending(None, Ledger(), "none"),
            lambda outcome: self._keep(crew, outcome),
            workers=self.workers,
            max_attempts=6,
            retries=self.retries,
            jitter=random.Random(1).uniform,  # noqa: S311 - always the same, on purpose
        )
        crew.trade([*tasks, None], 0)
        with self.limiter.joined():
            await crew.work()
        return crew.halted

    def _keep(self, crew, outcome):
        self.done.append((self.now, outcome.status))
        self.loop.call_soon(crew.trade, (), 1)

    @property
    def statuses(self):
        return {status for _, status in self.done}


@pytest.mark.parametrize("workers", [1, 16, 64])
def test_a_server_that_is_down_gets_few_requests_and_one_error_ends_the_run(workers):
    world = World(lambda _: bad(503), workers=workers)
    error = world.run()
    assert type(error) is ServerUnavailable
    assert "20 requests in a row have failed" in str(error)
    assert "rows that have an answer are not asked" in str(error)
    assert len(world.sent) <= 20 + workers
    assert world.now < 120


@pytest.mark.parametrize("workers", [1, 16, 64])
def test_a_server_that_goes_down_in_the_middle_gets_few_requests(workers):
    world = World(lambda now: good() if now < 1 else bad(503), workers=workers)
    error = world.run()
    failed = [time for time, status in world.sent if status == 503]
    assert "20 requests in a row have failed" in str(error)
    assert len(failed) <= 20 + 2 * workers
    assert len(world.sent) <= 2050
    assert sum(status == "ok" for _, status in world.done) == len(world.sent) - len(failed)


@pytest.mark.parametrize("workers", [2, 16, 64])
@pytest.mark.parametrize("seconds", [0.2, 3, 20])
def test_a_server_that_comes_back_is_found_within_five_seconds_and_no_row_is_lost(seconds, workers):
    world = World(
        lambda now: bad(503) if 1 <= now < 1 + seconds else good(), workers=workers, rows=12 * workers, latency=0.2
    )
    assert world.run() is None
    assert (len(world.done), world.statuses) == (12 * workers, {"ok"})
    first = min(time for time, _ in world.done if time > 1 + seconds)
    assert first <= 1 + seconds + 5


def test_a_server_that_comes_back_soon_has_nearly_as_much_to_do_as_before():
    world = World(lambda now: bad(503) if 5 <= now < 25 else good(), rows=900, latency=0.5)
    assert world.run() is None
    before = sum(3 <= time < 5 for time, _ in world.done)
    after = sum(45 <= time < 47 for time, _ in world.done)
    assert after >= 0.9 * before


class Allowing:
    """Answers so many requests a second, with a second's worth in store, and refuses the others."""

    def __init__(self, per_second):
        self.rate, self.level, self.at = per_second, float(per_second), 0.0

    def __call__(self, now):
        self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return bad(429)
        self.level -= 1
        return good()


@pytest.mark.parametrize("latency", [0.002, 0.3, 2.0])
def test_a_server_that_allows_fifty_a_second_refuses_few_and_is_kept_busy(latency):
    world = World(Allowing(50), rows=900, workers=32, latency=latency)
    assert world.run() is None
    assert (len(world.done), world.statuses) == (900, {"ok"})
    end = max(time for time, _ in world.done)
    later = [status for time, status in world.sent if 10 <= time < end - 2]
    assert later.count(429) <= 0.1 * len(later)
    possible = min(50, 32 / latency)
    assert later.count(200) / (end - 12) >= 0.8 * possible


def test_a_delay_that_one_answer_names_holds_all_workers():
    world = World(lambda now: bad(429, **{"retry-after": "20"}) if 1 <= now < 1.06 else good(), rows=600)
    assert world.run() is None
    assert world.statuses == {"ok"}
    assert not [time for time, _ in world.sent if 1.1 < time < 21]
    assert [time for time, _ in world.sent if 21 <= time < 22]


def test_a_delay_longer_than_a_run_waits_ends_it():
    world = World(lambda _: bad(429, **{"retry-after": "3600"}))
    error = world.run()
    assert type(error) is RateLimited
    assert "asks to wait 3,600 seconds" in str(error)
    assert len(world.sent) == 16


def _daily():
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    body = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": details}}
    return said(429, body)


def test_a_quota_for_the_day_parks_the_run_and_nothing_else_is_sent():
    world = World(lambda now: good() if now < 1 else _daily())
    error = world.run()
    assert type(error) is QuotaExhausted
    assert "The quota is renewed" in str(error)
    assert "Run the same again then" in str(error)
    assert [status for _, status in world.sent].count(429) <= 16
    assert world.statuses == {"ok"}
    assert world.limiter.parked is error


def test_faults_that_come_and_go_lose_nothing():
    chance = random.Random(7)  # noqa: S311 - always the same, on purpose

    def answering(_):
        draw = chance.random()
        if draw < 0.02:
            return RESET
        return bad(429) if draw < 0.12 else bad(503) if draw < 0.17 else good()

    world = World(answering, rows=800)
    assert world.run() is None
    assert (len(world.done), world.statuses) == (800, {"ok"})
    assert world.now < 120
