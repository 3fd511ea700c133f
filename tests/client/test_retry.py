"""When a call is tried again, after how long, and when not."""

from __future__ import annotations

import socket
import threading
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_server import FakeClock, Say, WireServer, answer, error, event, unary

from gemini_magic.client.retry import KERNEL_BUDGET, Attempts, RetryBudget, RetryPolicy, is_retryable
from gemini_magic.exceptions import (
    ApiError,
    BadRequest,
    ConnectFailed,
    ConnectionLost,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    ServerUnavailable,
    StreamTruncated,
    Timeout,
)
from gemini_magic.settings import Timeouts

SHORT = Timeouts(first_event=0.2, idle=0.2, total=60.0)


def _good(way):
    return answer("good ", "answer") if way == "stream" else unary("good answer")


FAULTS = {
    **{str(status): error(status) for status in (408, 429, 500, 502, 503, 504)},
    "reset": Say(status=None, ending="rst"),
    "closed": Say(status=None, ending="fin"),
    "reset-in-the-head": Say([b"HTTP/1.1 200 OK\r\ncontent-"], framing="raw", ending="rst"),
    "silence": Say(status=None, ending="hang"),
    "silence-after-the-head": Say(framing="chunked", ending="hang"),
    "closed-before-the-first-event": Say([b": ping\n\n"], framing="chunked", ending="rst"),
    "error-before-the-first-event": Say([b'data: {"error":{"code":503,"message":"no"}}\n\n']),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_is_tried_again_until_it_has_passed(fault, way, driver, wire):
    wire.answers(FAULTS[fault], FAULTS[fault], _good(way))
    reply = driver.attempt(way, driver.client(wire.url, timeout=SHORT)).reply
    assert (reply.text, reply.status) == ("good answer", "ok")
    assert reply.attempts == len(wire.seen) == 3
    assert len(driver.clock.slept) == 2
    assert len({seen.body for seen in wire.seen}) == 1


class _OpeningLate(FakeClock):
    """While it sleeps for the second time, somebody begins to listen."""

    def __init__(self, port: int, said: Say) -> None:
        super().__init__()
        self.port = port
        self.said = said
        self.server: WireServer | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 2:
            self.server = WireServer(self.port)
            self.server.answers(self.said)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_a_refused_connection_is_tried_again_until_somebody_listens(way, driver):
    clock = _OpeningLate(_free_port(), _good(way))
    reply = driver.attempt(way, driver.client(f"http://127.0.0.1:{clock.port}", clock=clock)).reply
    clock.server.close()
    assert (reply.text, reply.attempts) == ("good answer", 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 499, 501, 505])
def test_a_lasting_fault_is_not_tried_again(status, way, driver, wire):
    wire.answers(error(status))
    failure = driver.attempt(way, driver.client(wire.url)).error
    assert (failure.status, failure.attempts) == (status, 1)
    assert len(wire.seen) == 1
    assert driver.clock.slept == []


def test_a_fault_that_stays_is_given_up_after_four_requests(way, driver, wire):
    wire.answers(error(503))
    failure = driver.attempt(way, driver.client(wire.url)).error
    assert (type(failure), failure.attempts, len(wire.seen)) == (ServerUnavailable, 4, 4)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_number_of_retries_can_be_set(retries, way, driver, wire):
    wire.answers(error(500))
    driver.attempt(way, driver.client(wire.url, retries=retries))
    assert len(wire.seen) == retries + 1


def test_other_options_for_one_call_keep_the_connections(driver, wire):
    wire.answers(unary("a"), error(500))
    client = driver.client(wire.url)
    driver.generate(client)
    driver.try_generate(client.with_options(retries=1, timeout=5.0, model="other"))
    assert len(wire.seen) == 3
    assert wire.connections == 1
    assert "other" in wire.seen[-1].target


@pytest.mark.parametrize("call", ["count_tokens", "models"])
def test_other_calls_are_tried_again_too(call, driver, wire):
    wire.answers(error(503), error(429), Say([b'{"totalTokens":3,"models":[]}']))
    getattr(driver, call)(driver.client(wire.url))
    assert len(wire.seen) == 3


