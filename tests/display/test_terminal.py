from __future__ import annotations

import io

import pytest

from gemini_magic.display.base import View
from gemini_magic.display.terminal import TerminalRenderer
from gemini_magic.events import FunctionCall, PartReceived, TextDelta, ThoughtDelta
from gemini_magic.wire import Part


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class NarrowConsole(io.StringIO):
    encoding = "cp1252"

    def write(self, text: str) -> int:
        text.encode(self.encoding)
        return super().write(text)


def shown(*events, stream=None):
    stream = stream or io.StringIO()
    renderer = TerminalRenderer(stream)
    renderer.begin("test-model")
    for event in events:
        renderer.handle(event)
    return renderer, stream


def test_text_is_written_as_it_comes():
    renderer, stream = shown(TextDelta("Hel"))
    assert stream.getvalue() == "Hel"
    renderer.handle(TextDelta("lo"))
    assert stream.getvalue() == "Hello"


def test_a_whole_answer_reads_well(replies):
    renderer, stream = shown(ThoughtDelta("Think\nmore"), TextDelta("Hello"))
    renderer.finish(replies.of({"text": "Think\nmore", "thought": True}, "Hello"), seconds=1.25)
    assert stream.getvalue() == "> Thoughts:\n> Think\n> more\n\nHello\n— test-model · 1.2 s\n"


def test_where_no_terminal_reads_there_are_no_escape_codes(replies, payloads):
    for payload in payloads:
        renderer, stream = shown(ThoughtDelta(payload), TextDelta(payload), FunctionCall("f", {"x": payload}))
        renderer.note(payload)
        renderer.finish(replies.of({"text": payload, "thought": True}, payload, reason=payload), seconds=1)
        assert "\x1b" not in stream.getvalue()
        assert "\x9b" not in stream.getvalue()
        assert "\r" not in stream.getvalue()


def test_on_a_terminal_thoughts_are_dim_and_the_model_has_no_codes_of_its_own(replies):
    renderer, stream = shown(ThoughtDelta("\x1b[31mhm"), TextDelta("\x1b]52;c;x\x07text"), stream=Terminal())
    renderer.finish(replies.of("text"), seconds=1)
    written = stream.getvalue()
    assert written.startswith("\x1b[2m> Thoughts:\n> ␛[31mhm\n\x1b[0m\n␛]52;c;x␇text\n")
    assert written.count("\x1b") == 4


def test_a_line_end_cut_in_two_is_one_line_end():
    _, stream = shown(TextDelta("one\r"), TextDelta("\ntwo\r"), TextDelta("three"))
    assert stream.getvalue() == "one\ntwo␍three"


def test_an_answer_that_did_not_stream_is_written_whole(replies):
    renderer, stream = shown()
    renderer.finish(replies.of({"text": "Hm", "thought": True}, "All ", "of it"), seconds=1)
    assert "> Hm\n\nAll of it\n— " in stream.getvalue()


def test_parts_are_written_in_words(replies):
    image = Part.model_validate({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}})
    renderer, stream = shown(TextDelta("Here:"), PartReceived(image), FunctionCall("f", {"a": 1}), TextDelta("So."))
    renderer.finish(replies.of("Here:"), seconds=1)
    assert "Here:\n[image: image/png, 8 bytes" in stream.getvalue()
    assert "f(a=1)" in stream.getvalue()


@pytest.mark.parametrize(
    ("reason", "words"), [("SAFETY", "Blocked:"), ("MAX_TOKENS", "Cut off:"), (None, "Incomplete:")]
)
def test_other_endings_are_said_in_words(replies, reason, words):
    renderer, stream = shown(TextDelta("Some"))
    renderer.finish(replies.of("Some", reason=reason), seconds=1)
    assert f"Some\n[{words}" in stream.getvalue()


def test_an_interrupted_answer_is_marked(replies):
    renderer, stream = shown(TextDelta("Some"))
    renderer.finish(replies.raw({"candidates": [{}]}, interrupted=True), seconds=1)
    assert "Some\n[Stopped:" in stream.getvalue()


def test_further_candidates_and_sources_follow(replies):
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://a.example/1", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 2}, "groundingChunkIndices": [0]}],
    }
    first = {"content": {"parts": [{"text": "one"}]}, "finishReason": "STOP", "groundingMetadata": metadata}
    second = {"content": {"parts": [{"text": "two"}]}, "finishReason": "SAFETY", "index": 1}
    renderer, stream = shown(TextDelta("one"), TextDelta("two", candidate=1))
    renderer.finish(replies.raw({"candidates": [first, second, {"index": 2}]}), seconds=1)
    written = stream.getvalue()
    assert "## Candidate 2\ntwo\n[Blocked:" in written
    assert "one\nSources:\n[1] A https://a.example/1\n[1] is the source of: on\n## Candidate 2" in written


def test_an_answer_that_did_not_stream_has_its_marks_in_the_text_and_its_thoughts_counted(replies):
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example/1", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 4, "text": "One."}, "groundingChunkIndices": [0]}],
    }
    parts = [{"text": "Hm", "thought": True}, {"text": "One. Two."}]
    candidate = {"content": {"parts": parts}, "finishReason": "STOP", "groundingMetadata": grounding}
    usage = {"thoughtsTokenCount": 1_234}
    renderer, stream = shown()
    renderer.finish(replies.raw({"candidates": [candidate], "usageMetadata": usage}), seconds=0)
    assert stream.getvalue() == (
        "> Thoughts (1,234 tokens):\n>\n> Hm\n\nOne.[1] Two.\n\nSources:\n[1] A https://a.example/1\n"
        "— tokens: 1,234 for thoughts\n"
    )


def test_views_hold_in_a_terminal_too(replies):
    stream = io.StringIO()
    renderer = TerminalRenderer(stream, view=View("json", logprobs=True))
    chosen = {"chosenCandidates": [{"token": "{", "logProbability": -0.1}]}
    candidate = {"content": {"parts": [{"text": '{"a":1}'}]}, "finishReason": "STOP", "logprobsResult": chosen}
    renderer.finish(replies.raw({"candidates": [candidate]}), seconds=0, metadata={"not": "shown"})
    assert stream.getvalue().startswith('{\n  "a": 1\n}\n\nProbabilities of the tokens:\nToken  Probability')


def test_a_blocked_prompt_says_which_rating_blocked_it(replies):
    rating = {"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "HIGH"}
    renderer, stream = shown()
    renderer.finish(replies.raw({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": [rating]}}), seconds=0)
    assert "[Safety rating: hate speech: high probability]\n[Prompt blocked:" in stream.getvalue()


def test_a_console_that_knows_few_characters_gets_the_others():
    _, stream = shown(TextDelta("ok 日本"), stream=NarrowConsole())
    assert stream.getvalue() == "ok ??"


def test_standard_output_is_looked_up_at_each_write(capsys):
    renderer = TerminalRenderer()
    renderer.note("a note")
    assert capsys.readouterr().out == "[a note]\n"
