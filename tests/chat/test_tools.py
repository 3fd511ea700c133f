"""Functions that a model calls in a conversation: what goes out, what is kept, and what is left when it ends early."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from wire_server import Say, answer, error

from gemini_magic import tools
from gemini_magic.chat import Conversation
from gemini_magic.client import Client
from gemini_magic.client.timing import stoppable
from gemini_magic.events import Finished, FunctionCall, TextDelta, ToolFinished, ToolStarted, UsageUpdate
from gemini_magic.exceptions import BadRequest, InputError, ServerUnavailable, StreamTruncated, ToolLimit
from gemini_magic.ledger import Ledger

KEY = "planted-key-0123456789-abcdefghijklmnop"


class Weather:
    """A function, and what it was called with."""

    def __init__(self) -> None:
        self.cities: list[str] = []

    def __call__(self, city: str) -> dict[str, Any]:
        self.cities.append(city)
        return {"city": city, "celsius": 3}


@pytest.fixture
def weather():
    return Weather()


@pytest.fixture
def get_weather(weather):
    return tools.tool(weather, name="get_weather", description="The weather of a city.")


@pytest.fixture(params=["ask", "stream"])
def way(request):
    return request.param


@pytest.fixture
def asked(way, read):
    return (lambda chat, *question, **fields: chat.ask(*question, **fields)) if way == "ask" else read


def call(name="get_weather", args=None, **more):
    """A part that asks for a call."""
    signature = {"thoughtSignature": more.pop("signature")} if "signature" in more else {}
    return {"functionCall": {"name": name, "args": {"city": "Oslo"} if args is None else args, **more}, **signature}


def says(*parts, finish="STOP", **rest):
    """An answer of these parts in one piece, as both ways of asking read it."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}
    return Say([json.dumps({"candidates": [candidate], **rest}).encode()])


def usage(prompt, answered):
    return {"promptTokenCount": prompt, "candidatesTokenCount": answered, "totalTokenCount": prompt + answered}


@pytest.fixture
def tooled(client, get_weather):
    return Conversation(client, name="main", tools=[get_weather], approve="always")


def contents(wire, number=-1):
    return wire.seen[number].json()["contents"]


def test_a_call_is_carried_out_and_its_result_goes_back(asked, tooled, wire, weather):
    wire.answers(says(call(id="c1", signature="c2ln")), answer("3 degrees", "."))
    reply = asked(tooled, "How warm is it in Oslo?")
    assert (reply.text, weather.cities) == ("3 degrees.", ["Oslo"])
    assert contents(wire) == [
        {"role": "user", "parts": [{"text": "How warm is it in Oslo?"}]},
        {"role": "model", "parts": [call(id="c1", signature="c2ln")]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "get_weather", "response": {"city": "Oslo", "celsius": 3}}}
            ],
        },
    ]
    (declared,) = wire.seen[0].json()["tools"]
    assert [one["name"] for one in declared["functionDeclarations"]] == ["get_weather"]
    assert wire.seen[1].json()["tools"] == wire.seen[0].json()["tools"]


def test_the_next_question_carries_calls_and_results(asked, tooled, wire):
    wire.answers(says({"text": "Let me see."}, call()), answer("3."), answer("Yes."))
    asked(tooled, "How warm?")
    before = contents(wire)
    asked(tooled, "Sure?")
    assert contents(wire)[:3] == before
    assert [content["role"] for content in contents(wire)] == ["user", "model", "user", "model", "user"]
    assert [content.role for content in tooled.history] == ["user", "model", "user", "model"] * 1 + ["user", "model"]


def test_calls_of_one_answer_are_answered_in_one_content_in_their_order(asked, tooled, wire, weather):
    wire.answers(says(call(args={"city": "A"}, id="1"), call(args={"city": "B"}, id="2")), answer("Both."))
    asked(tooled, "Both?")
    results = contents(wire)[-1]["parts"]
    assert [part["functionResponse"]["id"] for part in results] == ["1", "2"]
    assert [part["functionResponse"]["response"]["city"] for part in results] == weather.cities == ["A", "B"]


