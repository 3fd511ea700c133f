"""Functions of a pane and all else: settings, retries, files, forks, panes that go, and how a pane gets them."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from widget.calling import asked, call, decided, go, runs_in, says
from wire_server import answer

from gemini_magic.chat import Conversation
from gemini_magic.exceptions import InputError
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.widget import ChatWidget
from gemini_magic.widget.engine import Engine


@pytest.fixture
def chat(client, get_weather):
    return Conversation(client, name="main", tools=[get_weather])


def test_what_was_set_in_the_pane_goes_along_with_the_functions(wire, pane):
    wire.answers(answer("Yes."))
    assert pane.ask("set", settings={"tools": ["google_search", "url_context"]})["ok"]
    pane.send("One?")
    functions, *others = wire.seen[-1].json()["tools"]
    assert [one["name"] for one in functions["functionDeclarations"]] == ["get_weather"]
    assert others == [{"googleSearch": {}}, {"urlContext": {}}]


def test_a_tool_of_the_server_is_not_sent_twice(wire, new_pane, client, get_weather):
    pane = new_pane(Conversation(client, tools=[get_weather, {"googleSearch": {"timeRangeFilter": {}}}]))
    wire.answers(answer("Yes."))
    pane.ask("set", settings={"tools": ["google_search"]})
    pane.send("One?")
    assert wire.seen[-1].json()["tools"][1:] == [{"googleSearch": {"timeRangeFilter": {}}}]


def test_a_turn_of_a_cell_is_asked_again_with_its_own_functions(wire, new_pane, client, get_weather):
    chat = Conversation(client)
    pane = new_pane(chat)
    wire.answers(answer("Yes."))
    chat.ask("From a cell?", cell="c1", run="r1", tools=[get_weather])
    (view,) = pane.state["turns"]
    pane.ask("set", settings={"tools": ["google_search"]})
    begin = len(pane.came)
    pane.tell("retry", turn=view["turn"])
    pane.idle(begin)
    functions, search = wire.seen[-1].json()["tools"]
    assert (functions["functionDeclarations"][0]["name"], search) == ("get_weather", {"googleSearch": {}})


def test_an_answer_with_calls_is_retried_edited_and_sent_on(wire, pane, weather):
    wire.answers(says(call()), answer("12."))
    _, view = decided(pane, go(pane), "run")
    wire.answers(answer("Yes."))
    pane.send("Sure?")
    assert [content["role"] for content in wire.seen[-1].json()["contents"]] == ["user", "model"] * 2 + ["user"]
    wire.answers(says(call("Bergen")), answer("9."))
    begin = len(pane.came)
    pane.tell("edit", turn=view["turn"], id="e", text="And in Bergen?")
    decided(pane, begin, "run")
    assert weather.cities == ["Oslo", "Bergen"]
    assert len(pane.state["turns"]) == 1


def test_a_loaded_conversation_shows_its_calls_and_keeps_the_panes_own_functions(wire, pane, new_pane, client, weather):
    wire.answers(says(call()), answer("12."))
    _, view = decided(pane, go(pane), "run")
    saved = pane.ask("export", format="json")["text"].encode()
    other = new_pane(Conversation(client, name="other", tools=pane.engine.chat.tools, approve="always", max_steps=3))
    assert other.ask("load", memoryview(saved), name="main.json", buffer=0)["ok"]
    (loaded,) = other.state["turns"]
    assert loaded["answer"] == view["answer"]
    assert weather.cities == ["Oslo"]
    shown = other.engine.chat
    assert (list(shown.tools.functions), shown.approve, shown.max_steps) == (["get_weather"], "always", 3)
    stranger = new_pane(Conversation(client, name="stranger"))
    assert stranger.ask("load", memoryview(saved), name="main.json", buffer=0)["ok"]
    assert not stranger.engine.chat.tools


def test_a_fork_and_a_cleared_conversation_keep_their_functions(wire, new_pane, chat, registry):
    registry.put(chat)
    pane = new_pane(chat, registry=registry)
    wire.answers(answer("Yes."))
    view = pane.send("One?")
    pane.ask("fork", turn=view["turn"])
    pane.ask("clear")
    pane.send("Two?")
    assert "functionDeclarations" in wire.seen[-1].json()["tools"][0]
    registry.reset(pane.engine.chat.name)
    pane.wait(lambda one: one["type"] in {"snapshot", "turns"}, len(pane.came) - 1)
    pane.send("Three?")
    assert "functionDeclarations" in wire.seen[-1].json()["tools"][0]


def test_a_pane_that_is_closed_while_a_call_waits_runs_nothing(wire, pane, weather, threads_end):
    wire.answers(says(call()), answer("Yes."))
    go(pane)
    asked(pane)
    pane.close()
    assert threads_end()
    assert (weather.cities, len(wire.seen)) == ([], 1)
    assert pane.engine.chat.turns[0].status == "interrupted"


def test_a_pane_that_is_forgotten_while_a_call_waits_runs_nothing(wire, chat, weather, threads_end):
    wire.answers(says(call()), answer("Yes."))
    waits = threading.Event()

    def send(message, _):
        if message["type"] == "approval":
            waits.set()

    engine = Engine(chat, send)
    engine.receive({"type": "send", "id": "x", "text": "Go.", "attachments": []}, [])
    assert waits.wait(10)
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert threads_end()
    assert gone() is None
    assert (weather.cities, len(wire.seen)) == ([], 1)


def test_pictures_that_a_function_gives_can_be_fetched(wire, new_pane, client):
    image = pytest.importorskip("PIL.Image")

    def draw(city: str):
        return image.new("RGB", (len(city), 3))

    pane = new_pane(Conversation(client.with_options(model="gemini-3-pro"), tools=[draw], approve="always"))
    wire.answers(says(call(name="draw")), answer("Here."))
    (run,) = runs_in(pane.send("Draw."))
    (picture,) = run["media"]
    assert (picture["kind"], picture["mime"]) == ("image", "image/png")
    reply = pane.ask("blob", blob=picture["blob"])
    assert pane.buffers[pane.came.index(reply)][0].startswith(b"\x89PNG")


def test_a_pane_takes_tools_and_how_they_may_be_used(client, get_weather):
    chat = Conversation(client, name="of a test")
    pane = ChatWidget(chat, tools=[get_weather, {"googleSearch": {}}], approve="always", max_steps=3)
    assert list(pane.chat.tools.functions) == ["get_weather"]
    assert (pane.chat.approve, pane.chat.max_steps) == ("always", 3)
    same = chat.widget()
    assert list(same.chat.tools.functions) == ["get_weather"]
    for one in (pane, same):
        one.close()


@pytest.mark.parametrize("wrong", [{"tools": ["get_weather"]}, {"approve": "maybe"}, {"max_steps": 0}])
def test_a_pane_that_cannot_be_made_changes_nothing(client, wrong):
    chat = Conversation(client, name="of a test")
    with pytest.raises(InputError):
        ChatWidget(chat, **wrong)
    assert (len(chat.tools), chat.approve, chat.max_steps) == (0, "ask", Conversation().max_steps)
    assert isinstance(chat.tools, Toolbox)
