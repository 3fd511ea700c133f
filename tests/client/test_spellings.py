"""Every spelling of a stream, on bytes of our own: one answer in many clothes, cut answers, and errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from wire_server import Say

from gemini_magic.events import Finished, PartReceived, TextDelta
from gemini_magic.exceptions import (
    ApiError,
    AuthError,
    ProtocolError,
    RateLimited,
    ServerUnavailable,
    StreamTruncated,
)

STREAMS = Path(__file__).parents[1] / "data" / "streams"
CUTS = (0, 1000, 7, 1)
TEXT = "Grüße, 世界 🌍."
PARTIAL = "Grüße, 世界 "

#: What an answer becomes that is broken off by an error: class, status, words of the message.
BROKEN = {
    "error-google-event.txt": (ServerUnavailable, 503, "The model is overloaded."),
    "error-openai-event.txt": (RateLimited, 429, "slow down"),
    "error-named-event.txt": (ServerUnavailable, 200, "upstream went away"),
    "error-named-event-plain.txt": (ServerUnavailable, 200, "upstream went away"),
    "error-raw-lines.txt": (ServerUnavailable, 503, "The model is overloaded."),
    "error-array-element.txt": (ServerUnavailable, 503, "The model is overloaded."),
    "error-ndjson.txt": (ServerUnavailable, 503, "The model is overloaded."),
    "error-string-event.txt": (ServerUnavailable, 200, "upstream went away"),
    "error-after-finish.txt": (ServerUnavailable, 503, "The model is overloaded."),
    "error-html-after-events.txt": (StreamTruncated, 0, "504 Gateway Time-out"),
}

#: What stands in an answer's place, with status 200.
INSTEAD = {
    "instead-openai-error.txt": (AuthError, "Invalid API key"),
    "instead-google-error-array.txt": (ServerUnavailable, "The model is overloaded."),
    "instead-google-error-lines.txt": (ServerUnavailable, "The model is overloaded."),
    "instead-string-error.txt": (ServerUnavailable, "no such thing"),
    "instead-message.txt": (ServerUnavailable, "no such thing"),
    "instead-json-string.txt": (ServerUnavailable, "no such thing"),
    "instead-html.txt": (ProtocolError, "an HTML page instead of Gemini's protocol: 'Welcome'"),
    "instead-empty.txt": (ProtocolError, "empty"),
    "instead-white-space.txt": (ProtocolError, "empty"),
    "instead-empty-array.txt": (ProtocolError, "empty"),
    "instead-comments.txt": (ProtocolError, "empty"),
    "instead-done.txt": (ProtocolError, "empty"),
    "instead-null.txt": (ProtocolError, "something else"),
    "instead-number.txt": (ProtocolError, "something else"),
    "instead-plain-text.txt": (ProtocolError, "upstream connect error"),
    "instead-other-json.txt": (ProtocolError, "something else"),
    "instead-utf-16.txt": (ProtocolError, "something else"),
}


def _names(kind):
    return sorted(path.name for path in STREAMS.glob(f"{kind}-*.txt"))


def _read(name, driver, wire, size, way="stream"):
    body = (STREAMS / name).read_bytes()
    size = size or max(1, len(body))
    wire.answers(Say([body[at : at + size] for at in range(0, len(body), size)], framing="chunked"))
    return driver.attempt(way, driver.client(wire.url, retries=0))


def _check_same(name, reply):
    assert reply.text == TEXT
    assert (reply.finish_reason, reply.block_reason, reply.status) == ("STOP", None, "ok")
    assert reply.usage.model_dump(by_alias=True, exclude_unset=True) == {
        "promptTokenCount": 3,
        "candidatesTokenCount": 7,
        "totalTokenCount": 10,
    }
    assert reply.model == "own-1"
    assert bool(reply.warnings) is (name in {"same-html-behind-the-end.txt", "same-unknown-sse-field.txt"})


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("name", _names("same"))
def test_every_spelling_is_the_same_answer(name, size, driver, wire):
    outcome = _read(name, driver, wire, size)
    _check_same(name, outcome.reply)
    assert "".join(event.text for event in outcome.events if isinstance(event, TextDelta)) == TEXT
    assert outcome.events[-1] == Finished("STOP")
    assert any(isinstance(event, PartReceived) for event in outcome.events) is ("unknown-part" in name)


@pytest.mark.parametrize("name", _names("same"))
def test_every_spelling_is_the_same_answer_to_a_call_that_wanted_it_whole(name, driver, wire):
    _check_same(name, _read(name, driver, wire, 0, "generate").reply)


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("name", _names("truncated"))
def test_a_stream_without_an_end_is_an_error_with_what_had_come(name, size, driver, wire):
    outcome = _read(name, driver, wire, size)
    assert type(outcome.error) is StreamTruncated
    assert outcome.error.partial.text in {PARTIAL, "Grüße"}
    assert outcome.error.partial.status == "failed"
    assert not any(isinstance(event, Finished) for event in outcome.events)


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("name", _names("error"))
def test_an_error_in_a_stream_is_an_error_with_what_had_come(name, size, driver, wire):
    kind, status, words = BROKEN[name]
    outcome = _read(name, driver, wire, size)
    assert type(outcome.error) is kind
    assert getattr(outcome.error, "status", 0) == status
    assert words in outcome.error.message
    assert outcome.error.partial.text in {PARTIAL, TEXT}
    assert outcome.error.attempts == 1


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("name", _names("instead"))
def test_what_is_no_answer_is_an_error(name, size, way, driver, wire):
    kind, words = INSTEAD[name]
    error = _read(name, driver, wire, size, way).error
    assert type(error) is kind
    assert words in error.message
    assert isinstance(error, ApiError | ProtocolError)
    assert error.partial is None


def test_no_file_is_left_out():
    assert {*_names("same"), *_names("truncated"), *BROKEN, *INSTEAD} == {path.name for path in STREAMS.glob("*.txt")}
