"""Every recorded answer over a real socket: sync and async, whole and in pieces."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from wire_server import Say

from gemini_magic.client.retry import is_retryable
from gemini_magic.exceptions import (
    ApiError,
    AuthError,
    BadRequest,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerUnavailable,
    StreamTruncated,
)

_CHECKOUT = Path(__file__).parents[2]
RECORDINGS = Path(os.environ.get("GEMINI_MAGIC_RECORDINGS") or _CHECKOUT / "../shared/wire/responses")
if not (RECORDINGS / "INDEX.tsv").is_file():
    pytest.skip("no recordings: set GEMINI_MAGIC_RECORDINGS to their folder", allow_module_level=True)

CUTS = (0, 1000, 7, 1)

#: Where the expectations beside the recordings are wrong: what holds instead, and the bytes that show it.
CONTRADICTED: dict[str, tuple[dict[str, Any], bytes]] = {
    # Its only event has neither a finish reason nor a block reason, so nothing says that the answer is whole.
    "firebase-vertexai-sdk-test-data/vertexai__streaming-failure-empty-content.sse.txt": (
        {"incomplete": True, "error": None},
        b'data: {"candidates": [{"content": {},"index": 0}],"promptFeedback": {"safetyRatings": [{',
    ),
    # An error object without `data:` follows the text.
    "firebase-vertexai-sdk-test-data/vertexai__streaming-failure-error-mid-stream.sse.txt": (
        {"error": {"code": 499, "status": "CANCELLED"}},
        b'    "code": 499,\n    "message": "The operation was cancelled.",\n    "status": "CANCELLED",',
    ),
    # A part that is nothing but an empty text says nothing; sent back in the history it would be refused.
    "chatlas/test_google_mixed_tools_end_to_end__3.sse.txt": (
        {"part_kinds": ["functionCall"]},
        b'},{"text": ""}],"role": "model"},"finishReason": "STOP"',
    ),
    "llm-gemini/test_tools_with_gemini_3_thought_signatures__1.array.json": (
        {"part_kinds": ["functionCall"]},
        b'        "parts": [\n          {\n            "text": ""\n          }\n        ],\n        "role": "model"',
    ),
    "llm-gemini/test_tools_with_nested_pydantic_models__1.array.json": (
        {"part_kinds": ["functionCall"]},
        b'        "parts": [\n          {\n            "text": ""\n          }\n        ],\n        "role": "model"',
    ),
}

#: Error bodies with their own headers: class, reason, beginning of the message.
ERRORS: dict[str, tuple[type[ApiError], str | None, str]] = {
    "errors/400-thought-signature-missing.json": (BadRequest, "INVALID_ARGUMENT", "Function call is missing a thou"),
    "errors/400-function-response-count.json": (BadRequest, "INVALID_ARGUMENT", "Please ensure that the number of"),
    "errors/400-unknown-field.json": (BadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name"),
    "errors/401-bearer-not-accepted.json": (AuthError, "UNAUTHENTICATED", "Request had invalid authentication"),
    "errors/429-retry-info.json": (RateLimited, "RESOURCE_EXHAUSTED", "You exceeded your current quota"),
    "errors/429-retry-after-seconds.json": (RateLimited, "rate_limit_exceeded", "rate limit exceeded"),
    "errors/500-internal.json": (ServerUnavailable, "INTERNAL", "An internal error has occurred"),
    "errors/503-overloaded.json": (ServerUnavailable, "UNAVAILABLE", "The model is overloaded. Please try again"),
    "errors/401-openai-style.json": (AuthError, "invalid_api_key", "Invalid API key"),
    "errors/503-nested-json-string.json": (ServerUnavailable, "UNAVAILABLE", "The model is overloaded. Please try"),
    "errors/401-string-error.json": (AuthError, None, "Unauthorized"),
    "errors/502-nginx.html": (ServerUnavailable, None, "502 Bad Gateway"),
    "errors/503-envoy.txt": (ServerUnavailable, None, "upstream connect error or disconnect/reset before headers"),
    "errors/200-error-body.json": (ServerUnavailable, "do_request_failed", "upstream error: do request failed"),
}

#: Answers of other methods, which are read by a call of their own, or survive being taken for an answer.
COUNTS = {
    "ellmer/google-count-tokens__1.json": 8,
    "ellmer/google-count-tokens__2.json": 10,
    "ellmer/google-count-tokens__4.json": 4,
    "firebase-vertexai-sdk-test-data/vertexai__unary-success-detailed-token-response.json": 1837,
    "js-genai/Client_Tests_countTokens_Vertex_AI_should_count_tokens_with_specified_parameters__1.json": 10,
}
MODELS = "chatlas/test_google_list_models__2.json"
WRAPPED = {
    "gemini-cli/integration-tests_browser-agent.confirmation.responses.json",
    "gemini-cli/integration-tests_hooks-system.tail-tool-call.responses.jsonl",
    "gemini-cli/integration-tests_parallel-tools.responses.jsonl",
    "gemini-cli/perf-tests_perf.asian-language.responses.jsonl",
    "gemini-cli/perf-tests_perf.long-chat.responses.jsonl",
}


def _rows(name: str) -> list[dict[str, Any]]:
    text = (RECORDINGS / name).read_text(encoding="utf-8")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


INDEX = {row["file"]: row for row in _rows("INDEX.tsv")}
EXPECTED = {row["file"]: row for row in _rows("EXPECTED.jsonl")}
ANSWERS = [name for name, row in EXPECTED.items() if "status" not in row]


def _pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)] if size else [body]


def _say(name: str, size: int) -> Say:
    headers = EXPECTED.get(name, {}).get("headers", {})
    pieces = _pieces((RECORDINGS / name).read_bytes(), size)
    return Say(pieces, status=int(INDEX[name]["http_status"]), headers=headers, framing="chunked")


def _ways(name: str) -> tuple[str, ...]:
    return ("generate", "stream") if INDEX[name]["format"] in {"json", "html", "txt"} else ("stream",)


def _kinds(parts: list[Any]) -> list[str]:
    beside = {"thought", "thoughtSignature"}
    dumped = [part.model_dump(by_alias=True, exclude_unset=True, exclude_none=True) for part in parts]
    return sorted({next(iter(part.keys() - beside), "text") for part in dumped})


def _read(reply: Any) -> dict[str, Any]:
    usage = reply.usage.model_dump(by_alias=True, exclude_unset=True) if reply.usage is not None else {}
    return {
        "text": reply.text,
        "thought_text": reply.thoughts,
        "function_calls": [{"name": call.name, "args": call.args} for call in reply.function_calls],
        "finish_reason": reply.finish_reason,
        "block_reason": reply.block_reason,
        "usage": usage,
        "signatures": sum(part.thought_signature is not None for part in reply.parts),
        "inline_data": [part.inline_data.mime_type for part in reply.parts if part.inline_data is not None],
        "part_kinds": _kinds(reply.parts),
    }


def _check_error(error: Any, expected: dict[str, Any]) -> None:
    if expected == {"any": True}:
        assert isinstance(error, ApiError | StreamTruncated)
        return
    assert isinstance(error, ApiError)
    assert (error.status, error.reason) == (expected["code"], expected["status"])
    assert error.message == expected.get("message", error.message)


def _check(outcome: Any, expected: dict[str, Any]) -> None:
    if expected.get("unreadable"):
        assert isinstance(outcome.error, ProtocolError | NotFound)
    elif expected["error"]:
        _check_error(outcome.error, expected["error"])
    elif expected.get("incomplete"):
        assert isinstance(outcome.error, StreamTruncated)
    else:
        assert outcome.error is None
        assert outcome.reply.warnings == ()
        read = _read(outcome.reply)
        assert read == {name: expected[name] for name in read}
    if not expected.get("unreadable"):
        assert outcome.text == expected["text"]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer_is_read_as_expected(name, driver, wire):
    expected = EXPECTED[name] | CONTRADICTED.get(name, ({},))[0]
    for way in _ways(name):
        whole = way == "generate" or expected.get("unreadable") or expected["finish_reason"] or expected["block_reason"]
        expected["incomplete"] = expected.get("incomplete") or not whole
        for size in CUTS:
            wire.answers(_say(name, size))
            _check(driver.attempt(way, driver.client(wire.url, retries=0)), expected)


@pytest.mark.parametrize("name", CONTRADICTED)
def test_the_bytes_contradict_the_expectation(name):
    expected, proof = CONTRADICTED[name]
    assert proof in (RECORDINGS / name).read_bytes()
    assert any(EXPECTED[name].get(key) != value for key, value in expected.items())


@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_error_is_read_as_expected(name, way, driver, wire):
    kind, reason, message = ERRORS[name]
    expected = EXPECTED[name]
    for size in CUTS:
        wire.answers(_say(name, size))
        error = driver.attempt(way, driver.client(wire.url, retries=0)).error
        assert type(error) is kind
        assert (error.status, error.reason) == (expected["status"], reason)
        assert error.message.startswith(message)
        assert is_retryable(error) is expected["retryable"]
        assert error.retry_delay == pytest.approx(expected["retry_delay_s"], abs=0.1)


@pytest.mark.parametrize("name", COUNTS)
def test_a_recorded_token_count_is_read(name, driver, wire):
    for size in CUTS:
        wire.answers(_say(name, size))
        assert driver.count_tokens(driver.client(wire.url)).total_tokens == COUNTS[name]


def test_a_recorded_model_list_is_read(driver, wire):
    listed = json.loads((RECORDINGS / MODELS).read_bytes())["models"]
    for size in CUTS:
        wire.answers(_say(MODELS, size))
        assert [model.name for model in driver.models(driver.client(wire.url))] == [model["name"] for model in listed]


def _unwrapped(name: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """One recorder wrote the name of a call and the chunks of its answer into one line."""
    calls = [json.loads(line) for line in (RECORDINGS / name).read_text(encoding="utf-8").splitlines() if line.strip()]
    ways = {"generateContent": "generate", "generateContentStream": "stream"}
    return [
        (ways[call["method"]], call["response"] if isinstance(call["response"], list) else [call["response"]])
        for call in calls
        if call["method"] in ways
    ]


@pytest.mark.parametrize("name", sorted(WRAPPED))
def test_a_wrapped_recording_is_read_like_the_answers_in_it(name, driver, wire):
    calls = _unwrapped(name)
    assert calls
    for way, chunks in calls:
        body = b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks)
        body = body if way == "stream" else json.dumps(chunks[0]).encode()
        parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
        for size in CUTS:
            wire.answers(Say(_pieces(body, size), framing="chunked"))
            reply = driver.attempt(way, driver.client(wire.url)).reply
            assert reply.text == "".join(part.get("text", "") for part in parts)
            assert [call.name for call in reply.function_calls] == [
                part["functionCall"]["name"] for part in parts if "functionCall" in part
            ]
            assert reply.finish_reason == chunks[-1]["candidates"][0]["finishReason"]


@pytest.mark.parametrize("name", sorted(INDEX.keys() - EXPECTED.keys() - COUNTS.keys() - {MODELS} - WRAPPED))
def test_an_answer_of_another_method_is_never_taken_for_text(name, way, driver, wire):
    for size in CUTS:
        wire.answers(_say(name, size))
        outcome = driver.attempt(way, driver.client(wire.url, retries=0))
        assert outcome.text == ""
        assert way == "generate" or isinstance(outcome.error, ProtocolError | StreamTruncated)


def test_every_file_is_read():
    assert len(INDEX) == 193
    assert EXPECTED.keys() == {*ANSWERS, *ERRORS}
    assert EXPECTED.keys() | COUNTS.keys() | {MODELS} | WRAPPED <= INDEX.keys()
