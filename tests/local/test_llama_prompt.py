from __future__ import annotations

from typing import Any

import pytest

from gemini_magic.exceptions import BadRequest
from gemini_magic.local.backends._llama_prompt import calls_in, is_astray, may_be_call, messages, prompt
from gemini_magic.local.outline import outline
from gemini_magic.local.schema import constrained, plain, resolved
from gemini_magic.wire import GenerateContentRequest

WEATHER = {
    "name": "weather",
    "description": "Weather of a city",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}
TOOLS = [{"functionDeclarations": [WEATHER]}]
ANY = {"functionCallingConfig": {"mode": "ANY"}}


def request(*turns: Any, **body: Any) -> GenerateContentRequest:
    contents = [
        {"role": "model" if number % 2 else "user", "parts": [{"text": turn}] if isinstance(turn, str) else turn}
        for number, turn in enumerate(turns)
    ]
    return GenerateContentRequest.model_validate({"contents": contents} | body)


def test_turns_and_the_system_instruction_become_messages() -> None:
    asked = request("hi", "hello", "bye", systemInstruction={"role": "user", "parts": [{"text": "Be brief."}]})
    assert messages(asked) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "bye"},
    ]


def test_thoughts_are_left_out_and_parts_stand_on_lines_of_their_own() -> None:
    parts = [{"text": "thinking", "thought": True}, {"text": "one"}, {"text": "two"}]
    assert messages(request("hi", parts, "x"))[1]["content"] == "one\ntwo"


def test_greedy_decoding_is_the_default_and_what_is_set_is_passed_on() -> None:
    body = prompt(request("hi")).body
    assert body["temperature"] == 0
    assert body["max_tokens"] == 1024
    config = {"temperature": 1.5, "topP": 0.5, "topK": 3, "seed": 7, "maxOutputTokens": 9, "stopSequences": ["x"]}
    body = prompt(request("hi", generationConfig=config)).body
    wanted = {"temperature": 1.5, "top_p": 0.5, "top_k": 3, "seed": 7, "max_tokens": 9, "stop": ["x"]}
    assert wanted.items() <= body.items()


def test_several_candidates_differ() -> None:
    asked = prompt(request("hi", generationConfig={"candidateCount": 2}))
    assert asked.candidates == 2
    assert asked.body["temperature"] > 0


def test_a_schema_constrains_the_answer_and_is_outlined_in_the_system_text() -> None:
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING", "description": "where"}}}
    body = prompt(request("hi", generationConfig={"responseSchema": schema})).body
    sent = body["response_format"]["json_schema"]["schema"]
    assert sent["additionalProperties"] is False
    assert sent["properties"]["city"]["maxLength"] == 1000
    assert body["messages"][0]["content"] == 'Answer with JSON of this form: {"city": string (where)}'
    assert "repeat_penalty" not in body


def test_json_without_a_schema_is_asked_for_as_such() -> None:
    body = prompt(request("hi", generationConfig={"responseMimeType": "application/json"})).body
    assert body["response_format"] == {"type": "json_object"}


def test_functions_are_described_and_in_words_they_are_not() -> None:
    asked = prompt(request("hi", tools=TOOLS))
    assert 'weather {"city": string}: Weather of a city' in asked.body["messages"][0]["content"]
    assert asked.functions == {"weather"}
    assert not asked.must_call
    assert asked.in_words is not None
    assert asked.in_words.functions == frozenset()
    assert [message["role"] for message in asked.in_words.body["messages"]] == ["user"]


def test_a_call_that_must_be_made_is_constrained() -> None:
    asked = prompt(request("hi", tools=TOOLS, toolConfig=ANY))
    [shape] = asked.body["response_format"]["json_schema"]["schema"]["anyOf"]
    assert shape["properties"]["name"] == {"const": "weather"}
    assert shape["properties"]["arguments"]["required"] == ["city"]
    assert asked.must_call
    assert asked.in_words is None


