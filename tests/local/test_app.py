from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gemini_magic.exceptions import ApiError
from gemini_magic.local.app import create_app
from gemini_magic.local.backends._echo import EchoBackend
from gemini_magic.wire import Candidate, Content, GenerateContentResponse, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gemini_magic.wire import GenerateContentRequest

WORD = "a-token-of-the-tests"
HELLO = {"contents": [{"parts": [{"text": "hello"}]}]}
PREFIXES = ["/v1beta/", "/v1/", "/v1/v1beta/", "/", "/any/prefix/"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_leads_to_the_same_methods(local, prefix: str) -> None:
    for method in ("generateContent", "streamGenerateContent", "countTokens"):
        assert local.post(f"{prefix}models/echo:{method}", json=HELLO).status_code == 200
    assert local.get(f"{prefix}models").json()["models"][0]["name"] == "models/echo"
    assert local.get(f"{prefix}models/echo").json()["name"] == "models/echo"


def test_a_model_may_be_named_with_its_folder(local) -> None:
    assert local.post("/v1beta/models/models/echo:generateContent", json=HELLO).status_code == 200
    assert local.post("/v1beta/models%2Fecho:generateContent", json=HELLO).status_code == 200
    assert local.get("/v1beta/models/models/echo").json()["name"] == "models/echo"


def test_the_model_list_has_both_shapes(local) -> None:
    answer = local.get("/v1/models").json()
    assert answer["object"] == "list"
    assert answer["data"] == [{"id": "echo", "object": "model", "owned_by": "gemini-magic"}]
    assert "generateContent" in answer["models"][0]["supportedGenerationMethods"]


def test_snake_case_and_camel_case_are_read_alike(local) -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}]}],
        "generation_config": {"candidate_count": 2},
        "system_instruction": {"parts": [{"text": "x"}]},
    }
    answer = local.generate(**body)
    assert len(answer["candidates"]) == 2
    assert answer["candidates"][1]["content"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]


def test_server_sent_events_are_framed_as_google_does(local) -> None:
    answer = local.post("/v1beta/models/echo:streamGenerateContent?alt=sse", json=HELLO)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.startswith(b'data: {"candidates"')
    assert answer.content.endswith(b"}\r\n\r\n")


def test_without_alt_the_stream_is_a_json_array(local) -> None:
    body = {"contents": [{"parts": [{"text": "a b c"}]}]}
    answer = local.post("/v1beta/models/echo:streamGenerateContent", json=body)
    assert answer.headers["content-type"].startswith("application/json")
    assert [part["candidates"][0]["content"]["parts"][0]["text"] for part in answer.json()] == ["a ", "b ", "c"]
    assert b"}\n,\r\n{" in answer.content


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    return error


BAD: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"{", "Invalid JSON payload"),
    "empty": (b"", "Invalid JSON payload"),
    "a list": (b"[]", "body"),
    "wrong type": (b'{"contents": [{"parts": [{"text": []}]}]}', "contents[0].parts[0].text"),
    "wrong type deep": (
        b'{"contents": [], "generationConfig": {"temperature": "warm"}}',
        "generationConfig.temperature",
    ),
    "no contents": (b"{}", "contents is not specified"),
    "bad role": (b'{"contents": [{"role": "ai", "parts": [{"text": "x"}]}]}', "valid role"),
    "no parts": (b'{"contents": [{"role": "user", "parts": []}]}', "parts must not be empty"),
    "empty part": (b'{"contents": [{"parts": [{}]}]}', "contents[0].parts[0]"),
    "not base64": (b'{"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "%"}}]}]}', "Base64"),
    "no media type": (b'{"contents": [{"parts": [{"inlineData": {"data": "aGk="}}]}]}', "mimeType"),
    "too hot": (b'{"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"temperature": 3}}', "temperature"),
    "two schemas": (
        b'{"contents":[{"parts":[{"text":""}]}], "generationConfig": {"responseSchema": {}, "responseJsonSchema": {}}}',
        "response_json_schema",
    ),
    "no schema": (
        b'{"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"responseJsonSchema": {"type": 5}}}',
        "responseJsonSchema",
    ),
    "a cache": (b'{"contents": [{"parts": [{"text": "x"}]}], "cachedContent": "cachedContents/x"}', "cached"),
    "unasked function response": (
        b'{"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]}',
        "number of function response parts",
    ),
    "lone surrogate": (b'{"contents": [{"parts": [{"text": "\\ud800"}]}]}', "Invalid JSON payload"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_a_400_that_names_the_field(local, name: str) -> None:
    body, expected = BAD[name]
    error = error_of(local.post("/v1beta/models/echo:generateContent", content=body))
    assert error["code"] == 400
    assert error["status"] == "INVALID_ARGUMENT"
    assert expected in error["message"]


def test_the_wrong_value_is_not_repeated(local) -> None:
    body = b'{"contents": [{"parts": [{"text": ["a secret prompt"]}]}]}'
    answer = local.post("/v1beta/models/echo:generateContent", content=body)
    assert answer.status_code == 400
    assert "secret" not in answer.text


def test_an_unknown_address_is_a_404_and_a_wrong_method_a_405(local) -> None:
    assert error_of(local.get("/v1beta/files"))["status"] == "NOT_FOUND"
    assert error_of(local.get("/xmodels"))["code"] == 404
    assert error_of(local.post("/v1beta/models/echo:embedContent", json=HELLO))["code"] == 404
    answer = local.get("/v1beta/models/echo:generateContent")
    assert answer.status_code in {404, 405}
    assert error_of(local.request("DELETE", "/v1/models"))["code"] == 405


def test_an_unknown_model_is_a_404_that_says_which_there_are(local) -> None:
    error = error_of(local.post("/v1beta/models/gemini-9:generateContent", json=HELLO))
    assert "'gemini-9', only echo" in error["message"]


def test_a_model_not_pulled_yet_is_a_404_that_says_how(local) -> None:
    error = error_of(local.post("/v1beta/models/smollm2-135m:generateContent", json=HELLO))
    assert "gemini-magic local pull smollm2-135m" in error["message"]


def test_an_error_before_the_stream_is_wrapped_like_the_stream(local) -> None:
    answer = local.post("/v1beta/models/echo:streamGenerateContent", json={})
    assert answer.status_code == 400
    assert answer.json()[0]["error"]["code"] == 400
    answer = local.post("/v1beta/models/echo:streamGenerateContent?alt=sse", json={})
    assert answer.json()["error"]["code"] == 400


class Failing:
    """A backend whose answer breaks off."""

    model = EchoBackend.model

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def generate(self, _request: GenerateContentRequest) -> AsyncIterator[GenerateContentResponse]:
        yield GenerateContentResponse(candidates=[Candidate(content=Content(parts=[Part(text="half")]))])
        raise self.error

    async def count_tokens(self, _request: GenerateContentRequest) -> Any:
        raise self.error


def asked(app: Any, path: str, body: Any = HELLO) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, json=body, headers={"authorization": f"Bearer {WORD}"})

    return asyncio.run(ask())


