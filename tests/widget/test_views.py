"""Parts of answers as the pane shows them: thoughts, pictures, sound, code, sources; live and in the end."""

from __future__ import annotations

import base64
import json

import pytest
from wire_server import Say

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def encoded(data):
    return base64.b64encode(data).decode()


def streamed(*parts, finish="STOP", **candidate):
    """An answer with each part in an event of its own."""
    events = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    events[-1]["candidates"][0] |= {"finishReason": finish, **candidate}
    return Say([b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in events], framing="chunked")


def live_parts(pane):
    return [part for one in pane.of("delta") for part in one["parts"]]


def test_thoughts_are_apart_and_have_their_time(wire, pane):
    wire.answers(streamed({"text": "Let me ", "thought": True}, {"text": "think.", "thought": True}, {"text": "Blue."}))
    thought, text = pane.send("Sky?")["answer"]
    assert (thought["kind"], thought["text"]) == ("thought", "Let me think.")
    assert thought["seconds"] >= 0
    assert text == {"kind": "text", "text": "Blue."}


def test_pictures_come_by_name_and_the_same_live_and_in_the_end(wire, pane):
    wire.answers(
        streamed({"text": "Here: "}, {"inlineData": {"mimeType": "image/jpeg", "data": encoded(PNG)}}, {"text": " ok"})
    )
    view = pane.send("Draw.")
    picture = next(part for part in view["answer"] if part["kind"] == "image")
    assert (picture["mime"], picture["bytes"]) == ("image/png", len(PNG))
    assert picture in live_parts(pane)
    reply = pane.ask("blob", blob=picture["blob"])
    assert pane.buffers[pane.came.index(reply)] == [PNG]


@pytest.mark.parametrize(
    ("mime", "data", "shown"),
    [
        ("image/svg+xml", b"<svg onload=alert(1)>", "application/octet-stream"),
        ("text/html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("image/png", b"<html>", "image/png"),
        ("application/zip", b"PK\x03\x04", "application/zip"),
    ],
)
def test_what_is_no_picture_is_a_file_that_a_browser_does_not_open(wire, pane, mime, data, shown):
    wire.answers(streamed({"inlineData": {"mimeType": mime, "data": encoded(data)}}))
    (part,) = pane.send("Draw.")["answer"]
    assert (part["kind"], part["mime"]) == ("file", shown)


def test_bare_samples_become_one_sound_that_can_be_played(wire, pane):
    pieces = [{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": encoded(bytes(100))}} for _ in range(3)]
    wire.answers(streamed(*pieces))
    (sound,) = pane.send("Sing.")["answer"]
    assert (sound["kind"], sound["mime"]) == ("audio", "audio/wav")
    reply = pane.ask("blob", blob=sound["blob"])
    data = pane.buffers[pane.came.index(reply)][0]
    assert data.startswith(b"RIFF")
    assert len(data) == sound["bytes"] == 344


def test_code_its_output_and_calls_are_told_apart(wire, pane):
    wire.answers(
        streamed(
            {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "oops"}},
            {"functionCall": {"name": "now", "args": {"zone": "UTC"}}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://example.org/a/film.mp4"}},
            {"futureKind": {"x": 1}},
            {"text": "Done."},
        )
    )
    code, output, call, file, other, text = pane.send("Go.")["answer"]
    assert code == {"kind": "code", "language": "python", "text": "print(1)"}
    assert output == {"kind": "output", "ok": False, "text": "oops"}
    assert (call["kind"], call["name"], json.loads(call["text"])) == ("call", "now", {"zone": "UTC"})
    assert (file["kind"], file["name"], file["uri"]) == ("file", "film.mp4", "https://example.org/a/film.mp4")
    assert other == {"kind": "other", "text": "[another kind of part: futureKind]"}
    assert text == {"kind": "text", "text": "Done."}


def test_sources_stand_as_marks_in_the_text_and_as_a_list(wire, pane):
    grounding = {
        "webSearchQueries": ["sky colour"],
        "groundingChunks": [
            {"web": {"uri": "https://example.org/sky", "title": "Sky"}},
            {"web": {"uri": "javascript:alert(1)", "title": "Bad"}},
        ],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 5}, "groundingChunkIndices": [0]}],
    }
    wire.answers(streamed({"text": "Blue. "}, {"text": "Mostly."}, groundingMetadata=grounding))
    view = pane.send("Sky?")
    assert view["answer"] == [{"kind": "text", "text": "Blue.[1] Mostly."}]
    assert view["sources"] == [
        {"title": "Sky", "url": "https://example.org/sky", "host": "example.org"},
        {"title": "Bad", "url": "", "host": ""},
    ]
    assert view["searches"] == ["sky colour"]


def test_nothing_hides_in_texts(wire, pane):
    wire.answers(streamed({"text": "a\x1b[31mb\u202ec\r\nd\U000e0041"}))
    (part,) = pane.send("x\x00y")["answer"]
    assert part["text"] == "a␛[31mb[U+202E]c\nd[hidden: A]"
    assert pane.state["turns"][0]["prompt"] == [{"kind": "text", "text": "x␀y"}]


@pytest.mark.parametrize(
    ("finish", "status", "words"),
    [
        ("SAFETY", "blocked", "the safety filters stopped this answer"),
        ("MALFORMED_FUNCTION_CALL", "failed", "a function call that cannot be read"),
        ("OTHER", "failed", "the server gives no reason"),
    ],
)
def test_reasons_are_said_in_words(wire, pane, finish, status, words):
    wire.answers(streamed({"text": "Bl"}, finish=finish))
    view = pane.send("Sky?")
    assert view["status"] == status
    assert words in view["error"]["text"]
    assert view["finish"] is None


def test_a_reason_of_tomorrow_is_shown_beside_the_answer(wire, pane):
    wire.answers(streamed({"text": "Blue."}, finish="TIRED"))
    view = pane.send("Sky?")
    assert (view["status"], view["error"]) == ("ok", None)
    assert view["finish"] == {"text": "Ended with the reason TIRED.", "can_continue": False}


def test_an_empty_answer_says_so(wire, pane):
    wire.answers(streamed({"text": ""}))
    view = pane.send("Sky?")
    assert (view["sent"], view["answer"]) == (False, [])
    assert view["error"] == {"title": "No answer", "text": "The answer is empty.", "retry": True}