def test_after_a_functions_response_no_function_is_offered() -> None:
    call = [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]
    response = [{"functionResponse": {"name": "weather", "response": {"sky": "blue"}}}]
    asked = prompt(request("hi?", call, response, tools=TOOLS, toolConfig=ANY))
    assert asked.functions == frozenset()
    assert [message["content"] for message in asked.body["messages"]] == [
        "hi?",
        '{"name": "weather", "arguments": {"city": "Oslo"}}',
        'weather returned: {"sky": "blue"}\nUse this to answer in one full sentence: hi?',
    ]


def called(name: str, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


def returned(name: str, response: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": response}}


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (
            {"result": "-3.5 degrees, snow"},
            "f returned: -3.5 degrees, snow\nUse this to answer in one full sentence: hi?",
        ),
        ({"result": 42}, "f returned: 42\nUse this to answer in one full sentence: hi?"),
        (
            {"result": [1], "more": 2},
            'f returned: {"result": [1], "more": 2}\nUse this to answer in one full sentence: hi?',
        ),
        ({"error": "No such city."}, "f failed: No such city.\nIn one full sentence, tell me that it failed and why."),
    ],
)
def test_what_a_function_returned_is_told_with_the_question(response: Any, words: str) -> None:
    asked = prompt(request("hi?", [called("f")], [returned("f", response)]))
    assert asked.body["messages"][-1]["content"] == words


def test_what_several_functions_returned_is_told_with_their_arguments() -> None:
    calls = [called("f", city="Oslo"), called("f", city="Rome")]
    asked = prompt(request("hi?", calls, [returned("f", {"result": 1}), returned("f", {"error": "no"})]))
    assert asked.body["messages"][-1]["content"] == (
        'f with {"city": "Oslo"} returned: 1\nf with {"city": "Rome"} failed: no.\n'
        "Use this to answer in full sentences: hi?"
    )


def test_an_order_is_not_repeated_as_a_question() -> None:
    asked = prompt(request("Do it.", [called("f")], [returned("f", {"result": "done"})]))
    told = "f returned: done\nThis was done for: Do it.\nTell me the result in one full sentence."
    assert asked.body["messages"][-1]["content"] == told


def test_a_long_question_is_not_repeated() -> None:
    asked = prompt(request("word " * 200, [called("f")], [returned("f", {"result": 1})]))
    assert asked.body["messages"][-1]["content"].endswith("Use this to answer in one full sentence: my question.")


def test_the_words_of_an_earlier_turn_stay_the_same() -> None:
    earlier = ("hi?", [called("f")], [returned("f", {"result": 1})])
    first = prompt(request(*earlier)).body["messages"]
    later = prompt(request(*earlier, "It is 1.", "And now?", tools=TOOLS))
    assert later.body["messages"][1:4] == first
    assert later.functions == {"weather"}


def test_definitions_of_several_functions_are_told_apart() -> None:
    def declared(name: str, kind: str) -> dict[str, Any]:
        schema = {
            "type": "object",
            "$defs": {"Item": {"type": kind}, "Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}},
            "properties": {"item": {"$ref": "#/$defs/Item"}, "node": {"$ref": "#/$defs/Node"}},
        }
        return {"name": name, "parametersJsonSchema": schema}

    tools = [{"functionDeclarations": [declared("a", "string"), declared("b", "integer")]}]
    schema = prompt(request("hi", tools=tools, toolConfig=ANY)).body["response_format"]["json_schema"]["schema"]
    second = schema["anyOf"][1]["properties"]["arguments"]["properties"]["item"]
    assert resolved(second, schema)["type"] == "integer"
    node = schema["$defs"]["1-Node"]["properties"]["next"]
    assert resolved(node, schema) is schema["$defs"]["1-Node"]


@pytest.mark.parametrize(
    ("arguments", "mode", "again"),
    [
        ({"city": "Oslo"}, "AUTO", None),
        ({}, "AUTO", "weather"),
        ({"city": "Oslo", "day": 1}, "AUTO", "weather"),
        ({"city": "Oslo"}, "VALIDATED", "weather"),
    ],
)
def test_a_call_that_does_not_fit_is_made_anew(arguments: dict[str, Any], mode: str, again: str | None) -> None:
    asked = prompt(request("hi", tools=TOOLS, toolConfig={"functionCallingConfig": {"mode": mode}}))
    assert asked.misfit([("weather", arguments)]) == again
    exact = asked.exactly("weather")
    assert exact.must_call
    assert exact.functions == {"weather"}
    assert exact.misfit([("weather", {})]) is None


def test_no_function_is_described_under_mode_none() -> None:
    asked = prompt(request("hi", tools=TOOLS, toolConfig={"functionCallingConfig": {"mode": "NONE"}}))
    assert asked.functions == frozenset()
    assert [message["role"] for message in asked.body["messages"]] == ["user"]


def test_only_allowed_functions_are_described() -> None:
    tools = [{"functionDeclarations": [WEATHER, {"name": "clock"}]}]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}}
    asked = prompt(request("hi", tools=tools, toolConfig=config))
    assert asked.functions == {"clock"}
    assert "weather" not in asked.body["messages"][0]["content"]
    [shape] = asked.body["response_format"]["json_schema"]["schema"]["anyOf"]
    assert shape["properties"]["arguments"] == {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/x.png"}},
    ],
)
def test_media_are_refused_by_name(part: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"contents\[0\]\.parts\[1\] is image/png") as caught:
        prompt(request([{"text": "see"}, part]))
    assert caught.value.status == 400
    assert caught.value.reason == "INVALID_ARGUMENT"


