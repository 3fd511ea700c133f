"""The bytes of a request: equal to what pydantic writes, without a second copy of a picture."""

from __future__ import annotations

import base64
import json
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_server import error, unary

from gemini_magic.chat import Conversation
from gemini_magic.client import Client, Encoded, encode
from gemini_magic.client.body import AT_ONCE, Body, build_body, count_tokens_body, writes
from gemini_magic.client.request import to_contents
from gemini_magic.ledger import Ledger
from gemini_magic.wire import Blob, Content, Part

LARGE = "QUJD" * 10_000
MIB = 1024 * 1024


def picture(data: str = LARGE, **rest):
    return Part(inline_data=Blob(mime_type="image/png", data=data, **rest))


def whole(content: Content) -> bytes:
    return content.model_dump_json(by_alias=True, exclude_unset=True).encode()


def texts_of(segments):
    return [segment for segment in segments if isinstance(segment, str)]


# --- equal to what pydantic writes ----------------------------------------------------------------------------

SIZES = st.sampled_from([0, 1, 4096, 6000, 10_000])
DATA = st.builds(lambda text, times: text * times, st.text("ABCxyz019+/=-_", min_size=1, max_size=4), SIZES)
ODD = st.builds(lambda text, times: text * times, st.text(max_size=4), SIZES)
BLOBS = st.builds(
    lambda data, rest: {"inlineData": {"mimeType": "image/png", "data": data, **rest}},
    DATA | ODD | st.none(),
    st.dictionaries(st.sampled_from(["displayName", "new"]), st.text(max_size=3)),
)
TEXTS = st.builds(lambda text: {"text": text}, ODD)
OTHERS = st.sampled_from([{}, {"hologram": {"data": LARGE}}, {"functionCall": {"name": "f", "args": {"b": 1, "a": 2}}}])
PARTS = st.builds(
    lambda part, rest: {**part, **rest},
    BLOBS | TEXTS | OTHERS,
    st.dictionaries(st.sampled_from(["thoughtSignature", "z"]), st.text(max_size=3), max_size=2),
)
CONTENTS = st.builds(
    lambda parts, rest: Content.model_validate({"parts": parts, **rest}),
    st.lists(PARTS, max_size=6),
    st.sampled_from([{}, {"role": "user"}, {"new": [1, {"a": None}]}]),
)


@settings(max_examples=300)
@given(CONTENTS)
def test_the_segments_are_what_the_whole_content_would_be(content):
    encoded = encode(content)
    assert encoded.data == whole(content)
    assert encoded.size == len(encoded.data)
    assert encoded.content is content


