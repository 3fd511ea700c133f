from __future__ import annotations

import base64
import io
import json

import pytest

from gemini_magic.display.answer import answer_bundle, answer_images
from gemini_magic.display.base import View
from gemini_magic.display.calls import calls_words, run_line, short_call, written_call
from gemini_magic.display.notebook import NotebookRenderer
from gemini_magic.display.terminal import TerminalRenderer
from gemini_magic.display.tool_cards import tool_piece
from gemini_magic.display.words import footer
from gemini_magic.events import FunctionCall, TextDelta, ToolFinished, ToolRun, ToolStarted
from gemini_magic.reply import Reply, Step
from gemini_magic.wire import Content, FunctionResponsePart, GenerateContentResponse

RUN = ToolRun(
    "get_weather",
    {"city": "Oslo"},
    decision="run",
    response={"result": {"celsius": -3.5}},
    seconds=0.2,
    size=18,
)
FAILED = ToolRun(
    "get_weather",
    {"city": "Rome"},
    outcome="error",
    decision="read_only",
    response={"error": "ValueError: no data"},
    error="get_weather failed: ValueError: no data for Rome",
    seconds=1.25,
)
CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
SENT_BACK = Content(role="user", parts=[])


def usage(prompt, answer):
    return {"usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": answer}}


@pytest.fixture
def way(replies):
    """An answer for which two calls were carried out after some words."""
    other = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}}
    first = replies.of("Let me look.", CALL, other, **usage(100, 20))
    last = replies.of("It is **cold**.", **usage(150, 8))
    return Reply(last.response, attempts=2, seconds=4.2, steps=(Step(first, (RUN, FAILED), SENT_BACK),))


def started(number=0, *, waits=False, **args):
    return ToolStarted(FunctionCall("get_weather", args or {"city": "Oslo"}), number, waits)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_call_is_written_as_it_would_stand_in_code():
    args = {"city": "Oslo", "days": 3, "now": True, "unit": None}
    assert written_call("f", args) == 'f(city="Oslo", days=3, now=true, unit=null)'
    assert written_call("f", {}, 4) == "f()"
    assert written_call("f", {"a": 1, "b": 2}, 8) == "f(\n    a=1,\n    b=2,\n)"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_call_in_a_part_of_a_line_loses_the_ends_of_its_arguments(width):
    args = {"text": "long " * 50, "more\nlines": "x\ny", "last": 1}
    line = short_call("summarise", args, width)
    assert len(line) <= width
    assert "\n" not in line
    assert line.startswith('summarise(text="l')


def test_a_call_that_brought_a_result_is_a_folded_card(ours):
    piece = tool_piece(RUN, "Tokens of the answer that asked for this call: 120 in.")
    ours(piece.html)
    summary = "<summary><code>get_weather(city=&quot;Oslo&quot;)</code> · 0.2 s</summary>"
    assert piece.html.startswith(f'<details class="gm-tool" aria-label="Call of get_weather">{summary}')
    for words in ("Arguments:", "Result:", "celsius", "You let it run.", "120 in."):
        assert words in piece.html
    assert piece.plain == '> get_weather(city="Oslo") → {"result": {"celsius": -3.5}}  0.2 s'


def test_a_call_that_failed_says_so_to_the_person_and_what_the_model_was_told(ours):
    piece = tool_piece(FAILED)
    ours(piece.html)
    assert "<b> failed</b> · 1.2 s</summary>" in piece.html
    assert "ValueError: no data for Rome" in piece.html
    assert "What the model was told:" in piece.html
    assert "It only reads" in piece.html
    assert piece.plain == '> get_weather(city="Rome") → get_weather failed: ValueError: no data for Rome  1.2 s'