def test_an_error_within_a_stream_is_its_last_event() -> None:
    app = create_app({"m": Failing(ApiError("the model is gone", status=503))}, WORD)
    first, last, rest = asked(app, "/models/m:streamGenerateContent?alt=sse").text.split("\r\n\r\n")
    assert "half" in first
    assert json.loads(last.removeprefix("data: "))["error"]["status"] == "UNAVAILABLE"
    assert rest == ""
    array = asked(app, "/models/m:streamGenerateContent").json()
    assert array[1]["error"]["message"] == "the model is gone"


def test_an_unforeseen_error_is_a_500_without_its_text() -> None:
    app = create_app({"m": Failing(RuntimeError("a secret"))}, WORD)
    for method in ("generateContent", "countTokens"):
        answer = asked(app, f"/models/m:{method}")
        assert error_of(answer)["status"] == "INTERNAL"
        assert "secret" not in answer.text
    stream = asked(app, "/models/m:streamGenerateContent?alt=sse").text
    assert '"code": 500' in stream
    assert "secret" not in stream


def test_a_body_above_the_limit_is_refused_announced_or_not() -> None:
    app = create_app({"echo": EchoBackend()}, WORD, body_limit=1000)
    long = {"contents": [{"parts": [{"text": "x" * 2000}]}]}
    assert error_of(asked(app, "/models/echo:generateContent", long))["code"] == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            headers = {"authorization": f"Bearer {WORD}"}
            return await client.post("/models/echo:generateContent", content=pieces(), headers=headers)

    assert error_of(asyncio.run(ask()))["code"] == 413


def test_a_body_that_stops_coming_is_a_408() -> None:
    app = create_app({"echo": EchoBackend()}, WORD, body_patience=0.01)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            headers = {"authorization": f"Bearer {WORD}"}
            return await client.post("/models/echo:generateContent", content=pieces(), headers=headers)

    assert error_of(asyncio.run(ask()))["code"] == 408


class Endless:
    """A backend that never answers, and knows when nobody waits any more."""

    model = EchoBackend.model

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.ended = asyncio.Event()

    async def generate(self, _request: GenerateContentRequest) -> AsyncIterator[GenerateContentResponse]:
        try:
            yield GenerateContentResponse(candidates=[Candidate(content=Content(parts=[Part(text="half")]))])
            self.started.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def count_tokens(self, _request: GenerateContentRequest) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent"])
def test_work_ends_when_the_client_goes_away(method: str) -> None:
    async def leave() -> None:
        backend = Endless()
        app = create_app({"m": backend}, WORD)
        body = json.dumps(HELLO).encode()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": f"/models/m:{method}",
            "query_string": b"alt=sse",
            "headers": [(b"host", b"localhost"), (b"x-goog-api-key", WORD.encode())],
        }
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in messages:
                return message
            await backend.started.wait()
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            return None

        await asyncio.wait_for(app(scope, receive, send), 5)
        await asyncio.wait_for(backend.ended.wait(), 5)

    asyncio.run(leave())
