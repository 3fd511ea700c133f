"""Replies to show, a screen that remembers, and a clock that is moved by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gemini_magic.events import Event, TextDelta
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVELOPE = 700
CORPUS = Path(__file__).parent.parent / "data" / "xss.jsonl"


class RecordingScreen:
    """What a notebook would show, and what went over the wire to get there."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, str], str | None]] = []
        self.outputs: list[tuple[str | None, dict[str, str]]] = []
        self._clear = False

    def show(self, bundle: Mapping[str, str], display_id: str | None = None) -> None:
        if self._clear:
            self.outputs, self._clear = [], False
        self.messages.append(("show", dict(bundle), display_id))
        self.outputs.append((display_id, dict(bundle)))

    def update(self, bundle: Mapping[str, str], display_id: str) -> None:
        self.messages.append(("update", dict(bundle), display_id))
        self.outputs = [(key, dict(bundle) if key == display_id else shown) for key, shown in self.outputs]

    def clear(self) -> None:
        self.messages.append(("clear", {}, None))
        self._clear = True

    @property
    def html(self) -> str:
        return "".join(bundle.get("text/html", "") for _, bundle in self.outputs)

    @property
    def wire_bytes(self) -> int:
        sizes = (len(json.dumps(bundle, ensure_ascii=False).encode()) for _, bundle, _ in self.messages)
        return sum(size + ENVELOPE for size in sizes)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


class Replies:
    """Makes replies as a server would send them."""

    @staticmethod
    def of(*parts: dict[str, Any] | str, reason: str | None = "STOP", **more: Any) -> Reply:
        contents = [{"text": part} if isinstance(part, str) else part for part in parts]
        candidate = {"content": {"role": "model", "parts": contents}, "finishReason": reason}
        if reason is None:
            del candidate["finishReason"]
        return Replies.raw({"candidates": [candidate], "modelVersion": "test-model", **more})

    @staticmethod
    def raw(body: dict[str, Any], **more: Any) -> Reply:
        return Reply(GenerateContentResponse.model_validate(body), **more)

    @staticmethod
    def pieces(text: str, size: int) -> list[Event]:
        return [TextDelta(text[begin : begin + size]) for begin in range(0, len(text), size)]


@pytest.fixture
def screen() -> RecordingScreen:
    return RecordingScreen()


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def replies() -> type[Replies]:
    return Replies


@pytest.fixture(scope="session")
def payloads() -> list[str]:
    """The corpus of hostile texts with its placeholders filled."""
    lines = map(json.loads, CORPUS.read_text().splitlines())
    return [
        line["payload"].replace("@RUN@", "run()").replace("@HOST@", "http://127.0.0.1:9").replace("@PORT@", "9")
        for line in lines
    ]
