"""Functions that the model calls from the pane: leave, what the views are told, and how it may end."""

from __future__ import annotations

import json
import threading

import pytest
from widget.calling import asked, call, decide, decided, go, results_in, runs_in, says, streamed
from wire_server import answer

from gemini_magic import tools
from gemini_magic.chat import Conversation
from gemini_magic.widget.messages import with_kept


@pytest.fixture
def chat(client, get_weather):
    return Conversation(client, name="main", tools=[get_weather])


def test_a_call_waits_for_leave_and_its_card_has_what_came_of_it(wire, pane, weather):
    wire.answers(says({"text": "Let me look."}, call()), answer("12 degrees."))
    begin = go(pane)
    question = asked(pane)
    assert weather.cities == []
    assert question == {
        "type": "approval",
        "seq": question["seq"],
        "turn": "a1",
        "number": 0,
        "name": "get_weather",
        "args": '{\n  "city": "Oslo"\n}',
        "description": "Looks out of the window.",
        "behind": 0,
    }
    _, view = decided(pane, begin, "run")
    assert weather.cities == ["Oslo"]
    assert results_in(wire.seen[-1]) == [{"result": "12 degrees in Oslo"}]
    before, run, text = view["answer"]
    assert (before["text"], text["text"]) == ("Let me look.", "12 degrees.")
    assert {**run, "seconds": 0} == {
        "kind": "run",
        "call": 0,
        "name": "get_weather",
        "text": '{\n  "city": "Oslo"\n}',
        "outcome": "ok",
        "decision": "run",
        "result": "12 degrees in Oslo",
        "error": "",
        "seconds": 0,
    }
    assert view["answer"] == streamed(pane)
    assert pane.of("approval")[-1] == {
        "type": "approval",
        "seq": pane.of("approval")[-1]["seq"],
        "turn": "a1",
        "number": 0,
        "leave": "run",
    }
    assert [one["seq"] for one in pane.came] == list(range(1, len(pane.came) + 1))


def test_a_running_call_is_shown_and_takes_its_outcome_in_the_same_place(wire, new_pane, client):
    begun, release = threading.Event(), threading.Event()

    def slow(city: str) -> str:
        begun.set()
        assert release.wait(20)
        return city

    pane = new_pane(Conversation(client, tools=[slow], approve="always"))
    wire.answers(says(call(name="slow")), answer("Yes."))
    begin = go(pane)
    assert begun.wait(10)
    live = pane.wait_for("delta")["parts"]
    assert [(part["kind"], part["call"], part["outcome"]) for part in live] == [("run", 0, "running")]
    assert pane.state["live"]["parts"] == live
    release.set()
    pane.idle(begin)
    assert [(part["kind"], part.get("outcome")) for part in streamed(pane)] == [("run", "ok"), ("text", None)]
    assert pane.of("approval") == []


def test_a_call_that_is_denied_does_not_run_and_the_model_hears_of_it(wire, pane, weather):
    wire.answers(says(call()), answer("As you like."))
    _, view = decided(pane, go(pane), "deny")
    assert weather.cities == []
    assert "was not allowed to run" in results_in(wire.seen[-1])[0]["error"]
    (run,) = runs_in(view)
    assert (run["outcome"], run["decision"], run["result"]) == ("denied", "deny", "")
    assert "leave was not given" in run["error"]
    assert view["status"] == "ok"


def test_leave_for_all_calls_of_a_function_holds_for_this_question_and_this_function(
    wire, new_pane, client, get_weather
):
    def delete_all(city: str) -> str:
        return city

    pane = new_pane(Conversation(client, tools=[get_weather, delete_all]))
    wire.answers(
        says(call("Oslo"), call("Bergen")), says(call(name="delete_all")), answer("Well."), says(call()), answer("Yes.")
    )
    questions, view = decided(pane, go(pane), "all", "deny")
    assert [question["name"] for question in questions] == ["get_weather", "delete_all"]
    assert [run["decision"] for run in runs_in(view)] == ["all", "all", "deny"]
    questions, _ = decided(pane, go(pane), "deny")
    assert [question["name"] for question in questions] == ["get_weather"]


def test_two_calls_are_asked_for_one_after_the_other(wire, pane, weather):
    wire.answers(says(call("Oslo"), call("Bergen")), answer("Both."))
    questions, view = decided(pane, go(pane), "run", "deny")
    assert [(question["number"], question["behind"]) for question in questions] == [(0, 1), (1, 0)]
    assert weather.cities == ["Oslo"]
    assert [(run["call"], run["outcome"]) for run in runs_in(view)] == [(0, "ok"), (1, "denied")]
    assert view["answer"] == streamed(pane)


