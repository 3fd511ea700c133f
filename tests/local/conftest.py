"""Ways to the local server: the app in this process for content, a real child process for everything else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gemini_magic.local.app import create_app
from gemini_magic.local.backends._echo import EchoBackend
from gemini_magic.local.catalogue import models_folder
from gemini_magic.local.server import LocalServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

WORD = "a-token-of-the-tests"
#: Asked before any fixture can change where the user's folders are.
MODELS_FOLDER = models_folder()


@dataclass
class Local:
    """The app in this process, asked without a socket."""

    app: ASGIApp
    headers: dict[str, str] = field(default_factory=lambda: {"x-goog-api-key": WORD})

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **({"headers": self.headers} | options))

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def generate(self, text: str | None = None, **body: Any) -> dict[str, Any]:
        """The answer of echo to one user turn, or to a body."""
        contents = {"contents": [{"role": "user", "parts": [{"text": text}]}]} if text is not None else {}
        answer = self.post("/v1beta/models/echo:generateContent", json=contents | body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def parts(self, text: str | None = None, **body: Any) -> list[dict[str, Any]]:
        return self.generate(text, **body)["candidates"][0]["content"]["parts"]

    def text(self, text: str | None = None, **body: Any) -> str:
        return "".join(part.get("text", "") for part in self.parts(text, **body) if not part.get("thought"))

    def chunks(self, text: str | None = None, **body: Any) -> list[dict[str, Any]]:
        """The same, streamed."""
        contents = {"contents": [{"role": "user", "parts": [{"text": text}]}]} if text is not None else {}
        answer = self.post("/v1beta/models/echo:streamGenerateContent?alt=sse", json=contents | body)
        assert answer.status_code == 200, answer.text
        events = answer.text.removesuffix("\r\n\r\n").split("\r\n\r\n")
        return [json.loads(event.removeprefix("data: ")) for event in events]


@pytest.fixture
def local() -> Local:
    return Local(create_app({"echo": EchoBackend()}, WORD))


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    """A child process with whatever models this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEMINI_MAGIC_MODELS", str(MODELS_FOLDER))
        server = LocalServer().start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture
def wired(server: LocalServer) -> Iterator[httpx.Client]:
    """A client of the child process."""
    headers = {"authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=120, trust_env=False) as client:
        yield client
