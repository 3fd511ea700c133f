"""The engine between the calling thread and the loop in the background, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import os
import signal
import threading
import time
from dataclasses import replace

import pytest
from wire_server import FakeClock, Say, error, unary

from gemini_magic._loop import background
from gemini_magic.client import Client
from gemini_magic.client.cache import AnswerCache
from gemini_magic.client.capabilities import Capabilities, remember
from gemini_magic.client.retry import RetryBudget
from gemini_magic.client.timing import stoppable
from gemini_magic.exceptions import AuthError, BudgetExceeded, ConfigError, StoreDiskFull
from gemini_magic.extract.engines import AsyncioEngine
from gemini_magic.extract.job import Job
from gemini_magic.extract.limiter import Limiter
from gemini_magic.ledger import Budget, Ledger, labelled
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Part

USAGE = {"promptTokenCount": 6, "candidatesTokenCount": 4, "totalTokenCount": 10}


def echo(seen):
    """An answer of the schema with the row's own text in it."""
    text = seen.json()["contents"][0]["parts"][0]["text"]
    return unary(json.dumps({"name": text}), usageMetadata=USAGE)


class Batch:
    """Rows against a server, and what came of them."""

    def __init__(self, wire, rows=40, **client):
        self.wire, self.rows = wire, rows
        options = {"clock": FakeClock(), "ledger": Ledger(), "model": "m", **client}
        self.client = Client(wire.url, "a-key-that-is-long-enough", **options)
        self.job = Job(schema_of("name"), model="m", origin=wire.url)
        self.outcomes = []
        self.read = 0

    def tasks(self):
        for number in range(self.rows):
            self.read += 1
            yield self.job.task((Part(text=f"row {number}"),), number)

    def emit(self, outcome):
        self.outcomes.append(outcome)

    def run(self, *, tasks=None, emit=None, stop=None, **options):
        options = {"limiter": Limiter(self.client.clock), "retries": RetryBudget(), **options}
        engine = AsyncioEngine(self.client, **options)
        engine.run(self.job, tasks or self.tasks(), emit or self.emit, stop=stop)

    @property
    def names(self):
        return sorted(outcome.value["name"] for outcome in self.outcomes)


@pytest.fixture
def batch(wire):
    wire.answers(echo)
    return Batch(wire)


def test_every_row_gets_its_own_answer(batch):
    batch.run(workers=8)
    keys = {task.key: task.parts[0].text for task in batch.tasks()}
    assert {outcome.key: outcome.value["name"] for outcome in batch.outcomes} == keys
    assert {outcome.attempts for outcome in batch.outcomes} == {1}
    assert len(batch.wire.seen) == 40


def test_each_worker_keeps_its_connection(batch):
    batch.rows = 100
    batch.run(workers=4)
    assert batch.wire.connections <= 4


def test_connections_are_closed_when_the_run_is_over(batch):
    batch.run(workers=4)
    assert batch.wire.all_closed()


def test_no_rows_are_no_requests(batch):
    batch.rows = 0
    batch.run()
    assert (batch.outcomes, batch.wire.seen) == ([], [])


def test_tasks_are_read_and_outcomes_emitted_in_the_calling_thread(batch):
    threads = set()

    def tasks():
        for task in batch.tasks():
            threads.add(threading.get_ident())
            yield task

    def emit(_):
        threads.add(threading.get_ident())

    batch.run(tasks=tasks(), emit=emit)
    assert threads == {threading.get_ident()}


def test_no_more_tasks_are_read_than_twice_the_workers_ahead_of_what_is_emitted(batch):
    ahead = []

    def emit(outcome):
        ahead.append(batch.read - len(batch.outcomes))
        batch.emit(outcome)

    batch.rows = 120
    batch.run(workers=3, emit=emit)
    assert max(ahead) <= 6
    assert len(batch.outcomes) == 120


def test_an_answer_is_in_safe_hands_before_its_worker_asks_again(batch):
    unsaved = []

    def emit(outcome):
        unsaved.append(len(batch.wire.seen) - len(batch.outcomes))
        batch.emit(outcome)

    batch.rows = 100
    batch.run(workers=3, emit=emit)
    assert max(unsaved) <= 3


def test_it_works_where_a_loop_is_running_already(batch):
    async def cell():
        batch.run()

    for _ in range(3):
        batch.outcomes.clear()
        asyncio.run(cell())
        assert len(batch.outcomes) == 40


def test_usage_is_labelled_as_where_it_was_asked(batch):
    with labelled(conversation="batch", cell="c1"):
        batch.run()
    entries = batch.client.ledger.entries
    assert {(entry.conversation, entry.cell) for entry in entries} == {("batch", "c1")}
    assert sum(entry.total_tokens for entry in entries) == 400


