from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

_DATA = Path(__file__).parent.parent / "data" / "wire"
_BETWEEN = re.compile(r"[\s,\[\]]*")


def json_bodies(text: str) -> list[str]:
    """Return the whole JSON values of an SSE, array, JSON-lines or unary body, and skip what is none."""
    text = text.removeprefix("\ufeff")
    if re.search(r"^data:", text, re.MULTILINE):
        events = re.split(r"(?:\r\n|\n|\r(?!\n)){2,}", text)
        return [body for event in events for body in json_values(_event_data(event))]
    return json_values(text)


def _event_data(event: str) -> str:
    lines = re.split(r"\r\n|\n|\r", event)
    return "\n".join(line.removeprefix("data:") for line in lines if line.startswith("data:"))


def json_values(text: str) -> list[str]:
    """Return the JSON objects that stand one after the other, up to the first thing that is none."""
    decoder = json.JSONDecoder()
    values = []
    start = _BETWEEN.match(text).end()
    while text.startswith("{", start):
        try:
            _, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            break
        values.append(text[start:end])
        start = _BETWEEN.match(text, end).end()
    return values


@pytest.fixture(scope="session")
def bodies_of():
    """Split a recorded body into its JSON values."""
    return json_bodies


@pytest.fixture(scope="session")
def own_body():
    """Read one of our own bodies by name."""

    def read(name: str) -> bytes:
        return (_DATA / name).read_bytes()

    return read
