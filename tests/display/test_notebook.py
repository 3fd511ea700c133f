from __future__ import annotations

import base64
import json

import pytest

from gemini_magic.display.base import View
from gemini_magic.display.notebook import NotebookRenderer
from gemini_magic.events import Finished, FunctionCall, PartReceived, TextDelta, ThoughtDelta, UsageUpdate
from gemini_magic.wire import Part, UsageMetadata

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
SECTION = (
    "## Section {0}\n\n"
    + "The quick brown fox jumps over the lazy dog, **then** goes on with `code` and more words of some length. " * 5
    + "\n\n- first item of a list\n- second item\n- third one\n\n"
)
CODE = "```python\ndef function(x, y):\n    # a comment\n    return [x + i for i in range(y) if i % 2]\n```\n\n"
TABLE = "| a | b |\n|---|---|\n| 1 | two |\n| 3 | four |\n\n"


def long_text(length):
    sections = (
        SECTION.format(number) + CODE * (number % 3 == 0) + TABLE * (number % 4 == 0) for number in range(1, length)
    )
    text = ""
    while len(text) < length:
        text += next(sections)
    return text[:length]


def stream(renderer, clock, events, *, pause=0.01):
    renderer.begin("test-model")
    for event in events:
        renderer.handle(event)
        clock.move(pause)


@pytest.fixture
def renderer(screen, hand_clock):
    return NotebookRenderer(screen, hand_clock)


def test_the_first_token_is_shown_at_once(renderer, screen):
    renderer.begin("test-model")
    assert screen.messages == []
    renderer.handle(TextDelta("Hel"))
    assert "<p>Hel</p>" in screen.html


def test_a_finished_answer_is_one_output_of_html_and_its_source(renderer, screen, hand_clock, replies):
    text = long_text(5_000)
    stream(renderer, hand_clock, replies.pieces(text, 20))
    assert len(screen.outputs) > 2
    renderer.finish(replies.of(text), seconds=1.5)
    ((display_id, bundle),) = screen.outputs
    assert display_id is None
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert bundle["text/plain"].startswith(text.strip())
    assert [kind for kind, *_ in screen.messages[-2:]] == ["clear", "show"]


def test_while_it_arrives_blocks_are_sent_once_and_together_show_everything(renderer, screen, hand_clock, replies):
    text = long_text(6_000)
    stream(renderer, hand_clock, replies.pieces(text, 20), pause=1)
    assert screen.html.count("Section 3") == 1
    frozen = [key for key, _ in screen.outputs[1:-1]]
    last = [max(i for i, (_, _, key) in enumerate(screen.messages) if key == each) for each in frozen]
    assert last == sorted(last)
    for number in range(1, 8):
        assert f"Section {number}</h2>" in screen.html


def test_an_answer_that_did_not_stream_is_one_message(renderer, screen, replies):
    renderer.begin("test-model")
    renderer.finish(replies.of("All at once."), seconds=0.1)
    assert [kind for kind, *_ in screen.messages] == ["show"]


