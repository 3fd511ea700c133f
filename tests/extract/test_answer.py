"""One task's way to its outcome, over both clients, with every request counted."""

from __future__ import annotations

import asyncio
import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, field_validator
from wire_server import FakeClock, Say, error, unary

from gemini_magic.client import AsyncClient, Client
from gemini_magic.client.capabilities import known, learn
from gemini_magic.client.retry import KERNEL_BUDGET, RetryBudget
from gemini_magic.client.tape import Recorder, Replayer, Tape
from gemini_magic.exceptions import BudgetExceeded, RateLimited, ServerUnavailable
from gemini_magic.extract.answer import Answering, answer, answer_async
from gemini_magic.extract.job import Job
from gemini_magic.extract.repair import MAX_GROWTH, cut
from gemini_magic.ledger import Budget, Ledger
from gemini_magic.reply import Reply
from gemini_magic.schemas import schema_of
from gemini_magic.wire import GenerateContentResponse, Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
ADA = '{"name": "Ada", "age": 36}'
WRONG = '{"name": "Ada", "age": "many"}'
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 17}
UNKNOWN_FIELD = (
    "Invalid JSON payload received. Unknown name \"responseJsonSchema\" at 'generation_config': Cannot find field."
)
UNKNOWN_KEYWORD = (
    'Invalid JSON payload received. Unknown name "const" at '
    "'generation_config.response_json_schema.properties[0].value': Cannot find field."
)


class _Driver:
    """Answers tasks over a client of its kind."""

    kind: Any

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._clients: list[Any] = []

    def client(self, url: str, **options: Any) -> Any:
        given = {"model": "test-model", "clock": self.clock, "ledger": Ledger(), **options}
        self._clients.append(self.kind(url, **given))
        return self._clients[-1]


class SyncDriver(_Driver):
    kind = Client

    def answer(self, client, job, task, **options):
        return answer(client, job, task, **options)

    def answers(self, client, job, tasks):
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda task: answer(client, job, task), tasks))

    def close(self) -> None:
        for client in self._clients:
            client.close()


class AsyncDriver(_Driver):
    kind = AsyncClient

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()

    def answer(self, client, job, task, **options):
        return self._runner.run(answer_async(client, job, task, **options))

    def answers(self, client, job, tasks):
        async def all_of_them():
            return await asyncio.gather(*(answer_async(client, job, task) for task in tasks))

        return self._runner.run(all_of_them())

    def close(self) -> None:
        for client in self._clients:
            self._runner.run(client.aclose())
        self._runner.close()


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request) -> Iterator[SyncDriver | AsyncDriver]:
    driver = request.param()
    yield driver
    driver.close()


@pytest.fixture(autouse=True)
def full_budget(monkeypatch):
    """Every test begins with a kernel whose calls have not failed yet."""
    monkeypatch.setattr(KERNEL_BUDGET, "_left", RetryBudget().left)


@pytest.fixture
def ask(driver, wire):
    """Ask one task; the server gives these answers."""

    def asked(*says: Any, text: str = "Ada, 36 years old", client=None, options=None, **changes: Any):
        wire.answers(*says)
        job = job_of(**changes)
        client = client or driver.client(wire.url)
        return driver.answer(client, job, job.task([Part(text=text)], 0), **(options or {}))

    return asked


def job_of(**changes):
    return Job(**{"schema": schema_of(PERSON), "model": "test-model", **changes})


def config_of(seen):
    return seen.json()["generationConfig"]


def blocked_prompt(reason="SAFETY"):
    return Say([json.dumps({"promptFeedback": {"blockReason": reason}, "usageMetadata": USAGE}).encode()])


# An answer at once


def test_a_good_answer_is_one_request_and_a_plain_value(ask, wire):
    outcome = ask(unary(ADA, usageMetadata=USAGE, modelVersion="test-model-001"))
    assert outcome.ok
    assert outcome.value == {"name": "Ada", "age": 36}
    assert (outcome.attempts, len(wire.seen)) == (1, 1)
    assert (outcome.prompt_tokens, outcome.answer_tokens, outcome.total_tokens) == (10, 7, 17)
    assert outcome.model == "test-model-001"
    assert outcome.raw == ADA
    assert (outcome.error, outcome.error_kind) == ("", "")
    assert outcome.key == job_of().key_of([Part(text="Ada, 36 years old")])


