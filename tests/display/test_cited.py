"""Marks of sources in Markdown: beside themselves they change nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.display.answer import answer_bundle
from gemini_magic.display.base import View
from gemini_magic.display.blocks import BlockSplitter
from gemini_magic.display.cited import Wanted, cited
from gemini_magic.display.sanitize import HOLDER, blocks_of, clean, document, element, markdown, number_link

MARK = element("sup", number_link(1, "https://a.example/", "A"), class_="gm-cites")
MARKED = re.compile(rf"<p>(?:{re.escape(MARK)})+</p>\n?|{re.escape(MARK)}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
PIECES = st.sampled_from(
    [
        "word ",
        "東京。",
        "**bold** ",
        "*em*",
        "`code` ",
        "[link](https://x.example/a) ",
        "![i](https://x.example/i.png)",
        "$x^2$ ",
        "\\(y\\)",
        "\n\n",
        "\n",
        "- item\n",
        "> quote\n",
        "```py\nx = 1\n```\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "$$\nz\n$$\n",
        "# Head\n",
        "Setext\n===\n",
        "    indented\n",
        "<b>raw</b>",
        "\\href{x}",
        "[r][1] ",
        "\n[1]: https://ref.example\n",
        "~~~\nopen\n",
        "&amp; ",
        HOLDER,
        "https://bare.example ",
        "| not a table ",
    ]
)
SOURCES = st.lists(PIECES, max_size=14).map("".join)


def with_marks(source, positions):
    return cited(source, [Wanted(position, apart, MARK) for position, apart in sorted(positions)])


def without_marks(html):
    return "".join(MARKED.sub("", html).split())


@settings(max_examples=1_500)
@given(SOURCES, st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=4))
def test_without_its_marks_the_html_is_to_the_letter_what_it_was(source, positions):
    positions = [(position, apart) for position, apart in positions if position <= len(source)]
    html = with_marks(source, positions)
    assert without_marks(html) == without_marks(document(source.replace(HOLDER, "\ufffd")))
    assert html.count(MARK) == len(positions)
    assert HOLDER not in html


@settings(max_examples=500)
@given(st.text(alphabet="<>&\"'=/ abimgsrcxonejvt:()[]!`*_|\\$\n\x00-#"), st.integers(1, 60))
def test_marks_keep_what_the_sanitiser_promises(ours, source, position):
    html = with_marks(source, [(position, False)] if position <= len(source) else [])
    ours(html)
    plain = MARKED.sub("", html)
    assert clean(plain) == plain


@pytest.mark.parametrize("position", [5, 12, 30, 70])
def test_marks_in_hostile_text_change_nothing(payloads, ours, position):
    for payload in payloads:
        html = with_marks(payload, [(position, False)] if position <= len(payload) else [])
        ours(html)
        assert without_marks(html) == without_marks(document(payload.replace(HOLDER, "\ufffd")))


@pytest.mark.parametrize(
    ("source", "words", "expected"),
    [
        ("One. Two.", "One.", f"<p>One.{MARK} Two.</p>"),
        (
            "A [page](https://x.example/) too",
            "[pa",
            f'>page</a>{MARK} <span class="gm-place">(x.example)</span> too</p>',
        ),
        ("`co de`", "co", f"<p><code>co de</code>{MARK}</p>"),
        ("So $x^2$ is", "$x", f"<p>So <span>$x^2$</span>{MARK} is</p>"),
        ("```\ncode\n```", "co", f"<pre>code\n</pre></div><p>{MARK}</p>"),
        ("- a\n- b", "- a", f"<li>a{MARK}</li>"),
        ("> a b", "> a", f"<p>a{MARK} b</p>"),
    ],
)
def test_marks_stand_behind_what_may_not_hold_them(source, words, expected):
    html = with_marks(source, [(source.index(words) + len(words), False)])
    assert expected.replace("\n", "") in html.replace("\n", "")


def test_a_mark_that_fits_nowhere_comes_behind_its_block():
    source = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    html = with_marks(source, [(source.index("|--") + 3, False)])
    assert html.endswith(f"<p>{MARK}</p>")
    assert html.startswith("<table>")


def test_many_marks_in_one_block_cost_little():
    source = "|---" * 5_000 + "\n"
    html = with_marks(source, [(position, False) for position in range(1, 2_000, 10)])
    assert html.count(MARK) == 200


@pytest.mark.parametrize("count", [1, 2])
def test_hostile_words_are_inert_in_every_place_beside_the_text(payloads, replies, ours, count):
    for payload in payloads:
        if len(payload) > 5_000:
            continue
        body = answer_with(payload)
        body["candidates"] *= count
        reply = replies.raw(body)
        bundle = answer_bundle(reply, view=View(logprobs=True))
        ours(bundle["text/html"])
        assert not CONTROL.search(bundle["text/plain"])


def answer_with(payload):
    """An answer with a hostile text in every place beside its own text."""
    return {
        "promptFeedback": {"blockReason": payload, "safetyRatings": [{"category": payload, "blocked": True}]},
        "modelVersion": payload,
        "candidates": [
            {
                "finishReason": payload,
                "finishMessage": payload,
                "content": {
                    "parts": [
                        {"text": "One. Two."},
                        {"executableCode": {"code": payload}},
                        {"codeExecutionResult": {"outcome": payload, "output": payload}},
                        {"inlineData": {"mimeType": payload, "data": "AAAA", "displayName": payload}},
                        {"inlineData": {"mimeType": f"audio/{payload}", "data": "AAAA"}},
                        {"fileData": {"fileUri": payload, "mimeType": payload, "displayName": payload}},
                        {"functionCall": {"name": payload, "args": {payload: payload}}},
                        {"toolCall": {"toolType": payload, "args": {payload: payload}}},
                        {"novelty": {payload: payload}},
                    ]
                },
                "groundingMetadata": {
                    "groundingChunks": [
                        {"web": {"uri": payload, "title": payload}},
                        {"web": {"uri": f"https://x.example/{payload}", "title": payload}},
                        {"retrievedContext": {"text": payload, "uri": payload}},
                    ],
                    "groundingSupports": [{"segment": {"endIndex": 4}, "groundingChunkIndices": [0, 1, 2]}],
                    "webSearchQueries": [payload],
                    "searchEntryPoint": {"renderedContent": payload},
                },
                "citationMetadata": {"citationSources": [{"endIndex": 9, "uri": payload, "license": payload}]},
                "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": payload, "urlRetrievalStatus": payload}]},
                "safetyRatings": [{"category": payload, "probability": payload, "blocked": True}],
                "logprobsResult": {
                    "chosenCandidates": [{"token": payload}],
                    "topCandidates": [{"candidates": [{"token": f"{payload}!"}]}],
                },
            }
        ],
    }


@settings(max_examples=300)
@given(st.lists(PIECES, min_size=1, max_size=10).map("".join), st.integers(1, 97))
def test_what_is_shown_while_it_arrives_is_what_is_shown_of_the_whole(source, size):
    source = "\n\n".join([source, "A paragraph of some words. " * 40, source, "And one more.\n"])
    splitter = BlockSplitter()
    blocks = [block for begin in range(0, len(source), size) for block in splitter.feed(source[begin : begin + size])]
    in_blocks = "".join(map(markdown, [*blocks, splitter.tail]))
    assert "[1]: " in source or "".join(in_blocks.split()) == "".join(markdown(source).split())
    assert "[1]: " in source or [*blocks, splitter.tail] == blocks_of(source)