NAMES = frozenset({"weather", "add"})


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "weather", "arguments": {"city": "Oslo"}}',
        ' \n{"name": "weather", "arguments": {"city": "Oslo"}}\n',
        '```json\n{"name": "weather", "arguments": {"city": "Oslo"}}\n```',
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
        '[{"name": "weather", "arguments": {"city": "Oslo"}}]',
    ],
)
def test_a_text_that_is_a_declared_call_is_read_as_one(text: str) -> None:
    assert calls_in(text, NAMES) == [("weather", {"city": "Oslo"})]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "weather",
        "{",
        '{"name": "other", "arguments": {}}',
        '{"name": "weather", "arguments": "Oslo"}',
        'Here: {"name": "weather", "arguments": {}}',
        '[{"name": "weather", "arguments": {}}, 5]',
        "[]",
        "5",
    ],
)
def test_any_other_text_is_text(text: str) -> None:
    assert calls_in(text, NAMES) == []


def test_whether_a_text_may_become_a_call_is_seen_from_its_beginning() -> None:
    assert all(map(may_be_call, ["", " ", "{", "`", "```js", "<", "<tool", "["]))
    assert not any(map(may_be_call, ["H", "Hello", "<b>", "`x`"]))


def test_a_made_up_call_is_recognised() -> None:
    assert is_astray('{"name": "joke", "arguments": {"text": "x"}}')
    assert is_astray('```json\n{"name": "joke", "arguments": {"te')
    assert not is_astray('{"name": "Ada", "age": 5}')
    assert not is_astray("Hello")


def test_an_outline_is_short_and_ends() -> None:
    node = {
        "$defs": {"Node": {"properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/Node"}}}},
        "$ref": "#/$defs/Node",
    }
    assert outline(node).count("value") == 5
    schema = {
        "properties": {
            "kind": {"enum": ["a", 1]},
            "days": {"type": "array", "items": {"type": "string", "format": "date"}},
            "who": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        }
    }
    assert outline(schema) == '{"kind": "a" or 1, "days": [date, ...], "who": string or null}'


def test_bounds_are_put_where_there_are_none() -> None:
    schema = plain(
        {
            "type": "OBJECT",
            "properties": {
                "tags": {"type": "ARRAY", "items": {"type": "STRING", "maxLength": "5"}},
                "many": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": 50},
                "code": {"type": "STRING", "pattern": "[A-Z]+"},
            },
        }
    )
    properties = constrained(schema)["properties"]
    assert properties["tags"]["maxItems"] == 32
    assert properties["tags"]["items"]["maxLength"] == 5
    assert properties["many"]["maxItems"] == 50
    assert properties["code"] == {"type": "string", "pattern": "^.*[A-Z]+.*$"}