def test_the_request_is_what_the_job_says_and_nothing_else(ask, wire):
    ask(
        unary(ADA),
        system="Be short.",
        config={"temperature": 0.5, "max_output_tokens": 99},
        extra={"labels": {"a": "b"}},
    )
    (seen,) = wire.seen
    assert seen.path.endswith("/models/test-model:generateContent")
    body = seen.json()
    assert body.pop("contents") == [{"parts": [{"text": "Ada, 36 years old"}], "role": "user"}]
    config = body.pop("generationConfig")
    assert config.pop("responseMimeType") == "application/json"
    assert config.pop("responseJsonSchema")["properties"].keys() == {"name", "age"}
    assert config == {"temperature": 0.5, "maxOutputTokens": 99}
    assert body == {"systemInstruction": {"parts": [{"text": "Be short."}]}, "labels": {"a": "b"}}


def test_a_gateway_that_counts_no_tokens_leaves_them_unknown(ask):
    outcome = ask(unary(ADA))
    assert (outcome.prompt_tokens, outcome.answer_tokens, outcome.total_tokens) == (None, None, None)


# Repair


def test_an_answer_that_is_no_person_is_repaired_in_one_request(ask, wire):
    outcome = ask(unary(WRONG, usageMetadata=USAGE), unary(ADA, usageMetadata=USAGE))
    assert outcome.value == {"name": "Ada", "age": 36}
    assert (outcome.attempts, len(wire.seen)) == (2, 2)
    assert outcome.total_tokens == 34
    first, second = (seen.json() for seen in wire.seen)
    assert second["contents"][0] == first["contents"][0]
    assert [content["role"] for content in second["contents"]] == ["user", "model", "user"]
    assert second["contents"][1]["parts"] == [{"text": WRONG}]
    assert "age" in second["contents"][2]["parts"][0]["text"]
    assert second["generationConfig"] == first["generationConfig"]


def test_an_answer_that_stays_wrong_is_two_requests_and_invalid(ask, wire):
    outcome = ask(unary(WRONG))
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("invalid", "SchemaMismatch", 2)
    assert outcome.attempts == 2
    assert outcome.value is None
    assert "age" in outcome.error
    assert outcome.raw == WRONG


def test_without_repairs_a_wrong_answer_is_one_request(ask, wire):
    outcome = ask(unary("no JSON"), options={"repairs": 0})
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("invalid", "InvalidJSON", 1)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "   ",
        "no JSON at all",
        "x" * 300_000,
        '"\\' * 50_000,
        "\U0001f600" * 2_000,
        "\x01" * 5_000,
        "é" * 1_100,
        json.dumps({"name": "Ada", "age": "z" * 9_000}),
        json.dumps({"name" * 600: "\n" * 600, "age": 1}),
    ],
    ids=range(10),
)
def test_a_repair_grows_the_request_by_two_kilobytes_at_most(ask, wire, said):
    outcome = ask(unary(said), unary(ADA))
    assert outcome.ok
    first, second = wire.seen
    assert 0 < len(second.body) - len(first.body) <= MAX_GROWTH
    turns = second.json()["contents"]
    assert turns[1]["parts"][0]["text"].strip()


def test_a_second_repair_grows_no_further(ask, wire):
    outcome = ask(unary("x" * 9_000), options={"repairs": 3})
    assert (outcome.status, len(wire.seen)) == ("invalid", 4)
    sizes = [len(seen.body) for seen in wire.seen]
    assert max(sizes) - sizes[0] <= MAX_GROWTH


def test_both_ends_of_a_long_answer_are_kept():
    text = cut("begin" + "x" * 9_000 + "end", 500)
    assert text.startswith("begin")
    assert text.endswith("end")
    assert len(text.encode()) <= 500
    assert cut("as it is", 500) == "as it is"


