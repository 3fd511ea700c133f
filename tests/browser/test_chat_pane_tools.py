"""Functions of the notebook that the model calls from a chat pane: leave, cards, stopping, a page loaded anew."""

from __future__ import annotations

import pytest
from browser.chat_pane import ONE_SECOND, Gated, Pane, said
from playwright.sync_api import expect
from wire_server import Say, answer

pytestmark = pytest.mark.browser

FUNCTIONS = """
import pathlib, time

def get_weather(city: str, days: int = 1) -> dict:
    "The weather of a city, from the window of its town hall."
    called.append(city)
    if city == "Atlantis":
        raise LookupError("Atlantis has sunk.")
    while city == "Slow" and not flag.exists():
        time.sleep(0.01)
    return {{"city": city, "days": days, "celsius": 12, "sky": "overcast, with some rain in the afternoon"}}

def delete_files(pattern: str) -> int:
    "Deletes files."
    called.append(pattern)
    return 0

@gm.tool(read_only=True)
def today() -> str:
    "The date."
    return "2026-05-01"

called = []
flag = pathlib.Path({flag!r})
"""
ACTIVE = "() => document.activeElement.className"


def call(city: str = "Oslo", name: str = "get_weather", **args) -> dict:
    """A part in which the model asks for a call."""
    return {"functionCall": {"name": name, "args": {"city": city, **args}}}


def asks(*parts) -> Say:
    """An answer that ends with calls."""
    return Say([*(said(part) for part in parts[:-1]), said(parts[-1], finish="STOP")], framing="chunked")


class Tools:
    """What a pane shows of functions."""

    def __init__(self, pane: Pane) -> None:
        self.pane = pane
        self.question = pane.root.locator(".gmc-approval")
        self.cards = pane.root.locator(".gmc-run")

    def waits_for(self, name: str, *words: str) -> None:
        """Wait until this function waits for leave."""
        expect(self.question).to_be_visible()
        expect(self.question).to_have_accessible_name(f"Gemini wants to run {name}")
        for text in words:
            expect(self.question).to_contain_text(text)

    def decide(self, word: str) -> None:
        """Press a button."""
        self.question.get_by_role("button", name=word, exact=True).click()

    def states(self) -> list[str]:
        """How the calls have ended, without their times."""
        return [text.partition(" · ")[0] for text in self.pane.root.locator(".gmc-run-state").all_inner_texts()]


@pytest.fixture
def show_with(chats, show, tmp_path):
    """Shows a pane whose model may call functions of the notebook."""

    def shown(*names: str, more: str = "") -> Tools:
        chats.run(FUNCTIONS.format(flag=str(tmp_path / "go")))
        return Tools(show(f"tools=[{', '.join(names or ('get_weather',))}]", *filter(None, [more])))

    return shown


@pytest.fixture
def called(chats, tmp_path):
    """What the notebook's functions were called with."""

    def read() -> list[str]:
        path = tmp_path / "called"
        chats.run(f"import json, pathlib; pathlib.Path({str(path)!r}).write_text(','.join(called))", 3)
        return [name for name in path.read_text().split(",") if name]

    return read


def results(chats) -> list[dict]:
    """What went back to the model."""
    return [part["functionResponse"]["response"] for part in chats.request()["contents"][-1]["parts"]]


