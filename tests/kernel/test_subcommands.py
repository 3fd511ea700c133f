"""Every subcommand, `?` and help in a real kernel."""

from __future__ import annotations

import json

import pytest
from wire_server import Say, answer, event

from gemini_magic.magics.vocabulary import SUBCOMMANDS

pytestmark = pytest.mark.kernel

CODE = "Run this:\n\n```python\nprint(1 + 1)\n```\n"
MODELS = {"models": [{"name": "models/gemini-a", "displayName": "A"}]}
COUNTED = {"totalTokens": 7}

#: What to type, and what is shown then.
WALK = [
    ("help", "Subcommands"),
    ("help files", "-f"),
    ("version", "gemini_magic "),
    ("config", "max_side"),
    ("config format text", "format = 'text'"),
    ("config format md", "format = 'md'"),
    ("profile list", "unigateway"),
    ("profile test", "gemini-x"),
    ("profile use here", "here"),
    ("profile add mine https://mine.example/v1 model=gemini-y", "mine"),
    ("models", "gemini-a"),
    ("doctor", "SSE"),
    ("chats", "main"),
    ("history", "First"),
    ("ui", "Chat with gemini-x: 2 turns"),
    ("fork other", "other"),
    ("chat main", "main"),
    ("branch third 1", "third"),
    ("chat main", "main"),
    ("edit 1", "new cell"),
    ("replay", "stale"),
    ("repair", "nothing was changed"),
    ("undo", "Taken back"),
    ("save talk.json", "talk.json"),
    ("load talk.json", "Loaded 'main'"),
    ("last", "print(1 + 1)"),
    ("last raw", "candidates"),
    ("last request", "POST "),
    ("last curl", "curl"),
    ("last python", "httpx"),
    ("insert", "print(1 + 1)"),
    ("template save again", "again"),
    ("template list", "again"),
    ("template show again", "Last"),
    ("template remove again", "again"),
    ("usage", "gemini-x"),
    ("usage plot", "gemini-x"),
    ("cost", "not"),
    ("budget 1000000 tokens", "1,000,000"),
    ("budget off", ""),
    ("count", "7"),
    ("jobs", ""),
    ("stop", "No job"),
    ("fix", "print(1 + 1)"),
    ("reset third", "third"),
]


def answered(seen):
    if seen.method == "GET":
        return Say([json.dumps(MODELS).encode()])
    if "countTokens" in seen.path:
        return Say([json.dumps(COUNTED).encode()])
    if "streamGenerateContent" in seen.path:
        counts = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
        return Say([event(CODE, "STOP", usageMetadata=counts)], framing="chunked")
    return Say([event(CODE, "STOP")[6:].strip()])


def test_the_walk_takes_every_subcommand():
    assert {line.split()[0] for line, _ in WALK} == set(SUBCOMMANDS)


def test_every_subcommand_does_what_it_says(kernel):
    kernel.gateway.answers(answered)
    kernel.run(f"%cd {kernel.folder}")
    assert kernel.run("%%gemini\nFirst", "a").status == "ok"
    assert kernel.run("%%gemini\nLast", "b").status == "ok"
    for line, words in WALK:
        if line == "fix":
            assert kernel.run("1 / 0").status == "error"
        cell = kernel.run(f"%gemini {line}")
        assert cell.status == "ok", f"{line}: {cell.error}"
        assert words in cell.text, f"{line}: {cell.text[:500]}"


def test_a_question_mark_is_help_and_a_question_is_asked(kernel):
    kernel.gateway.answers(answer("Because."))
    cell = kernel.run("%gemini why is it so?")
    assert "Because." in cell.text
    assert kernel.gateway.seen[-1].json()["contents"][-1]["parts"] == [{"text": "why is it so?"}]
    pages = kernel.run("%gemini?").reply["content"]["payload"]
    assert "--temperature" in json.dumps(pages)


def test_an_inserted_cell_is_offered_to_the_front_end_and_not_run(kernel):
    kernel.gateway.answers(answer(CODE))
    cell = kernel.run("%%gemini --insert --no-history\nShow me.")
    (payload,) = cell.reply["content"]["payload"]
    assert (payload["source"], payload["replace"]) == ("set_next_input", False)
    assert payload["text"] == "# from Gemini: read before you run it\nprint(1 + 1)"