class Careless(BaseModel):
    """A model of somebody's whose validator fails in its own way."""

    name: str

    @field_validator("name")
    @classmethod
    def fails(cls, name: str) -> str:
        """Divide by the number of letters that are no letters."""
        return name * (1 // (len(name) - len(name)))


class Broken:
    """No schema of ours, but used as one."""

    json_schema = PERSON

    def config(self, *, form="json"):
        return schema_of(PERSON).config(form=form)

    def read(self, text):
        raise ZeroDivisionError(text[:4])

    def plain(self, value):
        return value


@pytest.mark.parametrize("schema", [schema_of(Careless), Broken()], ids=["model", "other"])
def test_a_validator_that_raises_anything_is_an_answer_that_is_invalid(ask, wire, schema):
    outcome = ask(unary(ADA), schema=schema)
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("invalid", "SchemaMismatch", 2)
    assert "ZeroDivisionError" in outcome.error


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (f"```json\n{ADA}\n```", "ok"),
        (f"{ADA}\n\nI hope this helps.", "ok"),
        (f"Here it is: {ADA}", "ok"),
        ('{"name": "Ada", "age": 36.0}', "ok"),
        ('{"name": "Ada", "age": "36"}', "ok"),
        ('{"name": "Ada", "age": 36, "more": 1}', "ok"),
        ('{"name": "Ada", "age": true}', "invalid"),
        ('{"name": "Ada", "age": 36.5}', "invalid"),
        ('{"name": "Ada", "age": NaN}', "invalid"),
        ('{"name": "Ada", "age": 1, "age": 2}', "invalid"),
        ('{"name": "Ada"}', "invalid"),
        ("null", "invalid"),
        ("", "invalid"),
        (f"[{ADA}, {ADA}]", "invalid"),
        ("I cannot do that.", "invalid"),
    ],
)
def test_an_odd_answer_is_a_value_at_once_or_invalid_after_one_repair(ask, wire, said, status):
    outcome = ask(unary(said))
    assert outcome.status == status
    assert outcome.attempts == len(wire.seen) == (1 if status == "ok" else 2)
    assert outcome.value == ({"name": "Ada", "age": 36} if status == "ok" else None)


# One budget of requests


def test_retries_and_repairs_share_six_requests(ask, wire):
    outcome = ask(*(say for _ in range(9) for say in (error(503), unary(WRONG))), options={"repairs": 9})
    assert (outcome.attempts, len(wire.seen)) == (6, 6)
    assert outcome.status == "invalid"


@pytest.mark.parametrize("most", [1, 2, 3, 6, 9])
def test_an_answer_that_is_always_invalid_never_takes_more_requests_than_allowed(ask, wire, most):
    outcome = ask(unary(WRONG), options={"repairs": 50, "max_attempts": most})
    assert (outcome.status, outcome.attempts, len(wire.seen)) == ("invalid", most, most)


@pytest.mark.parametrize("most", [1, 2, 5, 6])
def test_a_server_that_always_fails_is_asked_so_often_and_no_more(ask, wire, most):
    outcome = ask(error(503, "overloaded"), options={"max_attempts": most})
    assert (outcome.status, outcome.error_kind) == ("failed", "ServerUnavailable")
    assert (outcome.attempts, len(wire.seen)) == (most, most)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 6, 7])
def test_fallback_models_are_counted_too(ask, wire, driver, most):
    client = driver.client(wire.url, fallback=["second", "third"])
    outcome = ask(error(503), client=client, options={"max_attempts": most})
    assert outcome.attempts == len(wire.seen) <= most


def test_a_client_that_is_told_not_to_retry_does_not(ask, wire, driver):
    outcome = ask(error(503), client=driver.client(wire.url, retries=0))
    assert (outcome.attempts, len(wire.seen)) == (1, 1)


def test_a_repair_that_the_server_fails_is_failed_and_keeps_what_was_said(ask, wire):
    outcome = ask(unary(WRONG), error(400, "no"))
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("failed", "BadRequest", 2)
    assert outcome.raw == WRONG


def test_no_error_of_the_wire_is_ever_put_into_a_prompt(ask, wire):
    outcome = ask(
        error(429, "RateLimitError: RateLimited, slow down", "RATE_LIMIT_EXCEEDED"),
        unary("no JSON"),
        error(429, "RateLimitError: RateLimited, slow down", "RATE_LIMIT_EXCEEDED"),
        error(503, "RateLimit of the upstream"),
        unary(ADA),
    )
    assert outcome.ok
    assert (outcome.attempts, len(wire.seen)) == (5, 5)
    for seen in wire.seen:
        assert b"ratelimit" not in seen.body.lower()
        assert b"slow down" not in seen.body


