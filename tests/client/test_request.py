"""What is sent: only what was set, encoded once, in pieces that are not copied."""

from __future__ import annotations

import json
import math
import re

import pytest
from wire_server import error, unary

from gemini_magic import wire as protocol
from gemini_magic.client import encode
from gemini_magic.client.body import count_tokens_body
from gemini_magic.client.request import request_fields, to_contents
from gemini_magic.exceptions import ConfigError, InputError

USER_HI = {"role": "user", "parts": [{"text": "hi"}]}


def _sent(driver, server, contents="hi", way="generate", **fields):
    server.answers(error(400))
    driver.attempt(way, driver.client(server.url), contents, **fields)
    return server.seen[-1].json()


def test_a_call_that_is_prepared_once_sends_what_a_call_sends(driver, wire):
    client = driver.client(wire.url, fallback=("other",))
    fields = {"system": "be brief", "config": {"temperature": 0}, "extra": {"x": 1}, "model": "models/m"}
    prepared = client.prepared("generateContent", **fields)
    for words in ("hi", "you"):
        assert client.filled(prepared, to_contents(words)) == client.plan(words, "generateContent", **fields)


def test_a_prompt_is_all_that_is_sent(driver, wire, way):
    assert _sent(driver, wire, way=way) == {"contents": [USER_HI]}