@pytest.mark.parametrize(
    ("outcome", "decision", "words", "sentence"),
    [
        ("denied", "deny", "did not run", "You did not let it run."),
        ("denied", "nobody", "did not run", "there was nobody to give leave"),
        ("denied", "never", "did not run", "nothing may"),
        ("timeout", "all", "ran too long", "every call"),
        ("unknown", "", "there is no such function", ""),
        ("interrupted", "always", "was stopped", "without leave"),
        ("newer", "newer", "newer", ""),
    ],
)
def test_every_outcome_is_said_in_words(outcome, decision, words, sentence):
    piece = tool_piece(ToolRun("f", outcome=outcome, decision=decision))
    assert f"<b> {words}</b></summary>" in piece.html
    assert sentence in piece.html
    assert piece.plain == f"> f() → {words}"


def test_what_a_function_returns_is_text_whatever_it_looks_like(ours, payloads):
    smuggled = {"text/html": "<img src=x onerror=run()>", "application/javascript": "run()"}
    for payload in (*payloads, smuggled):
        run = ToolRun(str(payload), {str(payload): payload}, response={"result": payload}, error=str(payload))
        piece = tool_piece(run)
        ours(piece.html)
        assert "<img" not in piece.html
        assert "\x1b" not in piece.plain
        assert "\n" not in piece.plain


def test_a_result_that_is_a_text_stands_there_as_it_is():
    html = tool_piece(ToolRun("f", response={"result": "one\n  two"})).html
    assert "<pre>one\n  two</pre>" in html


def test_a_huge_result_is_cut(ours):
    html = tool_piece(ToolRun("f", response={"result": "x" * 60_000})).html
    ours(html)
    assert len(html) < 25_000
    assert "40,000 more characters" in html


def test_pictures_that_a_function_returned_are_seen_and_other_files_are_named(ours):
    media = [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
        {"inlineData": {"mimeType": "image/svg+xml", "data": base64.b64encode(b"<svg onload=run()>").decode()}},
    ]
    run = ToolRun("plot", media=tuple(map(FunctionResponsePart.model_validate, media)))
    html = tool_piece(run).html
    ours(html)
    assert html.count("<img ") == 1
    assert 'alt="Picture that the function returned"' in html
    assert "[data: application/pdf, 6 bytes]" in html


def test_an_answer_shows_its_way_once_and_in_order(way, ours):
    bundle = answer_bundle(way)
    ours(bundle["text/html"])
    html = bundle["text/html"].partition("</style>")[2]
    order = [
        "Let me look.",
        'aria-label="Call of get_weather"',
        "Oslo",
        "no data for Rome",
        "<strong>cold",
        "gm-footer",
    ]
    places = [html.index(words) for words in order]
    assert places == sorted(places)
    assert html.count('class="gm-tool"') == 2
    assert "The model asks for this call" not in html
    assert html.count("Let me look.") == 1
    assert html.count("Tokens of the answer that asked for these 2 calls: 100 in, 20 out.") == 2
    assert bundle["text/plain"].split("\n\n") == [
        "Let me look.",
        run_line(RUN),
        run_line(FAILED),
        "It is **cold**.",
        "— test-model · tokens: 250 in, 28 out · 2 calls, 1 without a result · 4.2 s",
    ]


def test_thoughts_of_each_answer_cost_what_that_answer_cost(replies):
    think = {"text": "Hm.", "thought": True}
    first = replies.of(think, CALL, usageMetadata={"thoughtsTokenCount": 11})
    last = replies.of(think, "So.", usageMetadata={"thoughtsTokenCount": 22})
    reply = Reply(last.response, steps=(Step(first, (RUN,), SENT_BACK),))
    plain = answer_bundle(reply)["text/plain"]
    assert plain.index("Thoughts (11 tokens)") < plain.index("Thoughts (22 tokens)")
    assert "tokens: 33 for thoughts" in plain


def test_a_call_that_somebody_else_has_to_answer_is_shown_as_what_it_is(replies):
    reply = replies.of("Please:", CALL)
    html = answer_bundle(reply)["text/html"]
    assert "The model asks for this call" in html
    assert 'class="gm-tool"' not in html