# The token limit


def test_a_limit_that_was_set_is_doubled_once_and_nothing_is_appended(ask, wire):
    outcome = ask(unary('{"name": "A', "MAX_TOKENS"), unary(ADA), config={"maxOutputTokens": 100})
    assert outcome.ok
    assert [config_of(seen)["maxOutputTokens"] for seen in wire.seen] == [100, 200]
    first, second = (seen.json() for seen in wire.seen)
    assert first["contents"] == second["contents"]


def test_an_answer_that_stops_at_the_raised_limit_too_is_truncated(ask, wire):
    outcome = ask(unary('{"name": "A', "MAX_TOKENS", usageMetadata=USAGE), config={"maxOutputTokens": 100})
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("truncated", "AnswerTruncated", 2)
    assert "200 tokens" in outcome.error
    assert outcome.raw == '{"name": "A'
    assert outcome.total_tokens == 34


def test_the_servers_own_limit_is_doubled_when_the_answer_tells_it(ask, wire):
    outcome = ask(unary("{", "MAX_TOKENS", usageMetadata=USAGE), unary(ADA))
    assert outcome.ok
    assert "maxOutputTokens" not in config_of(wire.seen[0])
    assert config_of(wire.seen[1])["maxOutputTokens"] == 14


def test_without_any_known_limit_nothing_is_asked_again(ask, wire):
    assert ask(unary("{", "MAX_TOKENS")).status == "truncated"
    assert len(wire.seen) == 1


@pytest.mark.parametrize(("most", "sent"), [(150, [100, 150]), (100, [100]), (50, [100]), (1_000, [100, 200])])
def test_the_limit_is_raised_no_further_than_the_model_goes(ask, wire, most, sent):
    outcome = ask(unary("{", "MAX_TOKENS"), config={"maxOutputTokens": 100}, options={"output_limit": most})
    assert outcome.status == "truncated"
    assert [config_of(seen)["maxOutputTokens"] for seen in wire.seen] == sent


def test_a_raised_limit_that_the_server_refuses_is_a_truncated_answer(ask, wire):
    refused = error(400, "max_output_tokens must be between 1 and 8192", "INVALID_ARGUMENT")
    outcome = ask(unary("{", "MAX_TOKENS"), refused, config={"maxOutputTokens": 8192})
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("truncated", "AnswerTruncated", 2)


def test_a_limit_among_the_extra_fields_is_raised_there(ask, wire):
    extra = {"generationConfig": {"maxOutputTokens": 10, "topK": 3}}
    ask(unary("{", "MAX_TOKENS"), unary(ADA), extra=extra)
    assert [config_of(seen)["maxOutputTokens"] for seen in wire.seen] == [10, 20]
    assert [config_of(seen)["topK"] for seen in wire.seen] == [3, 3]
    assert extra["generationConfig"]["maxOutputTokens"] == 10


def test_a_repair_that_stops_at_the_limit_gets_more_room_too(ask, wire):
    outcome = ask(unary(WRONG), unary("{", "MAX_TOKENS"), unary(ADA), config={"maxOutputTokens": 100})
    assert outcome.ok
    assert [config_of(seen)["maxOutputTokens"] for seen in wire.seen] == [100, 100, 200]
    assert wire.seen[1].json()["contents"] == wire.seen[2].json()["contents"]


def test_an_answer_at_the_limit_is_truncated_even_when_it_looks_whole(ask):
    assert ask(unary("12", "MAX_TOKENS"), schema=schema_of(int)).status == "truncated"


# Blocks and other ends


def test_a_blocked_prompt_is_one_request(ask, wire):
    outcome = ask(blocked_prompt())
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("blocked", "Blocked", 1)
    assert outcome.error == "The prompt was blocked (SAFETY)."
    assert outcome.prompt_tokens == 10


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII"])
def test_a_blocked_answer_is_one_request(ask, wire, reason):
    outcome = ask(unary(ADA, reason))
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("blocked", "Blocked", 1)
    assert reason in outcome.error