def test_two_runs_at_a_time_share_the_loop_and_the_limiter(wire):
    wire.answers(echo)
    batches, limiter = [Batch(wire), Batch(wire)], Limiter()
    threads = [threading.Thread(target=batch.run, kwargs={"limiter": limiter}) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(batch.outcomes) for batch in batches] == [40, 40]
    assert limiter.in_use == 0


def _hanging(wire, good=10):
    """So many answers, and then none any more."""
    wire.answers(*[echo] * good, Say(status=None, ending="hang"))


def test_an_interrupt_ends_the_run_within_a_second_and_closes_its_connections(batch):
    _hanging(batch.wire)
    began = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores it

    def interrupt():
        while len(batch.outcomes) < 10:
            time.sleep(0.01)
        began.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            batch.run(workers=4)
    finally:
        signal.signal(signal.SIGINT, before)
    seconds = time.monotonic() - began[0]
    thread.join()
    assert seconds < 1.5
    assert len(batch.outcomes) == 10
    assert len(batch.wire.seen) <= 14
    assert batch.wire.all_closed()


def test_what_was_finished_before_an_interrupt_is_emitted(batch):
    def tasks():
        yield from list(batch.tasks())[:20]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch.run(workers=4, tasks=tasks())
    assert len(set(batch.names)) == len(batch.outcomes)


def test_a_run_in_another_thread_is_stopped_by_whoever_began_it(batch):
    _hanging(batch.wire)
    stop, ended = threading.Event(), []

    def work():
        with stoppable(stop):
            try:
                batch.run(workers=4)
            except KeyboardInterrupt:
                ended.append("interrupted")

    thread = threading.Thread(target=work, args=())
    thread.start()
    while len(batch.outcomes) < 10:
        time.sleep(0.01)
    stop.set()
    thread.join(5)
    assert ended == ["interrupted"]
    assert batch.wire.all_closed()
    batch.wire.answers(echo)
    batch.run()  # the loop has survived it
    assert len(batch.outcomes) == 50


def test_a_run_that_is_told_to_stop_returns(batch):
    _hanging(batch.wire)
    stop = threading.Event()

    def emit(outcome):
        batch.emit(outcome)
        if len(batch.outcomes) == 10:
            stop.set()

    batch.run(workers=4, emit=emit, stop=stop)
    assert len(batch.outcomes) == 10
    assert batch.wire.all_closed()


def test_an_outcome_that_cannot_be_kept_ends_the_run_and_nothing_more_is_paid_for(batch):
    def emit(outcome):
        batch.emit(outcome)
        if len(batch.outcomes) == 5:
            raise StoreDiskFull("No space is left.")

    with pytest.raises(StoreDiskFull):
        batch.run(workers=2, emit=emit)
    assert len(batch.wire.seen) <= 5 + 2
    assert len(batch.outcomes) == 5


def test_a_row_that_cannot_be_read_ends_the_run_with_its_error(batch):
    def tasks():
        yield from list(batch.tasks())[:7]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        batch.run(workers=2, tasks=tasks())


def test_a_budget_in_tokens_ends_the_run_after_what_is_under_way(batch):
    with pytest.raises(BudgetExceeded, match="The budget of 100 tokens for this run is used up") as caught:
        batch.run(workers=4, budget=Budget(tokens=100))
    assert 10 <= len(batch.outcomes) == len(batch.wire.seen) <= 13
    assert "rows that have an answer are not asked again" in str(caught.value)


def test_a_budget_that_is_just_enough_is_no_error(batch):
    batch.run(workers=1, budget=Budget(tokens=400))
    assert len(batch.outcomes) == 40


def test_a_budget_in_money_ends_the_run(batch):
    batch.client.ledger.prices = {"m": {"input": 100_000, "output": 100_000}}
    with pytest.raises(BudgetExceeded, match=r"The budget of \$10.00 for this run is used up"):
        batch.run(workers=1, budget=Budget(money=10))
    assert len(batch.outcomes) == 10


def test_a_budget_in_money_cannot_be_kept_where_prices_are_not_known(batch):
    with pytest.raises(BudgetExceeded, match="cannot be kept: what m costs in USD is not known"):
        batch.run(workers=1, budget=Budget(money=10))
    assert len(batch.wire.seen) == 1


def test_the_budget_of_the_kernel_ends_a_run_too(batch):
    batch.client.ledger.budget = Budget(tokens=50)
    with pytest.raises(BudgetExceeded, match="The budget of 50 tokens is used up"):
        batch.run(workers=2)
    assert len(batch.outcomes) == len(batch.wire.seen) <= 6


def test_a_wrong_key_is_one_error_and_not_one_a_row(batch):
    batch.wire.answers(error(401))
    with pytest.raises(AuthError):
        batch.run(workers=4)
    assert len(batch.wire.seen) <= 4
    assert batch.outcomes == []


