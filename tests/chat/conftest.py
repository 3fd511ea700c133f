"""A conversation with a gateway on this machine."""

from __future__ import annotations

import json

import pytest
from wire_server import Say

from gemini_magic.chat import Conversation
from gemini_magic.client import Client
from gemini_magic.ledger import Ledger

#: An answer with everything that has to come back as it went: signatures, calls, data, and fields of tomorrow.
ANSWER = {
    "role": "model",
    "parts": [
        {"text": "Thinking…", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Let me ", "newField": {"a": [1, None]}},
        {"functionCall": {"name": "now", "args": {"zone": "UTC", "deep": {"b": [1.5, False]}}, "id": "call-1"}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thoughtSignature": "c2lnMg=="},
        {"futureKind": {"x": "ü😀"}},
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    ],
    "newSibling": 3,
}


def signed(content=ANSWER, **more):
    """A whole answer with this content."""
    body = {"candidates": [{"content": content, "finishReason": "STOP"}], "modelVersion": "gemini-x-001", **more}
    return Say([json.dumps(body).encode()])


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def client(wire, ledger):
    with Client(wire.url, model="gemini-x", auth="none", retries=0, ledger=ledger) as client:
        yield client


@pytest.fixture
def chat(client):
    return Conversation(client, name="main")


@pytest.fixture
def answer_of():
    """Make a whole answer of a content."""
    return signed


@pytest.fixture
def read():
    """Ask, and read the answer as it comes."""

    def stream(chat, *question, **fields):
        with chat.stream(*question, **fields) as events:
            for _ in events:
                pass
            return events.reply

    return stream


@pytest.fixture
def prompts_of():
    """The texts of a request's contents, in order."""
    return lambda seen: [content["parts"][0].get("text") for content in seen.json()["contents"]]