@pytest.mark.parametrize("reason", ["MALFORMED_RESPONSE", "OTHER", "UNEXPECTED_TOOL_CALL"])
def test_an_end_that_may_go_away_is_asked_for_again(ask, wire, reason):
    assert ask(unary("", reason), unary("", reason), unary(ADA)).ok
    assert len(wire.seen) == 3
    assert len({seen.body for seen in wire.seen}) == 1


def test_an_end_that_does_not_go_away_takes_no_more_requests_than_allowed(ask, wire):
    outcome = ask(unary("", "OTHER"))
    assert (outcome.status, outcome.error_kind) == ("failed", "InvalidAnswer")
    assert (outcome.attempts, len(wire.seen)) == (6, 6)
    assert "OTHER" in outcome.error


def test_an_end_that_will_not_go_away_is_one_request(ask, wire):
    assert ask(unary("", "MISSING_THOUGHT_SIGNATURE")).status == "failed"
    assert len(wire.seen) == 1


def test_a_finish_reason_of_tomorrow_is_no_reason_to_refuse_an_answer(ask):
    assert ask(unary(ADA, "SOMETHING_NEW")).ok


def test_a_used_up_quota_is_one_request(ask, wire):
    spent = error(429, "Quota exceeded", "RESOURCE_EXHAUSTED", {"violations": [{"quotaId": "RequestsPerDay"}]})
    outcome = ask(spent)
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("failed", "QuotaExhausted", 1)


def test_a_budget_that_is_used_up_ends_the_job_and_not_the_row(ask, wire, driver):
    ledger = Ledger()
    ledger.budget = Budget(tokens=10)
    client = driver.client(wire.url, ledger=ledger)
    assert ask(unary(ADA, usageMetadata=USAGE), client=client).ok
    with pytest.raises(BudgetExceeded):
        ask(unary(ADA), client=client)
    assert len(wire.seen) == 1


# The form of the schema


def test_a_gateway_without_the_newer_field_gets_the_older_and_is_remembered(ask, wire, driver):
    client = driver.client(wire.url)
    outcome = ask(error(400, UNKNOWN_FIELD, "INVALID_ARGUMENT"), unary(ADA), client=client)
    assert outcome.ok
    assert outcome.attempts == 2
    assert ["responseJsonSchema" in config_of(seen) for seen in wire.seen] == [True, False]
    assert config_of(wire.seen[1])["responseSchema"]["type"] == "OBJECT"
    assert known(client.profile).json_schema == "responseSchema"
    assert ask(unary(ADA), client=client).attempts == 1
    assert "responseSchema" in config_of(wire.seen[-1])


def test_a_gateway_that_is_known_to_want_the_older_field_is_never_asked_with_the_newer(ask, wire, driver):
    client = driver.client(wire.url)
    learn(client.profile, json_schema="responseSchema")
    assert ask(unary(ADA), client=client).ok
    learn(client.profile, json_schema="responseJsonSchema")
    assert ask(unary(ADA), client=client).ok
    assert ["responseSchema" in config_of(seen) for seen in wire.seen] == [True, False]


def test_a_keyword_that_is_refused_says_nothing_about_the_gateway(ask, wire, driver):
    client = driver.client(wire.url)
    assert ask(error(400, UNKNOWN_KEYWORD, "INVALID_ARGUMENT"), unary(ADA), client=client).ok
    assert len(wire.seen) == 2
    assert known(client.profile) is None


def test_a_field_that_is_named_in_the_details_is_refused_too(ask, wire):
    details = {"fieldViolations": [{"field": "generation_config.response_json_schema", "description": "no such"}]}
    assert ask(error(400, "Invalid argument", "INVALID_ARGUMENT", details), unary(ADA)).ok
    assert len(wire.seen) == 2


def test_a_request_that_is_refused_for_something_else_is_one_request(ask, wire):
    outcome = ask(error(400, "The input token count exceeds the maximum", "INVALID_ARGUMENT"))
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("failed", "BadRequest", 1)


def test_a_gateway_without_either_field_is_asked_twice_and_not_remembered(ask, wire, driver):
    client = driver.client(wire.url)
    outcome = ask(error(400, "Unknown name responseJsonSchema or responseSchema"), client=client)
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("failed", "BadRequest", 2)
    assert known(client.profile) is None


