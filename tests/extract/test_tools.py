"""Functions that the model calls for each row, over real sockets."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from wire_server import Say, error, unary

from gemini_magic.client import Client as GeminiClient
from gemini_magic.exceptions import ToolError
from gemini_magic.extract import Interrupted, extract, run_of
from gemini_magic.extract.answer import answer, answer_async
from gemini_magic.extract.job import Job
from gemini_magic.schemas import schema_of
from gemini_magic.tools import tool
from gemini_magic.tools.tooling import Tooling
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gemini_magic.client import Client

SCHEMA, PROMPT = "city, temp int", "Read: {{text}}"
TEMPS = {"Oslo": 3, "Rome": 21, "Bern": 9, "Riga": -2}


def towns(count: int) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"Town{chr(97 + place)} {place}" for place in range(count)]})


def call(name: str, args: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args or {}, **more}}


class Known:
    """A function that counts its calls."""

    def __init__(self) -> None:
        self.called: Counter[str] = Counter()
        self.tool = tool(name="look_up", read_only=True)(self.look_up)

    def look_up(self, city: str) -> int:
        """The temperature of a city."""
        self.called[city] += 1
        return TEMPS[city]


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def ask(client: Client) -> Callable[..., pd.DataFrame]:
    def asked(*texts: str, **options: Any) -> pd.DataFrame:
        given = {"details": True, **options}
        frame: pd.DataFrame = extract(pd.DataFrame({"text": list(texts)}), SCHEMA, PROMPT, client=client, **given)
        return frame

    return asked


def test_a_function_is_called_for_each_row_and_its_result_is_in_the_answer(
    calling: Any, ask: Any, known: Known
) -> None:
    out = ask("Oslo 0", "Rome 0", tools=known.tool)
    assert out["temp"].tolist() == [3, 21]
    assert known.called == {"Oslo": 1, "Rome": 1}
    assert calling.asked == {"Oslo": 2, "Rome": 2}
    assert out["_attempts"].tolist() == [2, 2]


def test_what_the_model_said_goes_back_as_it_came_and_the_result_behind_it(
    calling: Any, ask: Any, known: Known
) -> None:
    ask("Oslo 0", tools=known.tool)
    first, second = calling.bodies("Oslo")
    (declared,) = first["tools"][0]["functionDeclarations"]
    assert (declared["name"], declared["description"]) == ("look_up", "The temperature of a city.")
    assert first["generationConfig"]["responseJsonSchema"]
    assert second["contents"] == [
        *first["contents"],
        {
            "role": "model",
            "parts": [{**call("look_up", {"city": "Oslo"}, id="id-Oslo"), "thoughtSignature": "c2lnbmVk"}],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "id-Oslo", "name": "look_up", "response": {"result": 3}}}],
        },
    ]
    assert {**first, "contents": []} == {**second, "contents": []}


def test_several_calls_of_one_answer_come_back_in_one_content_in_their_order(
    calling: Any, ask: Any, known: Known
) -> None:
    several = [call("look_up", {"city": name}) for name in ("Rome", "Bern", "Oslo")]
    calling.scripts["Oslo"] = lambda results: {"city": "Oslo", "temp": len(results)} if results else several
    out = ask("Oslo 0", tools=known.tool)
    assert out["temp"].tolist() == [3]
    sent = [
        part["functionResponse"]["response"]["result"] for part in calling.bodies("Oslo")[1]["contents"][-1]["parts"]
    ]
    assert sent == [21, 9, 3]
    assert [one["step"] for one in run_of(out).inspect(0).calls] == [1, 1, 1]


def test_functions_of_many_rows_run_at_the_same_time(calling: Any, client: Client) -> None:
    together = threading.Barrier(8, timeout=20)

    @tool(read_only=True)
    def look_up(city: str) -> int:
        together.wait()
        return ord(city[-1]) - ord("a")

    out = extract(towns(16), SCHEMA, PROMPT, client=client, tools=look_up, workers=8)
    assert out["temp"].tolist() == list(range(16))
    assert calling.requests == 32


def test_async_functions_of_many_rows_run_at_the_same_time(calling: Any, client: Client) -> None:
    here: list[str] = []
    everybody = asyncio.Event()

    @tool(read_only=True)
    async def look_up(city: str) -> int:
        here.append(city)
        if len(here) == 8:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 20)
        return ord(city[-1]) - ord("a")

    out = extract(towns(8), SCHEMA, PROMPT, client=client, tools=look_up, workers=8)
    assert out["temp"].tolist() == list(range(8))
    assert calling.requests == 16


def test_a_function_that_fails_tells_the_model_and_the_row_goes_on(calling: Any, ask: Any, known: Known) -> None:
    calling.scripts["Nowhere"] = lambda results: (
        {"city": results[0]["response"]["error"], "temp": 0} if results else [call("look_up", {"city": "Nowhere"})]
    )
    out = ask("Nowhere 0", "Oslo 0", tools=known.tool)
    assert out["_status"].tolist() == ["ok", "ok"]
    assert "KeyError" in out["city"][0]
    (noted,) = run_of(out).inspect(0).calls
    assert (noted["outcome"], noted["args"]) == ("error", {"city": "Nowhere"})
    assert "KeyError" in noted["error"]


@pytest.mark.parametrize("name", ["look_up ", "Look_up", "os.system", "print", "known.tool"])
def test_what_was_not_offered_is_never_called(calling: Any, ask: Any, known: Known, name: str) -> None:
    calling.scripts["Oslo"] = lambda results: {"city": "Oslo", "temp": 1} if results else [call(name, {"city": "Oslo"})]
    out = ask("Oslo 0", tools=known.tool)
    assert out["temp"].tolist() == [1]
    assert not known.called
    (response,) = calling.bodies("Oslo")[1]["contents"][-1]["parts"]
    assert "look_up" in response["functionResponse"]["response"]["error"]
    assert [one["outcome"] for one in run_of(out).inspect(0).calls] == ["unknown"]


def test_a_row_that_calls_without_end_fails_alone(calling: Any, ask: Any, known: Known) -> None:
    calling.scripts["Rome"] = lambda _: [call("look_up", {"city": "Rome"})]
    out = ask("Oslo 0", "Rome 0", "Bern 0", tools=known.tool, max_steps=3)
    assert out["_status"].tolist() == ["ok", "failed", "ok"]
    assert run_of(out).errors["error_kind"].tolist() == ["ToolLimit"]
    assert "max_steps" in out["_error"][1]
    assert (known.called["Rome"], calling.asked["Rome"]) == (3, 4)
    assert out["_attempts"].tolist() == [2, 4, 2]


def test_rounds_of_calls_do_not_count_as_attempts(calling: Any, ask: Any, known: Known) -> None:
    calling.scripts["Oslo"] = lambda results: (
        {"city": "Oslo", "temp": 3} if len(results) == 5 else [call("look_up", {"city": "Oslo"})]
    )
    out = ask("Oslo 0", tools=known.tool, max_attempts=1)
    assert (out["_status"][0], out["_attempts"][0]) == ("ok", 6)


def test_a_request_that_fails_between_calls_is_sent_again_and_nothing_is_called_twice(
    calling: Any, ask: Any, known: Known
) -> None:
    faults = [error(503), Say(ending="rst", status=None)]

    def script(results: list[Any]) -> Any:
        if not results:
            return [call("look_up", {"city": "Oslo"})]
        return faults.pop(0) if faults else {"city": "Oslo", "temp": 3}

    calling.scripts["Oslo"] = script
    out = ask("Oslo 0", tools=known.tool)
    assert (out["_status"][0], out["_attempts"][0], known.called["Oslo"]) == ("ok", 4, 1)
    bodies = calling.bodies("Oslo")
    assert bodies[1] == bodies[2] == bodies[3]


def test_a_repair_keeps_what_the_functions_gave(calling: Any, ask: Any, known: Known) -> None:
    answers = ["no JSON", '{"city": "Oslo", "temp": 3}']
    calling.scripts["Oslo"] = lambda results: unary(answers.pop(0)) if results else [call("look_up", {"city": "Oslo"})]
    out = ask("Oslo 0", tools=known.tool)
    assert (out["temp"][0], known.called["Oslo"]) == (3, 1)
    _, second, third = calling.bodies("Oslo")
    assert third["contents"][:3] == second["contents"]
    assert [content["role"] for content in third["contents"]] == ["user", "model", "user", "model", "user"]


def test_functions_may_be_called_again_behind_a_repair(calling: Any, ask: Any, known: Known) -> None:
    ways: list[Any] = [[call("look_up", {"city": "Rome"})], unary("{}"), [call("look_up", {"city": "Bern"})]]
    calling.scripts["Oslo"] = lambda results: ways.pop(0) if ways else {"city": "Oslo", "temp": len(results)}
    assert ask("Oslo 0", tools=known.tool)["temp"][0] == 2
    roles = [content["role"] for content in calling.bodies("Oslo")[-1]["contents"]]
    assert roles == ["user", "model", "user", "model", "user", "model", "user"]
    assert "functionResponse" in calling.bodies("Oslo")[-1]["contents"][-1]["parts"][0]


def test_an_answer_cut_off_behind_calls_is_asked_for_with_a_higher_limit(calling: Any, ask: Any, known: Known) -> None:
    calling.scripts["Oslo"] = lambda results: (
        [call("look_up", {"city": "Oslo"})]
        if not results
        else {"city": "Oslo", "temp": 3}
        if calling.bodies("Oslo")[-1]["generationConfig"].get("maxOutputTokens") == 80
        else unary('{"city', "MAX_TOKENS")
    )
    out = ask("Oslo 0", tools=known.tool, config={"max_output_tokens": 40})
    assert (out["temp"][0], known.called["Oslo"]) == (3, 1)
    *_, second, third = calling.bodies("Oslo")
    assert second["contents"] == third["contents"]


def test_a_call_that_nobody_can_read_is_asked_for_again_at_most_twice(calling: Any, ask: Any, known: Known) -> None:
    ways = [unary("", "MALFORMED_FUNCTION_CALL"), unary("", "UNEXPECTED_TOOL_CALL")]
    calling.scripts["Oslo"] = lambda results: (
        ways.pop(0) if ways else {"city": "Oslo", "temp": 3} if results else [call("look_up", {"city": "Oslo"})]
    )
    calling.scripts["Rome"] = lambda _: unary("", "MALFORMED_FUNCTION_CALL")
    out = ask("Oslo 0", "Rome 0", tools=known.tool)
    assert out["_status"].tolist() == ["ok", "failed"]
    assert calling.asked == {"Oslo": 4, "Rome": 3}
    assert "MALFORMED_FUNCTION_CALL" in out["_error"][1]


def test_a_model_that_has_to_call_has_to_do_so_once(calling: Any, ask: Any, known: Known) -> None:
    ask("Oslo 0", tools=known.tool, tool_mode="look_up")
    configs = [body["toolConfig"]["functionCallingConfig"] for body in calling.bodies("Oslo")]
    assert configs == [{"mode": "ANY", "allowedFunctionNames": ["look_up"]}, {"mode": "AUTO"}]


def test_tools_of_the_server_go_out_as_they_are(calling: Any, ask: Any) -> None:
    calling.scripts["Oslo"] = lambda _: {"city": "Oslo", "temp": 3}
    assert ask("Oslo 0", tools=[{"googleSearch": {}}])["temp"][0] == 3
    assert calling.bodies("Oslo")[0]["tools"] == [{"googleSearch": {}}]


def test_a_model_that_takes_no_schema_beside_tools_says_so_in_the_row(calling: Any, ask: Any, known: Known) -> None:
    words = "Function calling with a response mime type: 'application/json' is unsupported"
    calling.scripts["Oslo"] = lambda _: error(400, words, "INVALID_ARGUMENT")
    out = ask("Oslo 0", tools=known.tool)
    assert words in out["_error"][0]


def test_a_frame_of_pandas_offers_the_same(calling: Any, client: Client, known: Known) -> None:
    extract([], SCHEMA, client=client)
    data: Any = pd.DataFrame({"text": ["Oslo 0"]})
    out = data.gemini.extract(SCHEMA, PROMPT, client=client, tools=[known.tool])
    assert out["temp"].tolist() == [3]
    assert calling.requests == 2


def test_rows_in_one_request_may_call_for_all_of_them(calling: Any, client: Client, known: Known) -> None:
    names = [*TEMPS] * 5
    data = pd.DataFrame({"text": [f"{name} {place}" for place, name in enumerate(names)]})
    answers = [{"id": place + 1, "answer": {"city": name, "temp": TEMPS[name]}} for place, name in enumerate(names)]
    calls = [call("look_up", {"city": name}) for name in names]
    calling.scripts["Riga"] = lambda results: answers if results else calls
    out = extract(data, SCHEMA, PROMPT, client=client, tools=known.tool, pack=20)
    assert out["temp"].tolist() == [TEMPS[name] for name in names]
    assert calling.requests == 2
    run = run_of(out)
    assert [len(run.inspect(place).calls) for place in (0, 1, 19)] == [20, 0, 0]


def test_rows_whose_request_calls_without_end_are_asked_alone(calling: Any, ask: Any, known: Known) -> None:
    def script(results: list[Any]) -> Any:
        packed = "<item" in json.dumps(calling.wire.seen[-1].json()["contents"][0])
        return [call("look_up", {"city": "Rome"})] if packed or not results else {"city": "Rome", "temp": 21}

    calling.scripts["Rome"] = script
    out = ask("Oslo 0", "Rome 0", tools=known.tool, pack=2, max_steps=2, workers=1)
    assert out["temp"].tolist() == [3, 21]


@pytest.mark.parametrize("drive", ["sync", "async"])
def test_one_task_calls_over_either_client(calling: Any, client: Client, known: Known, drive: str) -> None:
    job = Job(schema_of(SCHEMA), model="m", tooling=Tooling.of(known.tool))
    task = job.task([Part(text="Oslo 0")], 0)
    if drive == "sync":
        outcome = answer(client, job, task)
    else:

        async def asked() -> Any:
            async with client.to_async() as other:
                return await answer_async(other, job, task)

        outcome = asyncio.run(asked())
    assert (outcome.value, outcome.attempts, outcome.steps) == ({"city": "Oslo", "temp": 3}, 2, 1)
    assert calling.requests == 2


def test_a_function_that_runs_when_the_user_stops_the_run_is_the_last_one(
    calling: Any, client: Client, tmp_path: Path
) -> None:
    begun, stop = threading.Event(), threading.Event()
    called: list[str] = []

    @tool(read_only=True)
    def look_up(city: str) -> int:
        called.append(city)
        if city == "Townb":
            begun.set()
            stop.wait(20)
        return 0

    class Impatient:
        def begin(self, total: int | None) -> None: ...

        def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
            del failed, tokens, retried
            if done:
                begun.wait(20)
                raise KeyboardInterrupt

        def finish(self, summary: object) -> None: ...

    calling.scripts["Townb"] = lambda _: [call("look_up", {"city": "Townb"}), call("look_up", {"city": "never"})]
    options: dict[str, Any] = {"client": client, "tools": look_up, "store": tmp_path / "s", "workers": 2}
    with pytest.raises(Interrupted) as caught:
        extract(towns(2), SCHEMA, PROMPT, progress=Impatient(), **options)
    stop.set()
    assert caught.value.partial["temp"].notna().sum() == 1
    assert "never" not in called
    del calling.scripts["Townb"]
    assert extract(towns(2), SCHEMA, PROMPT, **options)["temp"].tolist() == [0, 0]
    assert called.count("Towna") == 1


def test_a_function_that_raises_an_interrupt_ends_the_run(calling: Any, client: Client) -> None:
    @tool(read_only=True)
    def look_up(city: str) -> int:
        raise KeyboardInterrupt(city)

    with pytest.raises(ToolError, match="KeyboardInterrupt") as caught:
        extract(towns(40), SCHEMA, PROMPT, client=client, tools=look_up, workers=2)
    assert caught.value.partial["temp"].isna().all()
    assert calling.requests <= 4


def test_a_result_with_the_key_is_not_sent_and_not_kept(wire: Any, tmp_path: Path) -> None:
    key = "planted-key-0123456789-abcdefghijklmnop"

    @tool(read_only=True)
    def leak() -> str:
        return f"the key is {key}"

    part = {"candidates": [{"content": {"role": "model", "parts": [call("leak")]}, "finishReason": "STOP"}]}
    wire.answers(Say([json.dumps(part).encode()]), unary('{"city": "Oslo", "temp": 3}'))
    with GeminiClient(wire.url, key, model="m") as client:
        store = tmp_path / "store.sqlite3"
        out = extract(pd.DataFrame({"text": ["Oslo"]}), SCHEMA, PROMPT, client=client, tools=leak, store=store)
    assert out["temp"].tolist() == [3]
    assert b"not sent to the model" in wire.seen[1].body
    assert not any(key.encode() in one.body for one in wire.seen)
    assert not any(key.encode() in path.read_bytes() for path in tmp_path.iterdir())