def test_an_answer_that_was_stopped_between_two_calls_shows_the_one_that_was_left(replies):
    other = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}}
    nothing = GenerateContentResponse(model_version="test-model")
    stopped = Reply(nothing, attempts=1, interrupted=True, steps=(Step(replies.of(CALL, other), (RUN,)),))
    plain = answer_bundle(stopped)["text/plain"]
    assert plain.count("The model asks for this call:") == 1
    assert 'get_weather(city="Rome")' in plain
    assert run_line(RUN) in plain
    assert "[Stopped: " in plain
    assert "1 call" in plain


def test_an_answer_that_failed_between_two_requests_is_not_said_to_have_come_empty(replies):
    nothing = GenerateContentResponse(model_version="test-model")
    failed = Reply(nothing, attempts=1, broken=True, steps=(Step(replies.of(CALL), (RUN,)),))
    assert "[Not finished: " in answer_bundle(failed)["text/plain"]


def test_an_answer_that_was_asked_for_again_says_why(replies):
    useless = replies.of("Hm.", reason="MALFORMED_FUNCTION_CALL")
    reply = Reply(replies.of("Yes.").response, attempts=2, steps=(Step(useless),))
    plain = answer_bundle(reply)["text/plain"]
    assert plain.startswith("Hm.\n\n[Failed: the model wrote a function call")
    assert plain.endswith("Yes.\n\n— test-model")


def test_only_requests_that_had_to_be_repeated_are_counted_as_attempts(way):
    assert "attempts" not in footer(way, 1)
    again = Reply(way.response, attempts=3, steps=way.steps)
    assert footer(again, 1).endswith("1.0 s · 3 attempts")


@pytest.mark.parametrize("form", ["text", "json", "code", "html"])
def test_whoever_asks_for_another_format_gets_the_answer_alone_and_the_number_of_calls(form, replies):
    reply = Reply(replies.of('{"a": 1}').response, steps=(Step(replies.of("Let me look.", CALL), (RUN,), SENT_BACK),))
    plain = answer_bundle(reply, view=View(form))["text/plain"]
    assert "Let me look." not in plain
    assert "Oslo" not in plain
    assert "1 call" in plain


def test_pictures_of_all_answers_are_shown_and_numbered_in_one_row(replies):
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    reply = Reply(replies.of(image).response, steps=(Step(replies.of(image, CALL), (RUN,), SENT_BACK),))
    assert len(list(answer_images(reply))) == 2
    plain = answer_bundle(reply)["text/plain"]
    assert plain.index("[image 1: ") < plain.index("> get_weather") < plain.index("[image 2: ")


def test_the_raw_answer_is_not_changed_by_being_shown(way):
    before = json.dumps(way.raw)
    answer_bundle(way)
    assert json.dumps(way.raw) == before


def test_numbers_of_calls_in_words():
    assert calls_words([]) == ""
    assert calls_words([RUN]) == "1 call"
    assert calls_words([RUN] * 3) == "3 calls"


@pytest.mark.parametrize("whole_cell", [True, False])
def test_a_running_call_is_shown_at_once_and_its_card_takes_the_place(screen, hand_clock, way, whole_cell, ours):
    renderer = NotebookRenderer(screen, hand_clock, whole_cell=whole_cell)
    renderer.handle(TextDelta("Let me "))
    renderer.handle(TextDelta("look."))
    renderer.handle(started(waits=True))
    assert "Waiting for leave to run get_weather(city=&quot;Oslo&quot;) …" in screen.html
    assert "<p>Let me look.</p>" in screen.html
    renderer.handle(started())
    assert "Waiting for leave" not in screen.html
    assert "Running get_weather(city=&quot;Oslo&quot;) …" in screen.html
    renderer.handle(ToolFinished(RUN, 0))
    assert "Running" not in screen.html
    assert screen.html.index("Let me look.") < screen.html.index('<details class="gm-tool"')
    renderer.handle(TextDelta("It is **cold**."))
    hand_clock.move(1)
    renderer.handle(TextDelta(" "))
    assert screen.html.index('<details class="gm-tool"') < screen.html.index("<strong>cold")
    assert all(bundle["text/html"] for _, bundle in screen.outputs)
    ours(screen.html.replace(screen.html.partition("</style>")[0], "<style>", 1))
    renderer.finish(way, seconds=1)
    assert len(screen.outputs) == 1
    assert screen.html.count("Let me look.") == 1


