"""Asking for leave before a function runs, in a real notebook page: by mouse, by keyboard, and by no one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from browser.chat_pane import DARKEN, FRAME, LIGHTEN, START, Gated
from browser.pane_page import library
from playwright.sync_api import Locator, expect
from wire_server import Say, answer

import gemini_magic.display

if TYPE_CHECKING:
    from browser.chat_pane import ChatNotebook

pytestmark = pytest.mark.browser

STATIC = Path(gemini_magic.display.__file__).parent / "static"
VIEW = "application/vnd.jupyter.widget-view+json"
TOOLS = """
import pathlib, time
called = []

def get_weather(city: str, days: int = 1) -> dict:
    '''The weather of a city.'''
    called.append(city)
    while "slow" in city and not pathlib.Path("go-on").exists():
        time.sleep(0.01)
    return {"city": city, "celsius": -3.5, "sky": "clear"}

def remove(path: str) -> str:
    '''Remove a file.'''
    called.append(path)
    return "gone"
"""
ASK = "%%gemini --new --tools get_weather,remove\nHow cold is it in Oslo?"
OUTPUTS = "cell => jupyterapp.shell.currentWidget.model.sharedModel.toJSON().cells[cell].outputs"
INTERRUPT = "() => jupyterapp.commands.execute('notebook:interrupt-kernel')"
WITHOUT_SUBSHELLS = """mode => {
    jupyterapp.shell.currentWidget.sessionContext.session.kernel.commsOverSubshells = mode
}"""
RUN_AND_GO_ON = """async ([cell, source]) => {
    const {content} = jupyterapp.shell.currentWidget;
    content.activeCellIndex = cell;
    content.widgets[cell].model.sharedModel.setSource(source);
    content.activate();
    jupyterapp.commands.execute('notebook:run-cell-and-select-next');
}"""
WHERE = """() => [jupyterapp.shell.currentWidget.content.activeCellIndex,
    document.activeElement.closest('.jp-Notebook') !== null, jupyterapp.shell.currentWidget.content.mode]"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """async ([element, rules]) => {
    const {violations} = await axe.run(element, {runOnly: rules, resultTypes: ['violations']});
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.html} ${node.failureSummary}`));
}"""
CELL = 2
#: Puts up the card without a kernel, on a model that keeps what is sent.
STAGE = """async ([script, call]) => {
    const url = URL.createObjectURL(new Blob([script], {type: 'text/javascript'}));
    const {default: widget} = await import(url);
    const heard = {};
    window.sent = [];
    window.say = (name, message) => heard[name](message);
    const model = {get: () => call, on: (name, listener) => { heard[name] = listener }, off() {},
        send: message => window.sent.push(message)};
    const el = document.body.appendChild(document.createElement('div'));
    window.take = widget.render({model, el});
}"""
CALL = {
    "label": "Leave to run f",
    "question": ["May the model run ", "f", "?"],
    "about": "<img src=x onerror=window.ran=1>",
    "code": [["", "f("], ["s", "<script>window.ran = 1</script>"], ["", ")"]],
    "behind": "",
    "buttons": [["run", "Run", "One"], ["all", "Run all", "All"], ["deny", "Deny", "None"]],
}


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "") -> Say:
    """An answer that asks for these calls."""
    parts = [{"text": text}] if text else []
    parts += [{"functionCall": {"name": name, "args": args}} for name, args in wanted]
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": "STOP"}
    usage = {"promptTokenCount": 120, "candidatesTokenCount": 18, "totalTokenCount": 138}
    event = b"data: " + json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode() + b"\r\n\r\n"
    return Say([event], framing="chunked")


OSLO = calls(("get_weather", {"city": "Oslo"}), text="Let me look.")
COLD = answer("It is **cold** in Oslo: -3.5 °C.")


class Asked:
    """A cell of a notebook page whose functions wait for leave."""

    def __init__(self, chats: ChatNotebook, cell: int = CELL) -> None:
        self.page, self.chats, self.cell = chats.page, chats, cell
        self.root = self.page.locator(".jp-Notebook .jp-Cell").nth(cell)
        self.card = self.root.locator(".gm-leave")
        self.answer = self.root.locator("section.gm")
        self.calls = self.root.locator("details.gm-tool")

    def button(self, name: str) -> Locator:
        return self.card.get_by_role("button", name=name, exact=True)

    def start(self, source: str = ASK) -> Asked:
        self.page.evaluate(START, [self.cell, source])
        return self

    def ended(self) -> None:
        expect(self.root.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
        expect(self.card).to_have_count(0)

    def outputs(self) -> list[dict[str, Any]]:
        return self.page.evaluate(OUTPUTS, self.cell)

    def results(self) -> list[dict[str, Any]]:
        """What the model got for its calls, as the last request has it."""
        parts = self.chats.request()["contents"][-1]["parts"]
        return [part["functionResponse"]["response"] for part in parts]

    def faults(self, selector: str) -> list[str]:
        return self.page.evaluate(AXE, [self.root.locator(selector).element_handle(), RULES])

    def photograph(self, folder: Path, name: str) -> None:
        self.page.mouse.move(0, 0)
        self.root.screenshot(path=folder / f"leave-{name}-light.png")
        self.page.evaluate(DARKEN)
        self.page.evaluate(FRAME)
        self.root.screenshot(path=folder / f"leave-{name}-dark.png")
        self.page.evaluate(LIGHTEN)


@pytest.fixture
def asked(lab, chats, watched, tmp_path) -> Asked:  # noqa: ARG001 - watched for its end
    chats.run(TOOLS.replace("go-on", str(tmp_path / "go-on")), 1)
    chats.gateway.seen.clear()
    yield Asked(chats)
    assert lab.foreign() == []
    assert lab.fired == []


def called(asked: Asked) -> list[str]:
    """The functions' own record of their calls."""
    asked.chats.run("print(__import__('json').dumps(called))", 3)
    return json.loads(asked.page.locator(".jp-Notebook .jp-Cell").nth(3).locator(".jp-OutputArea-output").inner_text())


def test_run_lets_one_call_run_and_the_notebook_keeps_a_folded_card(lab, asked, screenshots, tmp_path):
    asked.chats.gateway.answers(calls(("get_weather", {"city": "Oslo slow", "days": 3}), text="Let me look."), COLD)
    asked.start()
    expect(asked.card).to_contain_text("May the model run get_weather?")
    expect(asked.card).to_contain_text("The weather of a city.")
    expect(asked.card.locator("pre")).to_have_text('get_weather(city="Oslo slow", days=3)')
    expect(asked.answer.last).to_contain_text("Waiting for leave to run get_weather")
    expect(asked.button("Run")).to_be_enabled()
    asked.photograph(screenshots, "waiting")
    asked.button("Run").click()
    expect(asked.card).to_have_count(0)
    expect(asked.answer.last).to_contain_text('Running get_weather(city="Oslo slow", days=3) …')
    asked.photograph(screenshots, "running")
    (tmp_path / "go-on").touch()
    asked.ended()
    expect(asked.calls).to_have_count(1)
    assert asked.calls.get_attribute("open") is None
    assert asked.results() == [{"city": "Oslo slow", "celsius": -3.5, "sky": "clear"}]
    expect(asked.answer).to_contain_text("1 call")
    (output,) = asked.outputs()
    assert sorted(output["data"]) == ["text/html", "text/plain"]
    asked.photograph(screenshots, "folded")
    asked.calls.locator("summary").click()
    expect(asked.calls).to_contain_text("You let it run.")
    asked.photograph(screenshots, "unfolded")
    lab.save(asked.page)
    kept = nbformat.read(lab.folder / "test_tool_approval.ipynb", 4)
    assert VIEW not in json.dumps(kept)
    assert "gm-tool" in json.dumps(kept.cells[CELL].outputs)


def test_run_all_lets_every_further_call_of_that_function_run_and_of_no_other(asked, screenshots):
    asked.chats.gateway.answers(
        calls(("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})),
        calls(("get_weather", {"city": "Kyiv"}), ("remove", {"path": "all of it"})),
        COLD,
    )
    asked.start()
    expect(asked.card).to_contain_text("1 more call waits behind this one.")
    asked.photograph(screenshots, "two")
    asked.button("Run all").click()
    expect(asked.card).to_contain_text("May the model run remove?")
    asked.button("Deny").click()
    asked.ended()
    assert called(asked) == ["Oslo", "Rome", "Kyiv"]
    expect(asked.calls).to_have_count(4)
    expect(asked.calls.last).to_contain_text("did not run")
    asked.photograph(screenshots, "four")
    (output,) = asked.outputs()
    assert VIEW not in output["data"]


def test_deny_tells_the_model_so_and_nothing_runs(asked):
    asked.chats.gateway.answers(OSLO, answer("Then I do not know."))
    asked.start()
    asked.button("Deny").click()
    asked.ended()
    assert called(asked) == []
    assert "not allowed" in json.dumps(asked.results())
    expect(asked.answer).to_contain_text("Then I do not know.")


def test_a_question_can_be_answered_by_keys_alone_which_then_are_where_they_were(asked):
    asked.chats.gateway.answers(OSLO, COLD)
    asked.page.evaluate(RUN_AND_GO_ON, [CELL, ASK])
    expect(asked.card).to_be_focused()
    expect(asked.button("Run")).to_be_enabled()
    for _ in range(2):
        asked.page.keyboard.press("Tab")
    expect(asked.button("Run")).to_be_focused()
    asked.page.keyboard.press("Tab")
    expect(asked.button("Run all")).to_be_focused()
    asked.page.keyboard.press("Shift+Tab")
    asked.page.keyboard.press("Enter")
    asked.ended()
    assert asked.page.evaluate(WHERE) == [CELL + 1, True, "command"]
    assert called(asked) == ["Oslo"]


def test_whoever_writes_in_another_cell_goes_on_writing(asked):
    gated = Gated(*OSLO.pieces)
    asked.chats.gateway.answers(gated.say, COLD)
    editor = asked.page.locator(".jp-Notebook .jp-Cell").nth(3).locator(".cm-content")
    asked.start()
    editor.click()
    asked.page.keyboard.type("a = ")
    gated.let_out()
    expect(asked.button("Run")).to_be_enabled()
    asked.page.keyboard.type("1")
    asked.page.keyboard.press("Enter")
    expect(editor).to_contain_text("a = 1")
    asked.button("Run").click()
    asked.ended()
    expect(editor).to_be_focused()


def test_a_cell_with_outputs_of_its_own_keeps_them_and_no_card(asked):
    asked.chats.gateway.answers(OSLO, COLD)
    asked.start("print('mine')\nget_ipython().run_cell_magic('gemini', '--new --tools get_weather', 'How?')")
    asked.button("Run").click()
    asked.ended()
    stream, shown, place = asked.outputs()
    assert stream["text"] == "mine\n"
    assert sorted(shown["data"]) == ["text/html", "text/plain"]
    assert place["data"] == {"text/plain": ""}
    assert asked.root.locator(".jp-OutputArea-child").last.bounding_box()["height"] == 0


def test_an_interrupt_ends_the_waiting_at_once_and_takes_the_card_away(asked, screenshots):
    asked.chats.gateway.answers(OSLO, COLD)
    asked.start()
    expect(asked.button("Run")).to_be_enabled()
    asked.page.evaluate(INTERRUPT)
    asked.ended()
    assert called(asked) == []
    kinds = [output["output_type"] for output in asked.outputs()]
    assert kinds == ["display_data", "error"]
    assert VIEW not in json.dumps(asked.outputs())
    expect(asked.answer).to_contain_text("Stopped:")
    asked.photograph(screenshots, "interrupted")
    asked.chats.gateway.answers(OSLO, COLD)
    asked.start()
    asked.button("Run").click()
    asked.ended()


def test_where_the_kernel_hears_nothing_while_a_cell_runs_there_is_a_typed_prompt(asked, screenshots):
    asked.page.evaluate(WITHOUT_SUBSHELLS, "disabled")
    try:
        asked.chats.gateway.answers(OSLO, COLD)
        asked.start()
        prompt = asked.root.locator(".jp-Stdin-input")
        expect(prompt).to_be_visible()
        expect(asked.card).to_have_count(0)
        asked.photograph(screenshots, "typed")
        prompt.fill("y")
        prompt.press("Enter")
        asked.ended()
    finally:
        asked.page.evaluate(WITHOUT_SUBSHELLS, "perCommTarget")
    assert called(asked) == ["Oslo"]
    (output,) = asked.outputs()
    assert sorted(output["data"]) == ["text/html", "text/plain"]


def test_in_the_background_the_buttons_work_while_the_kernel_is_free(asked):
    asked.chats.gateway.answers(OSLO, COLD)
    asked.chats.run(ASK.replace("--new", "--new --bg"), CELL)
    expect(asked.button("Run")).to_be_enabled()
    asked.chats.run("1 + 1", 3)
    asked.button("Run").click()
    expect(asked.answer.first).to_contain_text("cold")
    expect(asked.card).to_have_count(0)
    assert called(asked) == ["Oslo"]
    assert VIEW not in json.dumps(asked.outputs())


def test_what_the_model_writes_into_a_call_is_text_in_the_card(lab, asked, screenshots):
    hostile = "<img src=x onerror=__fired(1)><script>__fired(2)</script>\u202e\x1b[31m$x^2$"
    asked.chats.gateway.answers(calls(("get_weather", {"city": hostile})), COLD)
    asked.start()
    expect(asked.card.locator("pre")).to_contain_text("<img src=x onerror=__fired(1)>")
    assert asked.card.locator("img, script").count() == 0
    asked.photograph(screenshots, "hostile")
    asked.button("Run").click()
    asked.ended()
    asked.calls.locator("summary").click()
    lab.settle(asked.page)
    assert asked.root.locator("img, .jp-OutputArea-output script").count() == 0
    assert lab.fired == []


def test_card_and_folded_calls_pass_the_rules_of_access_in_light_and_dark(lab, asked):
    page = asked.page
    page.evaluate("source => { (0, eval)(source); }", library("axe-core/axe.min.js"))
    asked.chats.gateway.answers(calls(("get_weather", {"city": "long words " * 200}), ("remove", {"path": "x"})), COLD)
    asked.start()
    expect(asked.button("Run")).to_be_enabled()
    found = {}
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.change_theme(page, theme)
        found[theme, "card"] = asked.faults(".gm-leave")
    asked.button("Run all").click()
    expect(asked.card).to_contain_text("remove")
    asked.button("Deny").click()
    asked.ended()
    for summary in asked.calls.locator("summary").all():
        summary.click()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.change_theme(page, theme)
        found[theme, "answer"] = asked.faults("section.gm")
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_buttons_work_only_when_they_are_heard_and_say_it_until_they_are(browser):
    page = browser.new_page()
    page.clock.install()
    page.evaluate(STAGE, [(STATIC / "leave.js").read_text(), CALL])
    page.clock.run_for(5_000)
    assert page.locator("button:enabled").count() == 0
    assert page.evaluate("() => sent.every(message => message.type === 'hello') && sent.length > 5")
    page.evaluate("() => say('msg:custom', {type: 'ready'})")
    page.clock.run_for(10)
    page.get_by_role("button", name="Run all").click()
    assert page.locator("button:enabled").count() == 0
    before = page.evaluate("() => sent.length")
    page.clock.run_for(2_000)
    more = page.evaluate("() => sent")[before - 1 :]
    assert len(more) > 3
    assert all(message == {"type": "leave", "leave": "all"} for message in more)
    page.evaluate("() => take()")
    ended = page.evaluate("() => sent.length")
    page.clock.run_for(2_000)
    assert page.evaluate("() => sent.length") == ended
    assert page.evaluate("() => window.ran") is None
    page.close()


def test_a_click_that_was_meant_for_something_else_lets_nothing_run(browser):
    page = browser.new_page()
    page.clock.install()
    page.evaluate(STAGE, [(STATIC / "leave.js").read_text(), CALL])
    page.evaluate("() => say('msg:custom', {type: 'ready'})")
    page.get_by_role("button", name="Run", exact=True).click(force=True)
    page.keyboard.press("Enter")
    assert page.evaluate("() => sent.some(message => message.type === 'leave')") is False
    page.clock.run_for(600)
    page.get_by_role("button", name="Run", exact=True).click()
    assert page.evaluate("() => sent.at(-1)") == {"type": "leave", "leave": "run"}
    page.close()
