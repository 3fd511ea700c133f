"""What may be called in a batch, what a run with tools is taken for, and what it counts and keeps."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import cloudpickle
import pandas as pd
import pytest
from wire_server import FakeClock, error, unary

from gemini_magic.client import Client
from gemini_magic.client.capabilities import recalled
from gemini_magic.exceptions import BudgetExceeded, InputError, StoreMismatch
from gemini_magic.extract import compare, extract, run_of
from gemini_magic.extract.batch import prepare
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.outcomes import Outcomes
from gemini_magic.extract.store import Store
from gemini_magic.extract.tooling import for_pack
from gemini_magic.ledger import Ledger
from gemini_magic.schemas import schema_of
from gemini_magic.tools import tool
from gemini_magic.tools.tooling import Tooling

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA, PROMPT = "city, temp int", "Read: {{text}}"
DATA = pd.DataFrame({"text": ["Oslo 0", "Rome 0", "Oslo 0"]})
CALLS: list[str] = []
NOTED = {"step": 1, "name": "look_up", "args": {"city": "Oslo"}, "outcome": "ok", "seconds": 0.25}


@tool(read_only=True)
def look_up(city: str) -> int:
    """The temperature of a city."""
    CALLS.append(city)
    return len(city)


def write_down(city: str) -> str:
    CALLS.append(city)
    return city


def drop_all() -> None:
    CALLS.append("dropped")


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def job(**more: Any) -> Job:
    return Job(schema_of({"type": "object", "properties": {"a": {"type": "string"}}}), "{{text}}", "m", **more)


# Leave


def test_functions_that_would_have_to_ask_are_refused_before_anything_is_sent(calling: Any, client: Client) -> None:
    with pytest.raises(InputError) as caught:
        extract(DATA, SCHEMA, PROMPT, client=client, tools=[look_up, write_down, drop_all])
    words = str(caught.value)
    assert "write_down and drop_all" in words
    assert "look_up" not in words
    assert "read_only=True" in words
    assert "approve='always'" in words
    assert (calling.requests, CALLS) == (0, [])


@pytest.mark.parametrize(
    ("given", "approve"),
    [(tool(name="look_up")(write_down), "always"), (tool(name="look_up", approve="always")(write_down), None)],
)
def test_leave_that_is_given_beforehand_is_leave(calling: Any, client: Client, given: Any, approve: str | None) -> None:
    calling.scripts["Oslo"] = lambda results: (
        {"city": results[0]["response"]["result"], "temp": 1}
        if results
        else [{"functionCall": {"name": "look_up", "args": {"city": "Oslo"}}}]
    )
    out = extract(DATA[:1], SCHEMA, PROMPT, client=client, tools=given, approve=approve)
    assert (out["city"].tolist(), CALLS) == (["Oslo"], ["Oslo"])


def test_a_function_with_a_rule_of_its_own_to_ask_is_refused_whatever_the_others_may(client: Client) -> None:
    asking = tool(approve="ask")(write_down)
    with pytest.raises(InputError, match="write_down"):
        prepare(DATA, SCHEMA, PROMPT, client=client, tools=asking, approve="always")


def test_where_nothing_may_run_the_model_is_told(calling: Any, client: Client) -> None:
    out = extract(DATA[:1], SCHEMA, PROMPT, client=client, tools=[look_up], approve="never")
    assert (out["temp"].tolist(), CALLS) == ([-1], [])
    assert [one["outcome"] for one in run_of(out).inspect(0).calls] == ["denied"]
    assert calling.requests == 2


@pytest.mark.parametrize("raw", [{"name": "f"}, {"functionDeclarations": [{"name": "f"}, {"name": "g"}]}])
def test_declarations_that_nobody_could_answer_are_refused(calling: Any, client: Client, raw: Any) -> None:
    with pytest.raises(InputError, match="without a function"):
        extract(DATA, SCHEMA, PROMPT, client=client, tools=raw)
    assert calling.requests == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tools": "look_up"}, "text"),
        ({"tools": [look_up, look_up]}, "Two functions"),
        ({"tools": look_up, "max_steps": 0}, "max_steps"),
        ({"tools": look_up, "approve": "maybe"}, "approve"),
        ({"tools": look_up, "tool_mode": "look_down"}, "look_down"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(
    calling: Any, client: Client, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        extract(DATA, SCHEMA, PROMPT, client=client, **options)
    assert calling.requests == 0


# Keys


def test_a_run_without_tools_has_the_keys_that_it_always_had() -> None:
    made = job(config={"temperature": 0}, system="be brief", origin="https://x.example", pack=2)
    assert made.digest == "4afd4515e69289ac0d5117362cb92e46d655aee08ea1d041c2ff275ec8b87eab"
    assert prepare([], SCHEMA, tools=[], client=Client("http://127.0.0.1:1", model="m")).job.tooling is None


def test_what_may_be_called_and_how_makes_another_job() -> None:
    several = [
        Tooling.of(None),
        Tooling.of(look_up),
        Tooling.of([look_up, {"googleSearch": {}}]),
        Tooling.of([{"googleSearch": {}}]),
        Tooling.of(look_up, max_steps=3),
        Tooling.of(look_up, tool_mode="any"),
        Tooling.of(look_up, tool_mode="look_up"),
        Tooling.of(look_up, approve="never"),
        Tooling.of(tool(read_only=True, description="Something else.")(look_up.function)),
    ]
    digests = {job(tooling=tooling).digest for tooling in several}
    assert len({job().digest, *digests}) == len(several) + 1
    assert job(tooling=Tooling.of(look_up, approve="always")).digest == job(tooling=several[1]).digest


def test_a_store_tells_that_the_tools_are_others(calling: Any, client: Client, tmp_path: Path) -> None:
    extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up, store=tmp_path / "s")
    with pytest.raises(StoreMismatch, match="tools: 'look_up"):
        extract(DATA, SCHEMA, PROMPT, client=client, store=tmp_path / "s")
    assert calling.requests == 4


def test_a_job_travels_with_its_functions() -> None:
    def nearby(city: str, radius: int = 5) -> str:
        return city * radius

    made = job(tooling=Tooling.of([look_up, tool(read_only=True)(nearby)], max_steps=2))
    twin: Job = pickle.loads(cloudpickle.dumps(made))  # noqa: S301 - our own bytes
    assert twin.digest == made.digest
    assert twin.tooling is not None
    assert twin.tooling.toolbox.functions["nearby"]("ab", 2) == "abab"


def test_several_rows_have_the_limits_of_as_many() -> None:
    made = for_pack(Tooling.of(look_up), 10)
    assert made is not None
    assert (made.limits.calls, made.limits.seconds, made.limits.rounds) == (160, 1200.0, 8)
    assert for_pack(None, 10) is None


# What is kept


def test_rows_that_are_answered_call_nothing_again(calling: Any, client: Client) -> None:
    faults = [error(400, "no")]
    calling.scripts["Rome"] = lambda results: (
        faults.pop()
        if faults
        else {"city": "Rome", "temp": 21}
        if results
        else [{"functionCall": {"name": "look_up", "args": {"city": "Rome"}}}]
    )
    first = extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up)
    assert (first["temp"].isna().tolist(), CALLS) == ([False, True, False], ["Oslo"])
    again = extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up)
    assert (again["temp"].tolist(), CALLS) == ([4, 21, 4], ["Oslo", "Rome"])
    assert calling.asked == {"Oslo": 2, "Rome": 3}


def test_a_row_can_be_looked_at_with_its_calls(calling: Any, client: Client) -> None:
    out = extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up)
    run = run_of(out)
    for one in (run, run_of(extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up))):
        seen = one.inspect(0)
        (noted,) = seen.calls
        assert {**noted, "seconds": 0.25} == NOTED
        assert "called: look_up {'city': 'Oslo'} → ok, " in str(seen)
    assert calling.requests == 4


def test_long_arguments_are_cut_where_they_are_kept(calling: Any, client: Client) -> None:
    calling.scripts["Oslo"] = lambda results: (
        {"city": "Oslo", "temp": 1}
        if results
        else [{"functionCall": {"name": "look_up", "args": {"city": "é" * 100_000}}}]
    )
    out = extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up)
    (noted,) = run_of(out).inspect(position=0).calls
    assert len(json.dumps(noted)) < 2_000
    assert noted["args"].startswith('{"city":')
    assert CALLS.count("é" * 100_000) == 1


def test_calls_are_left_to_a_store_that_has_them() -> None:
    made = Outcome("k", "ok", 1, calls=(NOTED,))
    for raw, kept in ((True, (NOTED,)), (False, ())):
        outcomes = Outcomes(raw=raw)
        outcomes.add(made)
        assert outcomes["k"].calls == kept


def test_a_store_keeps_calls_and_reads_answers_without_any(tmp_path: Path) -> None:
    made = [Outcome("a", "ok", 1, calls=(NOTED, {**NOTED, "step": 2})), Outcome("b", "ok", 2)]
    with Store.open(tmp_path / "s", job()) as store:
        for one in made:
            store.put(one)
    with Store.open(tmp_path / "s", job()) as store:
        assert list(store.outcomes()) == made
    assert (made[0].steps, made[1].steps) == (2, 0)


# What is counted


def test_usage_counts_every_request_and_calls_are_no_retries(calling: Any, client: Client) -> None:
    told: list[int] = []

    class Told:
        def begin(self, total: int | None) -> None: ...

        def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
            del done, failed, tokens
            told.append(retried)

        def finish(self, summary: object) -> None: ...

    out = extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up, progress=Told(), details=True)
    usage = run_of(out).usage
    assert (usage.requests, usage.total_tokens, usage.prompt_tokens) == (4, 60, 40)
    assert out["_tokens"].tolist() == [30, 30, 30]
    assert set(told) == {0}
    assert calling.requests == 4


def test_a_budget_counts_every_request(calling: Any, wire: Any) -> None:
    with Client(wire.url, "k" * 20, "m", clock=FakeClock(), ledger=Ledger()) as client:
        data = pd.DataFrame({"text": [f"Town{chr(97 + place)} 0" for place in range(20)]})
        with pytest.raises(BudgetExceeded):
            extract(data, SCHEMA, PROMPT, client=client, tools=look_up, budget=150, workers=1)
    assert calling.requests == 10


def test_an_estimate_reckons_with_rounds_of_calls(calling: Any, client: Client) -> None:
    data = pd.DataFrame({"text": [f"Town{chr(97 + place)} 0" for place in range(20)]})
    made = extract(data, SCHEMA, PROMPT, client=client, tools=look_up, estimate=True)
    assert (made.sampled, made.sample_tokens, made.requests, made.tokens.mean) == (5, 150, 30, 450)
    assert calling.requests == 10


# What a gateway refuses


@pytest.fixture
def picky(calling: Any) -> list[str]:
    """A gateway that does not know certain fields; the words of its refusals."""
    refusals: list[str] = []

    def answered(seen: Any) -> Any:
        text = seen.body.decode()
        for field, where in (("parametersJsonSchema", "tools[0]"), ("id", "contents[2].parts[0].function_response")):
            if (field != "id" and f'"{field}"' in text) or (field == "id" and '"functionResponse":{"id"' in text):
                refusals.append(field)
                words = f"Invalid JSON payload received. Unknown name \"{field}\" at '{where}': Cannot find field."
                return error(400, words, "INVALID_ARGUMENT")
        return calling(seen)

    calling.wire.answers(answered)
    return refusals


def test_what_a_gateway_refuses_once_is_said_otherwise_from_then_on(
    calling: Any, client: Client, picky: list[str]
) -> None:
    data = pd.DataFrame({"text": [f"Town{chr(97 + place)} 0" for place in range(12)]})
    out = extract(data, SCHEMA, PROMPT, client=client, tools=look_up, workers=1)
    assert out["temp"].tolist() == [5] * 12
    assert picky == ["parametersJsonSchema", "id"]
    assert len(CALLS) == 12
    assert recalled(client.profile).function_schema == "parameters"
    assert recalled(client.profile).function_ids is False
    assert calling.requests == 24


def test_other_refusals_are_the_rows_own(calling: Any, client: Client) -> None:
    calling.scripts["Oslo"] = lambda _: error(400, "Tool use is not for this model", "INVALID_ARGUMENT")
    out = extract(DATA, SCHEMA, PROMPT, client=client, tools=look_up, details=True)
    assert out["_status"].tolist() == ["failed", "ok", "failed"]
    assert "Tool use is not for this model" in out["_error"][0]


def test_a_comparison_takes_tools(calling: Any, client: Client) -> None:
    variants = {"one": {"model": "m"}, "other": {"model": "n"}}
    made = compare(DATA, SCHEMA, variants, prompt=PROMPT, client=client, tools=look_up)
    assert len(made.table) == 2
    assert calling.requests == 8


def test_an_answer_that_needs_no_call_takes_one_request(calling: Any, client: Client) -> None:
    calling.scripts["Oslo"] = lambda _: unary('{"city": "Oslo", "temp": 3}')
    out = extract(DATA[:1], SCHEMA, PROMPT, client=client, tools=look_up)
    assert (out["temp"].tolist(), calling.requests, CALLS) == ([3], 1, [])