def test_a_schema_that_has_no_older_form_fails_with_the_reason(ask, wire):
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = schema_of({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    outcome = ask(error(400, UNKNOWN_FIELD), unary("{}"), schema=schema)
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("failed", "SchemaError", 1)


# Cut answers


def reply_of(text, finish="STOP"):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish, "index": 0}
    return Reply.from_response(GenerateContentResponse.model_validate({"candidates": [candidate]}))


def outcome_of(job, text, finish="STOP"):
    answering = Answering(job, job.task([Part(text="who?")], 0), repairs=0)
    assert answering.took(reply_of(text, finish))
    return answering.outcome()


COMPANY = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "employer": {"type": "object", "properties": {"company_name": {"type": "string"}}},
    },
}
#: Also with values whose beginnings would be values.
LONG = '{"name": "Bób, \\"B\\"", "employer": {"company_name": "TechCorp"}, "years": [1, 22, 333], "score": 1.25}'


@pytest.mark.parametrize("text", ['{"name":"Bob","employer":{"company_name":"TechCorp"}}', LONG])
def test_an_answer_cut_at_any_byte_is_never_taken_for_a_value(text):
    job = job_of(schema=schema_of(COMPANY))
    whole = text.encode()
    for end in range(len(whole)):
        piece = whole[:end].decode(errors="replace")
        assert outcome_of(job, piece).status == "invalid", piece
        assert outcome_of(job, piece, "MAX_TOKENS").status == "truncated"
    assert outcome_of(job, text).ok


def test_a_list_cut_at_any_byte_is_never_taken_for_a_shorter_list():
    job = job_of(schema=schema_of(PERSON, is_list=True))
    text = f"[{ADA}, {ADA}, {ADA}]"
    for end in range(len(text)):
        assert outcome_of(job, text[:end]).status == "invalid", text[:end]
    assert len(outcome_of(job, text).value) == 3


def test_a_body_cut_at_any_byte_is_never_a_value(driver, wire):
    body = unary(ADA).pieces[0]
    client = driver.client(wire.url, retries=0)
    job = job_of()
    for end in range(0, len(body), 7):
        wire.answers(Say([body[:end]]))
        outcome = driver.answer(client, job, job.task([Part(text="who?")], 0))
        assert outcome.status == "failed", body[:end]
        assert outcome.value is None


# Many at once


def test_every_answer_goes_to_the_row_that_asked_for_it(driver, wire):
    chance = random.Random(7)  # noqa: S311 - no secret
    fates = [chance.choice(["ok", "ok", "wrong", "503"]) for _ in range(400)]

    def echo(seen):
        said = seen.json()["contents"][0]["parts"][0]["text"]
        match fates.pop():
            case "503":
                return error(503)
            case "wrong":
                return unary(f'{{"id": "{said}x"}}')
        return unary(json.dumps({"id": int(said)}))

    wire.answers(echo)
    schema = schema_of({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]})
    job = job_of(schema=schema)
    tasks = [job.task([Part(text=str(number))], number) for number in range(40)]
    outcomes = driver.answers(driver.client(wire.url), job, tasks)
    assert [outcome.key for outcome in outcomes] == [task.key for task in tasks]
    for task, outcome in zip(tasks, outcomes, strict=True):
        assert outcome.value in ({"id": task.number}, None)
        assert outcome.attempts <= 6
    assert sum(outcome.ok for outcome in outcomes) >= 30
    assert sum(outcome.attempts for outcome in outcomes) == len(wire.seen)


# Whoever sends one request at a time


def test_whoever_sends_each_request_alone_is_told_when_to_send_again():
    job = job_of()
    answering = Answering(job, job.task([Part(text="who?")], 0), resend=True, max_attempts=4)
    for failure in (RateLimited("slow", status=429), ServerUnavailable("down", status=503)):
        failure.attempts = 1
        contents, _ = answering.request()
        assert not answering.failed(failure)
        assert answering.request()[0] == contents
    assert not answering.took(reply_of(WRONG))
    assert (answering.attempts, answering.left) == (3, 1)
    assert answering.failed(failure)
    outcome = answering.outcome()
    assert (outcome.status, outcome.attempts, outcome.error_kind) == ("failed", 4, "ServerUnavailable")


