"""Cells whose functions the model calls, in a real kernel: with somebody to ask, with nobody, and stopped."""

from __future__ import annotations

import json

import pytest
from wire_server import Say, answer

pytestmark = pytest.mark.kernel

FUNCTIONS = '''
import threading
import gemini_magic.display.approval
from gemini_magic.tools import tool

gemini_magic.display.approval.PATIENCE = 0.3  # no front end shows a card here
asked, begun = [], threading.Event()

def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "3 degrees"

@tool(read_only=True)
def look_up(name: str) -> str:
    """Look a name up."""
    asked.append(name)
    return name.upper()

@tool(read_only=True)
def slow(city: str) -> str:
    """Take long."""
    print("the function runs")
    threading.Event().wait(600)

@tool(read_only=True, seconds=None)
def slow_here(city: str) -> str:
    """Take long on the cell's own thread."""
    print("the function runs")
    threading.Event().wait(600)
'''
TURNS = "[turn.status for turn in __import__('gemini_magic').chat.KERNEL.find({!r}).turns]"


def call(name="get_weather", args=None, **more):
    return {"functionCall": {"name": name, "args": {"city": "Oslo"} if args is None else args, **more}}


def says(*parts):
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    return Say([json.dumps({"candidates": [candidate]}).encode()])


@pytest.fixture(scope="module", autouse=True)
def functions(kernel):
    assert kernel.run(FUNCTIONS).status == "ok"


@pytest.fixture(autouse=True)
def nothing_asked(kernel):
    kernel.run("asked.clear()")


def results(kernel):
    return [part["functionResponse"]["response"] for part in kernel.gateway.seen[-1].json()["contents"][-1]["parts"]]


def roles(kernel):
    return [content["role"] for content in kernel.gateway.seen[-1].json()["contents"]]


@pytest.mark.parametrize("more", ["", "--no-stream", "-q -o kept", "--schema 'city str'"])
def test_without_a_person_the_call_is_denied_the_model_is_told_and_the_cell_is_green(kernel, more):
    last = '{"city": "unknown"}' if "schema" in more else "I cannot know."
    kernel.gateway.answers(says(call()), answer(last))
    cell = kernel.run(f"%%gemini --new --tools get_weather {more}\nHow warm is it in Oslo?")
    assert cell.status == "ok", cell.error
    assert kernel.value("[asked, _gemini.text]") == [[], last]
    assert results(kernel) == [{"error": "get_weather was not allowed to run: nobody could be asked for leave."}]
    assert "get_weather needs leave to run" in cell.text
    assert "--approve always" in cell.text


def test_without_a_person_what_only_reads_runs(kernel):
    kernel.gateway.answers(says(call("look_up", {"name": "ada"})), answer("ADA"))
    cell = kernel.run("%%gemini --new --tools look_up\nWho is it?")
    assert (cell.status, kernel.value("asked")) == ("ok", ["ada"])
    assert "ADA" in cell.text


@pytest.mark.parametrize(("typed", "ran"), [("y", ["Oslo"]), ("n", []), ("", [])])
def test_leave_is_typed_where_no_front_end_shows_buttons(kernel, typed, ran):
    kernel.gateway.answers(says(call()), answer("Done."))
    message_id = kernel.start("%%gemini --new --tools get_weather\nHow warm is it in Oslo?", typed=True)
    assert 'get_weather(city="Oslo")' in kernel.prompted()
    kernel.client.input(typed)
    cell = kernel.finish(message_id)
    assert (cell.status, kernel.value("asked")) == ("ok", ran)
    assert "Done." in cell.text


def test_leave_for_all_calls_is_asked_for_once(kernel):
    kernel.gateway.answers(
        says(call(args={"city": "Oslo"}), call(args={"city": "Rome"})), says(call()), answer("Done.")
    )
    message_id = kernel.start("%%gemini --new --tools get_weather\nHow warm is it?", typed=True)
    kernel.prompted()
    kernel.client.input("a")
    assert kernel.finish(message_id).status == "ok"
    assert kernel.value("asked") == ["Oslo", "Rome", "Oslo"]