def test_calls_one_after_another_each_get_their_own_request(asked, tooled, wire, weather):
    wire.answers(says(call(args={"city": "A"})), says(call(args={"city": "B"})), answer("Both."))
    reply = asked(tooled, "One, then the other?")
    assert weather.cities == ["A", "B"]
    assert [len(seen.json()["contents"]) for seen in wire.seen] == [1, 3, 5]
    assert [run.args["city"] for run in reply.runs] == ["A", "B"]
    assert [len(step.runs) for step in reply.steps] == [1, 1]


def test_one_call_that_fails_does_not_lose_the_others(asked, client, wire, get_weather):
    def fails(why: str) -> str:
        raise ValueError(why)

    chat = Conversation(client, tools=[get_weather, fails], approve="always")
    wire.answers(says(call("fails", {"why": "no"}), call(), call("eval", {"text": "1"})), answer("Well."))
    reply = asked(chat, "All?")
    responses = [part["functionResponse"]["response"] for part in contents(wire)[-1]["parts"]]
    assert "no" in responses[0]["error"]
    assert responses[1] == {"city": "Oslo", "celsius": 3}
    assert "eval" in responses[2]["error"]
    assert [run.outcome for run in reply.runs] == ["error", "ok", "unknown"]


def test_a_stream_gives_the_calls_as_events_and_its_end_once(tooled, wire):
    wire.answers(
        says({"text": "Let me see."}, call(id="c1"), usageMetadata=usage(10, 5)),
        says({"text": "3."}, usageMetadata=usage(20, 1)),
    )
    with tooled.stream("How warm?") as events:
        seen = list(events)
    kinds = [type(event) for event in seen]
    assert kinds == [TextDelta, ToolStarted, ToolFinished, TextDelta, UsageUpdate, Finished]
    assert seen[1].call == FunctionCall("get_weather", {"city": "Oslo"}, "c1")
    assert seen[2].run.response == {"city": "Oslo", "celsius": 3}
    assert seen[4].usage.total_token_count == 36
    assert events.reply.usage.total_token_count == 36


def test_usage_is_summed_over_the_requests_and_each_is_in_the_ledger(asked, tooled, wire, ledger):
    wire.answers(says(call(), usageMetadata=usage(10, 5)), says({"text": "3."}, usageMetadata=usage(20, 1)))
    reply = asked(tooled, "How warm?", cell="cell-1")
    assert (reply.usage.prompt_token_count, reply.usage.candidates_token_count) == (30, 6)
    assert reply.response.usage_metadata.total_token_count == 21
    assert reply.attempts == 2
    assert [(entry.conversation, entry.cell, entry.total_tokens) for entry in ledger.entries] == [
        ("main", "cell-1", 15),
        ("main", "cell-1", 21),
    ]


def test_a_model_that_had_to_call_may_answer_in_words_afterwards(asked, tooled, wire):
    wire.answers(says(call()), answer("3."))
    asked(tooled, "How warm?", tool_mode="any")
    configs = [seen.json()["toolConfig"]["functionCallingConfig"] for seen in wire.seen]
    assert configs == [{"mode": "ANY"}, {"mode": "AUTO"}]


def test_functions_to_choose_from_are_named(asked, tooled, wire):
    wire.answers(answer("No."))
    asked(tooled, "How warm?", tool_mode="get_weather")
    assert wire.seen[0].json()["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}
    }
    with pytest.raises(InputError, match="get_weathr"):
        asked(tooled, "How warm?", tool_mode="get_weathr")


def test_a_mode_that_was_given_raw_does_not_make_the_model_call_for_ever(asked, tooled, wire):
    wire.answers(says(call()), answer("3."))
    config = {"function_calling_config": {"mode": "ANY"}, "retrievalConfig": {"languageCode": "nb"}}
    asked(tooled, "How warm?", tool_config=config)
    assert wire.seen[0].json()["toolConfig"]["functionCallingConfig"] == {"mode": "ANY"}
    assert wire.seen[1].json()["toolConfig"] == {
        "functionCallingConfig": {"mode": "AUTO"},
        "retrievalConfig": {"languageCode": "nb"},
    }


