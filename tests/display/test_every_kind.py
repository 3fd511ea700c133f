"""Every kind of answer, from our own bodies: what a notebook shows, and the plain text that says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gemini_magic.display.answer import answer_bundle, answer_images
from gemini_magic.display.base import View

ANSWERS = Path(__file__).parent.parent / "data" / "answers"
SHOWN = {
    "grounding": [
        "です。<sup",
        "stand in Tokyo.<sup",
        "Café ☕<sup",
        "Thoughts (12 tokens)</summary>",
        '<iframe class="gm-entry"',
    ],
    "citation": ["done by.<sup", "licence: cc-by-4.0"],
    "code_execution": [
        '<figure class="gm-run"',
        '<img alt="Plot made by this code" src="data:image/png;base64,',
        "(failed)",
    ],
    "image": ["[image 1: image/png, 74 bytes, below]"],
    "audio": [
        '<audio controls preload="metadata" aria-label="audio: audio/wav, 50 bytes" src="data:audio/wav;base64,UklGR'
    ],
    "url_context": ["behind a paywall", "MELTED"],
    "logprobs": ['<th scope="col">Probability</th>', "90.0%", "&lt;b&gt;No&lt;/b&gt;"],
    "candidates": [
        '<div class="gm-candidates"><section aria-label="Candidate 1">',
        '<section aria-label="Candidate 2">',
    ],
    "safety": ["dangerous content: medium probability, blocked"],
}


def test_there_is_an_expectation_for_every_body(own_answers):
    assert own_answers.keys() == SHOWN.keys()


@pytest.mark.parametrize("kind", SHOWN)
def test_an_answer_says_the_same_in_html_and_in_plain_text(own_answers, ours, kind):
    bundle = answer_bundle(own_answers[kind], seconds=0, view=View(logprobs=True))
    assert bundle["text/plain"] == (ANSWERS / f"{kind}.txt").read_text(encoding="utf-8").rstrip("\n")
    for words in SHOWN[kind]:
        assert words in bundle["text/html"]
    ours(bundle["text/html"])


@pytest.mark.parametrize(("kind", "outputs"), [("image", 2), ("code_execution", 0), ("audio", 0)])
def test_images_are_outputs_of_their_own_and_plots_stand_with_their_code(own_answers, kind, outputs):
    assert [sorted(bundle) for bundle in answer_images(own_answers[kind])] == [["image/png", "text/plain"]] * outputs


def test_without_being_asked_for_probabilities_are_not_shown(own_answers):
    assert "Probabilit" not in answer_bundle(own_answers["logprobs"])["text/html"]


def test_marks_lead_straight_to_their_sources(own_answers):
    html = answer_bundle(own_answers["grounding"])["text/html"]
    marks = re.findall(r'<a href="([^"]*)"[^>]*title="([^"]*)">\[(\d)\]</a>', html)
    first = ("https://skytree.example/about", "Source 1: skytree.example", "1")
    second = ("https://en.example.org/tokyo", "Source 2: Tokyo", "2")
    assert marks == [first, first, second, second]


def test_searches_without_suggestions_are_links(replies):
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "groundingMetadata": {"webSearchQueries": ["a & b"]}}
    html = answer_bundle(replies.raw({"candidates": [candidate]}))["text/html"]
    assert '<li><a href="https://www.google.com/search?q=a+%26+b"' in html
    assert "<iframe" not in html


def test_sound_that_is_too_large_or_unknown_is_named_and_not_shown(replies):
    large = {"inlineData": {"mimeType": "audio/pcm", "data": "A" * 13_400_000}}
    unknown = {"inlineData": {"mimeType": "audio/x-odd", "data": "PHN2Zz4="}}
    broken = {"inlineData": {"mimeType": "audio/wav", "data": "%%%"}}
    bundle = answer_bundle(replies.of(large, unknown, broken))
    assert "<audio" not in bundle["text/html"]
    assert len(bundle["text/html"]) < 10_000
    assert "[audio: audio/wav, 10,050,044 bytes; it is in reply.audio, and .save(path)" in bundle["text/plain"]
    assert "[audio: audio/x-odd, 5 bytes" in bundle["text/plain"]
    assert "[data: audio/wav" in bundle["text/plain"]


def test_a_plot_too_large_for_the_page_is_an_output_of_its_own(replies):
    data = "iVBORw0KGgoA" + "A" * 7_000_000
    image = {"inlineData": {"mimeType": "image/png", "data": data}}
    reply = replies.of({"executableCode": {"code": "x"}}, image)
    assert "<img" not in answer_bundle(reply)["text/html"]
    assert len(list(answer_images(reply))) == 1


def test_thoughts_in_several_places_are_counted_by_their_characters(replies):
    parts = ({"text": "One", "thought": True}, "text", {"text": "Two.", "thought": True})
    html = answer_bundle(replies.of(*parts, usageMetadata={"thoughtsTokenCount": 99}))["text/html"]
    assert "Thoughts (3 characters)" in html
    assert "Thoughts (4 characters)" in html


def test_what_the_servers_own_tools_did_is_folded(replies):
    parts = ({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}}}, {"toolResponse": {"id": "1"}})
    bundle = answer_bundle(replies.of(*parts, "So."))
    assert "<summary>The server used a tool of its own: google search web</summary>" in bundle["text/html"]
    assert "[What the server&#x27;s tool answered: unnamed]" not in bundle["text/plain"]
    assert "[What the server's tool answered: unnamed]\n\nSo." in bundle["text/plain"]


def test_code_that_holds_fences_stays_between_fences(replies):
    bundle = answer_bundle(replies.of({"executableCode": {"code": "s = '''\n```\n'''"}}))
    assert "````python\ns = '''\n```\n'''\n````" in bundle["text/plain"]


def test_an_interrupted_answer_of_several_candidates_says_so_once(replies):
    candidates = [{"content": {"parts": [{"text": word}]}, "index": index} for index, word in enumerate("ab")]
    bundle = answer_bundle(replies.raw({"candidates": candidates}, interrupted=True))
    assert bundle["text/plain"].count("[Stopped:") == 1
