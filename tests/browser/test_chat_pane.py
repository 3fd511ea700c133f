"""A chat pane in a real JupyterLab: writing, reading along, stopping, and taking things out of it."""

from __future__ import annotations

import re

import pytest
from browser.chat_pane import ONE_SECOND, SOURCES, USAGE, Gated
from playwright.sync_api import expect
from wire_server import Say, answer, event

pytestmark = pytest.mark.browser

ANSWER = "Some **bold** words.\n\n```python\nx = 1\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
PASTED = "() => navigator.clipboard.readText()"
REFUSE = "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')) }"
ALLOW = "() => { delete navigator.clipboard.writeText }"
FOCUSED = """() => {
    const {activeElement: on} = document;
    return on.closest('.gm-chat') ? on.getAttribute('aria-label') ?? on.textContent : null;
}"""


def test_enter_sends_and_the_notebook_hears_none_of_the_keys(chats, show, photograph):
    pane = show("starters=['Explain df', 'Say more']")
    photograph(pane, "empty")
    before = chats.sources()
    pane.area.click()
    pane.page.keyboard.type("dd aa b x\u00e9")
    photograph(pane, "written")
    pane.page.keyboard.press("Enter")
    pane.says("Yes.")
    assert pane.texts() == ["dd aa b x\u00e9", "Yes."]
    assert chats.asked() == ["dd aa b x\u00e9"]
    assert chats.sources() == before
    expect(pane.area).to_have_value("")
    expect(pane.area).to_be_focused()


def test_a_starter_is_asked_by_a_click(chats, show):
    pane = show("starters=['Explain df', 'Say more']")
    pane.button("Say more").click()
    pane.says("Yes.")
    assert chats.asked() == ["Say more"]


def test_shift_enter_begins_a_new_line(chats, show):
    pane = show()
    pane.area.click()
    pane.page.keyboard.type("one")
    pane.page.keyboard.press("Shift+Enter")
    pane.page.keyboard.type("two")
    expect(pane.area).to_have_value("one\ntwo")
    pane.page.keyboard.press("Enter")
    pane.says("Yes.")
    assert chats.asked() == ["one\ntwo"]


def test_enter_of_an_input_method_does_not_send(chats, show):
    pane = show()
    pane.area.click()
    session = pane.page.context.new_cdp_session(pane.page)
    session.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    session.send("Input.insertText", {"text": "\u4f60\u597d"})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    expect(pane.area).to_have_value("\u4f60\u597d")
    assert chats.gateway.seen == []
    pane.page.keyboard.press("Enter")
    pane.says("Yes.")
    assert chats.asked() == ["\u4f60\u597d"]


def test_up_and_down_walk_through_earlier_questions(show):
    pane = show()
    pane.asked("first")
    pane.asked("second")
    pane.area.fill("")
    for key, shown in (("Up", "second"), ("Up", "first"), ("Up", "first"), ("Down", "second"), ("Down", "")):
        pane.area.press(f"Arrow{key}")
        expect(pane.area).to_have_value(shown)


def test_an_answer_is_drawn_as_it_comes(chats, show, photograph):
    pane = show()
    gated = Gated(*(event(piece) for piece in re.findall(r"(?s).{1,20}", ANSWER)), event("End.", "STOP"))
    chats.gateway.answers(gated.say)
    pane.ask("Write.")
    expect(pane.root.locator(".gmc-wait")).to_contain_text("Waiting")
    photograph(pane, "waiting")
    expect(pane.aloud).to_have_text("The question was sent")
    gated.let_out(*range(4))
    expect(pane.live.locator("strong")).to_have_text("bold")
    expect(pane.live.locator("pre code")).to_contain_text("y = 2")
    expect(pane.aloud).to_have_text("Gemini is answering")
    photograph(pane, "streaming")
    gated.let_out()
    pane.says("End.")
    expect(pane.aloud).to_have_text("The answer is complete")
    assert pane.answers.locator("td").all_inner_texts() == ["1", "2"]
    assert pane.answers.locator("code .hljs-number").count() == 2
    photograph(pane, "answered")