def test_calls_that_run_at_the_same_time_have_a_line_each_in_their_order(screen, hand_clock):
    renderer = NotebookRenderer(screen, hand_clock)
    for number, city in ((1, "Rome"), (0, "Oslo"), (2, "Kyiv")):
        renderer.handle(started(number, city=city))
    assert screen.html.index("Oslo") < screen.html.index("Rome") < screen.html.index("Kyiv")
    renderer.handle(ToolFinished(FAILED, 1))
    running = screen.outputs[-1][1]["text/html"]
    assert "Rome" not in running
    assert running.count("Running") == 2
    assert '<details class="gm-tool"' in screen.html


def test_where_no_steps_are_shown_the_running_call_leaves_no_card(screen, hand_clock, way):
    renderer = NotebookRenderer(screen, hand_clock, view=View("json"))
    renderer.handle(started())
    assert "Running" in screen.html
    renderer.handle(ToolFinished(RUN, 0))
    assert "Running" not in screen.html
    assert "gm-tool" not in screen.html.partition("</style>")[2]
    renderer.finish(way, seconds=1)
    assert len(screen.outputs) == 1


def test_many_calls_in_a_long_answer_stay_within_messages_and_outputs(screen, hand_clock, replies):
    renderer = NotebookRenderer(screen, hand_clock)
    text = "A line of an answer that says a few words.\n\n" * 10
    for number in range(16):
        for event in replies.pieces(text, 20):
            renderer.handle(event)
            hand_clock.move(0.01)
        renderer.handle(started(number, waits=True))
        renderer.handle(started(number))
        renderer.handle(ToolFinished(RUN, number))
    assert len(screen.outputs) + 16 <= 50
    assert len(screen.messages) <= 160


def test_a_terminal_gets_one_line_for_each_call(way):
    stream = io.StringIO()
    renderer = TerminalRenderer(stream)
    events = [TextDelta("Let me look."), started(waits=True), started(), ToolFinished(RUN, 0)]
    for event in (*events, started(1), ToolFinished(FAILED, 1), TextDelta("It is **cold**.")):
        renderer.handle(event)
    renderer.finish(way, seconds=1)
    assert stream.getvalue().split("\n") == [
        "Let me look.",
        run_line(RUN),
        run_line(FAILED),
        "It is **cold**.",
        "— test-model · tokens: 250 in, 28 out · 2 calls, 1 without a result · 1.0 s",
        "",
    ]


def test_on_a_terminal_the_running_call_is_a_line_that_passes():
    stream = Terminal()
    renderer = TerminalRenderer(stream)
    renderer.handle(TextDelta("Hm"))
    renderer.handle(started())
    assert stream.getvalue() == 'Hm\n\x1b[2mRunning get_weather(city="Oslo") …\x1b[0m'
    renderer.handle(ToolFinished(RUN, 0))
    assert stream.getvalue().endswith(f"\x1b[0m\r\x1b[2K{run_line(RUN)}\n")
    renderer.handle(started(1))
    renderer.handle(started(1, waits=True))
    assert stream.getvalue().endswith("…\x1b[0m\r\x1b[2K")


def test_an_answer_that_did_not_stream_is_written_with_its_way(way):
    stream = io.StringIO()
    TerminalRenderer(stream).finish(way, seconds=1)
    assert stream.getvalue().startswith(f"Let me look.\n\n{run_line(RUN)}\n\n{run_line(FAILED)}\nIt is **cold**.\n— ")


def test_a_terminal_shows_no_calls_in_other_formats(way):
    stream = io.StringIO()
    renderer = TerminalRenderer(stream, view=View("json"))
    renderer.handle(started())
    renderer.handle(ToolFinished(RUN, 0))
    renderer.finish(way, seconds=1)
    assert "Oslo" not in stream.getvalue()
