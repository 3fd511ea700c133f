"""Servers that repeat the key in their answers, and libraries that keep it in their errors."""

from __future__ import annotations

import asyncio
import json
import traceback

import pytest
from wire_server import Say, event

from gemini_magic.client import AsyncClient, Client
from gemini_magic.exceptions import GeminiMagicError

KEY = "planted-0c44d1e79ab2f386"
ECHO = json.dumps(
    {
        "error": {
            "code": 401,
            "message": f"The key {KEY} is not known.",
            "status": f"UNKNOWN {KEY}",
            "details": [{"@type": "x", "reason": "R", "metadata": {"key": KEY, KEY: ["a", KEY]}}],
        }
    }
).encode()
ANSWERS = {
    "an error's body": Say([ECHO], status=401),
    "an error in a 200": Say([ECHO]),
    "an error in a stream": Say([event("a"), b"data: " + ECHO + b"\n\n"], framing="chunked"),
    "a page": Say([f"<html><body>No {KEY}</body></html>".encode()], status=502),
    "nonsense": Say([f"nonsense {KEY}".encode()]),
    "a lost connection": Say(status=None, ending="rst"),
}


def everything(error: BaseException | None) -> str:
    """All that an error, and those beneath it, can be made to say."""
    said = ""
    while error is not None:
        request = getattr(error, "_request", None)
        said += repr([error.args, vars(error), str(error), request and request.headers.raw])
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("auth", ["bearer", "x-goog-api-key"])
def test_no_error_of_a_stream_holds_the_key(wire, clock, answer, auth):
    wire.answers(answer)
    client = Client(wire.url, KEY, "m", auth=auth, clock=clock)
    with client, pytest.raises(GeminiMagicError) as failed, client.stream("x") as events:
        list(events)
    assert KEY not in everything(failed.value)
    assert KEY not in "".join(traceback.format_exception(failed.value))
    assert wire.seen[0].header("authorization" if auth == "bearer" else auth).endswith(KEY)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_no_error_of_an_awaited_answer_holds_the_key(wire, clock, answer):
    wire.answers(answer)

    async def ask() -> None:
        async with AsyncClient(wire.url, KEY, "m", clock=clock) as client:
            await client.generate("x")

    with pytest.raises(GeminiMagicError) as failed:
        asyncio.run(ask())
    assert KEY not in everything(failed.value)


def variables(error: BaseException | None) -> str:
    """All that the functions, which an error and those beneath it came through, have in their variables."""
    said = ""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith(("gemini_magic", "aiohttp", "asyncio")):
                said += repr(frame.f_locals)
        error = error.__cause__ or error.__context__
    return said


LOST = {
    "resets at once": Say(status=None, ending="rst"),
    "says nothing": Say(status=None, ending="hang"),
    "speaks another protocol": Say([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], framing="raw", ending="fin"),
    "goes in the middle": Say([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"], framing="raw", ending="fin"),
    "stops in the middle": Say([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"], framing="raw", ending="hang"),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_no_function_that_an_awaited_error_came_through_holds_the_key(wire, answer):
    wire.answers(answer)

    async def ask() -> None:
        async with AsyncClient(wire.url, KEY, "m", auth="x-goog-api-key", timeout=0.2, retries=0) as client:
            await client.generate("x")

    with pytest.raises(GeminiMagicError) as failed:
        asyncio.run(ask())
    assert failed.value.__cause__ is not None
    assert KEY not in variables(failed.value)
