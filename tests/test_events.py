"""How chunks become events and one merged response."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.events import (
    Assembler,
    Finished,
    FunctionCall,
    PartReceived,
    TextDelta,
    ThoughtDelta,
    UsageUpdate,
    stated,
)
from gemini_magic.reply import Reply
from gemini_magic.wire import FinishReason


def chunk(*parts: dict[str, Any], finish: str | None = None, index: int | None = None, **rest: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if finish is not None:
        candidate["finishReason"] = finish
    if index is not None:
        candidate["index"] = index
    return {"candidates": [candidate], **rest}


def text(words: str, **beside: Any) -> dict[str, Any]:
    return {"text": words, **beside}


def read(*chunks: dict[str, Any]) -> tuple[list[Any], Reply]:
    """All events of a stream, its end included, and the reply."""
    assembler = Assembler()
    events: list[Any] = []
    for one in chunks:
        assembler.feed(json.loads(json.dumps(one)), events)
    assembler.finish(events)
    return events, Reply(assembler.merged())


@pytest.mark.parametrize("finish", ["STOP", "", "FINISH_REASON_UNSPECIFIED", "SOMETHING_NEW"])
@pytest.mark.parametrize("index", [None, 0, 1])
def test_a_plain_answer_in_one_piece_is_the_same_as_one_that_needs_a_closer_look(finish, index):
    plain = chunk(text("hello"), finish=finish, index=index, usageMetadata={"totalTokenCount": 3}, modelVersion="m")
    events, reply = read(plain)
    others, other = read(plain | {"responseId": None})
    assert (events, reply.raw, reply.finish_reason) == (others, other.raw, other.finish_reason)
    assert list(reply.raw["candidates"][0]) == list(other.raw["candidates"][0])


def test_a_finish_reason_counts_until_a_better_one_comes():
    chunks = [chunk(text(words), finish=finish) for words, finish in (("a", "MAX_TOKENS"), ("b", ""), ("c", "STOP"))]
    assert read(*chunks[:2])[1].finish_reason == "MAX_TOKENS"
    assert read(*chunks)[1].finish_reason == "STOP"


def raw_parts(*chunks: dict[str, Any]) -> Any:
    return read(*chunks)[1].raw["candidates"][0]["content"]["parts"]


def test_runs_of_plain_text_are_joined():
    events, reply = read(chunk(text("a")), chunk(text("b"), text("c")), chunk(text("d"), finish="STOP"))
    assert events == [TextDelta("a"), TextDelta("b"), TextDelta("c"), TextDelta("d"), Finished("STOP")]
    assert reply.raw["candidates"][0]["content"] == {"role": "model", "parts": [{"text": "abcd"}]}


def test_thoughts_and_text_are_kept_apart():
    think = [text("let ", thought=True), text("me see", thought=True)]
    events, reply = read(chunk(*think), chunk(text("so: "), text("7", thought=False)))
    assert events[:2] == [ThoughtDelta("let "), ThoughtDelta("me see")]
    assert reply.raw["candidates"][0]["content"]["parts"] == [
        {"text": "let me see", "thought": True},
        {"text": "so: 7"},
    ]
    assert (reply.text, reply.thoughts) == ("so: 7", "let me see")


def test_a_part_with_a_signature_stays_its_own_part():
    signed = text("b", thoughtSignature="c2ln")
    assert raw_parts(chunk(text("a")), chunk(signed), chunk(text("c"))) == [{"text": "a"}, signed, {"text": "c"}]


def test_a_signature_without_words_is_kept_and_shown_to_nobody():
    signed = text("", thoughtSignature="c2ln")
    events, reply = read(chunk(text("a")), chunk(signed, finish="STOP"))
    assert events == [TextDelta("a"), Finished("STOP")]
    assert reply.raw["candidates"][0]["content"]["parts"] == [{"text": "a"}, signed]


@pytest.mark.parametrize("beside", [{"partMetadata": {"a": 1}}, {"mood": "sunny"}, {"videoMetadata": {"fps": 1}}])
def test_text_with_something_beside_it_stays_its_own_part(beside):
    odd = text("b", **beside)
    assert raw_parts(chunk(text("a")), chunk(odd), chunk(text("c"))) == [{"text": "a"}, odd, {"text": "c"}]


def test_fields_that_are_null_do_not_keep_text_apart():
    nulls = {"thoughtSignature": None, "inlineData": None, "unheardOf": None}
    assert raw_parts(chunk(text("a", **nulls)), chunk(text("b"))) == [{"text": "ab"}]


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"fileData": {"fileUri": "gs://a/b"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH", "id": "1"}},
        {"functionResponse": {"name": "f", "response": {}}},
        {"hologram": {"depth": 3}},
        {"thoughtSignature": "c2ln"},
        {},
    ],
)
def test_every_other_part_is_told_and_kept_whole(part):
    events, reply = read(chunk(text("a")), chunk(part), chunk(text("b"), finish="STOP"))
    assert [type(event) for event in events] == [TextDelta, PartReceived, TextDelta, Finished]
    assert reply.raw["candidates"][0]["content"]["parts"] == [{"text": "a"}, part, {"text": "b"}]


@pytest.mark.parametrize("args", [{}, {"args": None}, {"args": {}}, {"args": {"b": 1, "a": [None]}}])
def test_a_whole_call_is_told_and_kept_as_it_came(args):
    part = {"functionCall": {"name": "f", "id": "7", **args}, "thoughtSignature": "c2ln"}
    events, reply = read(chunk(part, finish="STOP"))
    assert events[0] == FunctionCall("f", args.get("args") or {}, "7")
    assert reply.raw["candidates"][0]["content"]["parts"] == [part]


def _call(**fields: Any) -> dict[str, Any]:
    return {"functionCall": fields}


def _arg(path: str, more: bool | None = None, **value: Any) -> dict[str, Any]:
    return {"jsonPath": path, **value, **({} if more is None else {"willContinue": more})}


def test_the_arguments_of_a_streamed_call_are_put_together():
    events, reply = read(
        chunk({**_call(name="f", id="1", willContinue=True), "thoughtSignature": "c2ln"}),
        chunk(_call(partialArgs=[_arg("$.city", True, stringValue="Os")], willContinue=True)),
        chunk(_call(partialArgs=[_arg("$.city", False, stringValue="lo")], willContinue=True)),
        chunk(_call(partialArgs=[_arg("$.days[1].n", numberValue=2), _arg("$.ok", boolValue=True)], willContinue=True)),
        chunk(_call(partialArgs=[_arg("$['a b'][\"c.d\"]", nullValue=None)], willContinue=True)),
        chunk(_call()),
        chunk(text("done"), finish="STOP"),
    )
    args = {"city": "Oslo", "days": [None, {"n": 2}], "ok": True, "a b": {"c.d": None}}
    assert events[:2] == [FunctionCall("f", args, "1"), TextDelta("done")]
    assert reply.raw["candidates"][0]["content"]["parts"] == [
        {"functionCall": {"id": "1", "name": "f", "args": args}, "thoughtSignature": "c2ln"},
        {"text": "done"},
    ]
    assert reply.function_calls == [FunctionCall("f", args, "1")]


def test_a_string_that_does_not_continue_is_replaced():
    pieces = [_arg("$.a", False, stringValue="one"), _arg("$.a", False, stringValue="two")]
    assert read(chunk(_call(name="f", partialArgs=pieces)))[0][0].args == {"a": "two"}


def test_the_last_piece_of_a_streamed_call_may_be_missing():
    first = chunk(_call(name="f", partialArgs=[_arg("$.a", numberValue=1)], willContinue=True))
    second = chunk(_call(name="g", willContinue=True))
    events, _ = read(first, second, chunk(finish="STOP"))
    assert events == [FunctionCall("f", {"a": 1.0}), FunctionCall("g"), Finished("STOP")]


def test_a_streamed_call_keeps_its_place_and_a_signature_that_comes_late():
    events, reply = read(
        chunk(_call(name="f", willContinue=True)),
        chunk(text("while it comes")),
        chunk({**_call(partialArgs=[_arg("$.a", boolValue=False)]), "thoughtSignature": "c2ln"}, finish="STOP"),
    )
    assert events[:2] == [TextDelta("while it comes"), FunctionCall("f", {"a": False})]
    assert reply.raw["candidates"][0]["content"]["parts"] == [
        {"functionCall": {"name": "f", "args": {"a": False}}, "thoughtSignature": "c2ln"},
        {"text": "while it comes"},
    ]


def test_a_call_without_a_name_is_never_a_new_one():
    events, reply = read(chunk(_call(args={"a": 1})), chunk(_call(), finish="STOP"))
    assert events == [Finished("STOP")]
    assert reply.function_calls == []


@pytest.mark.parametrize("path", ["$", "", "$[0]", "$.a[99999999999]", "$.a.b[-1]", "][", "$.a" * 500])
def test_a_senseless_path_costs_nothing(path):
    pieces = [_arg("$.a", numberValue=1), _arg(path, numberValue=2)]
    event = read(chunk(_call(name="f", partialArgs=pieces)))[0][0]
    assert len(json.dumps(event.args)) < 10_000


def test_of_usage_the_last_value_of_each_field_counts():
    events, reply = read(
        chunk(text("a"), usageMetadata={"promptTokenCount": 169, "totalTokenCount": 170, "serviceTier": "standard"}),
        chunk(text("b"), usageMetadata={"promptTokenCount": 79, "candidatesTokenCount": None, "thoughtsTokenCount": 4}),
        {"usageMetadata": {"totalTokenCount": "99", "candidatesTokenCount": 5, "brandNew": 1}},
    )
    expected = {
        "promptTokenCount": 79,
        "totalTokenCount": 99,
        "serviceTier": "standard",
        "thoughtsTokenCount": 4,
        "candidatesTokenCount": 5,
        "brandNew": 1,
    }
    assert reply.usage.model_dump(by_alias=True, exclude_unset=True) == expected
    assert sum(isinstance(event, UsageUpdate) for event in events) == 1


def test_of_everything_that_is_repeated_the_last_that_is_not_empty_counts():
    grounding = {"webSearchQueries": ["q"]}
    _, reply = read(
        {
            "candidates": [{"groundingMetadata": grounding, "finishMessage": "m"}],
            "modelVersion": "v1",
            "responseId": "r",
        },
        chunk(text("a"), finish="STOP", modelVersion="v2"),
        {"candidates": [{"groundingMetadata": {}, "finishMessage": None, "safetyRatings": []}], "modelVersion": ""},
    )
    candidate = reply.raw["candidates"][0]
    assert (candidate["groundingMetadata"], candidate["finishMessage"]) == (grounding, "m")
    assert (reply.model, reply.raw["responseId"], reply.finish_reason) == ("v2", "r", "STOP")


def test_several_answers_are_kept_apart():
    events, reply = read(
        chunk(text("a0"), index=0),
        chunk(text("b0"), index=2),
        chunk(text("a1"), index=0, finish="STOP"),
        chunk(index=2),
    )
    assert [(event.text, event.candidate) for event in events[:3]] == [("a0", 0), ("b0", 2), ("a1", 0)]
    assert events[3:] == [Finished("STOP"), Finished(None, candidate=2)]
    assert reply.text == "a0a1"
    assert [candidate["index"] for candidate in reply.raw["candidates"] if "index" in candidate] in ([0, 2], [2])


def test_a_blocked_prompt_is_complete_without_an_answer():
    assembler = Assembler()
    events: list[Any] = []
    assembler.feed({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "no"}}, events)
    assert assembler.complete
    assembler.finish(events)
    assert events == [Finished(None, "SAFETY", "no")]


@pytest.mark.parametrize("word", [None, "", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED"])
def test_words_for_no_reason_are_none(word):
    assert stated(word) is None
    assembler = Assembler()
    assembler.feed(chunk(text("a")) | {"promptFeedback": {"blockReason": word}}, [])
    assembler.feed({"candidates": [{"finishReason": word}]}, [])
    assert not assembler.complete


REASONS = [value for name, value in vars(FinishReason).items() if name.isupper() and isinstance(value, str)]
EMPTY = {
    "no content": {},
    "no parts": {"content": {}},
    "empty parts": {"content": {"parts": [], "role": "model"}},
    "null parts": {"content": {"parts": None}},
    "thought only": {"content": {"parts": [{"text": "hm", "thought": True}]}},
}


@pytest.mark.parametrize("shape", EMPTY)
@pytest.mark.parametrize("reason", [*REASONS, "A_REASON_OF_TOMORROW"])
def test_every_reason_to_stop_without_text_has_a_status(reason, shape):
    events, reply = read({"candidates": [{**EMPTY[shape], "finishReason": reason, "finishMessage": "why"}]})
    expected = "ok"
    if reason in FinishReason.BLOCKED:
        expected = "blocked"
    elif reason in FinishReason.FAILED:
        expected = "failed"
    elif reason in {"MAX_TOKENS", "CONTINUATION"}:
        expected = "truncated"
    assert (reply.status, reply.text, reply.function_calls, reply.images) == (expected, "", [], [])
    assert reply.finish_reason == stated(reason)
    assert reply.finish_message == "why"
    assert events[-1] == Finished(stated(reason), None, "why")


words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=12)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(words, words, st.randoms(use_true_random=False))
def test_how_the_text_was_split_makes_no_difference(answer, thinking, random):
    def pieces(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        chunks = [chunk()]
        for part in parts:
            if random.random() < 0.5:
                chunks.append(chunk())
            chunks[-1]["candidates"][0]["content"]["parts"].append(part)
        return [*chunks, {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 3}}]

    parts = [text(word, thought=True) for word in thinking] + [text(word) for word in answer]
    events, reply = read(*pieces(parts))
    assert reply.text == "".join(answer) == "".join(event.text for event in events if isinstance(event, TextDelta))
    assert reply.thoughts == "".join(thinking)
    whole = [part for part in (text("".join(thinking), thought=True), text("".join(answer))) if part["text"]]
    assert reply.raw["candidates"][0]["content"]["parts"] == whole
    assert reply.usage.total_token_count == 3


def test_a_merged_response_can_be_looked_at_while_it_comes():
    assembler = Assembler()
    events: list[Any] = []
    seen = []
    for word in "abc":
        assembler.feed(chunk(text(word), usageMetadata={"totalTokenCount": 1}), events)
        seen.append(Reply(assembler.merged()).raw["candidates"][0]["content"]["parts"])
    assert seen == [[{"text": "a"}], [{"text": "ab"}], [{"text": "abc"}]]
