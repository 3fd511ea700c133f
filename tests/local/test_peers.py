"""Other people's clients, each in a process of its own, against echo and against the small model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gemini_magic.local.catalogue import CATALOGUE

if TYPE_CHECKING:
    from gemini_magic.local.server import LocalServer

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent / "peers"
OLDER = Path(__file__).parents[2] / ".venv" / "peers" / "google-genai-2"
SMALL = "smollm2-135m"
# The one that comes with our development tools; a system's own may be too old for the clients.
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node") or "node"

#: Command, extra environment, the version it must be, and how to get it where it is missing.
CLIENTS: dict[str, tuple[list[str], dict[str, str], str, str]] = {
    "google-genai 3": ([sys.executable, str(HERE / "talk.py")], {}, "3.", "pip install 'google-genai>=3.4'"),
    "google-genai 2.34": (
        [sys.executable, str(HERE / "talk.py")],
        {"PYTHONPATH": str(OLDER)},
        "2.34.",
        f"pip install --target {OLDER.relative_to(OLDER.parents[2])} google-genai==2.34.0",
    ),
    "@google/genai 3": (
        [NODE, str(HERE / "talk.mjs"), "@google/genai"],
        {},
        "3.",
        "npm ci --prefix tests/local/peers",
    ),
    "@google/genai 2": (
        [NODE, str(HERE / "talk.mjs"), "genai-2"],
        {},
        "2.",
        "npm ci --prefix tests/local/peers",
    ),
}
ECHO = {
    "model": "echo",
    "limit": 1000,
    "prompt": "hello dear 漢字 peers",
    "turns": ["I am Ada.", "echo:history"],
    "system": "Be brief.",
    "system_prompt": "echo:system",
    "fact": "It is 18 degrees in Oslo.",
}
MODEL = ECHO | {
    "model": SMALL,
    "limit": 24,
    "prompt": "Say hello.",
    "turns": ["I am Ada.", "Who am I?"],
    "system_prompt": "What is a cat?",
}


def talk(client: str, ask: dict[str, Any], server: LocalServer) -> dict[str, Any]:
    command, extra, version, way = CLIENTS[client]
    told = json.dumps(ask | {"base_url": server.base_url, "token": server.token})
    process = subprocess.run(  # noqa: S603 - our own scripts
        command, input=told, capture_output=True, text=True, env=os.environ | extra, timeout=240, check=False
    )
    assert process.returncode == 0, f"{client} is missing or failed (`{way}` installs it):\n{process.stderr}"
    result = json.loads(process.stdout)
    assert result["version"].startswith(version), f"`{way}` installs the right version"
    return result


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_talks_to_echo(client: str, server: LocalServer) -> None:
    result = talk(client, ECHO, server)
    assert "models/echo" in result["models"]
    assert result["one_model"] == "models/echo"
    assert result["generate"] == ECHO["prompt"]
    assert result["finish"] == result["stream_finish"] == "STOP"
    assert result["usage"] == 8
    assert result["stream"] == ["hello ", "dear ", "漢字 ", "peers"]
    assert result["turns"] == ["I am Ada.", "user: I am Ada.\nmodel: I am Ada."]
    assert result["system"] == "Be brief."
    assert result["openapi"]["city"] == "text"
    assert result["json_schema"] == {"city": "text", "degrees": 1, "sky": "text"}
    assert result["tokens"] == 4
    assert result["error"][:2] == [404, "NOT_FOUND"]
    assert "no-such-model" in result["error"][2]


@pytest.mark.model
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_talks_to_the_small_model(client: str, server: LocalServer) -> None:
    models = talk(client, ECHO, server)["models"]
    assert f"models/{SMALL}" in models, f"`gemini-magic local pull {SMALL}` fetches it"
    result = talk(client, MODEL, server)
    assert result["one_model"] == f"models/{SMALL}"
    assert result["generate"]
    assert result["finish"] in {"STOP", "MAX_TOKENS"}
    assert sum(bool(text) for text in result["stream"]) > 2
    assert all(result["turns"])
    assert result["system"]
    for answer in (result["openapi"], result["json_schema"]):
        assert isinstance(answer["city"], str)
        assert isinstance(answer["degrees"], int)
    assert result["tokens"] > 0
    assert CATALOGUE[SMALL].context >= result["usage"] > 0