@settings(max_examples=200)
@given(st.lists(CONTENTS, min_size=1, max_size=5), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_what_is_written_is_the_body_and_as_long_as_it_says(contents, request_rest):
    request_rest.pop("contents", None)
    body = build_body([encode(content) for content in contents], request_rest)
    written = b"".join(writes(body.segments))
    assert written == bytes(body)
    assert len(written) == body.size
    turns = b",".join(whole(content) for content in contents)
    assert written.startswith(b'{"contents":[' + turns + b"]")
    parsed = json.loads(written)
    parsed.pop("contents")
    assert parsed == request_rest


@pytest.mark.parametrize("extra", ['"', "\\", "\n", "\x00", "\x1f", "\x7f", "é", "\u2028", "😀"], ids=ascii)
def test_data_that_json_writes_differently_is_left_to_pydantic(extra):
    for data in (extra + LARGE, LARGE + extra):
        content = Content(parts=[picture(data)])
        assert encode(content).data == whole(content)
        assert len(encode(content).segments) == (3 if extra == "\x7f" else 1)


def test_a_blob_made_without_checks_is_written_as_pydantic_writes_it():
    blob = Blob.model_construct(_fields_set={"mime_type"}, mime_type="image/png", data=LARGE)
    part = Part.model_construct(_fields_set=set(), inline_data=Blob(data=LARGE))
    for content in (Content(parts=[Part.model_construct(_fields_set={"inline_data"}, inline_data=blob), part]),):
        assert encode(content).data == whole(content)


# --- no second copy -------------------------------------------------------------------------------------------


def test_a_large_picture_is_sent_from_the_very_string_that_its_part_holds():
    parts = [Part(text="before"), picture(), Part(text="between"), picture(LARGE + "QQ=="), Part(text="after")]
    encoded = encode(Content(role="user", parts=parts))
    first, second = texts_of(encoded.segments)
    assert first is parts[1].inline_data.data
    assert second is parts[3].inline_data.data
    assert encoded.size - len(first) - len(second) < 500


def test_ten_pictures_are_asked_without_a_copy_of_any():
    parts = [Part.from_bytes(bytes([number]) * 2 * MIB, "image/png") for number in range(10)]
    tracemalloc.start()
    body = build_body(to_contents(["compare", *parts]), {"a": 1})
    for data in writes(body.segments):
        assert len(data) <= AT_ONCE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.size > 26 * MIB
    assert peak < 2 * MIB


def test_each_picture_of_a_conversation_is_encoded_once_in_500_turns(driver, wire):
    wire.answers(unary("ok"))
    client = driver.client(wire.url)
    turns, pictures = [], []
    for number in range(500):
        parts = [Part(text=f"turn {number}")]
        if number % 10 == 0:
            parts.append(Part.from_bytes(number.to_bytes(2, "big") * 50_000, "image/png"))
            pictures.append(parts[-1].inline_data.data)
        turns.append(encode(Content(role="user", parts=parts)))
        sent = texts_of(client.plan(turns, "generateContent").body.segments)
        assert len(sent) == len(pictures)
        assert all(map(lambda one, other: one is other, sent, pictures))
    driver.generate(client, turns)
    assert wire.seen[-1].body == b'{"contents":[' + b",".join(whole(turn.content) for turn in turns) + b"]}"


def test_a_conversation_sends_the_same_segments_in_each_turn(wire, clock):
    wire.answers(unary("ok"))
    with Client(wire.url, model="m", clock=clock, ledger=Ledger()) as client:
        chat = Conversation(client)
        part = picture()
        chat.ask("look", part)
        for _ in range(3):
            chat.ask("again")
            segments = client.plan(chat.contents_for("x"), "generateContent").body.segments
            assert [text is part.inline_data.data for text in texts_of(segments)] == [True]
    assert [len(seen.json()["contents"]) for seen in wire.seen] == [1, 3, 5, 7]


# --- how it is written ----------------------------------------------------------------------------------------


def test_small_turns_are_one_segment_and_large_ones_are_not_copied():
    small = [encode(Content(parts=[Part(text="x")])) for _ in range(500)]
    large = Encoded(Content(), (b'{"parts":[{"text":"' + b"x" * 2_000_000 + b'"}]}',))
    assert len(build_body(small, {}).segments) == 1
    body = build_body([*small, large, *small], {"a": 1})
    assert any(data is large.data for data in writes(body.segments))


def test_a_long_history_with_pictures_is_few_writes():
    turns = [encode(Content(parts=[Part(text="x"), *([picture("QUJD" * 33_000)] * (n % 10 == 0))])) for n in range(500)]
    body = build_body(turns, {})
    sizes = [len(data) for data in writes(body.segments)]
    assert set(sizes[:-1]) == {AT_ONCE}
    assert sum(sizes) == body.size


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3 * AT_ONCE)), max_size=6))
def test_writes_are_never_small_in_a_row_and_text_never_large_at_once(segments):
    body = Body(tuple("x" * size if is_text else b"y" * size for is_text, size in segments))
    written = list(writes(body.segments))
    assert b"".join(written) == bytes(body)
    assert all(written)
    assert all(len(a) + len(b) > AT_ONCE for a, b in pairwise(written))
    assert all(len(data) <= AT_ONCE or b"x" not in data for data in written)


def test_pictures_arrive_whole_and_again_when_they_are_sent_again(driver, wire, way):
    raw = [bytes(range(256)) * 2048 * size for size in (1, 3)]
    wire.answers(error(503), error(503), error(400))
    driver.attempt(way, driver.client(wire.url), ["two", *(Part.from_bytes(data, "image/png") for data in raw), "end"])
    assert len(wire.seen) == 3
    assert len({seen.body for seen in wire.seen}) == 1
    assert {seen.header("content-length") for seen in wire.seen} == {str(len(wire.seen[0].body))}
    parts = wire.seen[0].json()["contents"][0]["parts"]
    assert [base64.b64decode(part["inlineData"]["data"]) for part in parts[1:3]] == raw
    assert (parts[0], parts[3]) == ({"text": "two"}, {"text": "end"})


def test_pictures_are_counted_too(driver, wire):
    wire.answers(error(400))
    client = driver.client(wire.url)
    with pytest.raises(Exception, match="400"):
        driver.count_tokens(client, ["how many", picture()], system="x")
    contents = wire.seen[0].json()["generateContentRequest"]["contents"]
    assert contents[0]["parts"][1]["inlineData"]["data"] == LARGE
    assert count_tokens_body("m", to_contents([picture()]), {}).size == build_body(to_contents([picture()]), {}).size