def test_the_first_decision_counts(wire, pane, weather):
    wire.answers(says(call()), answer("As you like."))
    begin = go(pane)
    question = asked(pane)
    decide(pane, question, "deny")
    decide(pane, question, "run")
    pane.idle(begin)
    assert weather.cities == []
    assert [one["leave"] for one in pane.of("approval") if "leave" in one] == ["deny"]


@pytest.mark.parametrize(
    "answered",
    [
        {"number": 1, "leave": "run"},
        {"number": "0", "leave": "run"},
        {"number": 0, "leave": "run", "turn": "a0"},
        {"number": 0, "leave": "yes"},
        {"number": 0},
        {"leave": "run"},
    ],
)
def test_a_decision_on_something_else_runs_nothing(wire, pane, weather, answered):
    wire.answers(says(call()), answer("Well."))
    begin = go(pane)
    question = asked(pane)
    pane.tell("decide", **{"turn": question["turn"], **answered})
    assert pane.state["live"]["approval"]["number"] == 0
    assert weather.cities == []
    decide(pane, question, "deny")
    pane.idle(begin)


def test_a_decision_when_nothing_is_asked_does_nothing(wire, pane):
    pane.tell("decide", turn="a1", number=0, leave="run")
    assert pane.came == []
    wire.answers(answer("Yes."))
    assert pane.send("One?")["status"] == "ok"


def test_a_view_that_comes_while_a_call_waits_can_decide(wire, pane, weather):
    wire.answers(says({"text": "Let me look."}, call()), answer("12."))
    begin = go(pane)
    question = asked(pane)
    pane.wait_for("delta")
    live = pane.state["live"]
    assert live["approval"] == {name: value for name, value in question.items() if name not in {"type", "seq", "turn"}}
    assert [part["kind"] for part in live["parts"]] == ["text"]
    pane.tell("decide", turn=live["turn"], number=live["approval"]["number"], leave="run")
    pane.idle(begin)
    assert weather.cities == ["Oslo"]
    assert pane.state["live"] is None


def test_stop_while_a_call_waits_runs_nothing_and_keeps_what_came(wire, pane, weather, chat):
    wire.answers(says({"text": "Let me look."}, call()), answer("Yes."))
    begin = go(pane)
    asked(pane)
    pane.tell("stop")
    pane.idle(begin)
    view = pane.of("done", begin)[0]["view"]
    assert (view["status"], view["sent"]) == ("interrupted", False)
    assert view["answer"][0]["text"] == "Let me look."
    assert view["answer"][1]["outcome"] == "interrupted"
    assert view["finish"]["text"] == "Stopped: this is what had arrived."
    assert weather.cities == []
    assert [one["leave"] for one in pane.of("approval") if "leave" in one] == ["stopped"]
    assert len(wire.seen) == 1
    assert pane.send("Sure?")["status"] == "ok"
    assert [len(content["parts"]) for content in wire.seen[-1].json()["contents"]] == [1]
    assert chat.turns[0].status == "interrupted"


def test_a_question_that_comes_after_stop_is_not_shown(wire, new_pane, client, get_weather):
    begun, release = threading.Event(), threading.Event()

    @tools.tool(read_only=True)
    def slow(city: str) -> str:
        begun.set()
        assert release.wait(20)
        return city

    pane = new_pane(Conversation(client, tools=[slow, get_weather]))
    wire.answers(says(call(name="slow"), call()), answer("Yes."))
    begin = go(pane)
    assert begun.wait(10)
    pane.tell("stop")
    release.set()
    pane.idle(begin)
    assert pane.of("approval") == []
    assert pane.of("done", begin)[0]["view"]["status"] == "interrupted"
    assert len(wire.seen) == 1


def test_a_call_that_fails_says_so_and_the_answer_goes_on(wire, pane):
    wire.answers(says(call("Atlantis")), answer("It has sunk."))
    _, view = decided(pane, go(pane), "run")
    (run,) = runs_in(view)
    assert (run["outcome"], run["result"]) == ("error", "")
    assert "It has sunk." in run["error"]
    assert view["status"] == "ok"


