"""The real models. They answer as they like; what is checked here is what holds whatever they say."""

from __future__ import annotations

import concurrent.futures
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import psutil
import pytest

from gemini_magic.local.server import LocalServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model

SMALL = "smollm2-135m"
DEFAULT = "qwen2.5-coder-0.5b"
SHORT = {"maxOutputTokens": 16}
LONG_PROMPT = "word " * 6_000


@pytest.fixture
def ask(wired: httpx.Client):
    def ask(text: str | None = None, model: str = SMALL, **body: Any) -> dict[str, Any]:
        contents = {"contents": [{"role": "user", "parts": [{"text": text}]}]} if text is not None else {}
        answer = wired.post(f"/v1beta/models/{model}:generateContent", json=contents | body)
        assert answer.status_code == 200, f"`gemini-magic local pull {model}` fetches the model: {answer.text}"
        return answer.json()

    return ask


def text_of(answer: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in answer["candidates"][0]["content"]["parts"])


@pytest.mark.parametrize("name", [SMALL, DEFAULT])
def test_a_pulled_model_is_listed_and_answers(ask, wired: httpx.Client, name: str) -> None:
    answer = ask("Say hello.", model=name, generationConfig=SHORT)
    assert text_of(answer)
    assert answer["candidates"][0]["finishReason"] in {"STOP", "MAX_TOKENS"}
    usage = answer["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]
    assert answer["modelVersion"] == name
    listed = wired.get("/v1beta/models").json()["models"]
    assert {f"models/{name}", "models/echo"} <= {entry["name"] for entry in listed}


def test_a_stream_comes_token_by_token_and_ends_with_its_reason(wired: httpx.Client) -> None:
    body = {"contents": [{"parts": [{"text": "Count to ten."}]}], "generationConfig": SHORT}
    address = f"/v1/models/{SMALL}:streamGenerateContent?alt=sse"
    with wired.stream("POST", address, json=body) as answer:
        chunks = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]
    assert len(chunks) > 4
    assert chunks[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] == 16
    assert not any("usageMetadata" in chunk for chunk in chunks[:-1])


def test_the_limit_is_told(ask) -> None:
    answer = ask("Tell me a long story.", generationConfig={"maxOutputTokens": 3})
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert answer["usageMetadata"]["candidatesTokenCount"] == 3


def test_a_stop_sequence_ends_the_answer(ask) -> None:
    config = {"stopSequences": ["5"], "maxOutputTokens": 60}
    answer = ask("Count from 1 to 10 separated by commas.", model=DEFAULT, generationConfig=config)
    assert answer["candidates"][0]["finishReason"] == "STOP"
    assert "5" not in text_of(answer)
    assert "4" in text_of(answer)


def test_the_conversation_is_remembered(ask) -> None:
    contents = [
        {"role": "user", "parts": [{"text": "My name is Ada."}]},
        {"role": "model", "parts": [{"text": "Hello Ada!"}]},
        {"role": "user", "parts": [{"text": "What is my name?"}]},
    ]
    assert "Ada" in text_of(ask(model=DEFAULT, contents=contents))


def test_the_system_instruction_reaches_the_model(ask) -> None:
    answer = ask("Hello", model=DEFAULT, systemInstruction={"parts": [{"text": "Answer only with OK."}]})
    assert text_of(answer).strip(" .") == "OK"


OPENAPI = {
    "type": "OBJECT",
    "title": "Weather",
    "properties": {
        "city": {"type": "STRING"},
        "temperature": {"type": "NUMBER"},
        "wind": {"type": "STRING", "nullable": True, "maxLength": "20"},
    },
    "required": ["city", "temperature"],
    "property_ordering": ["city", "temperature", "wind"],
}


@pytest.mark.parametrize(
    ("text", "city", "temperature"),
    [
        ("It is 18 degrees in Shanghai today.", "Shanghai", 18),
        ("Oslo was freezing at -3.5 C.", "Oslo", -3.5),
        ("Madrid: 31 degrees, sunny", "Madrid", 31),
        ("北京今天气温是25度", "北京", 25),
    ],
)
def test_facts_are_extracted_into_an_openapi_schema(ask, text: str, city: str, temperature: float) -> None:
    config = {"responseMimeType": "application/json", "responseSchema": OPENAPI}
    value = json.loads(text_of(ask(text, model=DEFAULT, generationConfig=config)))
    assert list(value)[:2] == ["city", "temperature"]
    assert (value["city"], value["temperature"]) == (city, temperature)


