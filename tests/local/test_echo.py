from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"inlineData": {"mimeType": "image/png", "data": PIXEL}}
WEATHER = {
    "name": "weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}
CLOCK = {"name": "clock"}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(text: str) -> dict[str, Any]:
    return {"role": "model", "parts": [{"text": text}]}


@pytest.mark.parametrize(
    "text",
    ["hello", "", " two  spaces\n\n", "emoji 👩‍🚀 and 漢字", "{{x}} {not json} \\u2028\u2028\u0085", "echo:nothing"],
)
def test_text_comes_back_exactly(local, text: str) -> None:
    assert local.text(text) == text


def test_the_answer_is_the_same_every_time(local) -> None:
    assert local.generate("hello there") == local.generate("hello there")
    assert local.generate("hello there")["responseId"] != local.generate("hello you")["responseId"]


def test_a_stream_has_one_chunk_for_each_word(local) -> None:
    chunks = local.chunks("one two\nthree ")
    texts = [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks]
    assert texts == ["one ", "two\n", "three "]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks] == [None, None, "STOP"]
    assert "usageMetadata" in chunks[-1]
    assert all(chunk["modelVersion"] == "echo" for chunk in chunks)


def test_images_and_unknown_parts_come_back_as_they_were(local) -> None:
    strange = {"text": "hi", "partMetadata": {"a": 1}, "somethingNew": [1, 2]}
    assert local.parts(contents=[user({"text": "see "}, IMAGE, strange)]) == [{"text": "see "}, IMAGE, strange]


def test_the_last_turn_of_the_user_is_answered(local) -> None:
    contents = [user({"text": "first"}), model("one"), user({"text": "second"})]
    assert local.text(contents=contents) == "second"
    assert local.text(contents=[*contents, model("beginning of an")]) == "second"


def test_history_and_system_instruction_can_be_looked_at(local) -> None:
    contents = [user({"text": "I am Ada."}), model("Hello!"), user({"text": "echo:history"})]
    assert local.text(contents=contents) == "user: I am Ada.\nmodel: Hello!"
    assert local.text("echo:system", systemInstruction={"parts": [{"text": "Be brief."}]}) == "Be brief."
    assert local.text("echo:system") == ""


def test_the_whole_request_can_be_looked_at(local) -> None:
    body = {"contents": [user({"text": "echo:request"})], "generationConfig": {"temperature": 0.5, "newField": 1}}
    assert json.loads(local.text(**body)) == body


def test_usage_counts_words_and_images(local) -> None:
    usage = local.generate(
        contents=[user({"text": "three short words"}, IMAGE)], systemInstruction={"parts": [{"text": "Be brief."}]}
    )["usageMetadata"]
    assert usage["promptTokenCount"] == 5 + 258
    assert usage["candidatesTokenCount"] == 3 + 258
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]
    assert usage["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 5},
        {"modality": "IMAGE", "tokenCount": 258},
    ]


def test_the_output_limit_cuts_the_answer(local) -> None:
    answer = local.generate("one two three", generationConfig={"maxOutputTokens": 2})
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "one two "}]
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert answer["usageMetadata"]["candidatesTokenCount"] == 2


def test_an_answer_of_just_the_limit_is_whole(local) -> None:
    answer = local.generate("one two", generationConfig={"maxOutputTokens": 2})
    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_the_first_stop_sequence_ends_the_answer(local) -> None:
    answer = local.generate("a b END c STOP d", generationConfig={"stopSequences": ["STOP", "END"]})
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "a b "}]
    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_several_candidates_are_told_apart_by_index(local) -> None:
    config = {"candidateCount": 3}
    answer = local.generate("one two", generationConfig=config)
    assert [candidate["index"] for candidate in answer["candidates"]] == [0, 1, 2]
    assert answer["usageMetadata"]["candidatesTokenCount"] == 6
    indexes = [chunk["candidates"][0]["index"] for chunk in local.chunks("one two", generationConfig=config)]
    assert indexes == [0, 1, 2, 0, 1, 2]


def test_thoughts_come_first_and_a_signature_last(local) -> None:
    config = {"thinkingConfig": {"includeThoughts": True}}
    thought, text, signed = local.parts("hello you", generationConfig=config)
    assert thought == {"text": "The last turn has 1 part(s) and 2 word(s).", "thought": True}
    assert text == {"text": "hello you"}
    assert signed["text"] == ""
    assert signed["thoughtSignature"]
    assert local.generate("hello you", generationConfig=config)["usageMetadata"]["thoughtsTokenCount"] == 9