@pytest.mark.parametrize(
    ("said", "slept"),
    [
        (error(429, retry_after="2"), 2.0),
        (error(429, retry_after="0.5"), 0.5),
        (error(503, retry_after="119"), 119.0),
        (error(429, "no", "RESOURCE_EXHAUSTED", {"retryDelay": "37s"}), 37.0),
        (error(429, "no", "RESOURCE_EXHAUSTED", {"retryDelay": "37s"}, retry_after="3"), 37.0),
        (error(429, "Please retry in 5.25s."), 5.25),
        (error(429, date=formatdate(5e8, usegmt=True), retry_after=formatdate(5e8 + 30, usegmt=True)), 30.0),
    ],
)
def test_the_wait_that_the_server_names_is_kept(said, slept, way, driver, wire):
    wire.answers(said, _good(way))
    assert driver.attempt(way, driver.client(wire.url)).text == "good answer"
    assert driver.clock.slept == [pytest.approx(slept, abs=0.001)]


@pytest.mark.parametrize(
    "value", ["-5", "nan", "inf", "1e3", "9" * 40, "3s", "0", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"]
)
def test_a_senseless_wait_is_replaced_by_our_own(value, way, driver, wire):
    wire.answers(error(429, retry_after=value), _good(way))
    driver.attempt(way, driver.client(wire.url))
    assert 0.05 <= driver.clock.slept[0] <= 0.5


@pytest.mark.parametrize("seconds", ["121", "999999999"])
def test_a_wait_that_is_too_long_is_told_at_once(seconds, way, driver, wire):
    wire.answers(error(429, retry_after=seconds))
    failure = driver.attempt(way, driver.client(wire.url)).error
    assert type(failure) is RateLimited
    assert f"{int(seconds):,} seconds" in str(failure)
    assert (len(wire.seen), driver.clock.slept) == (1, [])


def test_a_wait_longer_than_what_is_left_of_the_call_is_told_at_once(way, driver, wire):
    wire.answers(error(429, retry_after="30"))
    failure = driver.attempt(way, driver.client(wire.url, timeout=20.0)).error
    assert type(failure) is RateLimited
    assert len(wire.seen) == 1


def test_a_quota_for_the_day_is_not_waited_for(way, driver, wire):
    wire.answers(error(429, "no", "RESOURCE_EXHAUSTED", {"violations": [{"quotaId": "RequestsPerDay"}]}))
    assert type(driver.attempt(way, driver.client(wire.url)).error) is QuotaExhausted
    assert len(wire.seen) == 1


def test_waits_grow_and_are_spread(driver, wire):
    wire.answers(error(503))
    driver.try_generate(driver.client(wire.url, retries=7))
    limits = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert all(0.05 <= slept <= limit for slept, limit in zip(driver.clock.slept, limits, strict=True))


def test_a_connection_that_broke_is_replaced_at_once(way, driver, wire):
    wire.answers(Say(status=None, ending="rst"), _good(way))
    assert driver.attempt(way, driver.client(wire.url)).text == "good answer"
    assert driver.clock.slept == [0.0]


BROKEN_OFF = {
    "closed": Say([event("some")], framing="chunked", ending="fin"),
    "chunks-not-ended": Say([event("some")], framing="close", headers={"transfer-encoding": "chunked"}),
    "length-not-reached": Say([event("some")], headers={"content-length": "9999"}, ending="fin"),
    "until-closed": Say([event("some")], framing="close"),
    "reset": Say([event("some")], framing="chunked", ending="rst"),
}


@pytest.mark.parametrize("fault", ["closed", "length-not-reached", "until-closed", "reset"])
def test_nothing_is_repeated_after_the_first_event(fault, driver, wire):
    wire.answers(BROKEN_OFF[fault], answer("other"))
    outcome = driver.try_stream(driver.client(wire.url))
    assert type(outcome.error) is StreamTruncated
    assert outcome.text == "some"
    assert outcome.error.attempts == len(wire.seen) == 1
    assert [event.text for event in outcome.events] == ["some"]


def test_an_error_of_the_server_after_the_first_event_is_not_repeated(driver, wire):
    wire.answers(Say([event("some") + b'data: {"error":{"code":503,"message":"no"}}\n\n'], framing="chunked"))
    outcome = driver.try_stream(driver.client(wire.url))
    assert type(outcome.error) is ServerUnavailable
    assert outcome.error.partial.text == "some"
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "broken", [Say([b'{"candi'], headers={"content-length": "90"}, ending=end) for end in ("fin", "rst")]
)
def test_a_whole_answer_that_broke_off_is_fetched_again(broken, driver, wire):
    wire.answers(broken, broken, unary("good answer"))
    assert driver.generate(driver.client(wire.url)).text == "good answer"
    assert len(wire.seen) == 3