def test_a_nested_json_schema_holds(ask) -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}}}
    schema = {
        "$defs": {"Person": person | {"required": ["name", "age"]}},
        "type": "object",
        "properties": {
            "people": {"type": "array", "items": {"$ref": "#/$defs/Person"}},
            "mood": {"enum": ["good", "bad"]},
            "code": {"type": "string", "pattern": "[A-Z]{3}-[0-9]{2}"},
            "day": {"type": "string", "format": "date"},
        },
        "required": ["people", "mood", "code", "day"],
    }
    text = "Ann is 31, Bob is 7 and Cy is 40; they had a great day on 3 May 2024. Ticket ABC-12."
    value = json.loads(text_of(ask(text, model=DEFAULT, generationConfig={"responseJsonSchema": schema})))
    jsonschema.validate(value, schema)
    assert [person["age"] for person in value["people"]] == [31, 7, 40]


@pytest.mark.parametrize("model", [SMALL, DEFAULT])
def test_a_small_schema_holds_whatever_the_model_thinks(ask, model: str) -> None:
    schema = {"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}
    config = {"responseJsonSchema": schema}
    jsonschema.validate(json.loads(text_of(ask("What a lovely day!", model=model, generationConfig=config))), schema)


FUNCTIONS = [
    {
        "name": "get_weather",
        "description": "Weather of a city",
        "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    {
        "name": "add",
        "description": "Add two numbers",
        "parameters": {
            "type": "OBJECT",
            "properties": {"a": {"type": "NUMBER"}, "b": {"type": "NUMBER"}},
            "required": ["a", "b"],
        },
    },
]
TOOLS = [{"functionDeclarations": FUNCTIONS}]
HOUSE = [
    {
        "name": "set_light",
        "description": "Turn the light of a room on or off",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {
                "room": {"enum": ["kitchen", "bedroom", "bath"]},
                "on": {"type": "boolean"},
                "level": {"type": "integer", "minimum": 0, "maximum": 10},
            },
            "required": ["room", "on"],
        },
    },
    {"name": "current_time", "description": "What time it is now"},
    {
        "name": "book",
        "description": "Book a train",
        "parametersJsonSchema": {
            "type": "object",
            "$defs": {
                "Stop": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "day": {"type": "string", "format": "date"}},
                    "required": ["city", "day"],
                }
            },
            "properties": {"start": {"$ref": "#/$defs/Stop"}, "end": {"$ref": "#/$defs/Stop"}},
            "required": ["start", "end"],
        },
    },
]
MANY = [{"functionDeclarations": FUNCTIONS}, {"functionDeclarations": HOUSE}]
TRAIN = {"start": {"city": "Oslo", "day": "2026-05-01"}, "end": {"city": "Bergen", "day": "2026-05-03"}}


@pytest.mark.parametrize(
    ("text", "name", "args"),
    [
        ("What is the weather in Paris?", "get_weather", {"city": "Paris"}),
        ("What is 17 plus 25?", "add", {"a": 17, "b": 25}),
        ("Turn the kitchen light on at level 7.", "set_light", {"room": "kitchen", "on": True, "level": 7}),
        ("What time is it?", "current_time", {}),
        ("Book a train from Oslo on 2026-05-01 to Bergen on 2026-05-03.", "book", TRAIN),
    ],
)
def test_one_of_many_functions_is_called(ask, text: str, name: str, args: dict[str, Any]) -> None:
    config = {"functionCallingConfig": {"mode": "ANY"}}
    [part] = ask(text, model=DEFAULT, tools=MANY, toolConfig=config)["candidates"][0]["content"]["parts"]
    assert (part["functionCall"]["name"], part["functionCall"]["args"]) == (name, args)


@pytest.mark.parametrize("name", ["add", "set_light", "current_time"])
def test_only_an_allowed_function_is_called_whatever_the_model_thinks(ask, name: str) -> None:
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [name]}}
    answer = ask("What is the weather in Paris?", tools=MANY, toolConfig=config)
    [part] = answer["candidates"][0]["content"]["parts"]
    assert part["functionCall"]["name"] == name
    declared = next(function for function in [*FUNCTIONS, *HOUSE] if function["name"] == name)
    if schema := declared.get("parametersJsonSchema"):
        jsonschema.validate(part["functionCall"]["args"], schema)
    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_no_function_is_called_under_mode_none(ask) -> None:
    config = {"functionCallingConfig": {"mode": "NONE"}}
    assert text_of(ask("What is the weather in Paris?", model=DEFAULT, tools=MANY, toolConfig=config))