SCHEMAS: dict[str, dict[str, Any]] = {
    "object": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 18, "maximum": 20}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    "enum and const": {"type": "object", "properties": {"kind": {"const": "a"}, "level": {"enum": ["low", "high"]}}},
    "references": {
        "$defs": {"Tag": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        "type": "array",
        "items": {"$ref": "#/$defs/Tag"},
        "minItems": 3,
    },
    "recursive": {
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {
                    "value": {"type": "number", "exclusiveMinimum": 2},
                    "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                },
                "required": ["value", "next"],
            }
        },
        "$ref": "#/$defs/Node",
    },
    "formats": {
        "type": "object",
        "properties": {name: {"type": "string", "format": name} for name in ("date", "date-time", "uuid", "email")},
    },
    "lengths": {"type": "string", "minLength": 10, "maxLength": 12},
    "numbers": {"type": "array", "items": {"type": "integer", "multipleOf": 5, "minimum": 12}, "minItems": 2},
    "null only": {"type": "null"},
    "type list": {"type": ["null", "boolean"]},
    "all of": {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"type": "object"}]},
    "unique": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": 4},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
    "free names": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_json_schema_is_answered_with_a_value_of_it(local, name: str) -> None:
    config = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMAS[name]}
    value = json.loads(local.text("fill it in", generationConfig=config))
    jsonschema.validate(value, SCHEMAS[name], format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("spell", [lambda key: key, {"propertyOrdering": "property_ordering"}.get])
def test_an_openapi_schema_is_read_in_both_spellings(local, spell: Callable[[str], str | None]) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "count": {"type": "INTEGER", "minimum": 3},
            "who": {"type": "STRING", "nullable": True},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2"},
        },
        "required": ["who", "count"],
        spell("propertyOrdering") or "propertyOrdering": ["who", "count"],
    }
    value = json.loads(local.text("x", generationConfig={"responseSchema": schema}))
    assert value == {"who": "text", "count": 3, "tags": ["text", "text 2"]}
    assert list(value) == ["who", "count", "tags"]


def test_an_enum_answer_is_bare(local) -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["yes", "no"]}}
    assert local.text("x", generationConfig=config) == "yes"


def test_json_without_a_schema_is_json(local) -> None:
    config = {"responseMimeType": "application/json"}
    assert json.loads(local.text("hi", generationConfig=config)) == {"echo": "hi"}
    assert local.text("[1]", generationConfig=config) == "[1]"


