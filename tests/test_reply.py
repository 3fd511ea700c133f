"""What a reply finds in a response, and what it says when something is missing."""

from __future__ import annotations

import base64
import io
import math
import pickle
import struct
import subprocess
import sys
import wave
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gemini_magic.events import FunctionCall
from gemini_magic.exceptions import ImageRejected
from gemini_magic.reply import Citation, InlineData, Reply
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


def inline(data: bytes, mime_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}


def picture(kind: str, size: tuple[int, int] = (3, 2)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, kind)
    return file.getvalue()


def test_bytes_are_decoded_and_what_is_none_is_left_out():
    data = base64.b64encode(b"\x89PNG").decode()
    reply = answered(
        {"inlineData": {"mimeType": "image/png", "data": data}},
        {"inlineData": {"mimeType": "image/jpeg", "data": "-_8="}},
        {"inlineData": {"mimeType": "image/png", "data": "not base64!"}},
        {"inlineData": {"data": data}},
        {"inlineData": {"mimeType": "image/png"}},
        {"text": "a picture"},
    )
    png = InlineData(b"\x89PNG", "image/png")
    assert reply.blobs == [png, InlineData(b"\xfb\xff", "image/jpeg"), InlineData(b"\x89PNG", "")]
    assert reply.text == "a picture"
    assert repr(reply.blobs[0]) == "<image/png, 4 bytes>"


def test_an_image_shows_itself_only_as_a_picture_that_cannot_act():
    assert InlineData(b"\x89PNG", "image/png")._repr_mimebundle_().keys() == {"text/plain", "image/png"}
    assert InlineData(b"<svg/>", "image/svg+xml")._repr_mimebundle_().keys() == {"text/plain"}


def test_bytes_are_saved_as_they_came(tmp_path):
    blob = InlineData(b"%PDF", "application/pdf")
    assert blob.save(tmp_path / "a.pdf").read_bytes() == b"%PDF"
    assert blob.save(str(tmp_path / "b.pdf")).name == "b.pdf"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_images_are_opened_by_pillow(kind):
    (image,) = answered(inline(picture(kind), f"image/{kind.lower()}"), {"text": "x"}).images
    assert (image.format, image.size) == (kind, (3, 2))