@pytest.mark.parametrize("name", ["getweather", "os.system", "Get_weather", "\u202eget_weather"])
def test_what_is_no_function_of_the_question_is_not_asked_for(wire, pane, weather, name):
    wire.answers(says(call(name=name)), answer("Well."))
    begin = go(pane)
    pane.idle(begin)
    (run,) = runs_in(pane.of("done", begin)[0]["view"])
    assert run["outcome"] == "unknown"
    assert "\u202e" not in json.dumps(run, ensure_ascii=False)
    assert (pane.of("approval"), weather.cities) == ([], [])


def test_wrong_arguments_are_shown_and_nobody_is_asked(wire, pane, weather):
    wire.answers(says({"functionCall": {"name": "get_weather", "args": {"town": "Oslo"}}}), answer("Well."))
    begin = go(pane)
    pane.idle(begin)
    (run,) = runs_in(pane.of("done", begin)[0]["view"])
    assert run["outcome"] == "invalid"
    assert "city" in run["error"]
    assert (pane.of("approval"), weather.cities) == ([], [])


def test_arguments_that_are_nested_very_deeply_harm_nothing(wire, pane, weather):
    nested = {}
    for _ in range(150):
        nested = {"city": nested}
    wire.answers(says({"functionCall": {"name": "get_weather", "args": nested}}), answer("Well."))
    begin = go(pane)
    pane.idle(begin)
    view = pane.of("done", begin)[0]["view"]
    assert (view["status"], runs_in(view)[0]["outcome"], weather.cities) == ("ok", "invalid", [])


def test_too_many_rounds_end_the_answer_in_words(wire, new_pane, client, get_weather):
    pane = new_pane(Conversation(client, tools=[get_weather], approve="always", max_steps=2))
    wire.answers(says(call()))
    view = pane.send("For ever?")
    assert (view["status"], view["error"]["title"]) == ("failed", "Too many calls")
    assert [run["outcome"] for run in runs_in(view)] == ["ok", "ok", "limit"]


def test_thoughts_of_all_rounds_have_their_times(wire, new_pane, client, get_weather):
    pane = new_pane(Conversation(client, tools=[get_weather], approve="always"))
    thought = {"text": "Hm.", "thought": True}
    wire.answers(says(thought, call()), says(thought, {"text": "12."}))
    view = pane.send("How warm?")
    assert [part["kind"] for part in view["answer"]] == ["thought", "run", "thought", "text"]
    assert all(part["seconds"] >= 0 for part in view["answer"] if part["kind"] == "thought")


def test_tokens_of_all_rounds_are_summed(wire, new_pane, client, get_weather):
    pane = new_pane(Conversation(client, tools=[get_weather], approve="always"))
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
    wire.answers(says(call(), usageMetadata=usage), says({"text": "12."}, usageMetadata=usage))
    assert pane.send("How warm?")["usage"]["total"] == 16


def test_nothing_hides_in_names_arguments_and_results(wire, new_pane, client):
    def echo(city: str) -> str:
        """Says\u202e it back."""
        return city

    pane = new_pane(Conversation(client, tools=[echo]))
    wire.answers(says(call("a\u202eb\x1b\U000e0041", name="echo")), answer("Well."))
    begin = go(pane)
    question = asked(pane)
    _, view = decided(pane, begin, "run")
    shown = json.dumps([question, view["answer"], streamed(pane)], ensure_ascii=False)
    assert not set(shown) & {"\u202e", "\x1b", "\U000e0041"}
    assert runs_in(view)[0]["result"] == "a[U+202E]b␛[hidden: A]"


def test_a_long_result_is_sent_once(wire, new_pane, client):
    def read(city: str) -> str:
        return city * 3000

    pane = new_pane(Conversation(client, tools=[read], approve="always"))
    wire.answers(says(call("abc", name="read")), answer("Read."))
    pane.tell("hello", view="v", binary=True, locale="en", keeps=True)
    begin = len(pane.came)
    view = pane.send("Read.")
    assert view["answer"] == [{"kind": "run", "kept": 0}, {"kind": "text", "text": "Read."}]
    assert pane.weight(begin) < 9000 + 12 * 1000
    assert pane.state["turns"][0]["answer"][0]["result"] == "abc" * 3000


def test_a_call_is_only_named_where_it_is_the_same():
    run = {"kind": "run", "call": 0, "name": "f", "text": "x" * 300, "outcome": "ok", "result": ""}
    view = {"answer": [run]}
    assert with_kept(view, [run])["answer"] == [{"kind": "run", "kept": 0}]
    assert with_kept(view, [{**run, "outcome": "running"}])["answer"] == [run]
    assert with_kept({"answer": [{**run, "text": "x"}]}, [{**run, "text": "x"}])["answer"] == [{**run, "text": "x"}]