def without_addresses(value):
    """A name for a case that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"system": "be brief"}, {"systemInstruction": {"parts": [{"text": "be brief"}]}}),
        ({"system": ["be", "brief"]}, {"systemInstruction": {"parts": [{"text": "be"}, {"text": "brief"}]}}),
        ({"system": {"parts": [{"text": "x"}]}}, {"systemInstruction": {"parts": [{"text": "x"}]}}),
        (
            {"system": protocol.Content(parts=[protocol.Part(text="x")])},
            {"systemInstruction": {"parts": [{"text": "x"}]}},
        ),
        ({"system": ""}, {}),
        ({"system": None, "config": None, "tools": None, "safety": None, "extra": None, "tool_config": None}, {}),
        ({"config": {"temperature": 0}}, {"generationConfig": {"temperature": 0}}),
        ({"config": {"max_output_tokens": 9}}, {"generationConfig": {"maxOutputTokens": 9}}),
        ({"config": {"maxOutputTokens": 9}}, {"generationConfig": {"maxOutputTokens": 9}}),
        ({"config": protocol.GenerationConfig(top_k=3)}, {"generationConfig": {"topK": 3}}),
        ({"config": {"brandNew": {"a": None}}}, {"generationConfig": {"brandNew": {"a": None}}}),
        ({"tools": [{"googleSearch": {}}]}, {"tools": [{"googleSearch": {}}]}),
        (
            {"tool_config": {"function_calling_config": {"mode": "ANY"}}},
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        ),
        (
            {"safety": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"}},
            {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        ),
        ({"safety": [{"category": "A", "threshold": "B"}]}, {"safetySettings": [{"category": "A", "threshold": "B"}]}),
        (
            {"extra": {"cachedContent": "c/1", "new": [1, {"a": True}]}},
            {"cachedContent": "c/1", "new": [1, {"a": True}]},
        ),
        (
            {"config": {"topK": 3}, "extra": {"generationConfig": {"topP": 0.5, "topK": 4}}},
            {"generationConfig": {"topK": 4, "topP": 0.5}},
        ),
        ({"extra": {}}, {}),
    ],
    ids=str,
)
def test_what_is_set_is_sent_and_nothing_else(fields, expected, driver, wire, way):
    assert _sent(driver, wire, way=way, **fields) == {"contents": [USER_HI], **expected}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (["hi"], [USER_HI]),
        (("a", "b"), [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]),
        (protocol.Content(role="user", parts=[protocol.Part(text="hi")]), [USER_HI]),
        ({"parts": [{"text": "hi"}]}, [{"parts": [{"text": "hi"}]}]),
        ({"text": "hi"}, [USER_HI]),
        ({"inlineData": {"mimeType": "image/png", "data": "QQ=="}}, None),
        (
            [USER_HI, {"role": "model", "parts": [{"text": "yes"}]}, "and", "now"],
            [
                USER_HI,
                {"role": "model", "parts": [{"text": "yes"}]},
                {"role": "user", "parts": [{"text": "and"}, {"text": "now"}]},
            ],
        ),
        (["before", USER_HI], [{"role": "user", "parts": [{"text": "before"}]}, USER_HI]),
        ([{"role": "model", "parts": [{"hologram": 3, "thoughtSignature": "c2ln"}]}], None),
        ({"key": "value"}, [{"role": "user", "parts": [{"text": '{"key": "value"}'}]}]),
        (3, [{"role": "user", "parts": [{"text": "3"}]}]),
    ],
    ids=str,
)
def test_contents_take_many_forms(contents, expected, driver, wire):
    if expected is None:
        expected = contents if isinstance(contents, list) else [{"role": "user", "parts": [contents]}]
    assert _sent(driver, wire, contents)["contents"] == expected


@pytest.mark.parametrize(
    "text", ["{{x}} {y} %s", "\\frac{1}{2}", "😀 e\u0301 \u2028 \x00", 'quote " and \\ back', "漢字", ""]
)
def test_text_arrives_as_it_was_written(text, driver, wire):
    assert _sent(driver, wire, [text or " "])["contents"][0]["parts"][0]["text"] == (text or " ")


@pytest.mark.parametrize(
    ("contents", "fields"),
    [
        ([], {}),
        ((), {}),
        (object(), {}),
        (["ok", object()], {}),
        (b"\x00\x01", {}),
        ((number for number in range(3)), {}),
        (open, {"config": {"temperature": "hot"}}),
        ("a\ud800", {}),
        ({"parts": 7}, {}),
        ({"text": 7, "inlineData": "x"}, {}),
        ("hi", {"config": {"temperature": "hot"}}),
        ("hi", {"config": {"stopSequences": 3}}),
        ("hi", {"config": {"temperature": math.nan}}),
        ("hi", {"tools": [7]}),
        ("hi", {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": object()}]}]}),
        ("hi", {"system": object()}),
        ("hi", {"system": "a\ud800"}),
        ("hi", {"safety": [3]}),
        ("hi", {"extra": {"a": object()}}),
        ("hi", {"extra": {"a": math.inf}}),
        ("hi", {"extra": {"a": "\ud800"}}),
        ("hi", {"extra": {"contents": []}}),
    ],
    ids=without_addresses,
)
def test_what_cannot_be_sent_is_refused_before_any_request(contents, fields, driver, wire, way):
    failure = driver.attempt(way, driver.client(wire.url), contents, **fields).error
    assert isinstance(failure, InputError)
    assert len(str(failure)) < 500
    assert wire.seen == []


def test_a_word_that_looks_like_no_number_is_sent(driver, wire):
    assert _sent(driver, wire, extra={"a": "NaN and Infinity"})["a"] == "NaN and Infinity"


@pytest.mark.parametrize("model", ["", " ", "../../x", "a b", "x?key=1", "x#y", "x\ny", "a//b", "é", "x" * 300])
def test_a_name_that_no_model_has_is_refused_before_any_request(model, driver, wire, way):
    failure = driver.attempt(way, driver.client(wire.url), model=model or " ").error
    assert type(failure) is ConfigError
    assert wire.seen == []


def test_a_content_is_encoded_once_and_sent_as_the_same_bytes(driver, wire):
    turns = [encode(protocol.Content(role="user", parts=[protocol.Part(text=f"turn {number}")])) for number in range(3)]
    wire.answers(unary("ok"))
    client = driver.client(wire.url)
    for count in (1, 2, 3):
        driver.generate(client, turns[:count])
        assert wire.seen[-1].body == b'{"contents":[' + b",".join(turn.data for turn in turns[:count]) + b"]}"
    assert all(found is turn for found, turn in zip(to_contents(turns), turns, strict=True))


def get_weather(city: str) -> str:
    """A function somebody might want to offer."""
    return city


class Weather:
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("tools", "name"),
    [
        ([get_weather], "get_weather"),
        (get_weather, "get_weather"),
        ([{"googleSearch": {}}, len], "len"),
        ([Weather()], "Weather"),
        ([Weather], "Weather"),
        ([lambda: 0], "<lambda>"),
    ],
    ids=without_addresses,
)
def test_a_function_is_no_declaration_and_the_message_says_what_is(tools, name, driver, wire, way):
    failure = driver.attempt(way, driver.client(wire.url), tools=tools).error
    assert isinstance(failure, InputError)
    assert f"never runs anything, and {name} is a Python callable" in str(failure)
    it = name if name.isidentifier() else "f"
    assert f"`gm.Conversation(client, tools=[{it}]).ask(…)`" in failure.hint
    assert f"`gm.tools.declaration({it})`" in failure.hint
    assert wire.seen == []


SEARCH = {"googleSearch": {}}
PLAIN = {"name": "f", "description": "Does it."}
TYPED = protocol.FunctionDeclaration(name="g", parameters_json_schema={"type": "object"})
TYPED_SENT = {"name": "g", "parametersJsonSchema": {"type": "object"}}


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([PLAIN], [{"functionDeclarations": [PLAIN]}]),
        (PLAIN, [{"functionDeclarations": [PLAIN]}]),
        (TYPED, [{"functionDeclarations": [TYPED_SENT]}]),
        ([SEARCH, PLAIN, {"codeExecution": {}}, TYPED], [SEARCH, [PLAIN, TYPED_SENT], {"codeExecution": {}}]),
        ([{"functionDeclarations": [PLAIN]}, TYPED], [{"functionDeclarations": [PLAIN]}, [TYPED_SENT]]),
        ([protocol.Tool(function_declarations=[TYPED])], [{"functionDeclarations": [TYPED_SENT]}]),
        ([{**PLAIN, "brandNew": [1]}], [{"functionDeclarations": [{**PLAIN, "brandNew": [1]}]}]),
        ([{"name": "f", "parameters_json_schema": {}}], [[{"name": "f", "parametersJsonSchema": {}}]]),
    ],
    ids=str,
)
def test_a_declaration_may_stand_alone(tools, expected, driver, wire, way):
    wrapped = [{"functionDeclarations": tool} if isinstance(tool, list) else tool for tool in expected]
    assert _sent(driver, wire, way=way, tools=tools)["tools"] == wrapped


def test_declarations_that_stand_alone_are_counted_as_they_are_sent(driver, wire):
    wire.answers(unary("no count"))
    driver.count_tokens(driver.client(wire.url), "hi", tools=[PLAIN])
    assert wire.seen[0].json()["generateContentRequest"]["tools"] == [{"functionDeclarations": [PLAIN]}]


def test_one_declaration_needs_no_list(driver, wire):
    assert _sent(driver, wire, tools={"googleSearch": {}})["tools"] == [{"googleSearch": {}}]


def test_what_is_not_ours_goes_back_as_it_came(driver, wire):
    turn = {
        "role": "model",
        "parts": [
            {"text": "", "thoughtSignature": "AbC+/="},
            {"functionCall": {"name": "f", "args": {"b": 1, "a": [None, {"x": 0.1}]}, "id": "7", "new": True}},
            {"hologram": {"depth": 3}, "partMetadata": {"k": "v"}},
        ],
        "newField": [1],
    }
    assert _sent(driver, wire, [turn, "go on"])["contents"][0] == turn


@pytest.mark.parametrize("sizes", [[10], [10, 10], [300_000], [300_000, 10, 300_000], [200_000] * 5, [10] * 500])
def test_the_length_is_right_however_the_body_is_cut(sizes, driver, wire, way):
    turns = [encode(protocol.Content(parts=[protocol.Part(text="x" * size)])) for size in sizes]
    _sent(driver, wire, turns, way=way)
    seen = wire.seen[-1]
    assert int(seen.header("content-length")) == len(seen.body)
    assert seen.header("transfer-encoding") is None
    assert [len(turn["parts"][0]["text"]) for turn in seen.json()["contents"]] == sizes


def test_a_body_in_pieces_is_sent_again_as_a_whole(driver, wire, way):
    turn = encode(protocol.Content(parts=[protocol.Part(text="x" * 600_000)]))
    wire.answers(error(503), error(400))
    driver.attempt(way, driver.client(wire.url), [turn, "hi"])
    first, second = wire.seen
    assert first.body == second.body
    assert first.header("host") == f"127.0.0.1:{wire.port}"


def test_tokens_are_counted_of_all_that_would_be_sent(driver, wire):
    wire.answers(unary("no count"))
    client = driver.client(wire.url)
    driver.count_tokens(client, "hi")
    driver.count_tokens(client, "hi", system="be brief", tools=[{"googleSearch": {}}])
    assert wire.seen[0].json() == {"contents": [USER_HI]}
    assert wire.seen[1].json() == {
        "generateContentRequest": {
            "model": "models/test-model",
            "contents": [USER_HI],
            "systemInstruction": {"parts": [{"text": "be brief"}]},
            "tools": [{"googleSearch": {}}],
        }
    }


def test_a_count_is_asked_for_under_the_models_full_name():
    encoded = to_contents("hi")
    fields = request_fields({"system": "x"})
    assert (
        json.loads(bytes(count_tokens_body("models/m", encoded, fields)))["generateContentRequest"]["model"]
        == "models/m"
    )