@pytest.mark.parametrize(
    "data",
    [
        picture("BMP"),
        picture("TIFF"),
        picture("ICO", (16, 16)),
        b"<svg xmlns='x'/>",
        b"%!PS-Adobe",
        b"",
        b"\x89PNG\r\n",
    ],
)
def test_other_images_are_refused_with_the_way_to_their_bytes(data):
    reply = answered(inline(data or b" ", "image/png"))
    with pytest.raises(ImageRejected, match="cannot be opened as PNG, JPEG, WebP or GIF") as caught:
        _ = reply.images
    assert "reply.blobs" in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(("width", "height"), [(8_000, 5_001), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_that_would_be_too_large_is_refused_by_its_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(ImageRejected):
        _ = answered(inline(data, "image/png")).images


def test_an_answer_without_images_needs_no_pillow():
    program = "import sys; sys.modules['PIL'] = None; from gemini_magic.reply import Reply; "
    program += "from gemini_magic.wire import GenerateContentResponse as R; print(Reply(R()).images)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("mime_type", "rate", "channels"),
    [
        ("audio/L16;codec=pcm;rate=24000", 24_000, 1),
        ("audio/l16; rate=16000; channels=2", 16_000, 2),
        ("audio/pcm", 24_000, 1),
        ("audio/L16;rate=-5;channels=9999", 24_000, 1),
        ("audio/L16;rate=999999999999;channels=x", 24_000, 1),
    ],
)
def test_bare_samples_become_a_wav_file(mime_type, rate, channels):
    (sound,) = answered(inline(b"\x01\x00" * 480, mime_type)).audio
    assert sound.mime_type == "audio/wav"
    with wave.open(io.BytesIO(sound.data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, channels, 2)
        assert file.readframes(10_000) == b"\x01\x00" * 480


def test_samples_that_come_in_pieces_are_one_sound_and_other_sounds_stay_as_they_are():
    pcm, mp3 = "audio/L16;rate=24000", b"ID3rest"
    reply = answered(inline(b"ab", pcm), inline(b"cd", pcm), inline(mp3, "audio/mpeg"), inline(b"ef", pcm))
    first, second, third = reply.audio
    assert (first.data[-4:], second, third.data[-2:]) == (b"abcd", InlineData(mp3, "audio/mpeg"), b"ef")


def test_code_is_what_was_run_and_then_what_is_fenced():
    text = "Try\n\n```python\nprint(1)\n```\n\nor\n\n- ~~~\n  two\n  ~~~\n\n```\n\n```\n\n"
    text += "````md\n```\nx\n```\n````\n\n```open\nend"
    thought = {"text": "```\nno\n```", "thought": True}
    reply = answered({"executableCode": {"code": "run()"}}, thought, {"text": text}, {"executableCode": {}})
    assert reply.code == ["run()", "print(1)", "two", "```\nx\n```", "end"]
    assert answered({"text": "`no` code"}).code == []


def test_searches_and_fetched_pages_are_found():
    fetched = [{"retrievedUrl": "https://a", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_PAYWALL"}, {}]
    reply = answered(
        groundingMetadata={"webSearchQueries": ["a", "b", "a"], "imageSearchQueries": ["c"]},
        urlContextMetadata={"urlMetadata": fetched},
    )
    assert reply.searches == ["a", "b", "c"]
    assert reply.url_statuses == [("https://a", "paywall")]
    assert (answered().searches, answered().url_statuses, reply_of().searches) == ([], [], [])


def test_safety_ratings_of_prompt_and_answer_are_found():
    feedback = {"safetyRatings": [{"category": "A"}]}
    reply = reply_of({"safetyRatings": [{"category": "B"}]}, promptFeedback=feedback)
    assert [rating.category for rating in reply.safety] == ["A", "B"]
    assert reply_of().safety == []


def test_probabilities_come_token_by_token():
    chosen = [{"token": "a", "logProbability": 0}, {"token": "b", "logProbability": math.log(0.25)}, {"token": "c"}]
    likeliest = [{"candidates": [{"token": "a", "logProbability": 0}, {"token": "x", "logProbability": -800}]}, {}]
    reply = answered(logprobsResult={"chosenCandidates": chosen, "topCandidates": likeliest})
    assert reply.logprobs() == [("a", 1.0, [("x", 0.0)]), ("b", pytest.approx(0.25), []), ("c", None, [])]
    only = answered(logprobsResult={"topCandidates": likeliest})
    assert [row.token for row in only.logprobs()] == ["a"]
    assert answered().logprobs() == reply_of().logprobs() == []


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
        Citation(TEXT.index("東京"), TEXT.index("東京") + 2, "東京", "https://a.example", None, "mit", 1),
        Citation(None, None, "", "https://b.example", None, None, 2),
    ]
    assert [(source.license, source.repeated) for source in reply.sources] == [("mit", True), ("", True)]


def test_grounding_without_sources_is_no_citation():
    assert _grounded() == []
    assert answered({"text": "a"}, groundingMetadata={}).citations == []
    assert answered({"text": "a"}, groundingMetadata={"groundingSupports": [{}]}, citationMetadata={}).citations == []


def cited(text: str, *places: tuple[str, tuple[int, ...]], sources: int = 3) -> Reply:
    """An answer in which stretches of the text, as a server counts them, rest on sources."""
    chunks = [{"web": {"uri": f"https://{name}.example/", "title": name.upper()}} for name in "abcdef"[:sources]]
    supports = [_support(*_bytes(words, text), words, *numbers) for words, numbers in places]
    return answered({"text": text}, groundingMetadata={"groundingChunks": chunks, "groundingSupports": supports})


def marked(text: str, *places: tuple[str, tuple[int, ...]]) -> str:
    return cited(text, *places).text_with_sources.partition("\n\nSources:")[0]


def test_marks_stand_right_behind_what_they_are_for_in_any_script():
    text = "東京スカイツリーは634mです。🗼 Grüße! Done."
    found = marked(text, ("東京スカイツリーは634mです。", (0,)), ("🗼", (1, 2)), ("Grüße!", (2,)), ("Done.", (0,)))
    assert found == "東京スカイツリーは634mです。[1]🗼[2][3] Grüße![3] Done.[1]"


def test_the_list_of_sources_is_numbered_like_the_marks():
    reply = cited("One. Two.", ("One.", (1,)), ("Two.", (0, 1)), sources=2)
    assert reply.text_with_sources == (
        "One.[2] Two.[1][2]\n\nSources:\n\n"
        "1. [A](<https://a.example/>) (a.example)\n2. [B](<https://b.example/>) (b.example)"
    )
    assert [source.host for source in reply.sources] == ["a.example", "b.example"]
    assert [citation.number for citation in reply.citations] == [2, 1, 2]


def test_supports_at_one_place_are_one_mark_and_sources_that_are_the_same_have_one_number():
    chunks = [{"web": {"uri": "https://a.example", "title": "A"}}] * 2 + [{"web": {"uri": "https://b.example"}}]
    supports = [_support(0, 4, "One.", 2, 0), _support(0, 4, "One.", 1)]
    reply = answered(
        {"text": "One. Two."}, groundingMetadata={"groundingChunks": chunks, "groundingSupports": supports}
    )
    assert reply.text_with_sources.startswith("One.[1][2] Two.\n")
    assert len(reply.sources) == 2


def test_a_text_without_sources_is_left_alone():
    assert answered({"text": "Plain."}).text_with_sources == "Plain."
    assert reply_of().text_with_sources == ""


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("A **bold** word.", "bold", "A **bold**[1] word."),
        ("See [the page](https://x.y/z) now.", "the p", "See [the page](https://x.y/z)[1] now."),
        ("See <https://x.y/z> now.", "x.y", "See <https://x.y/z>[1] now."),
        ("So $x^2$ is.", "x^", "So $x^2$[1] is."),
        ("So \\(x^2\\) is.", "x^", "So \\(x^2\\)[1] is."),
        ("Run `a b` now.", "`a", "Run `a b`[1] now."),
        ("x &amp; y", "&am", "x &amp;[1] y"),
        ("It ends. \n\nNext", "It ends. \n\n", "It ends.[1] \n\nNext"),
        ("cafe\u0301 au lait", "cafe", "cafe\u0301[1] au lait"),
        ("x\n```py\ncode\n```\nmore", "cod", "x\n```py\ncode\n```\n\n[1]\n\nmore"),
        ("$$\na\n$$\n\nb", "a", "$$\na\n$$\n\n[1]\n\n\nb"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nx", "| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2[1] |\n\nx"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "|--", "| a | b |\n|---|---|\n| 1 | 2[1] |"),
        ("Title\n=====\n\nx", "===", "Title\n=====\n\n[1]\n\n\nx"),
        ("Fact (see there).", "Fact", "Fact[1] (see there)."),
        ("Fact(see there).", "Fact", "Fact[1] (see there)."),
        ("Fact.\n\n[1]: https://evil.example", "Fact.", "Fact.\\[1\\]\n\n[1]: https://evil.example"),
    ],
)
def test_marks_stay_out_of_what_they_would_break(text, words, expected):
    assert marked(text, (words, (0,))) == expected


def test_offsets_count_within_the_part_that_is_named():
    segment = {"partIndex": 2, "startIndex": 0, "endIndex": 6}
    metadata = {"groundingChunks": [{"web": {"uri": "https://a"}}], "groundingSupports": [{"segment": segment}]}
    metadata["groundingSupports"][0]["groundingChunkIndices"] = [0]
    parts = ({"text": "Hm", "thought": True}, {"text": "日本語。"}, {"text": "東京。"})
    (found,) = answered(*parts, groundingMetadata=metadata).citations
    assert (found.start, found.end) == (4, 6)


def test_of_words_that_come_twice_the_nearer_are_meant():
    (found,) = _grounded(_support(11, 13, "yes", 0), texts=("yes no no yes yes?",))
    assert found.start == 10


def test_a_place_beyond_the_text_is_none():
    (found,) = answered(
        {"text": "short"}, citationMetadata={"citationSources": [{"startIndex": 9, "endIndex": 20}]}
    ).citations
    assert (found.start, found.end, found.number) == (None, None, None)


@pytest.mark.parametrize(
    ("chunk", "title", "uri"),
    [
        ({"web": {"uri": "https://a.example/x y", "title": "A"}}, "A", "https://a.example/x%20y"),
        ({"maps": {"uri": "https://maps.example", "title": "Café"}}, "Café", "https://maps.example"),
        ({"image": {"sourceUri": "https://i.example", "title": "I"}}, "I", "https://i.example"),
        ({"retrievedContext": {"text": "a\n b " * 50}}, "“" + ("a b " * 20)[:79] + "…”", ""),
        ({"retrievedContext": {"documentName": "doc", "text": "t"}}, "doc", ""),
        ({"retrievedContext": {"fileSearchStore": "stores/1"}}, "stores/1", ""),
    ],
)
def test_every_kind_of_source_has_a_title(chunk, title, uri):
    (source,) = answered({"text": "x"}, groundingMetadata={"groundingChunks": [chunk]}).sources
    assert (source.title, source.uri) == (title, uri)


@pytest.mark.parametrize("title", ["a](https://evil.example)", "**b**", "line\nline", "<b>", "`", "$x$"])
def test_titles_are_words_in_the_markdown_list(title):
    from markdown_it import MarkdownIt  # noqa: PLC0415

    chunk = {"web": {"uri": "https://a.example", "title": title}}
    reply = answered({"text": "x"}, groundingMetadata={"groundingChunks": [chunk]})
    html = MarkdownIt().render(reply.text_with_sources)
    assert html.count("href=") == 1
    assert 'href="https://a.example"' in html
    assert "<strong>" not in html


_MARKDOWN = st.text(alphabet="ab 日é|-`*_[]()$\\#>\n1.~<&;", max_size=60)


@settings(max_examples=1_000, deadline=None, derandomize=True)
@given(_MARKDOWN, st.integers(0, 200))
def test_marks_never_take_anything_from_the_text(text, end):
    metadata = {"groundingChunks": [{"web": {"uri": "https://a"}}], "groundingSupports": [_support(0, end, None, 0)]}
    reply = answered({"text": text}, groundingMetadata=metadata)
    written = reply._sources.marked()
    for position, apart in (spot for spot, _ in reply._sources.marks):
        assert 0 < position <= len(text)
        assert apart in {True, False}
    for mark in ("\n\n[1]\n", "\n\n\\[1\\]\n", "[1] ", "\n\n[1]", "\\[1\\]", "[1]"):
        if written.replace(mark, "", 1) == text or written[::-1].replace(mark[::-1], "", 1)[::-1] == text:
            break
    else:
        assert written == text