def test_a_call_is_allowed_by_keys_runs_and_leaves_a_card(chats, show_with, called, photograph, tmp_path):
    tools = show_with()
    pane = tools.pane
    chats.gateway.answers(asks({"text": "Let me look out of the window."}, call("Slow", days=2)), answer("12 degrees."))
    pane.ask("How warm is it?")
    tools.waits_for("get_weather", '"city": "Slow"', "from the window of its town hall")
    expect(tools.question).to_be_focused()
    expect(pane.aloud).to_have_text("Gemini wants to run get_weather")
    assert called() == []
    photograph(pane, "tool-asks")
    tools.question.focus()
    expect(tools.question.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    pane.page.keyboard.press("Tab")
    pane.page.keyboard.press("Enter")
    expect(tools.cards).to_contain_text("running")
    expect(tools.question).to_be_hidden()
    expect(pane.area).to_be_focused()
    photograph(pane, "tool-running")
    (tmp_path / "go").touch()
    pane.says("12 degrees.")
    assert called() == ["Slow"]
    assert results(chats)[0]["celsius"] == 12
    expect(tools.cards).to_have_count(1)
    tools.cards.locator("summary").click()
    expect(tools.cards).to_contain_text('"sky": "overcast')
    expect(tools.cards).to_contain_text("You allowed this call.")
    photograph(pane, "tool-card")
    assert pane.texts()[1].startswith("Let me look out of the window.")


def test_a_page_that_is_loaded_anew_asks_again_for_what_waits(lab, chats, show_with, called):
    tools = show_with()
    tools.pane.asked("First?")
    chats.gateway.answers(asks({"text": "Let me look."}, call()), answer("12 degrees."))
    tools.pane.ask("How warm?")
    tools.waits_for("get_weather")
    lab.save(chats.page)
    chats.page.reload()
    lab.wait_for(chats.page)
    tools = Tools(chats.pane().ready())
    tools.waits_for("get_weather", '"city": "Oslo"')
    expect(tools.pane.live).to_contain_text("Let me look.")
    tools.decide("Run")
    tools.pane.says("12 degrees.")
    assert called() == ["Oslo"]
    assert tools.pane.texts()[::2] == ["First?", "How warm?"]
    expect(tools.cards).to_have_count(1)


def test_run_all_holds_for_one_function_and_one_question(chats, show_with, called):
    tools = show_with("get_weather", "delete_files")
    delete = {"functionCall": {"name": "delete_files", "args": {"pattern": "*"}}}
    chats.gateway.answers(asks(call("Oslo")), asks(call("Bergen"), delete), answer("Done."))
    tools.pane.ask("Both?")
    tools.waits_for("get_weather", "Oslo")
    tools.decide("Run all")
    tools.waits_for("delete_files", '"pattern": "*"')
    tools.decide("Deny")
    tools.pane.says("Done.")
    assert called() == ["Oslo", "Bergen"]
    chats.gateway.answers(asks(call("Oslo")), answer("Well."))
    tools.pane.ask("Again?")
    tools.waits_for("get_weather", "Oslo")
    tools.decide("Deny")
    tools.pane.says("Well.")
    assert called() == ["Oslo", "Bergen"]


def test_a_denied_call_does_not_run_and_the_answer_goes_on(chats, show_with, called, photograph):
    tools = show_with()
    chats.gateway.answers(asks(call()), answer("Then I cannot know."))
    tools.pane.ask("How warm?")
    tools.waits_for("get_weather")
    tools.decide("Deny")
    tools.pane.says("Then I cannot know.")
    assert tools.states() == ["not run"]
    assert "was not allowed to run" in results(chats)[0]["error"]
    tools.cards.locator("summary").click()
    photograph(tools.pane, "tool-denied")
    assert called() == []


@pytest.mark.parametrize("way", ["Esc", "the button"])
def test_stop_while_a_call_waits_ends_the_answer_at_once(way, chats, show_with, called, photograph):
    tools = show_with()
    pane = tools.pane
    chats.gateway.answers(asks({"text": "Let me look."}, call()), answer("Yes."))
    pane.ask("How warm?")
    tools.waits_for("get_weather")
    if way == "Esc":
        pane.page.keyboard.press("Escape")
    else:
        pane.send.click()
    pane.root.locator(".gmc-interrupted").wait_for(timeout=ONE_SECOND)
    expect(tools.question).to_be_hidden()
    expect(pane.aloud).to_have_text("The answer was stopped")
    expect(pane.area).to_be_focused() if way == "Esc" else None
    photograph(pane, "tool-stopped")
    assert called() == []
    pane.asked("And now?")
    assert len(chats.asked()) == 1


def test_two_views_show_one_question_and_the_first_decision_counts(chats, show_with, called):
    one = show_with()
    other = Tools(chats.show("ui", 3))
    chats.gateway.answers(asks(call()), answer("12 degrees."))
    one.pane.ask("How warm?")
    for tools in (one, other):
        tools.waits_for("get_weather")
    other.decide("Run")
    for tools in (one, other):
        expect(tools.question).to_be_hidden()
        tools.pane.says("12 degrees.")
        expect(tools.cards).to_have_count(1)
    assert called() == ["Oslo"]
    chats.clear(3)


def test_a_call_that_fails_is_shown_and_told_to_the_model(chats, show_with, photograph):
    tools = show_with()
    chats.gateway.answers(asks(call("Atlantis")), answer("It has sunk."))
    tools.pane.ask("How warm?")
    tools.waits_for("get_weather")
    tools.decide("Run")
    tools.pane.says("It has sunk.")
    assert tools.states()[0].startswith("failed")
    assert "Atlantis has sunk." in results(chats)[0]["error"]
    tools.cards.locator("summary").click()
    expect(tools.cards.locator(".gmc-run-error")).to_contain_text("Atlantis has sunk.")
    photograph(tools.pane, "tool-failed")


def test_two_calls_at_once_are_asked_for_one_by_one_and_a_double_click_decides_one(
    chats, show_with, called, photograph
):
    tools = show_with("get_weather", "today")
    date = {"functionCall": {"name": "today", "args": {}}}
    chats.gateway.answers(asks(date, call("Oslo"), call("Bergen")), answer("Both."))
    tools.pane.ask("Both?")
    tools.waits_for("get_weather", "Oslo", "1 more waiting")
    photograph(tools.pane, "tool-two")
    tools.question.get_by_role("button", name="Run", exact=True).dblclick()
    tools.waits_for("get_weather", "Bergen")
    assert called() == ["Oslo"]
    tools.decide("Run")
    tools.pane.says("Both.")
    assert called() == ["Oslo", "Bergen"]
    expect(tools.cards).to_have_count(3)
    assert [one.get("celsius") for one in results(chats)] == [None, 12, 12]
    photograph(tools.pane, "tool-three")


def test_whoever_writes_goes_on_writing_and_leave_is_given_while_a_cell_runs(chats, show_with, called, tmp_path):
    tools = show_with()
    pane = tools.pane
    gated = Gated(said({"text": "Let me look."}), said(call(), finish="STOP"))
    chats.gateway.answers(gated.say, answer("12 degrees."))
    with chats.busy(tmp_path):
        pane.ask("How warm?")
        gated.let_out(0)
        expect(pane.live).to_contain_text("Let me look.")
        pane.page.keyboard.type("And ")
        gated.let_out()
        tools.waits_for("get_weather")
        pane.page.keyboard.type("then?")
        expect(pane.area).to_have_value("And then?")
        tools.decide("Run")
        expect(pane.answers.last).to_contain_text("12 degrees.")
    pane.says("12 degrees.")
    assert called() == ["Oslo"]