@pytest.mark.parametrize("name", ["slow", "slow_here"])
@pytest.mark.parametrize("more", ["", "--no-stream", "--schema 'city str'"])
def test_an_interrupt_ends_a_cell_while_a_function_runs(kernel, name, more):
    kernel.gateway.answers(answer("Hi."), says(call(name)), answer("Well."))
    kernel.run(f"%gemini --new --chat {name} Hello")
    message_id = kernel.start(f"%%gemini --chat {name} --tools {name} {more}\nHow warm is it?")
    kernel.wait_for(message_id, "the function runs")
    cell = kernel.stop(message_id)
    assert (cell.status, cell.reply["content"]["ename"]) == ("error", "Stopped")
    assert kernel.value("[_gemini.status, [run.outcome for run in _gemini.runs]]") == ["interrupted", ["interrupted"]]
    assert kernel.value(TURNS.format(name)) == ["ok", "interrupted"]
    kernel.run(f"%gemini --chat {name} Still there?")
    assert roles(kernel) == ["user", "model", "user"]


def test_an_interrupt_ends_a_cell_while_a_person_is_asked_to_type(kernel):
    kernel.gateway.answers(answer("Hi."), says(call()), answer("Well."))
    kernel.run("%gemini --new --chat typed Hello")
    message_id = kernel.start("%%gemini --chat typed --tools get_weather\nHow warm is it?", typed=True)
    kernel.prompted()
    cell = kernel.stop(message_id)
    assert (cell.status, cell.reply["content"]["ename"]) == ("error", "Stopped")
    assert kernel.value("[_gemini.status, asked]") == ["interrupted", []]
    kernel.run("%gemini --chat typed Still there?")
    assert roles(kernel) == ["user", "model", "user"]


def test_an_interrupt_ends_a_cell_while_a_card_waits(kernel):
    kernel.gateway.answers(answer("Hi."), says(call()), answer("Well."))
    kernel.run("gemini_magic.display.approval.PATIENCE = 600\n%gemini --new --chat card Hello")
    message_id = kernel.start("%%gemini --chat card --tools get_weather\nHow warm is it?", typed=True)
    kernel.wait_for(message_id, "application/vnd.jupyter.widget-view+json")
    cell = kernel.stop(message_id)
    assert (cell.status, cell.reply["content"]["ename"]) == ("error", "Stopped")
    kernel.run("gemini_magic.display.approval.PATIENCE = 0.3\n%gemini --chat card Still there?")
    assert roles(kernel) == ["user", "model", "user"]
    assert kernel.value("asked") == []


def press(kernel, message_id, *contents):
    """Speak to the card of a cell as its front end does."""
    seen = kernel._waiting.setdefault(message_id, [])
    kernel._read(message_id, lambda message: "application/vnd.jupyter.widget-view+json" in str(message), seen)
    place = seen[-1]["content"]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    for content in contents:
        data = {"comm_id": place, "data": {"method": "custom", "content": content}}
        kernel.client.shell_channel.send(kernel.client.session.msg("comm_msg", data))


@pytest.mark.parametrize(("leave", "ran"), [("run", ["Oslo"]), ("deny", [])])
def test_a_job_asks_by_buttons_below_its_own_cell_while_the_kernel_is_free(kernel, leave, ran):
    kernel.gateway.answers(says(call()), answer("Done."))
    message_id = kernel.start("%%gemini --new --bg -o job --tools get_weather\nHow warm is it?", typed=True)
    assert kernel.client.get_shell_msg(timeout=60)["content"]["status"] == "ok"
    press(kernel, message_id, {"type": "leave", "leave": leave})
    kernel.wait_for(message_id, "Done.")
    assert kernel.value("[job.result(20).text if hasattr(job, 'result') else job.text, asked]") == ["Done.", ran]


def test_a_job_that_nobody_watches_is_denied_what_needs_leave(kernel):
    kernel.gateway.answers(says(call()), answer("Done."))
    message_id = kernel.start("%%gemini --new --bg -o job --tools get_weather\nHow warm is it?")
    assert kernel.client.get_shell_msg(timeout=60)["content"]["status"] == "ok"
    kernel.wait_for(message_id, "Done.")
    assert kernel.value("asked") == []


def test_a_job_that_is_stopped_while_it_asks_ends(kernel):
    kernel.gateway.answers(says(call()), answer("Done."))
    message_id = kernel.start("%%gemini --new --bg -o job --tools get_weather\nHow warm is it?", typed=True)
    assert kernel.client.get_shell_msg(timeout=60)["content"]["status"] == "ok"
    press(kernel, message_id)
    assert "Stopping job" in kernel.run("%gemini stop").text
    assert kernel.value("[(job._future.exception(20) is not None), job.status, asked]") == [True, "stopped", []]
