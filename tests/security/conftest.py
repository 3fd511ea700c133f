"""A key that is found wherever it comes out, and a gateway that repeats it wherever it can."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from wire_server import Say, answer, event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wire_server import Seen, WireServer

#: Its characters differ in every way of writing it down, and its beginning stands nowhere else.
KEY = "Zq7+pL/4nT9~vK2w-cR8xB3d_mJ6hF5s"
BEGINNING = 12
_HTML = "<html><head><title>502</title></head><body>{}</body></html>"
_HEADERS = {"x-key": KEY, "retry-after": KEY, "server": KEY, "set-cookie": f"key={KEY}", "x-ratelimit-limit": KEY}


def _escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(character):04x}" for character in text).encode()


def _forms(key: str) -> dict[str, bytes]:
    data = key.encode()
    escaped = _escaped(key)
    cores = [base64.b64encode(b"\0" * shift + data)[4 if shift else 0 : -4] for shift in range(3)]
    return {
        "as it is": data,
        "in a URL": quote(key, safe="").encode(),
        "in small letters in a URL": quote(key, safe="").encode().lower(),
        **{f"in base64, shifted by {shift}": core for shift, core in enumerate(cores)},
        "in URL-safe base64": base64.urlsafe_b64encode(data)[:-4],
        "in hex": data.hex().encode(),
        "in JSON": json.dumps(key)[1:-1].replace("/", "\\/").encode(),
        "in JSON's escapes": escaped,
        "as its beginning": data[:BEGINNING],
        "in UTF-16": key.encode("utf-16-le"),
    }


FORMS = _forms(KEY)


def forms_in(data: str | bytes) -> list[str]:
    """The forms of the key that stand in something."""
    found = data.encode(errors="surrogateescape") if isinstance(data, str) else data
    return [name for name, form in FORMS.items() if form in found]


def files_with_key(folder: Path) -> dict[str, list[str]]:
    """The files below a folder that hold the key, and in which form; also names of files."""
    found = {}
    for path in folder.rglob("*"):
        forms = forms_in(path.name)
        if path.is_file() and not path.is_symlink():
            forms += forms_in(path.read_bytes())
        if forms:
            found[str(path.relative_to(folder))] = forms
    return found


def _error(status: int, message: str = f"The key {KEY} is not known.") -> bytes:
    details = [{"@type": KEY, "reason": KEY, "metadata": {KEY: [KEY]}, "fieldViolations": [{"field": KEY}]}]
    error = {"code": status, "message": message, "status": f"NO {KEY}", "details": details}
    return json.dumps({"error": error}).encode()


def _said(text: str = f"Your key is {KEY}.", **more: Any) -> bytes:
    """An answer that holds the key wherever an answer holds text."""
    parts: list[dict[str, Any]] = [
        {"text": f"I think of {KEY}.", "thought": True},
        {"text": text},
        {"executableCode": {"language": "PYTHON", "code": f"print('{KEY}')"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": KEY}},
        {"functionCall": {"name": KEY, "args": {KEY: KEY}}},
        {"fileData": {"fileUri": f"https://files.example/{KEY}", "mimeType": KEY}},
        {"toolCall": {"toolType": KEY}, KEY: KEY},
    ]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "finishMessage": KEY}
    pages = [{"web": {"uri": f"https://x.example/?key={KEY}", "title": KEY}}]
    candidate["groundingMetadata"] = {"groundingChunks": pages, "webSearchQueries": [KEY]}
    candidate["logprobsResult"] = {"chosenCandidates": [{"token": KEY, "logProbability": -1}]}
    body = {"candidates": [candidate], "modelVersion": f"gemini-{KEY}", "responseId": KEY, KEY: {KEY: [KEY]}, **more}
    return json.dumps(body).encode()


def _cut_in_two() -> list[bytes]:
    """A stream of which no piece holds the key."""
    half = len(KEY) // 2
    return [event("Your key is "), event(KEY[:half]), event(KEY[half:], "STOP")]


#: What a careless gateway may do with the key it was sent.
REPEATS: Mapping[str, Say] = {
    "an error": Say([_error(401)], status=401, headers=_HEADERS),
    "a bad request": Say([_error(400)], status=400),
    "not found": Say([_error(404)], status=404),
    "too many": Say([_error(429)], status=429),
    "a failing server": Say([_error(503)], status=503),
    "an error that is text": Say([KEY.encode()], status=500),
    "a page": Say([_HTML.format(KEY).encode()], status=502),
    "a long page": Say([_HTML.format("x" * 485 + KEY).encode()], status=502),
    "a long text": Say([("y" * 485 + " " + KEY).encode()], status=400),
    "a page that says all is well": Say([_HTML.format("x" * 100 + KEY).encode()]),
    "nonsense": Say([f"nonsense {KEY}".encode()]),
    "an error in a 200": Say([_error(403)]),
    "an error in a stream": Say([event("a"), b"data: " + _error(503) + b"\n\n"], framing="chunked"),
    "an event that is an error": Say([event("a"), b"event: error\ndata: " + KEY.encode() + b"\n\n"]),
    "a redirect": Say(status=302, headers={"location": f"https://{KEY[:4]}.example/?key={KEY}"}),
    "an unknown redirect": Say(status=308, headers={"location": KEY}),
    "a field that is wrong": Say([json.dumps({"candidates": {KEY: KEY}}).encode()]),
    "half an answer": Say([event(f"It is {KEY}.")], framing="close"),
    "a lost answer": Say([event(f"It is {KEY}.")], headers={"content-length": "9999"}, ending="fin"),
    "a blocked answer": Say([event(KEY, "SAFETY")], framing="chunked"),
    "a blocked prompt": Say([json.dumps({"promptFeedback": {"blockReason": KEY, KEY: KEY}}).encode()]),
    "an unusable answer": Say([event(KEY, "MALFORMED_FUNCTION_CALL")], framing="chunked"),
    "a lost connection": Say(status=None, ending="rst"),
    "another protocol": Say([b"SSH-2.0-" + KEY.encode() + b"\r\n\r\n"], framing="raw", ending="fin"),
    "a head that is wrong": Say([b"HTTP/1.1 200 OK\r\nbad header " + KEY.encode() + b"\r\n\r\n"], framing="raw"),
    "a reason": Say([b"HTTP/1.1 401 No " + KEY.encode() + b"\r\ncontent-length: 0\r\n\r\n"], framing="raw"),
    "an answer": Say([_said()], headers=_HEADERS),
    "a stream": Say([event("a"), b"data: " + _said() + b"\n\n"], framing="chunked", headers=_HEADERS),
    "an escaped answer": Say([_said().replace(b"/", b"\\/").replace(KEY[:2].encode(), _escaped(KEY[:2]))]),
    "a stream of pieces": Say(_cut_in_two(), framing="chunked"),
    "nothing": answer("Yes."),
}
_MODELS = {"models": [{"name": f"models/{KEY}", "displayName": KEY, "description": KEY}, {"name": "models/gemini-x"}]}
_DETAILS = [{"modality": KEY, "tokenCount": 3}, {"modality": "TEXT", "tokenCount": 2}]
_COUNT = {"totalTokens": 5, "promptTokensDetails": _DETAILS}


def say_what_is_asked(seen: Seen) -> Say:
    """Answer a question with the fault that it names."""
    if seen.method == "GET":
        return Say([json.dumps(_MODELS).encode()])
    if seen.path.endswith("countTokens"):
        return Say([json.dumps(_COUNT).encode()])
    last = seen.json()["contents"][-1]["parts"][-1].get("text", "")
    return REPEATS.get(last.strip(), REPEATS["nothing"])


@pytest.fixture
def key() -> str:
    """The key that is planted."""
    return KEY


@pytest.fixture
def found() -> Callable[[str | bytes], list[str]]:
    """Tells in which forms the key stands in something."""
    return forms_in


@pytest.fixture
def found_in_files() -> Callable[[Path], dict[str, list[str]]]:
    """Tells which files below a folder hold the key."""
    return files_with_key


@pytest.fixture
def repeats() -> Mapping[str, Say]:
    """What a careless gateway does with the key, by name."""
    return REPEATS


@pytest.fixture
def gateway(wire: WireServer) -> WireServer:
    """A gateway that repeats the key, in the way that the last words of the question name."""
    wire.answers(say_what_is_asked)
    return wire