def test_an_endless_loop_ends_at_exactly_the_limit(asked, client, wire, weather, get_weather):
    chat = Conversation(client, tools=[get_weather], approve="always")
    wire.answers(says(call()))
    with pytest.raises(ToolLimit, match="8") as caught:
        asked(chat, "For ever?")
    assert (len(weather.cities), len(wire.seen)) == (8, 9)
    outcomes = [run.outcome for run in caught.value.partial.runs]
    assert outcomes == ["ok"] * 8 + ["limit"]
    (turn,) = chat.turns
    assert (turn.status, turn.replayed, len(turn.reply.runs)) == ("failed", False, 9)
    weather.cities.clear()
    with pytest.raises(ToolLimit, match="2"):
        asked(chat, "For ever?", max_steps=2)
    assert len(weather.cities) == 2


def test_an_unreadable_call_is_asked_for_again_and_never_carried_out(asked, tooled, wire, weather):
    broken = says(call(), finish="MALFORMED_FUNCTION_CALL", usageMetadata=usage(10, 0))
    wire.answers(broken, says({"text": "3."}, usageMetadata=usage(10, 1)), answer("Yes."))
    reply = asked(tooled, "How warm?")
    assert (reply.text, weather.cities, reply.usage.total_token_count) == ("3.", [], 21)
    assert any("MALFORMED_FUNCTION_CALL" in words for words in reply.warnings)
    asked(tooled, "Sure?")
    assert len(contents(wire)) == 3


def test_declarations_of_the_users_own_are_left_to_the_user(asked, client, wire, weather, get_weather):
    chat = Conversation(client, tools=[get_weather, {"name": "press", "description": "Presses."}], approve="always")
    wire.answers(says(call(), call("press", {})), answer("Done."))
    reply = asked(chat, "Press?")
    assert [one.name for one in reply.function_calls] == ["get_weather", "press"]
    assert (weather.cities, len(wire.seen)) == ([], 1)


def test_a_stream_gives_calls_that_are_left_to_the_user_as_such(client, wire):
    chat = Conversation(client, tools=[len, {"name": "press", "description": "Presses."}], approve="always")
    wire.answers(says(call("press", {})))
    with chat.stream("Press?") as events:
        assert FunctionCall("press", {}) in list(events)


def test_tools_of_the_server_go_along_with_functions(asked, client, wire, get_weather):
    chat = Conversation(client, tools=[get_weather, {"googleSearch": {}}], approve="always")
    used = {"toolCall": {"toolType": "GOOGLE_SEARCH", "id": "s1"}, "thoughtSignature": "c2ln"}
    found = {"toolResponse": {"toolType": "GOOGLE_SEARCH", "id": "s1", "response": {"x": 1}}}
    wire.answers(says(used, found, call(id="c1")), answer("3."))
    asked(chat, "How warm?")
    body = wire.seen[0].json()
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert body["tools"][1:] == [{"googleSearch": {}}]
    assert contents(wire)[1]["parts"] == [used, found, call(id="c1")]


def test_tools_of_the_server_alone_are_sent_and_nothing_else(asked, client, wire):
    wire.answers(answer("Found."))
    asked(Conversation(client, tools=[{"googleSearch": {}}]), "Search.")
    assert wire.seen[0].json().keys() == {"contents", "tools"}


def test_a_gateway_that_does_not_know_json_schema_gets_the_older_language_and_is_remembered(
    asked, tooled, wire, client, get_weather
):
    unknown = "Invalid JSON payload received. Unknown name \"parametersJsonSchema\" at 'tools[0]': Cannot find field."
    wire.answers(error(400, unknown, "INVALID_ARGUMENT"), says(call()), answer("3."))
    assert asked(tooled, "How warm?").text == "3."
    assert "parameters" in wire.seen[1].json()["tools"][0]["functionDeclarations"][0]
    wire.seen.clear()
    wire.answers(answer("3."))
    asked(Conversation(client, tools=[get_weather]), "How warm?")
    assert "parameters" in wire.seen[0].json()["tools"][0]["functionDeclarations"][0]


def test_a_gateway_that_takes_no_ids_in_results_gets_none_and_the_function_runs_once(asked, tooled, wire, weather):
    unknown = "Invalid JSON payload received. Unknown name \"id\" at 'contents[2].parts[0].function_response'"
    wire.answers(says(call(id="c1")), error(400, unknown, "INVALID_ARGUMENT"), answer("3."), answer("Yes."))
    asked(tooled, "How warm?")
    assert weather.cities == ["Oslo"]
    assert "id" not in contents(wire)[2]["parts"][0]["functionResponse"]
    asked(tooled, "Sure?")
    assert "id" not in contents(wire)[2]["parts"][0]["functionResponse"]


