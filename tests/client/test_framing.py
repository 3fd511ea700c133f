"""The reader of streams, cut anywhere and fed with anything."""

from __future__ import annotations

import json
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_server import event

from gemini_magic.client.framing import EventSplitter, Frame, FrameReader, JsonSplitter
from gemini_magic.client.response import AnswerReader
from gemini_magic.exceptions import GeminiMagicError, ResponseTooLarge

_CHECKOUT = Path(__file__).parents[2]
RECORDINGS = Path(os.environ.get("GEMINI_MAGIC_RECORDINGS") or _CHECKOUT / "../shared/wire/responses")
LONG = "firebase-vertexai-sdk-test-data/googleai__streaming-success-basic-reply-long.sse.txt"
THINKING = (
    "ruby-llm/chat_with_extended_thinking_vertexai_gemini-3-flash-preview_"
    "streams_thinking_content_when_available__1.sse.txt"
)

_PIECES = [
    b"data:",
    b"data: ",
    b"data",
    b"event: x",
    b"id: 1",
    b": ping",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\xef\xbb\xbf",
]
_PIECES += [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b" ",
    b"\x00",
    b"\xff",
    b"\xf0\x9f\x8c\x8d",
    b"\xe2\x80\xa8",
]
_PIECES += [b'{"a":1}', b'{"error":{"code":503}}', b'{"candidates":[{"finishReason":"STOP"}]}', b"[DONE]", b"<html>"]
noise = st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4)), max_size=40).map(b"".join)
events_only = st.lists(st.sampled_from([*_PIECES[:10], b"a", b"{}", b"\x00"]), max_size=40).map(b"".join)


def _chunkings(data: bytes):
    return st.lists(st.integers(0, len(data)), max_size=12).map(lambda cuts: _cut(data, cuts))


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *sorted(cuts), len(data)])]


noise_in_pieces = noise.flatmap(lambda data: st.tuples(st.just(data), _chunkings(data)))


def _frames(pieces: list[bytes], kind: type = FrameReader) -> list[Frame]:
    reader = kind()
    return [frame for piece in pieces for frame in reader.feed(piece)] + reader.close()


def _outcome(pieces: list[bytes], *, unary: bool = False):
    """What reading comes to: the text of the error's class, if any, and the response."""
    reader = AnswerReader(unary=unary)
    events: list = []
    for piece in [*pieces, None]:
        error = reader.read(piece, events)
        if error is not None:
            return (type(error), str(error)), reader.reply().raw
    return None, reader.reply().raw


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(noise_in_pieces)
def test_any_cutting_gives_the_same_documents(case):
    data, pieces = case
    assert _frames(pieces) == _frames([data])


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(noise_in_pieces, st.booleans())
def test_any_bytes_give_an_answer_or_an_error_of_ours_however_they_are_cut(case, unary):
    data, pieces = case
    assert _outcome(pieces, unary=unary) == _outcome([data], unary=unary)


def _by_the_book(data: bytes) -> list[bytes]:
    """Server-sent events as their specification words it; what is left at the end counts as an event, too."""
    lines = re.split(rb"\r\n|\n|\r", data.removeprefix(b"\xef\xbb\xbf"))
    found: list[bytes] = []
    waiting: list[bytes] = []
    for line in [*lines, b""]:
        name, _, value = line.partition(b":")
        if name == b"data":
            waiting.append(value.removeprefix(b" "))
        elif not line:
            found.append(b"\n".join(waiting))
            waiting = []
    return [data for data in found if data.strip()]


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(events_only.flatmap(lambda data: st.tuples(st.just(data), _chunkings(data))))
def test_server_sent_events_are_those_of_the_specification(case):
    data, pieces = case
    assert [frame.data for frame in _frames(pieces, EventSplitter) if not frame.stray] == _by_the_book(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), json_values, min_size=1, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["array", "lines", "together", "pretty", "events"]),
    st.integers(1, 9),
)
def test_every_spelling_of_the_same_objects_gives_the_same_objects(objects, spelling, size):
    written = [json.dumps(item, ensure_ascii=False) for item in objects]
    text = {
        "array": "[" + ",\r\n".join(written) + "]",
        "lines": "\n".join(written),
        "together": "".join(written),
        "pretty": json.dumps(objects, indent=2),
        "events": "".join(f"data: {item}\n\n" for item in written),
    }[spelling]
    data = text.encode()
    frames = _frames([data[at : at + size] for at in range(0, len(data), size)])
    assert [json.loads(frame.data) for frame in frames] == objects


def _ours(count: int) -> bytes:
    """A stream with characters of one to four bytes, a signature, a call and usage."""
    words = ["a", "ß", "世", "🌍"]
    head = [event(words[number % 4] * 2) for number in range(count - 3)]
    signed = b'data: {"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]}}]}\r\n\r\n'
    call = b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":1}}}]}}]}\r\n\r\n'
    return b"".join([*head, signed, call, event("!", "STOP", usageMetadata={"totalTokenCount": 9})])


def _is_silent(data: bytes, whole: dict[str, object]) -> bool:
    """Whether a cut stream is taken for a whole one, and is another."""
    reader = AnswerReader()
    events: list = []
    return all(reader.read(piece, events) is None for piece in (data, None)) and reader.reply().raw != whole


def _recorded(name: str) -> bytes:
    path = RECORDINGS / name
    if not path.is_file():
        pytest.skip(f"no recording {name}")
    return path.read_bytes()


