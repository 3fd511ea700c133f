"""What can be done with the turns of a chat pane, and how answers that are more than text look in it."""

from __future__ import annotations

import base64
import io
import json
import re

import pytest
from browser.chat_pane import Gated, said
from PIL import Image
from playwright.sync_api import expect
from wire_server import Say, answer, error, event, unary

pytestmark = pytest.mark.browser

SYSTEM = "System instruction"
AWAY = "log => log.scrollHeight - log.scrollTop - log.clientHeight"
IS_AT_REST = """async log => {
    const before = log.scrollTop;
    await new Promise(done => setTimeout(done, 50));
    return log.scrollTop === before;
}"""
LONG = "A line of the answer that goes on for a while.\n\n" * 12
HISTORY = """
chat = gm.Conversation(name="long")
for number in range(150):
    chat.ask(f"Question {number}")
chat.widget()
"""


def streamed(*pieces):
    return Say(list(pieces), framing="chunked")


def picture():
    data = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(data, "PNG")
    return data.getvalue()


def test_retry_asks_the_same_again_and_replaces_the_answer(chats, show):
    pane = show()
    pane.asked("One?")
    pane.asked("Two?")
    chats.gateway.answers(answer("Other."))
    pane.answers.first.get_by_role("button", name="Ask again for another answer").click()
    expect(pane.answers.first).to_contain_text("Other.")
    pane.is_idle()
    assert pane.texts() == ["One?", "Other.", "Two?", "Yes."]
    assert chats.asked() == ["One?"]
    expect(pane.questions.last).to_contain_text("stale")


def test_an_edited_question_takes_the_later_turns_back(chats, show, photograph):
    pane = show()
    pane.asked("One?")
    pane.asked("Two?")
    pane.questions.first.get_by_role("button", name="Edit and ask again").click()
    box = pane.root.get_by_role("textbox", name="Edit the question")
    expect(box).to_have_value("One?")
    photograph(pane, "editing")
    box.press("Escape")
    assert pane.texts() == ["One?", "Yes.", "Two?", "Yes."]
    pane.questions.first.get_by_role("button", name="Edit and ask again").click()
    box.fill("Three?")
    box.press("Enter")
    expect(pane.questions.locator(".gmc-bubble")).to_have_text(["Three?"])
    pane.says("Yes.")
    assert pane.texts() == ["Three?", "Yes."]
    assert chats.asked() == ["Three?"]


def test_undo_clear_and_fork(chats, show, photograph):
    pane = show()
    for question in ("One?", "Two?", "Three?"):
        pane.asked(question)
    pane.menu("Undo the last turn")
    expect(pane.questions).to_have_count(2)
    pane.answers.first.get_by_role("button", name="Fork from here").click()
    expect(pane.questions).to_have_count(1)
    name = pane.name.inner_text()
    pane.asked("Four?")
    assert chats.asked() == ["One?", "Yes.", "Four?"]
    photograph(pane, "forked")
    pane.menu("Clear the conversation")
    photograph(pane, "clearing")
    pane.button("Cancel").click()
    expect(pane.questions).to_have_count(2)
    pane.menu("Clear the conversation")
    pane.button("Clear").click()
    expect(pane.questions).to_have_count(0)
    again = chats.show(f"gm.ChatWidget(name={name.removesuffix('-2')!r})")
    assert again.texts() == ["One?", "Yes.", "Two?", "Yes."]


def test_an_error_says_why_and_retry_mends_it(chats, show, photograph):
    pane = show()
    chats.gateway.answers(error(400, "The field is not good.", "INVALID_ARGUMENT"), answer("Now it is."))
    pane.ask("One?")
    bubble = pane.root.locator(".gmc-error")
    expect(bubble).to_contain_text("The field is not good.")
    expect(bubble).to_contain_text("The server refused the question")
    expect(pane.aloud).to_contain_text("No answer")
    photograph(pane, "failed")
    bubble.get_by_role("button", name="Retry").click()
    pane.says("Now it is.")
    expect(bubble).to_have_count(0)
    assert chats.asked() == ["One?"]


def test_a_blocked_question_says_so_and_is_not_sent_along(chats, show, photograph):
    pane = show()
    blocked = b'data: {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}\r\n\r\n'
    chats.gateway.answers(streamed(blocked), answer("Fine."))
    pane.ask("Bad?")
    expect(pane.root.locator(".gmc-blocked")).to_contain_text("may contain prohibited content")
    photograph(pane, "blocked")
    pane.asked("Good?", "Fine.")
    assert chats.asked() == ["Good?"]
    expect(pane.questions.first).to_contain_text("not sent along")


def test_an_answer_at_its_limit_goes_on_when_asked_to(chats, show, photograph):
    pane = show()
    chats.gateway.answers(answer("One, two", finish="MAX_TOKENS"), answer(", three."))
    pane.ask("Count.")
    expect(pane.root.locator(".gmc-truncated")).to_contain_text("token limit")
    photograph(pane, "truncated")
    pane.button("Continue").click()
    pane.says(", three.")
    assert chats.asked() == ["Count.", "One, two", "Continue exactly where you stopped."]


