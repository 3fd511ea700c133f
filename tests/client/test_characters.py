"""Characters that a stream takes apart: bytes over pieces, halves over chunks, halves alone."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_server import Say, event

from gemini_magic.client.response import AnswerReader
from gemini_magic.events import TextDelta
from gemini_magic.exceptions import StreamTruncated

FAMILY = "👨‍👩‍👧‍👦 क्षि é 한"


def _chunk(text: str, finish: str | None = None, index: int = 0, **part: object) -> bytes:
    """One event whose text is written in escapes, halves included."""
    candidate = {"content": {"parts": [{"text": text, **part}]}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\n\n"


def _read(*chunks: bytes):
    reader = AnswerReader()
    events: list = []
    for piece in [*chunks, None]:
        error = reader.read(piece, events)
        if error is not None:
            raise error
    return reader.reply(), [event.text for event in events if isinstance(event, TextDelta)]


def test_a_character_may_be_cut_at_any_byte(driver, wire):
    body = event(FAMILY).replace(json.dumps(FAMILY).encode(), b'"' + FAMILY.encode() + b'"') + event("!", "STOP")
    assert FAMILY.encode() in body
    wire.answers(Say([body[at : at + 1] for at in range(len(body))], framing="chunked"))
    outcome = driver.try_stream(driver.client(wire.url))
    assert outcome.text == FAMILY + "!"
    assert not any("\ufffd" in event.text for event in outcome.events if isinstance(event, TextDelta))


def test_halves_in_two_chunks_become_one_character(driver, wire):
    wire.answers(Say([_chunk("a\ud83d"), _chunk("\ude00b", "STOP")], framing="chunked"))
    reply = driver.stream(driver.client(wire.url))
    assert reply.text == "a😀b"
    assert reply.raw["candidates"][0]["content"]["parts"] == [{"text": "a😀b"}]


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ([("a\ud83d", None), ("b", "STOP")], "a\ufffdb"),
        ([("a\ud83d", None), ("", None), ("\ude00", "STOP")], "a😀"),
        ([("a\ud83d", None), ("\ud83d", None), ("\ude00", "STOP")], "a\ufffd😀"),
        ([("\ude00a", "STOP")], "\ufffda"),
        ([("a\ud83d", "STOP")], "a\ufffd"),
        ([("a\ud83db\ude00c", "STOP")], "a\ufffdb\ufffdc"),
        ([("\ud83d\ude00", "STOP")], "😀"),
    ],
)
def test_a_half_alone_becomes_a_replacement_character(chunks, text):
    reply, deltas = _read(*(_chunk(*chunk) for chunk in chunks))
    assert reply.text == "".join(deltas) == text
    reply.text.encode()
    reply.response.model_dump_json()


def test_a_half_waits_through_a_chunk_without_text():
    usage = b'data: {"usageMetadata":{"totalTokenCount":3},"modelVersion":"\\ud83d"}\n\n'
    reply, _ = _read(_chunk("a\ud83d"), usage, _chunk("\ude00", "STOP"))
    assert (reply.text, reply.model) == ("a😀", "\ufffd")


def test_halves_of_two_answers_are_not_mixed_up():
    chunks = [_chunk("a\ud83d"), _chunk("b\ud83c", index=1), _chunk("\udf89", index=1), _chunk("\ude00", "STOP")]
    reply, _ = _read(*chunks)
    assert [candidate.content.parts[0].text for candidate in reply.candidates] == ["a😀", "b🎉"]


def test_halves_outside_of_text_are_replaced():
    call = {"functionCall": {"name": "f", "args": {"k\ud800": ["\udc00", {"x": "\ud83d\ude00"}]}}}
    body = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
    reply, _ = _read(b"data: " + json.dumps(body).encode() + b"\n\n")
    assert reply.function_calls[0].args == {"k\ufffd": ["\ufffd", {"x": "😀"}]}


def test_a_half_does_not_make_a_cut_stream_whole():
    with pytest.raises(StreamTruncated):
        _read(_chunk("a\ud83d"))


def test_bytes_that_are_not_utf_8_are_replaced_and_told():
    reply, _ = _read(b'data: {"candidates":[{"content":{"parts":[{"text":"a\xff\xfeb"}]},"finishReason":"STOP"}]}\n\n')
    assert reply.text == "a\ufffd\ufffdb"
    assert len(reply.warnings) == 1


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("aß漢😀👨\u200d"), max_size=12), st.sets(st.integers(0, 24)))
def test_text_cut_between_its_utf_16_units_is_joined_again(text, cuts):
    units = text.encode("utf-16-le")
    edges = [0, *sorted(cut * 2 for cut in cuts if cut * 2 < len(units)), len(units)]
    pieces = [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(edges)]
    reply, deltas = _read(*map(_chunk, pieces), _chunk("", "STOP"))
    assert reply.text == "".join(deltas) == text
