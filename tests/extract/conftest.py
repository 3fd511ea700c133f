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


class ToolGateway:
    """Has ``look_up`` called for each row, and answers with what it gave; ``scripts`` by city go another way.

    A script is given the results so far, and says a value, calls of functions as a list, or an answer byte for byte.
    """

    def __init__(self, wire: WireServer) -> None:
        self.wire = wire
        self.scripts: dict[str, Callable[[list[Any]], Any]] = {}
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        wire.answers(self)

    @property
    def requests(self) -> int:
        return sum(self.asked.values())

    def bodies(self, city: str) -> list[Any]:
        """The requests for a row, in order."""
        bodies = [seen.json() for seen in self.wire.seen]
        return [body for body in bodies if row_answer(body["contents"][0]["parts"][0]["text"])["city"] == city]

    def __call__(self, seen: Seen) -> Say:
        contents = seen.json()["contents"]
        row = row_answer("".join(part.get("text", "") for part in contents[0]["parts"]))
        parts = [part for content in contents for part in content["parts"]]
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        with self._lock:
            self.asked[row["city"]] += 1
        script = self.scripts.get(row["city"], lambda results: _looked_up(row["city"], results))
        return self.says(script(results))

    def says(self, value: Any) -> Say:
        """A value or calls as an answer; an answer as it is."""
        if isinstance(value, Say):
            return value
        parts = value if _are_calls(value) else [{"text": json.dumps(value)}]
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        return Say([json.dumps({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}).encode()])


def _are_calls(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all("functionCall" in part for part in value)


def _looked_up(city: str, results: list[Any]) -> Any:
    if not results:
        call = {"name": "look_up", "args": {"city": city}, "id": f"id-{city}"}
        return [{"functionCall": call, "thoughtSignature": "c2lnbmVk"}]
    return {"city": city, "temp": results[-1]["response"].get("result", -1)}


@pytest.fixture(autouse=True)
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_DATA", str(tmp_path / "stores"))


@pytest.fixture
def gateway(wire: WireServer) -> Gateway:
    return Gateway(wire)


@pytest.fixture
def calling(wire: WireServer) -> ToolGateway:
    return ToolGateway(wire)


@pytest.fixture
def client(wire: WireServer) -> Iterator[Client]:
    with Client(wire.url, "k" * 20, "m", clock=FakeClock()) as client:  # nothing waits after a fault
        yield client