@pytest.mark.parametrize("way", ["Esc", "the button"])
def test_stop_ends_the_request_within_a_second_and_keeps_what_came(way, chats, show, photograph):
    pane = show()
    chats.gateway.answers(Say([event("Half "), event("of it")], framing="chunked", ending="hang"))
    pane.ask("Write.")
    expect(pane.live).to_contain_text("Half of it")
    if way == "Esc":
        pane.area.press("Escape")
    else:
        pane.send.click()
    pane.root.locator(".gmc-interrupted").wait_for(timeout=ONE_SECOND)
    assert chats.gateway.closed_by_client.wait(1)
    pane.says("Half of it")
    expect(pane.aloud).to_have_text("The answer was stopped")
    photograph(pane, "stopped")
    chats.gateway.answers(answer(", and the rest."))
    pane.button("Continue").click()
    pane.says(", and the rest.")


def test_code_becomes_a_cell_below_the_pane(chats, show):
    pane = show()
    chats.gateway.answers(answer(ANSWER))
    pane.asked("Write.", "Some bold words.")
    before = chats.sources()
    pane.button("Insert as a new cell").click()
    pane.page.wait_for_function(f"count => ({SOURCES})().length > count", arg=len(before))
    assert chats.sources() == [*before[:2], "x = 1\ny = 2", *before[2:]]
    chats.delete(2)


def test_code_question_and_answer_are_copied_with_the_clipboard_or_without(chats, show):
    pane = show()
    chats.gateway.answers(answer(ANSWER))
    pane.asked("Write.", "Some bold words.")
    pane.button("Copy this code").click()
    expect(pane.root.locator(".gmc-code-row")).to_contain_text("Copied")
    assert pane.page.evaluate(PASTED) == "x = 1\ny = 2"
    pane.button("Copy the answer").click()
    pane.page.wait_for_function("async text => await navigator.clipboard.readText() === text", arg=ANSWER.strip())
    pane.page.evaluate(REFUSE)
    pane.button("Copy the question").click()
    pane.page.wait_for_function("async () => await navigator.clipboard.readText() === 'Write.'")
    pane.page.evaluate(ALLOW)


def test_everything_is_reached_by_tab_in_the_order_in_which_it_is_read(chats, show):
    pane = show()
    chats.gateway.answers(Say([event("Plain.", "STOP", usageMetadata=USAGE)], framing="chunked"))
    pane.asked("Write.", "Plain.")
    pane.root.locator(".gmc-model").focus()
    reached = []
    while (name := pane.page.evaluate(FOCUSED)) is not None:
        reached.append(name)
        pane.page.keyboard.press("Tab")
    assert reached == [
        "gemini-x",
        "Settings",
        "More",
        "Conversation",
        "Copy the question",
        "Edit and ask again",
        "Copy the answer",
        "Ask again for another answer",
        "Fork from here",
        "Your question",
        "Attach files",
        "Bring in a variable",
    ]


def test_the_menu_and_the_settings_are_worked_by_keys_alone(show, photograph):
    pane = show()
    pane.asked("One?")
    pane.button("More").focus()
    pane.page.keyboard.press("Enter")
    expect(pane.root.get_by_role("menuitem", name="Undo the last turn")).to_be_focused()
    photograph(pane, "menu")
    pane.page.keyboard.press("ArrowUp")
    expect(pane.root.get_by_role("menuitem", name="Clear the conversation")).to_be_focused()
    pane.page.keyboard.press("Escape")
    expect(pane.button("More")).to_be_focused()
    pane.button("Settings").last.press("Enter")
    expect(pane.root.get_by_role("combobox", name="Model")).to_be_focused()
    pane.page.keyboard.press("Escape")
    expect(pane.root.locator(".gmc-settings")).to_be_hidden()