@pytest.mark.parametrize("resend", [True, False])
def test_a_tape_that_always_answers_the_same_comes_to_an_end(resend):
    job = job_of()
    answering = Answering(job, job.task([Part(text="who?")], 0), resend=resend)
    again = replace(reply_of("", "OTHER"), attempts=0)
    rounds = 1
    while not answering.took(again):
        rounds += 1
    assert (rounds, answering.attempts, answering.left) == (6, 0, 0)
    answering = Answering(job, job.task([Part(text="who?")], 0), resend=resend)
    rounds = 1
    while not answering.failed(RateLimited("slow", status=429)):
        rounds += 1
    assert rounds == (6 if resend else 1)


def test_a_tape_answers_a_task_without_a_request(driver, wire, tmp_path):
    tape = Tape(tmp_path / "tape.jsonl")
    wire.answers(unary(WRONG), unary(ADA))
    job = job_of()
    task = job.task([Part(text="who?")], 0)
    first = driver.answer(driver.client(wire.url).with_shelf(Recorder(tape)), job, task)
    again = driver.answer(driver.client(wire.url).with_shelf(Replayer(tape)), job, task)
    assert (first.attempts, again.attempts, len(wire.seen)) == (2, 0, 2)
    assert again.value == first.value == {"name": "Ada", "age": 36}


def test_a_task_that_was_stopped_has_failed_with_what_it_took():
    job = job_of()
    answering = Answering(job, job.task([Part(text="who?")], 0))
    answering.took(reply_of(WRONG))
    outcome = answering.outcome()
    assert (outcome.status, outcome.attempts) == ("failed", 1)


# Recorded answers


def recorded(folder: Path, name: str, line: int | None) -> bytes:
    body = (folder / name).read_bytes()
    return body if line is None else json.dumps(json.loads(body.splitlines()[line])["response"]).encode()


@pytest.mark.parametrize(
    ("name", "line", "schema", "value"),
    [
        (
            "llm-gemini/test_nested_model_optional__1.array.json",
            None,
            COMPANY,
            {"name": "Bob", "employer": {"company_name": "TechCorp"}},
        ),
        (
            "prism/generate-structured-with-thoughts-1.json",
            None,
            {"type": "object", "properties": {"result": {"type": "string"}}},
            {"result": "Successfully extracted information"},
        ),
        (
            "gemini-cli/integration-tests_parallel-tools.responses.jsonl",
            0,
            {
                "type": "object",
                "properties": {"reasoning": {"type": "string"}, "model_choice": {"enum": ["flash", "pro"]}},
            },
            {"reasoning": "Simple task.", "model_choice": "flash"},
        ),
        (
            "gemini-cli/perf-tests_perf.long-chat.responses.jsonl",
            0,
            {
                "type": "object",
                "properties": {"complexity_reasoning": {"type": "string"}, "complexity_score": {"type": "integer"}},
            },
            {"complexity_reasoning": "simple", "complexity_score": 1},
        ),
        (
            "gemini-cli/perf-tests_perf.long-chat.responses.jsonl",
            2,
            {
                "type": "object",
                "properties": {
                    "originalSummary": {"type": "string"},
                    "events": {"type": "array", "items": {"type": "string"}},
                },
            },
            {"originalSummary": "large chat summary", "events": []},
        ),
        ("pydantic-ai/test_reasoning_wire_contract_google-gemini-25-disable__1.json", None, {"type": "integer"}, 4),
    ],
    ids=["llm-gemini", "prism", "gemini-cli 1", "gemini-cli 2", "gemini-cli 3", "pydantic-ai"],
)
def test_a_recorded_answer_ends_as_a_value(ask, recordings, name, line, schema, value):  # noqa: PLR0917 - columns
    outcome = ask(Say([recorded(recordings, name, line)]), schema=schema_of(schema))
    assert outcome.error == ""
    assert outcome.value == value
    assert outcome.attempts == 1


@pytest.mark.parametrize(
    "name", ["400-unknown-field.json", "400-function-response-count.json", "400-thought-signature-missing.json"]
)
def test_a_recorded_refusal_of_something_else_is_one_request(ask, wire, recordings, name):
    outcome = ask(Say([(recordings / "errors" / name).read_bytes()], status=400))
    assert (outcome.status, outcome.error_kind, len(wire.seen)) == ("failed", "BadRequest", 1)