def test_another_model_is_asked_when_this_one_fails(way, driver, wire):
    wire.answers(error(404), error(503), error(503), _good(way))
    client = driver.client(wire.url, model="first", fallback=["second", "third"], retries=1)
    reply = driver.attempt(way, client).reply
    assert [seen.path.rsplit("/")[-1].partition(":")[0] for seen in wire.seen] == ["first", "second", "second", "third"]
    assert (reply.text, reply.attempts, reply.requested_model) == ("good answer", 4, "third")
    assert reply.warnings == (
        "first did not answer (404); asking second instead.",
        "second did not answer (503); asking third instead.",
    )


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_another_model_does_not_help_against_an_error_of_ours(status, way, driver, wire):
    wire.answers(error(status))
    driver.attempt(way, driver.client(wire.url, fallback=["second"]))
    assert len(wire.seen) == 1


def test_the_last_models_error_is_told(way, driver, wire):
    wire.answers(error(404, "first is gone"), error(404, "second is gone"))
    failure = driver.attempt(way, driver.client(wire.url, fallback=["second"])).error
    assert (type(failure), failure.message, failure.attempts) == (NotFound, "second is gone", 2)


def test_another_model_is_not_asked_when_nobody_listens(way, driver):
    failure = driver.attempt(way, driver.client(f"http://127.0.0.1:{_free_port()}", fallback=["second"])).error
    assert (type(failure), failure.attempts) == (ConnectFailed, 4)


def test_tokens_are_not_counted_by_another_model(driver, wire):
    wire.answers(error(404))
    with pytest.raises(NotFound):
        driver.count_tokens(driver.client(wire.url, fallback=["second"]))
    assert len(wire.seen) == 1


def test_one_budget_is_shared_by_all_ways_of_all_clients(driver, wire, way):
    before = KERNEL_BUDGET.left
    wire.answers(error(503), _good(way))
    driver.attempt(way, driver.client(wire.url))
    assert KERNEL_BUDGET.left == before - 14 + 1


def test_an_outage_is_not_multiplied(driver, wire, way):
    wire.answers(error(503))
    client = driver.client(wire.url, retries=5)
    failures = [driver.attempt(way, client).error for _ in range(40)]
    assert len(wire.seen) == 40 + 500 // 14
    assert "too many calls" in str(failures[-1])
    assert failures[-1].attempts == 1


def _requests_of(error_class: type[ApiError], calls: int, attempts: int) -> int:
    policy = RetryPolicy(attempts, budget=RetryBudget())
    requests = 0
    for _ in range(calls):
        tries = Attempts(["m"], policy)
        try:
            while True:
                requests += 1
                tries.failed(error_class("no", status=503), 600.0)
        except ApiError:
            pass
    return requests


def test_two_thousand_failing_rows_cost_little_more_than_two_thousand_requests():
    assert _requests_of(ServerUnavailable, 2000, 6) <= 2050
    assert _requests_of(RateLimited, 2000, 6) <= 2101


def test_the_budget_holds_when_many_threads_use_it():
    budget = RetryBudget()
    taken: list[bool] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(budget.take(throttled=False) for _ in range(50))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), budget.left) == (35, 500 - 35 * 14)


errors = st.one_of(
    st.builds(
        lambda kind, status, delay: kind("no", status=status, retry_delay=delay),
        st.sampled_from([ServerUnavailable, RateLimited, QuotaExhausted, BadRequest, NotFound, PermissionDenied]),
        st.sampled_from([400, 404, 429, 500, 501, 503]),
        st.none() | st.floats(0.001, 1e9),
    ),
    st.builds(lambda phase: Timeout("no", phase=phase), st.sampled_from(["connect", "first event", "idle", "total"])),
    st.sampled_from([ConnectFailed, ConnectionLost, StreamTruncated]).map(lambda kind: kind("no")),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(errors, min_size=1, max_size=50), st.integers(1, 8), st.integers(1, 3), st.floats(0, 600))
def test_no_run_of_errors_breaks_the_limits(failures, attempts, models, left):
    budget = RetryBudget()
    tries = Attempts([f"m{number}" for number in range(models)], RetryPolicy(attempts, budget=budget))
    for failure in failures:
        try:
            delay = tries.failed(failure, left)
        except type(failure):
            break
        assert is_retryable(failure) or delay == 0.0
        assert 0 <= delay <= min(120.0, left)
        left -= delay
        assert 0 <= budget.left <= 500
    assert tries.number <= attempts * models