@pytest.mark.parametrize(
    ("text", "name", "args"),
    [
        ("What is the weather in Paris?", "get_weather", {"city": "Paris"}),
        ("What is 17 plus 25?", "add", {"a": 17, "b": 25}),
    ],
)
@pytest.mark.parametrize("mode", ["VALIDATED", "AUTO"])
def test_a_function_is_called(ask, mode: str, text: str, name: str, args: dict[str, Any]) -> None:
    config = {"functionCallingConfig": {"mode": mode}}
    answer = ask(text, model=DEFAULT, tools=TOOLS, toolConfig=config)
    [part] = answer["candidates"][0]["content"]["parts"]
    assert part["functionCall"]["name"] == name
    assert part["functionCall"]["args"] == args


@pytest.mark.parametrize("text", ["Who wrote Hamlet?", "Tell me a joke."])
def test_a_question_that_needs_no_function_is_answered_in_words(ask, text: str) -> None:
    answer = ask(text, model=DEFAULT, tools=TOOLS)
    assert text_of(answer)
    assert '"arguments"' not in text_of(answer)


def round_of(text: str, name: str, args: dict[str, Any], *responses: Any) -> list[dict[str, Any]]:
    """A question, its calls, and what they returned."""
    call, answers = {"functionCall": {"name": name, "args": args}}, [{"name": name, "response": r} for r in responses]
    return [
        {"role": "user", "parts": [{"text": text}]},
        {"role": "model", "parts": [call] * len(answers)},
        {"role": "user", "parts": [{"functionResponse": answer} for answer in answers]},
    ]


OSLO = ("What is the weather in Oslo?", "get_weather", {"city": "Oslo"})


@pytest.mark.parametrize(
    ("asked", "response", "words"),
    [
        (OSLO, {"degrees": 18}, ["18"]),
        (OSLO, {"result": "-3.5 degrees, snow"}, ["-3.5", "snow"]),
        (OSLO, {"result": {"celsius": -3.5, "sky": "snow"}}, ["-3.5", "snow"]),
        (OSLO, {"city": "Oslo", "celsius": -3.5, "sky": "snow"}, ["-3.5", "snow"]),
        (("What is 17 plus 25?", "add", {"a": 17, "b": 25}), {"result": 42}, ["42"]),
        (
            ("How many rows have a temperature above 20?", "df_select", {"where": "celsius > 20"}),
            {"total_rows": 3, "columns": ["city"], "rows": [["Madrid"], ["Cairo"], ["Nairobi"]]},
            ["3"],
        ),
    ],
)
def test_a_functions_response_is_put_into_words(ask, asked: Any, response: Any, words: list[str]) -> None:
    config = {"functionCallingConfig": {"mode": "ANY"}}
    text = text_of(ask(model=DEFAULT, tools=TOOLS, toolConfig=config, contents=round_of(*asked, response)))
    assert [word for word in words if word not in text] == [], text
    assert '"arguments"' not in text


def test_what_went_before_does_not_confuse(ask) -> None:
    before = [
        *round_of(*OSLO, {"result": "-3.5 degrees, snow"}),
        {"role": "model", "parts": [{"text": "In Oslo it is -3.5 degrees and it snows."}]},
    ]

    def then(text: str) -> Any:
        return ask(model=DEFAULT, tools=TOOLS, contents=[*before, {"role": "user", "parts": [{"text": text}]}])

    [part] = then("What is 17 plus 25?")["candidates"][0]["content"]["parts"]
    assert part["functionCall"]["args"] == {"a": 17, "b": 25}
    assert "Shakespeare" in text_of(then("Who wrote Hamlet?"))
    madrid = round_of(
        "What is the weather in Madrid?", "get_weather", {"city": "Madrid"}, {"result": "31 degrees, sun"}
    )
    text = text_of(ask(model=DEFAULT, tools=TOOLS, contents=[*before, *madrid]))
    assert "31" in text
    assert "3.5" not in text


