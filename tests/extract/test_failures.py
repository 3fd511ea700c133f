"""When failures are no row's own, and when a run has to end."""

from __future__ import annotations

import pytest

from gemini_magic.exceptions import BadRequest, ConnectionLost, RateLimited, ServerUnavailable
from gemini_magic.extract.answer import Answering
from gemini_magic.extract.engines.failures import Failures
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Part


def down():
    return ServerUnavailable("down", status=503)


def test_what_two_rows_run_into_between_two_answers_is_no_rows_own():
    failures = Failures()
    failures.succeeded()
    failures.failed(down(), row="a")
    assert not failures.is_everybodys(down())
    failures.failed(down(), row="b")
    assert failures.is_everybodys(down())
    assert failures.is_everybodys(ConnectionLost("gone"))
    failures.succeeded()
    assert not failures.is_everybodys(down())


@pytest.mark.parametrize("error", [RateLimited("slow", status=429), BadRequest("no", status=400)])
def test_a_refusal_is_the_rows_own(error):
    failures = Failures()
    for row in "abc":
        failures.failed(down(), row=row)
    assert not failures.is_everybodys(error)


def test_rows_that_failed_while_others_were_answered_are_to_blame_themselves():
    failures = Failures()
    for row in "ab":
        failures.failed(down(), row=row)
        failures.succeeded()
    for _ in range(3):
        failures.failed(down(), row="a")
        failures.failed(down(), row="b")
        assert not failures.is_everybodys(down())


def test_a_row_that_has_ended_is_forgotten():
    failures = Failures()
    failures.failed(down(), row="a")
    failures.succeeded()
    failures.ended(Outcome("a", "ok"))
    failures.failed(down(), row="a")
    failures.failed(down(), row="b")
    assert failures.is_everybodys(down())


def test_twenty_failures_in_a_row_end_a_run_whoever_is_to_blame():
    failures = Failures()
    failures.succeeded()
    said = [failures.failed(down(), row=str(number % 2)) for number in range(20)]
    assert said == [""] * 19 + ["20 requests in a row have failed"]


def test_an_error_that_is_no_rows_own_costs_a_row_no_attempt_and_is_counted():
    job = Job(schema_of("name"), model="m")
    answering = Answering(job, job.task([Part(text="who?")], 0), resend=True, max_attempts=2)
    for _ in range(10):
        assert not answering.failed(down(), blameless=True)
    assert (answering.attempts, answering.left) == (0, 2)
    assert not answering.failed(down())
    assert answering.failed(down())


def test_an_error_that_is_no_rows_own_is_not_sent_more_often_than_the_user_says():
    job = Job(schema_of("name"), model="m")
    answering = Answering(job, job.task([Part(text="who?")], 0), resend=True, retries=1)
    assert not answering.failed(down(), blameless=True)
    assert answering.failed(down(), blameless=True)
