"""What a reply finds in a response, and what it says when something is missing."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.events import FunctionCall
from gemini_magic.reply import Citation, InlineImage, Reply
from gemini_magic.wire import GenerateContentResponse

TEXT = "Grüße aus 東京 🗼! Done."


def reply_of(candidate: dict[str, Any] | None = None, **rest: Any) -> Reply:
    body: dict[str, Any] = {**rest} if candidate is None else {"candidates": [candidate], **rest}
    return Reply.from_response(GenerateContentResponse.model_validate(body), model="asked")


def answered(*parts: dict[str, Any], **candidate: Any) -> Reply:
    return reply_of({"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **candidate})


def test_an_empty_response_has_nothing_and_breaks_nothing():
    reply = reply_of()
    assert (reply.text, reply.thoughts, reply.parts, reply.function_calls, reply.images) == ("", "", [], [], [])
    assert (reply.citations, reply.usage, reply.finish_reason, reply.block_reason) == ([], None, None, None)
    assert (reply.model, reply.raw, reply.candidates, reply.finish_message) == ("asked", {}, [], None)
    assert repr(reply) == "<Reply ok from asked: ''>"


def test_a_reply_is_its_text_where_text_is_wanted():
    reply = answered({"text": "thinking", "thought": True}, {"text": "a"}, {"text": "b"})
    assert str(reply) == f"{reply}" == reply._gemini_text_() == "ab"
    assert reply._repr_mimebundle_()["text/plain"] == "ab"
    assert repr(answered({"text": "x" * 100})) == f"<Reply ok from asked: '{'x' * 57}...'>"


def test_the_model_is_the_one_that_answered():
    assert reply_of(modelVersion="answered").model == "answered"


def test_calls_are_found_in_order():
    reply = answered(
        {"functionCall": {"name": "f", "args": {"a": 1}, "id": "7"}},
        {"text": "and"},
        {"functionCall": {"name": "g"}},
        {"functionCall": {}},
    )
    assert reply.function_calls == [FunctionCall("f", {"a": 1}, "7"), FunctionCall("g", {}, None)]


def test_images_are_decoded_and_what_is_none_is_left_out():
    data = base64.b64encode(b"\x89PNG").decode()
    reply = answered(
        {"inlineData": {"mimeType": "image/png", "data": data}},
        {"inlineData": {"mimeType": "image/jpeg", "data": "-_8="}},
        {"inlineData": {"mimeType": "image/png", "data": "not base64!"}},
        {"inlineData": {"mimeType": "audio/wav", "data": data}},
        {"inlineData": {"data": data}},
        {"inlineData": {"mimeType": "image/png"}},
        {"text": "a picture"},
    )
    assert reply.images == [InlineImage(b"\x89PNG", "image/png"), InlineImage(b"\xfb\xff", "image/jpeg")]
    assert reply.text == "a picture"
    assert repr(reply.images[0]) == "<image/png, 4 bytes>"


def test_an_image_shows_itself_only_as_a_picture_that_cannot_act():
    assert InlineImage(b"\x89PNG", "image/png")._repr_mimebundle_().keys() == {"text/plain", "image/png"}
    assert InlineImage(b"<svg/>", "image/svg+xml")._repr_mimebundle_().keys() == {"text/plain"}


@pytest.mark.parametrize(
    ("candidate", "rest", "status"),
    [
        ({"finishReason": "STOP"}, {}, "ok"),
        ({}, {}, "ok"),
        ({"finishReason": "SOMETHING_NEW"}, {}, "ok"),
        ({"finishReason": "MAX_TOKENS"}, {}, "truncated"),
        ({"finishReason": "SAFETY"}, {}, "blocked"),
        ({"finishReason": "MALFORMED_FUNCTION_CALL"}, {}, "failed"),
        (None, {"promptFeedback": {"blockReason": "SAFETY"}}, "blocked"),
        (None, {"promptFeedback": {"blockReason": "A_NEW_REASON"}}, "blocked"),
        ({"finishReason": "STOP"}, {"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}, "ok"),
    ],
)
def test_the_status_says_how_the_answer_ended(candidate, rest, status):
    assert reply_of(candidate, **rest).status == status


def test_the_first_candidate_is_the_one_with_index_0():
    parts = [{"content": {"parts": [{"text": word}]}, "index": number} for number, word in ((1, "b"), (0, "a"))]
    assert Reply.from_response(GenerateContentResponse.model_validate({"candidates": parts})).text == "a"


def test_raw_is_what_came():
    body = {"candidates": [{"content": {"parts": [{"text": "a", "new": None}]}, "odd": 1}], "responseId": "r", "x": {}}
    assert Reply.from_response(GenerateContentResponse.model_validate(body)).raw == body


def test_notes_make_another_reply():
    reply = answered({"text": "a"})
    noted = reply.with_note("one").with_note("two", "three")
    assert (reply.warnings, noted.warnings, noted.text) == ((), ("one", "two", "three"), "a")


def test_a_reply_survives_a_pickle():
    reply = answered({"text": "a", "thoughtSignature": "c2ln"}, {"hologram": 3}).with_note("n")
    again = pickle.loads(pickle.dumps(reply))  # noqa: S301 - our own
    assert (again.raw, again.warnings, again.text, again.model) == (reply.raw, ("n",), "a", "asked")


def _bytes(words: str, text: str = TEXT) -> tuple[int, int]:
    start = text.encode().index(words.encode())
    return start, start + len(words.encode())


def _support(start: int | None, end: int | None, words: str | None, *chunks: int) -> dict[str, Any]:
    segment = {"startIndex": start, "endIndex": end, "text": words}
    return {"segment": {k: v for k, v in segment.items() if v is not None}, "groundingChunkIndices": list(chunks)}


def _grounded(*supports: dict[str, Any], texts: tuple[str, ...] = (TEXT,)) -> list[Citation]:
    chunks = [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"retrievedContext": {"uri": "gs://b", "title": "B"}},
        {"unheardOf": {}},
    ]
    metadata = {"groundingChunks": chunks, "groundingSupports": list(supports)}
    return answered(*({"text": text} for text in texts), groundingMetadata=metadata).citations


def test_grounding_offsets_are_bytes_and_become_characters():
    for words in ("Grüße", "東京", "🗼!", "Done."):
        start, end = _bytes(words)
        (found,) = _grounded(_support(start, end, words, 0))
        assert TEXT[found.start : found.end] == found.text == words
        assert (found.uri, found.title) == ("https://a.example", "A")


def test_a_support_may_have_several_sources_or_unknown_ones():
    start, end = _bytes("東京")
    found = _grounded(_support(start, end, "東京", 0, 1, 2, 9, -1))
    assert [(citation.uri, citation.title) for citation in found] == [
        ("https://a.example", "A"),
        ("gs://b", "B"),
        (None, None),
    ]


def test_offsets_that_count_within_a_later_part_are_put_right_by_the_words():
    (found,) = _grounded(_support(0, 5, "Done.", 0), texts=("First. ", "Done."))
    assert (found.start, found.end) == (7, 12)


@pytest.mark.parametrize(
    "support",
    [
        _support(None, None, None, 0),
        _support(5, None, None, 0),
        _support(None, None, "not in the answer", 0),
        _support(3, 9, "not in the answer", 0),
        {"groundingChunkIndices": [0]},
    ],
)
def test_a_place_that_cannot_be_found_is_none(support):
    (found,) = _grounded(support)
    assert (found.start, found.end) == (None, None)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(-5, 90), st.integers(-5, 90))
def test_any_offsets_give_a_place_within_the_text(text, start, end):
    metadata = {"groundingChunks": [{"web": {}}], "groundingSupports": [_support(start, end, None, 0)]}
    (found,) = answered({"text": text}, groundingMetadata=metadata).citations
    assert found.start is None or 0 <= found.start <= found.end <= len(text)


@pytest.mark.parametrize("name", ["citationSources", "citations"])
def test_citations_of_both_services_are_read(name):
    start, end = _bytes("東京")
    source = {"startIndex": start, "endIndex": end, "uri": "https://a.example", "license": "mit"}
    reply = answered({"text": TEXT}, citationMetadata={name: [source, {"uri": "https://b.example"}]})
    assert reply.citations == [
        Citation(TEXT.index("東京"), TEXT.index("東京") + 2, "東京", "https://a.example", None),
        Citation(None, None, "", "https://b.example", None),
    ]


def test_grounding_without_sources_is_no_citation():
    assert _grounded() == []
    assert answered({"text": "a"}, groundingMetadata={}).citations == []
    assert answered({"text": "a"}, groundingMetadata={"groundingSupports": [{}]}, citationMetadata={}).citations == []