def test_another_refusal_is_not_tried_in_other_words(asked, tooled, wire):
    wire.answers(error(400, "The model is too tired.", "INVALID_ARGUMENT"))
    with pytest.raises(BadRequest, match="tired"):
        asked(tooled, "How warm?")
    assert len(wire.seen) == 1


def test_a_retry_of_the_request_does_not_run_the_function_again(asked, wire, weather, get_weather, clock):
    with Client(wire.url, model="gemini-x", auth="none", retries=2, ledger=Ledger(), clock=clock) as client:
        chat = Conversation(client, tools=[get_weather], approve="always")
        wire.answers(says(call()), error(503), error(503), answer("3."))
        reply = asked(chat, "How warm?")
    assert (reply.text, weather.cities, reply.attempts) == ("3.", ["Oslo"], 4)


def test_a_request_that_fails_in_the_middle_leaves_the_history_and_keeps_what_came(asked, tooled, wire):
    wire.answers(answer("Hello."), says(call()), error(503))
    asked(tooled, "Hello?")
    with pytest.raises(ServerUnavailable) as caught:
        asked(tooled, "How warm?")
    assert [run.outcome for run in caught.value.partial.runs] == ["ok"]
    assert [turn.status for turn in tooled.turns] == ["ok", "failed"]
    assert [run.name for run in tooled.turns[1].reply.runs] == ["get_weather"]
    wire.answers(answer("Yes."))
    asked(tooled, "Still there?")
    assert len(contents(wire)) == 3


def test_a_stream_that_is_cut_in_the_middle_keeps_the_way_to_it(tooled, wire, read):
    wire.answers(says(call()), Say([json.dumps({"candidates": [{"content": {"parts": [{"text": "3"}]}}]}).encode()]))
    with pytest.raises(StreamTruncated) as caught:
        read(tooled, "How warm?")
    assert (caught.value.partial.text, len(caught.value.partial.runs)) == ("3", 1)


def test_an_interrupt_while_a_function_runs_stops_the_answer_and_leaves_a_valid_history(asked, client, wire):
    def stops(city: str) -> str:
        raise KeyboardInterrupt(city)

    chat = Conversation(client, tools=[tools.tool(stops, seconds=None)], approve="always")
    wire.answers(answer("Hello."), says(call("stops")), answer("Yes."))
    asked(chat, "Hello?")
    with pytest.raises(KeyboardInterrupt):
        asked(chat, "How warm?")
    turn = chat.turns[1]
    assert (turn.status, turn.replayed) == ("interrupted", False)
    assert [(run.name, run.outcome) for run in turn.reply.runs] == [("stops", "interrupted")]
    asked(chat, "Still there?")
    assert [content["role"] for content in contents(wire)] == ["user", "model", "user"]


def test_a_stop_from_another_thread_ends_the_wait_for_a_function(asked, client, wire):
    stop, released = threading.Event(), threading.Event()

    def busy(city: str) -> str:
        stop.set()
        released.wait(20)
        return city

    chat = Conversation(client, tools=[busy], approve="always")
    wire.answers(says(call("busy")))
    with stoppable(stop), pytest.raises(KeyboardInterrupt):
        asked(chat, "How warm?")
    assert not released.is_set()
    released.set()
    assert [(turn.status, turn.reply.runs[0].outcome) for turn in chat.turns] == [("interrupted", "interrupted")]


def test_whoever_leaves_a_stream_between_two_calls_has_stopped_it(tooled, wire, weather):
    wire.answers(says(call(args={"city": "A"}), call(args={"city": "B"})))
    with tooled.stream("Both?") as events:
        next(event for event in events if isinstance(event, ToolFinished))
    assert (weather.cities, events.reply.status) == (["A"], "interrupted")
    assert [(run.args["city"], run.outcome) for run in tooled.turns[0].reply.runs] == [
        ("A", "ok"),
        ("B", "interrupted"),
    ]


