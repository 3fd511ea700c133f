"""Recorded answers of every kind: what is shown of them, in HTML and in plain text."""

from __future__ import annotations

import json
import re

import pytest

from gemini_magic.display.answer import answer_bundle
from gemini_magic.display.base import View
from gemini_magic.display.sanitize import document
from gemini_magic.events import Assembler
from gemini_magic.reply import Reply

FIREBASE = "firebase-vertexai-sdk-test-data"
SHOWN = {
    "prism/stream-with-tools-search-grounding-1.sse.txt": (
        [
            "20% chance.[1]",
            "wear a coat.[2][3] San",
            "at night.[2]\n\nSources:\n[1] Weather",
            "[4] whimsysoul.com https://",
        ],
        ["wear a coat.<sup", '<iframe class="gm-entry"'],
    ),
    "prism/generate-text-with-search-grounding-1.json": (["[1]", "Sources:\n[1] ", "Searched for: “"], ["<sup"]),
    "ellmer/google-web-fetch__2.json": (
        ["***The Phantom Menace***[1].", "- https://rvest.tidyverse.org/articles/starwars.html was read"],
        ["</strong></em><sup"],
    ),
    f"{FIREBASE}/googleai__unary-success-url-context.json": (
        ["news releases.[1] It also", "Sources:\n[1] BERKSHIRE HATHAWAY INC. https://berkshirehathaway.com\n"],
        ["news releases.<sup", "was read"],
    ),
    f"{FIREBASE}/googleai__unary-success-google-search-grounding-empty-grounding-chunks.json": (
        ["Searched for: “current weather London”"],
        ['<iframe class="gm-entry"'],
    ),
    f"{FIREBASE}/googleai__unary-success-citations.json": (
        ["[1] https://www.example.com/some-citation-1 (repeated here word for word, licence: mit)"],
        ["licence: mit"],
    ),
    f"{FIREBASE}/vertexai__unary-success-citations-nolicense.json": (["source[1]\n\nSources:"], ["source<sup"]),
    "pydantic-ai/test_code_execution__1.json": (
        ["Its output:\n\n```\nCurrent day in Utrecht: Tuesday, May 05, 2026\n```\n\n%gemini insert puts this code"],
        ['<figure class="gm-run"'],
    ),
    f"{FIREBASE}/googleai__streaming-success-code-execution.sse.txt": (["Code that the model ran:"], ["gm-run"]),
    "pydantic-ai/test_google_vertex_logprobs__1.json": (
        ['\n" ="         98.1%  " equals" 1.5%', '"けます" < 0.1%'],
        ["<caption", "けます"],
    ),
    "pydantic-ai/test_google_model_file_search_grounding_gemini_3_False__2.json": (
        ["**Eiffel Tower**.[1] Other", "[The server used a tool of its own: file search]"],
        ["</strong>.<sup", "<details>"],
    ),
    "prism/tts-flash-1-1.json": (["[audio: audio/wav, 44 bytes;"], ["<audio controls"]),
    f"{FIREBASE}/vertexai__unary-failure-finish-reason-safety.json": (
        ["[Safety ratings: harassment: low probability, blocked.]"],
        ["harassment: low probability, blocked"],
    ),
    f"{FIREBASE}/vertexai__unary-failure-prompt-blocked-safety-with-message.json": (
        ["[Safety ratings: hate speech: high probability.]", "The server says: Reasons]"],
        ["hate speech: high probability"],
    ),
    f"{FIREBASE}/vertexai__unary-success-including-severity.json": (["Arabian Nights"], ["<h2>"]),
}
IMAGE = re.compile(r"\[\d+\]")


@pytest.fixture(scope="session")
def read(recordings):
    def read(name: str) -> Reply:
        text = (recordings / name).read_text(encoding="utf-8")
        lines = re.findall(r"^data:(.*)$", text, re.MULTILINE)
        assembler = Assembler()
        for chunk in [json.loads(line) for line in lines] or [json.loads(text)]:
            assembler.feed(chunk, [])
        assembler.finish([])
        return Reply(assembler.merged())

    return read


@pytest.mark.parametrize("name", SHOWN)
def test_a_recorded_answer_says_the_same_in_html_and_in_plain_text(read, ours, name):
    bundle = answer_bundle(read(name), seconds=0, view=View(logprobs=True))
    in_plain, in_html = SHOWN[name]
    for words in in_plain:
        assert words in bundle["text/plain"]
    for words in in_html:
        assert words in bundle["text/html"]
    ours(bundle["text/html"])


def test_every_recorded_segment_is_found_at_its_bytes_and_marks_change_nothing(recordings, read):
    segments = 0
    for path in sorted([*recordings.rglob("*.json"), *recordings.rglob("*.sse.txt")]):
        if "groundingSupports" not in path.read_text(encoding="utf-8", errors="replace") or "derived" in path.parts:
            continue
        reply = read(str(path.relative_to(recordings)))
        for citation in reply.citations:
            segments += 1
            assert citation.start is not None
            assert not citation.text or reply.text[citation.start : citation.end] == citation.text
        html = answer_bundle(reply)["text/html"]
        assert document(reply.text).strip() in re.sub(r"<sup.*?</sup>", "", html)
    assert segments >= 20