def test_thoughts_are_folded_sources_listed_and_tokens_counted(chats, show, photograph):
    pane = show()
    site = {"web": {"uri": "https://a.example/page", "title": "a.example"}}
    support = {"segment": {"endIndex": 5, "text": "Blue."}, "groundingChunkIndices": [0]}
    grounding = {"groundingChunks": [site], "groundingSupports": [support], "webSearchQueries": ["sky colour"]}
    gated = Gated(
        said({"text": "**Looking up**\n\nWhat is the sky?", "thought": True}),
        said({"text": "Blue."}, finish="STOP", groundingMetadata=grounding),
    )
    chats.gateway.answers(gated.say)
    pane.ask("Sky?")
    gated.let_out(0)
    thought = pane.root.locator("details.gmc-thought")
    expect(thought).to_contain_text("Looking up")
    photograph(pane, "thinking")
    gated.let_out()
    pane.says("Blue.")
    expect(thought.locator("summary")).to_contain_text(re.compile(r"Thought for [\d.]+ s"))
    expect(thought.get_by_text("What is the sky?")).to_be_hidden()
    thought.locator("summary").click()
    expect(thought.get_by_text("What is the sky?")).to_be_visible()
    source = pane.root.locator(".gmc-sources a")
    assert source.get_attribute("href") == "https://a.example/page"
    assert source.get_attribute("rel") == "noopener noreferrer nofollow"
    expect(pane.root.locator(".gmc-searches")).to_contain_text("sky colour")
    expect(pane.answers.locator(".gmc-figures")).to_contain_text("12 in")
    expect(pane.root.locator(".gmc-totals")).to_contain_text("42")
    photograph(pane, "sources")


def test_pictures_formulas_and_code_that_ran_are_shown(chats, show, photograph):
    pane = show()
    parts = [
        {"text": "The area is $\\pi r^2$.\n\n"},
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(picture()).decode()}},
        {"executableCode": {"language": "PYTHON", "code": "print(2)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
    ]
    chats.gateway.answers(streamed(*(said(part) for part in parts), said({"text": "Done."}, finish="STOP")))
    pane.asked("Show.", "Done.")
    image = pane.answers.locator("img")
    expect(image).to_be_visible()
    assert image.evaluate("image => [image.naturalWidth, image.src.slice(0, 5)]") == [64, "blob:"]
    expect(pane.answers.locator("math msup")).to_have_count(1)
    expect(pane.answers.locator(".gmc-output")).to_have_text("2")
    photograph(pane, "pictures")


def test_a_long_history_is_at_its_end_and_is_followed_only_there(chats, show, photograph):
    show()
    chats.gateway.answers(unary("A whole answer.\n\n- one\n- two"))
    pane = chats.show(HISTORY)
    expect(pane.questions).to_have_count(150)
    log, jump = pane.root.locator(".gmc-log"), pane.button("Jump to latest")
    assert log.evaluate(AWAY) < 2
    gated = Gated(*[event(LONG)] * 4, event("End.", "STOP"))
    chats.gateway.answers(gated.say)
    pane.ask("More?")
    gated.let_out(0, 1)
    expect(pane.live).to_contain_text("A line")
    expect(jump).to_be_hidden()
    assert log.evaluate(AWAY) < 2
    log.hover()
    pane.page.mouse.wheel(0, -2000)
    expect(jump).to_be_visible()
    pane.page.wait_for_function(IS_AT_REST, arg=log.element_handle())
    place = log.evaluate("log => log.scrollTop")
    gated.let_out(2)
    expect(pane.live.locator("p")).to_have_count(36)
    assert log.evaluate("log => log.scrollTop") == place
    photograph(pane, "scrolled")
    jump.click()
    expect(jump).to_be_hidden()
    gated.let_out()
    pane.says("End.")
    assert log.evaluate(AWAY) < 2
    assert len(chats.asked()) == 301


def test_only_what_is_set_is_sent(chats, show, photograph):
    pane = show()
    models = {"models": [{"name": "models/gemini-y", "displayName": "Y"}, {"name": "models/gemini-z"}]}
    listed = Say([json.dumps(models).encode()])
    chats.gateway.answers(lambda seen: listed if seen.method == "GET" else answer("Yes."))
    pane.asked("One?")
    assert set(chats.request()) == {"contents"}
    assert chats.gateway.seen[-1].path.endswith("/gemini-x:streamGenerateContent")
    pane.button("Settings").last.click()
    photograph(pane, "settings")
    model = pane.root.get_by_role("combobox", name="Model")
    model.click()
    expect(pane.root.locator(".gmc-option-label")).to_have_text(["gemini-y", "gemini-z"])
    photograph(pane, "models")
    pane.page.keyboard.press("ArrowDown")
    pane.page.keyboard.press("Enter")
    expect(pane.root.locator(".gmc-model-name")).to_have_text("gemini-z")
    slider = pane.root.get_by_role("slider", name="Temperature")
    slider.focus()
    slider.press("Home")
    pane.root.get_by_role("combobox", name="Thinking").select_option("Low")
    pane.root.get_by_role("textbox", name=SYSTEM).fill("Be brief.")
    pane.root.get_by_role("checkbox", name="Google Search").check()
    pane.asked("Two?")
    photograph(pane, "set")
    assert chats.gateway.seen[-1].path.endswith("/gemini-z:streamGenerateContent")
    body = chats.request()
    assert body.pop("contents")[-1]["parts"] == [{"text": "Two?"}]
    assert body == {
        "generationConfig": {"temperature": 0, "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}},
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"googleSearch": {}}],
    }
    for name in ("Temperature", "Thinking", SYSTEM, "Model"):
        pane.button(f"Back to the default: {name}").click()
        expect(pane.button(f"Back to the default: {name}")).to_be_hidden()
    pane.root.get_by_role("checkbox", name="Google Search").uncheck()
    pane.asked("Three?")
    assert set(chats.request()) == {"contents"}