def test_a_result_with_the_key_is_not_sent_shown_or_kept(wire, tmp_path):
    def leak() -> str:
        return f"the key is {KEY}"

    with Client(wire.url, KEY, model="gemini-x", retries=0, ledger=Ledger()) as client:
        chat = Conversation(client, tools=[leak], approve="always")
        wire.answers(says(call("leak", {})), answer("I see."))
        with chat.stream("What is it?") as events:
            assert KEY not in str(list(events))
        assert KEY.encode() not in wire.seen[1].body
        assert KEY.encode() not in chat.save(tmp_path / "chat.json").read_bytes()


def test_an_answer_that_is_cut_in_a_call_is_not_sent_again(asked, tooled, wire, weather):
    wire.answers(says(call(), finish="MAX_TOKENS"), answer("Yes."))
    assert asked(tooled, "How warm?").status == "truncated"
    asked(tooled, "Still there?")
    assert (weather.cities, len(contents(wire))) == ([], 1)


def test_functions_are_those_of_this_question_alone(asked, client, wire, weather, get_weather):
    chat = Conversation(client)
    wire.answers(says(call()), answer("3."), says(call()), answer("4."))
    asked(chat, "How warm?", tools=[get_weather], approve="always")
    reply = asked(chat, "And now?")
    assert "tools" not in wire.seen[2].json()
    assert (weather.cities, [one.name for one in reply.function_calls]) == (["Oslo"], ["get_weather"])


def test_a_loaded_conversation_has_no_tools_and_says_so(asked, tooled, wire, tmp_path, get_weather):
    wire.answers(says(call()), answer("3."))
    asked(tooled, "How warm?", tools=[get_weather])
    loaded = Conversation.load(tooled.save(tmp_path / "chat.json"))
    assert not loaded.tools
    assert any("asked with tools" in note for note in loaded.notes)
    (run,) = loaded.turns[0].reply.runs
    assert run == tooled.turns[0].reply.runs[0]
    assert (run.name, run.args, run.decision, run.outcome) == ("get_weather", {"city": "Oslo"}, "always", "ok")


def test_a_question_without_the_tools_of_its_conversation_leaves_no_trace_of_them(asked, tooled, wire, tmp_path):
    wire.answers(answer("Hello."))
    asked(tooled, "Hello?", tools=())
    assert "tools" not in wire.seen[0].json()
    assert Conversation.load(tooled.save(tmp_path / "chat.json")).notes == ()


def test_a_replaced_or_replayed_turn_keeps_its_functions(asked, client, wire, weather, get_weather):
    chat = Conversation(client)
    wire.answers(answer("Hello."), says(call()), answer("3."), answer("Hi."), says(call()), answer("3."))
    asked(chat, "Hello?", cell="a", run="1")
    asked(chat, "How warm?", cell="b", run="2", tools=[get_weather], approve="always")
    asked(chat, "Hi?", cell="a", run="3")
    assert chat.stale == (2,)
    assert [reply.text for reply in chat.replay()] == ["3."]
    assert weather.cities == ["Oslo", "Oslo"]
    assert chat.stale == ()


def test_a_fork_has_the_tools_of_its_conversation(tooled):
    assert tooled.fork("other").tools is tooled.tools


def test_what_is_no_tool_is_refused_before_anything_is_sent(asked, client, wire):
    with pytest.raises(InputError, match="3"):
        asked(Conversation(client), "How?", tools=[3])
    with pytest.raises(InputError, match="perhaps"):
        asked(Conversation(client), "How?", tools=[len], approve="perhaps")
    with pytest.raises(InputError, match="max_steps"):
        asked(Conversation(client), "How?", tools=[len], max_steps=0)
    assert wire.seen == []


def test_foreign_signatures_are_replaced_on_request_only(asked, tooled, wire):
    wire.answers(
        says({"text": "Hm.", "thoughtSignature": "dA=="}, call(signature="c2ln"), call(args={"city": "B"})),
        says({"text": "3."}, {"text": "", "thoughtSignature": "ZW5k"}),
        answer("Yes."),
    )
    asked(tooled, "How warm?")
    assert tooled.repair_signatures() == 3
    assert tooled.repair_signatures() == 0
    asked(tooled, "Sure?")
    _, called, _, said, _ = contents(wire)
    assert [part.get("thoughtSignature") for part in called["parts"]] == [
        None,
        "skip_thought_signature_validator",
        None,
    ]
    assert said["parts"] == [{"text": "3."}]