def _twice(name: str) -> bytes:
    """All events of a recording but its last, and then all of them: the same stream, longer."""
    events = re.findall(rb"data: .*?(?:\r\n\r\n|\n\n)", _recorded(name), re.DOTALL)
    assert len(events) > 25
    return b"".join([*events[:-1], *events])


@pytest.mark.parametrize(
    "stream",
    [lambda: _ours(60), lambda: _recorded(LONG), lambda: _recorded(THINKING), lambda: _twice(LONG)],
    ids=["ours", "recorded-36-events", "recorded-30-events", "recorded-71-events"],
)
def test_a_stream_cut_at_any_byte_is_whole_and_equal_or_an_error(stream):
    data = stream()
    whole = _outcome([data])
    assert whole[0] is None
    assert [end for end in range(len(data)) if _is_silent(data[:end], whole[1])] == []


@pytest.mark.parametrize("kind", ["array", "lines"])
def test_a_json_stream_cut_at_any_byte_is_whole_and_equal_or_an_error(kind):
    events = [json.loads(line[6:]) for line in _ours(12).split(b"\r\n\r\n") if line]
    written = [json.dumps(item, indent=1).encode() for item in events]
    data = b"[" + b",\n".join(written) + b"]" if kind == "array" else b"\n".join(written)
    whole = _outcome([data])
    assert whole[0] is None
    assert [end for end in range(len(data)) if _is_silent(data[:end], whole[1])] == []


@pytest.mark.parametrize("kind", [EventSplitter, JsonSplitter, FrameReader])
def test_one_document_may_not_be_larger_than_the_limit(kind):
    line = b'data: {"text":"' if kind is EventSplitter else b'{"text":"'
    reader = kind(1000)
    reader.feed(line + b"x" * 900)
    with pytest.raises(ResponseTooLarge):
        reader.feed(b"x" * 200)


def test_many_lines_of_one_event_count_together():
    reader = EventSplitter(1000)
    with pytest.raises(ResponseTooLarge):
        reader.feed(b"data: 0123456789\n" * 100)


def test_many_small_events_do_not_add_up_to_a_large_one():
    reader = FrameReader(1000)
    frames = [frame for _ in range(500) for piece in (b'data: {"a"', b":1}\n\n") for frame in reader.feed(piece)]
    assert len(frames) == 500


def test_white_space_before_the_answer_is_not_kept():
    reader = FrameReader(1000)
    for _ in range(1000):
        assert reader.feed(b" \r\n" * 100) == []
    assert [frame.data for frame in reader.feed(b'{"a":1}')] == [b'{"a":1}']


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_line_separators_of_other_kinds_stay_in_the_text(separator):
    body = json.dumps({"candidates": [{"content": {"parts": [{"text": f"a{separator}b"}]}, "finishReason": "STOP"}]})
    body = body if separator < " " else body.encode().decode("unicode_escape")
    error, raw = _outcome([b"data: " + body.encode() + b"\n\n"])
    assert error is None
    assert raw["candidates"][0]["content"]["parts"][0]["text"] == f"a{separator}b"


@pytest.mark.parametrize(
    "body",
    [
        b'{"x":' * 300 + b"1" + b"}" * 300,
        b"[" * 100_000,
        b'{"x":' + b"[" * 100_000,
        b'data: {"x":' + b"[" * 600 + b"]" * 600 + b"}\n\n",
        b'{"candidates":[{"content":{"parts":[{"text":"\\ud83d","x":' + b"[" * 700 + b"]" * 700 + b"}]}}]}",
        b'{"candidates":[{"tokenCount":' + b"9" * 5000 + b"}]}",
        b'{"candidates":{}}',
        b'{"candidates":[{"content":"hello"}]}',
        b'{"candidates":[{"content":{"parts":{}}}]}',
        b'{"usageMetadata":{"totalTokenCount":"many"},"candidates":[]}',
        b"NaN",
        b'{"candidates":[{"avgLogprobs":"much"}]}',
    ],
    ids=lambda body: body[:30].decode(),
)
@pytest.mark.parametrize("unary", [False, True])
def test_monstrous_json_is_an_error_of_ours(body, unary):
    error, _ = _outcome([body], unary=unary)
    assert error is not None
    assert issubclass(error[0], GeminiMagicError)
    assert len(error[1]) < 600


def test_a_wrong_type_is_named_by_its_path():
    error, _ = _outcome([b'data: {"candidates":[{"content":{"parts":[{"inlineData":7}]}}]}\n\n'])
    assert "candidates.0.content.parts.0.inlineData" in error[1]


def test_numbers_that_json_does_not_know_and_doubled_keys_are_survived():
    body = b'{"candidates":[{"avgLogprobs":NaN,"score":1e999,"finishReason":"OTHER","finishReason":"STOP"}]}'
    error, raw = _outcome([body])
    assert error is None
    assert raw["candidates"][0]["finishReason"] == "STOP"


def test_an_image_in_a_stream_is_read_in_time_that_grows_with_its_size():
    image = b"QUJD" * 2_000_000
    body = b'data: {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"' + image
    body += b'"}}]},"finishReason":"STOP"}]}\n\n'
    error, raw = _outcome([body[at : at + 16384] for at in range(0, len(body), 16384)])
    assert error is None
    assert len(raw["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]) == len(image)
