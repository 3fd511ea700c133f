"""A gateway that answers from the prompt, ``Oslo 3`` with ``{"city": "Oslo", "temp": 3}``, and fails on request."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import FakeClock, Say, Seen, unary

from gemini_magic.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wire_server import WireServer

_ROW = re.compile(r"([A-Za-z]+) (-?\d+)(?!.*[A-Za-z]+ -?\d+)", re.DOTALL)
_ITEM = re.compile(r'<item id="(\d+)">\n(.*?)\n</item>', re.DOTALL)


def row_answer(text: str) -> Any:
    found = _ROW.search(text)
    return None if found is None else {"city": found[1], "temp": int(found[2])}


class Gateway:
    """Counts what it is asked, by the city of the row, and answers; ``faults`` by city go first, one after another."""

    def __init__(self, wire: WireServer) -> None:
        self.wire = wire
        self.asked: Counter[str] = Counter()
        self.prompts: list[str] = []
        self.faults: dict[str, list[Say]] = {}
        self.answer: Callable[[str], Any] = row_answer
        self.pack: Callable[[list[dict[str, Any]]], Any] = list
        self.before: Callable[[int], None] = lambda _: None
        self._lock = threading.Lock()
        wire.answers(self)

    @property
    def requests(self) -> int:
        return len(self.prompts)

    def __call__(self, seen: Seen) -> Say:
        text = "".join(part.get("text", "") for part in seen.json()["contents"][0]["parts"])
        with self._lock:
            self.prompts.append(text)
            number = len(self.prompts)
            say = self._say(text)
        self.before(number)
        return say

    def _say(self, text: str) -> Say:
        items = _ITEM.findall(text)
        if items:
            for _, item in items:
                self.asked[row_answer(item)["city"]] += 1
            return self._unary(self.pack([{"id": int(number), "answer": self.answer(item)} for number, item in items]))
        found = row_answer(text)
        city = found["city"] if found else "?"
        self.asked[city] += 1
        waiting = self.faults.get(city)
        return waiting.pop(0) if waiting else self._unary(self.answer(text))

    def _unary(self, value: Any) -> Say:
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
        return unary(json.dumps(value), usageMetadata=usage, modelVersion="m")


@pytest.fixture(autouse=True)
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_DATA", str(tmp_path / "stores"))


@pytest.fixture
def gateway(wire: WireServer) -> Gateway:
    return Gateway(wire)


@pytest.fixture
def client(wire: WireServer) -> Iterator[Client]:
    with Client(wire.url, "k" * 20, "m", clock=FakeClock()) as client:  # nothing waits after a fault
        yield client