def test_a_seed_repeats_an_answer(ask) -> None:
    config = {"temperature": 1.5, "seed": 7, "maxOutputTokens": 12}
    answers = [text_of(ask("Invent a word.", generationConfig=config)) for _ in range(3)]
    assert len(set(answers[1:])) == 1  # the first may have read the prompt in other pieces


def test_candidates_come_one_after_the_other(ask) -> None:
    answer = ask("Name a colour.", generationConfig={"candidateCount": 2, "maxOutputTokens": 8})
    assert [candidate["index"] for candidate in answer["candidates"]] == [0, 1]
    assert all(candidate["content"]["parts"][0]["text"] for candidate in answer["candidates"])


def test_tokens_are_counted_as_the_model_will_read_them(ask, wired: httpx.Client) -> None:
    body = {"contents": [{"parts": [{"text": "hello world"}]}]}
    counted = wired.post(f"/v1/models/{SMALL}:countTokens", json=body).json()["totalTokens"]
    assert ask("hello world", generationConfig=SHORT)["usageMetadata"]["promptTokenCount"] == counted


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([{"inlineData": {"mimeType": "image/png", "data": "aGk="}}], "text only"),
        ([{"text": "word " * 9_000}], "exceeds the maximum number of tokens"),
    ],
)
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"])
def test_what_the_model_cannot_take_is_a_400(
    wired: httpx.Client, parts: list[dict[str, Any]], message: str, method: str
) -> None:
    answer = wired.post(f"/v1/models/{SMALL}:{method}", json={"contents": [{"parts": parts}]})
    if method == "countTokens" and "text" in parts[0]:
        assert answer.json()["totalTokens"] > 9_000
        return
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert message in answer.json()["error"]["message"]


def settled(server: LocalServer, seconds: float, *, busy: bool) -> bool:
    """Whether the child begins, or stops, computing."""
    child = psutil.Process(server.pid)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = sum(child.cpu_times()[:2])
        time.sleep(0.3)
        if (sum(child.cpu_times()[:2]) - before > 0.1) is busy:
            return True
    return False


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
@pytest.mark.parametrize("text", ["Write a very long story about the sea.", LONG_PROMPT], ids=["answer", "prompt"])
def test_the_work_ends_when_the_client_goes_away(ask, server: LocalServer, method: str, text: str) -> None:
    ask("warm up", generationConfig=SHORT)
    assert settled(server, 15, busy=False)
    body = json.dumps(
        {"contents": [{"parts": [{"text": text}]}], "generationConfig": {"maxOutputTokens": 4000, "temperature": 1}}
    )
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    head = f"POST /v1/models/{SMALL}:{method} HTTP/1.1\r\nHost: {host}\r\nX-Goog-Api-Key: {server.token}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert settled(server, 15, busy=True)
    assert settled(server, 15, busy=False)


def test_many_at_once_are_all_answered(ask) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    config = {"responseJsonSchema": schema, "maxOutputTokens": 20}

    def one(number: int) -> Any:
        return json.loads(text_of(ask(f"The number is {number}.", model=DEFAULT, generationConfig=config)))["n"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(100, 108))) == list(range(100, 108))


def test_the_server_stays_awake_while_the_model_works(wired: httpx.Client) -> None:
    body = {"contents": [{"parts": [{"text": "Tell me a story."}]}], "generationConfig": {"maxOutputTokens": 64}}
    hello = {"contents": [{"parts": [{"text": "hello"}]}]}
    with wired.stream("POST", f"/v1/models/{SMALL}:streamGenerateContent?alt=sse", json=body) as answer:
        lines = answer.iter_lines()
        next(lines)
        assert wired.post("/v1/models/echo:generateContent", json=hello).status_code == 200
        assert sum(1 for _ in lines) > 10


def test_a_file_that_is_no_model_is_a_503(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 100)
    with LocalServer(file) as server:
        headers = {"x-goog-api-key": server.token}
        body = {"contents": [{"parts": [{"text": "hello"}]}]}
        for _ in range(2):
            answer = httpx.post(
                f"{server.base_url}/models/broken:generateContent", json=body, headers=headers, trust_env=False
            )
            assert answer.status_code == 503
            assert "broken.gguf could not be loaded" in answer.json()["error"]["message"]
