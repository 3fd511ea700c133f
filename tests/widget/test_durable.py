"""What stays beside the pane in the notebook's file."""

from __future__ import annotations

import base64
import io
import json
import re
import threading

import pytest
from wire_server import Say, answer, error, unary

from gemini_magic.chat import Conversation
from gemini_magic.display import sanitize
from gemini_magic.widget import durable
from gemini_magic.widget.durable import Transcript

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def said(wire, chat):
    """The transcript of a conversation in which these answers were given."""

    def ask(*answers):
        for given in answers:
            wire.answers(unary(given) if isinstance(given, str) else given)
            chat.ask("What is **this**?")
        return Transcript().bundle(chat.saved())

    return ask


def test_it_is_folded_and_has_question_and_answer(said):
    bundle = said("It is *blue*.")
    assert set(bundle) == {"text/html", "text/plain"}
    assert "<details><summary>Transcript of main: 1 turn</summary>" in bundle["text/html"]
    assert "<em>blue</em>" in bundle["text/html"]
    assert bundle["text/plain"].startswith("# main: 1 turn\n\n## 1\n\n**You**\n\nWhat is **this**?\n\n**gemini-x**\n\n")


def test_its_headings_stay_out_of_the_notebooks_table_of_contents(said, chat):
    chat.system = "# Rules"
    html = said("# The sky\n\n## Its colour\n\nBlue, not `<h1>`.")["text/html"]
    headings = re.findall("<h[1-6][^>]*>", html)
    assert len(headings) == 5
    assert all("jp-toc-ignore" in heading for heading in headings)


def test_nothing_said_yet(chat):
    assert "Transcript of main: 0 turns" in Transcript().bundle(chat.saved())["text/html"]


def test_the_system_instruction_stands_above(chat):
    chat.system = "Be brief."
    bundle = Transcript().bundle(chat.saved())
    assert "<p>Be brief.</p>" in bundle["text/html"]
    assert "**System instruction**\n\nBe brief." in bundle["text/plain"]


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](http://127.0.0.1/x.png)",
        "[x](javascript:alert(1))",
        "</details></section><iframe srcdoc='<b>'></iframe>",
        "<style>body{display:none}</style>",
    ],
)
def test_hostile_text_is_inert_on_both_sides(said, chat, payload):
    chat.name = payload
    chat.system = payload
    bundle = said(payload)
    html = bundle["text/html"].replace(str(sanitize.style()), "")
    for tag in ("<script", "<img", "<iframe", "<style", 'href="javascript', "onerror=alert(1)>"):
        assert tag not in html
    assert html.count("<details") == html.count("</details>")
    assert "<script>" not in bundle["text/plain"]
    assert "![x](" not in bundle["text/plain"]


def test_pictures_are_kept_small(wire, chat):
    stream = io.BytesIO()
    Image.effect_noise((900, 700), 60).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    body = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}
    wire.answers(Say([json.dumps(body).encode()]))
    chat.ask("Draw.")
    html = Transcript().bundle(chat.saved())["text/html"]
    assert "data:image/" in html
    assert len(html) < len(data) / 4


def test_calls_and_their_results_are_there(wire, chat):
    def echo(word: str) -> str:
        return f"{word}<script>"

    chat.tools, chat.approve = [echo], "always"
    parts = [{"text": "Let me *look*."}, {"functionCall": {"name": "echo", "args": {"word": "<img src=x>"}}}]
    asks = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    wire.answers(Say([json.dumps(asks).encode()]), unary("It is **so**."))
    chat.ask("Look.")
    bundle = Transcript().bundle(chat.saved())
    html = bundle["text/html"].replace(str(sanitize.style()), "")
    assert html.index("<em>look</em>") < html.index("echo") < html.index("<strong>so</strong>")
    assert html.count("<details") == html.count("</details>")
    for tag in ("<img", "<script"):
        assert tag not in html
    for words in ("Let me *look*.", "echo", "It is **so**."):
        assert words in bundle["text/plain"]


def test_a_turn_that_failed_says_so(wire, chat, new_pane):
    pane = new_pane(chat)
    wire.answers(error(503, "overloaded"))
    pane.send("One?")
    bundle = Transcript().bundle(chat.saved())
    assert "overloaded" in bundle["text/html"]
    assert "Not sent with later questions." in bundle["text/plain"]


def test_a_long_conversation_shows_its_last_turns(said, monkeypatch):
    monkeypatch.setattr(durable, "MOST", 40_000)
    bundle = said(*(f"{number} " + "word " * 1_000 for number in range(8)))
    assert "The first 5 turns of this conversation are not shown here." in bundle["text/html"]
    assert "## 8\n" in bundle["text/plain"]
    assert "## 5\n" not in bundle["text/plain"]


def test_one_turn_is_always_shown(said, monkeypatch):
    monkeypatch.setattr(durable, "MOST", 10)
    assert "blue" in said("red", "blue")["text/html"]


def test_every_turn_is_rendered_once(said, chat):
    said("one", "two")
    transcript = Transcript()
    transcript.bundle(chat.saved())
    pages = dict(transcript._pages)
    transcript.bundle(chat.saved())
    assert len(pages) == 2
    assert all(transcript._pages[made] is page for made, page in pages.items())
    chat.undo()
    transcript.bundle(chat.saved())
    assert len(transcript._pages) == 1


def test_a_pane_says_when_there_is_something_to_keep(wire, chat, new_pane):
    kept = threading.Event()
    pane = new_pane(chat, touched=kept.set)
    wire.answers(answer("Yes."), unary("No."))
    pane.send("One?")
    assert kept.wait(10)
    kept.clear()
    chat.ask("Two?", cell="c1", run="r1")
    assert kept.wait(10)


def test_it_is_of_any_conversation(client):
    assert "Conversation: 0 turns" in Transcript().bundle(Conversation(client).saved())["text/plain"]