def test_a_function_is_called_when_one_must_be(local) -> None:
    body = {
        "tools": [{"functionDeclarations": [CLOCK, WEATHER]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    }
    [part] = local.parts("x", **body)
    assert part["functionCall"]["name"] == "weather"
    assert part["functionCall"]["args"] == {"city": "text"}
    assert part["functionCall"]["id"]
    call = {"role": "model", "parts": [part]}
    answer = {"functionResponse": {"name": "weather", "response": {"sky": "blue"}}}
    assert local.text(contents=[user({"text": "x"}), call, user(answer)], **body) == '{"sky": "blue"}'


def test_a_function_is_not_called_unasked(local) -> None:
    assert local.text("hello", tools=[{"functionDeclarations": [WEATHER]}]) == "hello"


def test_a_call_can_be_ordered(local) -> None:
    tools = [{"functionDeclarations": [WEATHER, CLOCK]}]
    [part] = local.parts('echo:call weather {"city": "Oslo"}', tools=tools)
    assert part["functionCall"]["args"] == {"city": "Oslo"}
    [part] = local.parts("echo:call clock", tools=tools)
    assert part["functionCall"]["args"] == {}


def asked(*turns: Any, **body: Any) -> dict[str, Any]:
    """A request with both functions; text is of the user, a list of parts of the model or what functions returned."""
    contents = [
        user({"text": turn})
        if isinstance(turn, str)
        else {"role": "model" if "functionCall" in turn[0] else "user", "parts": turn}
        for turn in turns
    ]
    return {"contents": contents, "tools": [{"functionDeclarations": [WEATHER, CLOCK]}]} | body


def returned(*responses: Any) -> list[dict[str, Any]]:
    return [{"functionResponse": {"name": "weather", "response": response}} for response in responses]


def test_several_lines_are_calls_side_by_side(local) -> None:
    text = 'echo:call weather {"city": "Oslo"}\necho:call clock\necho:call weather {"city": "Oslo"}'
    calls = [part["functionCall"] for part in local.parts(**asked(text))]
    assert [(call["name"], call["args"]) for call in calls] == [
        ("weather", {"city": "Oslo"}),
        ("clock", {}),
        ("weather", {"city": "Oslo"}),
    ]
    assert len({call["id"] for call in calls}) == 3


def test_behind_an_empty_line_come_the_calls_of_the_next_round(local) -> None:
    text = 'echo:call weather {"city": "Oslo"}\n\necho:call weather {\n\n"city": "Rome"}\necho:call clock'
    first = local.parts(**asked(text))
    assert [part["functionCall"]["args"] for part in first] == [{"city": "Oslo"}]
    turns = [text, first, returned({"a": 1})]
    second = local.parts(**asked(*turns))
    assert [part["functionCall"]["args"] for part in second] == [{"city": "Rome"}, {}]
    last = local.text(**asked(*turns, second, returned({"b": 2}, {"c": 3})))
    assert last == '{"b": 2}{"c": 3}'


def test_a_loop_has_no_end_and_ids_of_its_own(local) -> None:
    turns: list[Any] = ['echo:loop weather {"city": "Oslo"}']
    ids = set()
    for _ in range(4):
        called = local.parts(**asked(*turns))
        ids.add(called[0]["functionCall"]["id"])
        turns += [called, returned({"a": 1})]
    assert len(ids) == 4


def test_the_signature_is_on_the_first_of_several_calls_and_has_to_come_back(local) -> None:
    text = 'echo:call weather {"city": "Oslo"}\necho:call clock'
    thinking = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    thought, first, second = local.parts(**asked(text, **thinking))
    assert thought["thought"]
    assert first["thoughtSignature"]
    assert "thoughtSignature" not in second
    answers = returned({"a": 1}, {"b": 2})
    assert local.text(**asked(text, [first, second], answers, **thinking)) == '{"a": 1}{"b": 2}'
    bare = {"functionCall": first["functionCall"]}
    for parts in ([bare, second], [first | {"thoughtSignature": "AAAA"}, second]):
        refused = local.post("/v1/models/echo:generateContent", json=asked(text, parts, answers, **thinking))
        assert refused.status_code == 400
        assert "missing a thought_signature" in refused.json()["error"]["message"]
    assert local.text(**asked(text, [bare, second], answers)) == '{"a": 1}{"b": 2}'


def test_the_history_tells_of_calls_and_of_what_they_returned(local) -> None:
    called = [{"text": "Well."}, {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]
    contents = [
        user({"text": "How is it?"}),
        {"role": "model", "parts": called},
        user(*returned({"sky": "blue"})),
        model("Blue."),
        user({"text": "echo:history"}),
    ]
    assert local.text(contents=contents) == (
        'user: How is it?\nmodel: Well. weather({"city": "Oslo"})\nuser: weather -> {"sky": "blue"}\nmodel: Blue.'
    )


@pytest.mark.parametrize("mode", ["AUTO", "VALIDATED", "ANY"])
def test_an_ordered_call_is_made_under_any_mode_but_none(local, mode: str) -> None:
    config = {"toolConfig": {"functionCallingConfig": {"mode": mode}}}
    [part] = local.parts(**asked("echo:call clock", **config))
    assert part["functionCall"]["name"] == "clock"


@pytest.mark.parametrize(
    "config", [{"mode": "NONE"}, {"mode": "ANY", "allowedFunctionNames": ["weather"]}], ids=["none", "not allowed"]
)
def test_a_call_that_is_not_allowed_is_refused(local, config: dict[str, Any]) -> None:
    body = asked("echo:call clock", toolConfig={"functionCallingConfig": config})
    refused = local.post("/v1/models/echo:generateContent", json=body)
    assert refused.status_code == 400
    assert "may not be called" in refused.json()["error"]["message"]


@pytest.mark.parametrize("order", ["echo:call weather", "echo:call clock {", "echo:error what", "echo:pause x"])
def test_an_impossible_order_is_a_400(local, order: str) -> None:
    contents = [user({"text": order})]
    body = {"contents": contents, "tools": [{"functionDeclarations": [CLOCK]}]}
    assert local.post("/v1beta/models/echo:generateContent", json=body).status_code == 400


def test_endings_can_be_ordered(local) -> None:
    assert local.generate("echo:finish SAFETY")["candidates"][0]["finishReason"] == "SAFETY"
    blocked = local.generate("echo:block PROHIBITED_CONTENT")
    assert blocked["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in blocked
    answer = local.post("/v1beta/models/echo:generateContent", json={"contents": [user({"text": "echo:error 429"})]})
    assert answer.status_code == 429
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert local.text("echo:pause 0") == "before after"


def test_tokens_are_counted_in_both_forms(local) -> None:
    contents = [user({"text": "one two"})]
    whole = {"model": "models/echo", "contents": contents, "systemInstruction": {"parts": [{"text": "be brief now"}]}}
    for body, tokens in (({"contents": contents}, 2), ({"generateContentRequest": whole}, 5)):
        assert local.post("/v1/models/echo:countTokens", json=body).json()["totalTokens"] == tokens