def test_a_row_that_the_server_does_not_take_is_that_rows_failure(batch):
    batch.wire.answers(*[echo] * 5, error(400, "too long"), echo)
    batch.run(workers=1)
    failed = [outcome for outcome in batch.outcomes if not outcome.ok]
    assert [(outcome.status, outcome.error_kind) for outcome in failed] == [("failed", "BadRequest")]
    assert len(batch.outcomes) == 40


def test_retries_and_repairs_of_a_row_are_six_requests_at_most(wire):
    batch = Batch(wire, rows=3)
    wire.answers(*[error(503), unary("no json"), error(429)] * 30)
    batch.run(workers=1)
    assert all(outcome.attempts <= 6 for outcome in batch.outcomes)
    assert len(wire.seen) == sum(outcome.attempts for outcome in batch.outcomes)


def test_the_batch_gives_back_what_its_retries_took_when_they_succeed(wire):
    wire.answers(*[error(503), echo] * 30)
    batch, retries = Batch(wire, rows=20), RetryBudget()
    batch.run(workers=1, retries=retries)
    assert {outcome.attempts for outcome in batch.outcomes} == {2}
    assert retries.left == RetryBudget().left


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (2, 3), (9, 6)])
def test_a_client_that_is_told_how_often_to_retry_sends_no_request_more_often(wire, retries, requests):
    batch = Batch(wire, rows=1, retries=retries)
    wire.answers(*[error(503)] * 30)
    batch.run(workers=1)
    assert [(outcome.status, outcome.attempts) for outcome in batch.outcomes] == [("failed", requests)]
    assert len(wire.seen) == requests


def test_a_client_that_is_told_not_to_retry_has_answers_repaired_and_learns_what_the_gateway_takes(wire):
    batch = Batch(wire, rows=3, retries=0)
    wire.answers(error(400, "Unknown name responseJsonSchema"), unary("no json"), echo)
    batch.run(workers=1)
    assert [(outcome.status, outcome.attempts) for outcome in batch.outcomes] == [("ok", 3), ("ok", 1), ("ok", 1)]
    assert ["responseSchema" in seen.json()["generationConfig"] for seen in wire.seen] == [False, *[True] * 4]


def test_a_limit_that_the_gateway_has_stated_is_not_exceeded(wire):
    batch = Batch(wire, rows=1)
    remember(batch.client.profile, Capabilities(model="m", limits={"answer tokens": "1,200"}))
    batch.job = replace(batch.job, config={"max_output_tokens": 1_000})
    wire.answers(unary("{", "MAX_TOKENS"), echo)
    batch.run(workers=1)
    assert [seen.json()["generationConfig"]["maxOutputTokens"] for seen in wire.seen] == [1_000, 1_200]


def test_other_models_are_not_asked_in_the_middle_of_a_batch(wire):
    wire.answers(error(503), echo)
    batch = Batch(wire, rows=5, fallback=("other",))
    batch.run(workers=1)
    assert not [seen for seen in wire.seen if "other" in seen.target]


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": 65}, {"rpm": 0}, {"tpm": -1}, {"max_attempts": 0}])
def test_limits_that_are_none_are_refused(batch, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        AsyncioEngine(batch.client, **options)


def test_64_workers_are_not_too_many(batch):
    AsyncioEngine(batch.client, workers=64)


def test_what_is_awaited_in_the_background_sees_the_callers_context():
    variable = contextvars.ContextVar("variable", default="")

    async def look():
        return variable.get()

    variable.set("here")
    assert background().submit(look()).result(5) == "here"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_loop_of_its_own(batch):
    batch.run(workers=2)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            batch.outcomes.clear()
            batch.run(workers=2)
            os.write(writing, b"%d" % len(batch.outcomes))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"40"
    os.waitpid(child, 0)
    batch.outcomes.clear()
    batch.run(workers=2)
    assert len(batch.outcomes) == 40


def test_the_awaited_twin_of_a_client_sends_the_same_key_and_shows_it_as_little(batch):
    twin = batch.client.to_async()
    assert asyncio.run(twin.generate("row 1")).text == '{"name": "row 1"}'
    assert batch.wire.seen[0].header("authorization") == "Bearer a-key-that-is-long-enough"
    assert "long-enough" not in repr(twin)
    assert (twin.model, twin.ledger, twin.clock) == ("m", batch.client.ledger, batch.client.clock)


def test_the_awaited_twin_of_a_client_asks_its_cache_first(batch, tmp_path):
    with contextlib.closing(AnswerCache(tmp_path / "answers.sqlite")) as cache:
        batch.client = batch.client.with_shelf(cache)
        batch.run()
        batch.outcomes.clear()
        batch.run()
    assert len(batch.outcomes) == len(batch.wire.seen) == 40