@pytest.mark.parametrize(("length", "chunks", "times"), [(20_000, 1_000, 8), (200_000, 2_000, 3)])
def test_a_fast_answer_stays_within_its_messages_and_bytes(length, chunks, times, screen, hand_clock, replies):  # noqa: PLR0917
    renderer = NotebookRenderer(screen, hand_clock)
    text = long_text(length)
    stream(renderer, hand_clock, replies.pieces(text, length // chunks))
    renderer.finish(replies.of(text), seconds=chunks / 100)
    assert len(screen.messages) <= 120
    assert screen.wire_bytes <= times * length
    assert len(screen.outputs) == 1


def test_an_endless_code_block_is_shown_by_its_last_lines(renderer, screen, hand_clock, replies):
    text = "```python\n" + "value = compute(1, 2, 3)\n" * 8_000
    stream(renderer, hand_clock, replies.pieces(text, 100))
    assert screen.wire_bytes < 0.5 * len(text)
    assert "is complete" in screen.html


def test_a_slow_long_answer_is_shown_whole_in_fewer_outputs_than_jupyterlab_folds(
    renderer, screen, hand_clock, replies
):
    text = long_text(60_000)
    stream(renderer, hand_clock, replies.pieces(text, 100), pause=0.2)
    assert len(screen.outputs) < 50
    assert "Section 40</h2>" in screen.html


def test_a_very_long_answer_never_has_more_outputs_than_jupyterlab_shows(renderer, screen, hand_clock, replies):
    stream(renderer, hand_clock, replies.pieces(long_text(400_000), 2_000), pause=30)
    assert len(screen.outputs) <= 50


def test_thoughts_are_counted_while_they_come_and_folded_in_the_end(renderer, screen, hand_clock, replies):
    stream(renderer, hand_clock, [ThoughtDelta("First I "), ThoughtDelta("think.")], pause=2)
    assert "Thinking … 14 characters of thoughts" in screen.html
    renderer.handle(TextDelta("The answer."))
    assert "Thinking" not in screen.html
    renderer.finish(replies.of({"text": "First I think.", "thought": True}, "The answer."), seconds=1)
    assert '<details class="gm-thoughts"><summary>Thoughts (14 characters)</summary>' in screen.html
    plain = screen.outputs[0][1]["text/plain"]
    assert plain.startswith("> Thoughts (14 characters):\n>\n> First I think.\n\nThe answer.")


def test_notes_are_shown_at_once_and_stay(renderer, screen, replies):
    renderer.note("This answer came from another model.")
    assert "another model" in screen.html
    renderer.handle(TextDelta("Hi"))
    renderer.finish(replies.of("Hi"), seconds=1)
    assert screen.html.count("another model") == 1
    assert "[This answer came from another model.]" in screen.outputs[0][1]["text/plain"]


def test_an_interrupted_answer_is_kept_and_marked(renderer, screen, replies):
    renderer.handle(TextDelta("Half an ans"))
    reply = replies.raw({"candidates": [{"content": {"parts": [{"text": "Half an ans"}]}}]}, interrupted=True)
    renderer.finish(reply, seconds=1)
    assert "Half an ans" in screen.html
    assert "Stopped:" in screen.html
    assert "[Stopped:" in screen.outputs[0][1]["text/plain"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("MAX_TOKENS", "Cut off:"),
        ("SAFETY", "Blocked:"),
        ("MALFORMED_FUNCTION_CALL", "Failed:"),
        ("NEW_ONE", "NEW_ONE"),
        (None, "Incomplete:"),
    ],
)
def test_other_endings_are_said_in_words(renderer, screen, replies, reason, words):
    renderer.finish(replies.of("Some text", reason=reason), seconds=1)
    assert words in screen.html
    assert words in screen.outputs[0][1]["text/plain"]
    assert 'role="status"' in screen.html


def test_a_blocked_prompt_is_said_in_words(renderer, screen, replies):
    renderer.finish(replies.raw({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}), seconds=1)
    assert "Prompt blocked: it may contain prohibited content." in screen.html


def test_an_empty_answer_is_not_passed_over_in_silence(renderer, screen, replies):
    renderer.finish(replies.raw({}), seconds=1)
    assert "no answer" in screen.html


def test_the_last_line_names_model_tokens_and_seconds(renderer, screen, replies):
    usage = {"promptTokenCount": 1_200, "candidatesTokenCount": 34, "thoughtsTokenCount": 5}
    renderer.finish(replies.of("Hi", usageMetadata=usage), seconds=2.345)
    assert "test-model · tokens: 1,200 in, 34 out, 5 for thoughts · 2.3 s" in screen.html


def test_images_are_outputs_of_their_own_below_the_answer(renderer, screen, hand_clock, replies):
    part = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    stream(renderer, hand_clock, [TextDelta("Here: "), PartReceived(Part.model_validate(part))])
    assert not any("image/png" in bundle for _, bundle, _ in screen.messages)
    renderer.finish(replies.of("Here: ", part), seconds=1)
    assert [sorted(bundle) for _, bundle in screen.outputs] == [
        ["text/html", "text/plain"],
        ["image/png", "text/plain"],
    ]
    assert "<img" not in screen.html


@pytest.mark.parametrize("data", ["PHN2ZyBvbmxvYWQ9cnVuKCk+", "bm90IGFuIGltYWdl", "%%%", ""])
def test_what_only_claims_to_be_an_image_is_named_and_not_shown(renderer, screen, replies, data):
    renderer.finish(replies.of({"inlineData": {"mimeType": "image/svg+xml", "data": data}}), seconds=1)
    assert len(screen.outputs) == 1
    assert "[data: image/svg+xml" in screen.html


def test_calls_code_results_and_unknown_parts_are_shown(renderer, screen, hand_clock, replies):
    parts = [
        {"functionCall": {"name": "weather", "args": {"city": "Oslo <b>"}}},
        {"executableCode": {"language": "PYTHON", "code": "print(1 + 1)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "boom"}},
        {"fileData": {"fileUri": "https://files.example/a.pdf", "mimeType": "application/pdf"}},
        {"somethingNew": {"x": 1}},
    ]
    events = [FunctionCall("weather", {"city": "Oslo <b>"}), *(PartReceived(Part.model_validate(p)) for p in parts[1:])]
    stream(renderer, hand_clock, events, pause=1)
    live = screen.html
    renderer.finish(replies.of(*parts), seconds=1)
    for shown in (live, screen.html):
        assert "weather(city=" in shown
        assert "&lt;b&gt;" in shown
        assert "(failed)" in shown
        assert "files.example" in shown
        assert "somethingNew" in shown
    assert '```python\nweather(city="Oslo <b>")\n```' in screen.outputs[0][1]["text/plain"]


def test_text_goes_on_behind_a_part(renderer, screen, hand_clock):
    stream(renderer, hand_clock, [TextDelta("before"), FunctionCall("f"), TextDelta("after")], pause=1)
    assert screen.html.index("before") < screen.html.index("f()") < screen.html.index("after")


def test_further_candidates_come_under_headings(renderer, screen, hand_clock, replies):
    stream(renderer, hand_clock, [TextDelta("one"), TextDelta("two", candidate=1), Finished("STOP")], pause=1)
    assert "two" not in screen.html
    candidates = [
        {"content": {"parts": [{"text": text}]}, "finishReason": reason, "index": index}
        for index, (text, reason) in enumerate([("one", "STOP"), ("two", "SAFETY")])
    ]
    renderer.finish(replies.raw({"candidates": candidates}), seconds=1)
    assert "Candidate 1" in screen.html
    assert screen.html.index("Candidate 2") < screen.html.index("two") < screen.html.index("Blocked:")


def test_sources_are_listed_once_as_safe_links(renderer, screen, replies):
    metadata = {
        "groundingChunks": [
            {"web": {"uri": "https://a.example/1", "title": "A"}},
            {"web": {"uri": "javascript:run()"}},
        ],
        "groundingSupports": [{"segment": {"endIndex": 2}, "groundingChunkIndices": [0, 1, 0]}],
    }
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", "groundingMetadata": metadata}
    renderer.finish(replies.raw({"candidates": [candidate]}), seconds=1)
    assert screen.html.count('href="https://a.example/1"') == 2  # the mark and the list
    assert '<li><a href="https://a.example/1"' in screen.html
    assert 'href="javascript' not in screen.html


def test_warnings_of_the_reply_are_shown(renderer, screen, replies):
    renderer.finish(replies.of("Hi").with_note("Two bytes were replaced."), seconds=1)
    assert "Two bytes were replaced." in screen.html


def test_where_other_outputs_stand_one_output_is_replaced_and_nothing_cleared(screen, hand_clock, replies):
    screen.show({"text/plain": "printed before"})
    renderer = NotebookRenderer(screen, hand_clock, whole_cell=False)
    text = long_text(4_000)
    renderer.note("A note.")
    stream(renderer, hand_clock, [ThoughtDelta("Hm."), *replies.pieces(text, 40), FunctionCall("f")], pause=0.3)
    renderer.finish(replies.of(text), seconds=1)
    assert [kind for kind, *_ in screen.messages].count("clear") == 0
    assert len(screen.outputs) == 2
    assert screen.outputs[0][1] == {"text/plain": "printed before"}


def test_a_renderer_can_show_one_answer_after_another(renderer, screen, replies):
    for word in ("apples", "pears"):
        renderer.note(f"a note on {word}")
        renderer.handle(TextDelta(word))
        renderer.finish(replies.of(word), seconds=1)
    assert "apples" not in screen.html


def test_events_without_anything_to_show_show_nothing(renderer, screen):
    renderer.handle(UsageUpdate(UsageMetadata(prompt_token_count=1)))
    renderer.handle(Finished("STOP"))
    assert screen.messages == []


def test_what_is_published_can_be_written_as_utf8(renderer, screen, replies):
    renderer.finish(replies.of("lone \ud800 surrogate \x00"), seconds=1)
    json.dumps(screen.outputs[0][1], ensure_ascii=False).encode()


def test_everything_shown_is_labelled(renderer, screen, replies):
    renderer.finish(replies.of("Hi"), seconds=1)
    assert 'aria-label="Answer of test-model"' in screen.html


@pytest.mark.parametrize("whole_cell", [True, False])
def test_what_the_notebook_is_to_keep_goes_with_the_answer_and_nothing_else(screen, hand_clock, replies, whole_cell):
    renderer = NotebookRenderer(screen, hand_clock, whole_cell=whole_cell)
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    stream(renderer, hand_clock, [TextDelta("Hi")])
    renderer.finish(replies.of("Hi", image), seconds=1, metadata={"gemini_magic": {"turn": 1}})
    assert screen.metadata == [{"gemini_magic": {"turn": 1}}]
    assert len(screen.outputs) == 2


@pytest.mark.parametrize("view_format", ["text", "json", "code", "html"])
def test_other_formats_are_shown_as_they_are_while_they_arrive(screen, hand_clock, replies, view_format):
    renderer = NotebookRenderer(screen, hand_clock, view=View(view_format))
    text = "```json\n[1, *2*, 3]\n```\n" + "*more* words\n\n" * 200
    stream(renderer, hand_clock, replies.pieces(text, 20), pause=1)
    assert "<em>" not in screen.html
    assert "[1, *2*, 3]" in screen.html
    assert "```json" in screen.html
    renderer.finish(replies.of(text), seconds=1)
    assert len(screen.outputs) == 1
