"""Other people's clients that call functions by themselves, beside ours: the same calls, the same answers sent back.

google-genai echoes no ids, and puts objects under ``result``, too, so the functions here return texts and numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from wire_server import Say, Seen, WireServer

from gemini_magic.chat.conversation import Conversation
from gemini_magic.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.local.server import LocalServer

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent / "peers"
# The one that comes with our development tools; a system's own may be too old for the clients.
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node") or "node"
CLIENTS: dict[str, tuple[list[str], str]] = {
    "google-genai": ([sys.executable, str(HERE / "call_tools.py")], "pip install 'google-genai>=3.4'"),
    "@google/genai": (
        [NODE, str(HERE / "call_tools.mjs"), "@google/genai"],
        "npm ci --prefix tests/local/peers",
    ),
}
QUESTIONS = {
    "one call": 'echo:call get_weather {"city": "Oslo"}',
    "a bare result": 'echo:call add {"a": 2, "b": 40}',
    "side by side": (
        'echo:call get_weather {"city": "Oslo", "days": 3}\necho:call add {"a": 2, "b": 40}\n'
        'echo:call get_weather {"city": "北京"}'
    ),
    "one after the other": (
        'echo:call get_weather {"city": "Oslo"}\n\necho:call add {"a": 1, "b": 2}\necho:call add {"a": 3, "b": 4}\n\n'
        'echo:call get_weather {"city": "Lima"}'
    ),
}


@pytest.fixture
def between(server: LocalServer) -> Iterator[WireServer]:
    """A server that passes everything on to the local one, and keeps what was asked."""

    def pass_on(seen: Seen) -> Say:
        key = {"x-goog-api-key": server.token, "content-type": "application/json"}
        address = server.base_url + seen.target
        answer = httpx.request(seen.method, address, content=seen.body, headers=key, timeout=60, trust_env=False)
        return Say([answer.content], answer.status_code, {"content-type": answer.headers["content-type"]})

    wire = WireServer()
    wire.answers(pass_on)
    yield wire
    wire.close()


def by_peer(client: str, prompt: str, wire: WireServer, *, thinks: bool) -> tuple[list[Any], str]:
    """What a peer called, and its last answer."""
    command, way = CLIENTS[client]
    told = {"base_url": wire.url, "token": "any", "model": "echo", "prompt": prompt, "thinks": thinks}
    process = subprocess.run(  # noqa: S603 - our own scripts
        command, input=json.dumps(told), capture_output=True, text=True, env=dict(os.environ), timeout=240, check=False
    )
    assert process.returncode == 0, f"{client} is missing or failed (`{way}` installs it):\n{process.stderr}"
    result = json.loads(process.stdout)
    return result["called"], result["text"]


def by_us(prompt: str, wire: WireServer, *, thinks: bool) -> tuple[list[Any], str]:
    """What our conversation called, and its last answer."""
    called: list[Any] = []

    def get_weather(city: str, days: int = 1) -> str:
        """The weather in a city."""
        called.append(["get_weather", {"city": city, "days": days}])
        return f"{city}: {days} days of snow at -3.5 degrees ❄"

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        called.append(["add", {"a": a, "b": b}])
        return a + b

    config = {"thinkingConfig": {"includeThoughts": True}} if thinks else None
    with Client(wire.url, api_key="any", model="echo", auth="x-goog-api-key") as client:
        chat = Conversation(client, tools=[get_weather, add])
        reply = chat.ask(prompt, approve="always", config=config)
    return called, reply.text


def sent_back(wire: WireServer, *, ids: bool = True) -> list[list[Any]]:
    """What the server got back in each request, call by call: name, response, and id."""
    rounds = []
    for seen in wire.seen:
        contents = seen.json()["contents"]
        answers = [part["functionResponse"] for part in contents[-1]["parts"] if "functionResponse" in part]
        rounds.append([[answer["name"], answer["response"], ids and answer["id"]] for answer in answers])
    return rounds


@pytest.mark.parametrize("thinks", [False, True], ids=["", "with signatures"])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("peer", CLIENTS)
def test_a_peers_loop_and_ours_are_the_same(peer: str, question: str, between: WireServer, *, thinks: bool) -> None:
    theirs = by_peer(peer, QUESTIONS[question], between, thinks=thinks)
    ids = peer != "google-genai"
    their_rounds = sent_back(between, ids=ids)
    between.seen.clear()
    ours = by_us(QUESTIONS[question], between, thinks=thinks)
    assert ours == theirs
    assert sent_back(between, ids=ids) == their_rounds
    assert all(identifier for answers in sent_back(between) for *_, identifier in answers)
    assert len(ours[0]) == QUESTIONS[question].count("echo:call")
