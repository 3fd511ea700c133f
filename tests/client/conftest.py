"""One driver over both clients, so that every test of the client runs twice."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import FakeClock

from gemini_magic.client import AsyncClient, Client
from gemini_magic.client.retry import KERNEL_BUDGET, RetryBudget
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.events import Event
    from gemini_magic.reply import Reply


@dataclass
class Outcome:
    """What a call came to: events and a reply, or an error, or first the ones and then the other."""

    events: list[Event]
    reply: Reply | None = None
    error: GeminiMagicError | None = None

    @property
    def text(self) -> str:
        reply = self.reply if self.error is None else self.error.partial
        return "" if reply is None else reply.text


class _Driver:
    """Makes clients and closes them; never waits, never writes to the kernel's ledger."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._clients: list[Any] = []

    def client(self, base_url: str | None = None, **options: Any) -> Any:
        options = {"clock": self.clock, "ledger": Ledger(), "model": "test-model", **options}
        self._clients.append(self.kind(base_url, **options))
        return self._clients[-1]

    def try_stream(self, client: Any, contents: object = "hi", **fields: Any) -> Outcome:
        """Stream to the end, whatever the end is."""
        events: list[Event] = []
        try:
            return Outcome(events, self.stream(client, contents, into=events, **fields))
        except GeminiMagicError as error:
            return Outcome(events, error=error)

    def try_generate(self, client: Any, contents: object = "hi", **fields: Any) -> Outcome:
        """Generate, and take the error for an answer."""
        try:
            return Outcome([], self.generate(client, contents, **fields))
        except GeminiMagicError as error:
            return Outcome([], error=error)

    def attempt(self, way: str, client: Any, contents: object = "hi", **fields: Any) -> Outcome:
        return (
            self.try_stream(client, contents, **fields)
            if way == "stream"
            else self.try_generate(client, contents, **fields)
        )


class SyncDriver(_Driver):
    kind = Client

    def generate(self, client: Any, contents: object = "hi", **fields: Any) -> Reply:
        return client.generate(contents, **fields)

    def stream(self, client: Any, contents: object = "hi", *, into: list[Event] | None = None, **fields: Any) -> Reply:
        into = [] if into is None else into
        with client.stream(contents, **fields) as events:
            into.extend(events)
            return events.reply

    def count_tokens(self, client: Any, contents: object = "hi", **fields: Any) -> Any:
        return client.count_tokens(contents, **fields)

    def models(self, client: Any) -> Any:
        return client.models()

    @contextmanager
    def opened(self, client: Any, contents: object = "hi", **fields: Any) -> Iterator[Any]:
        """A stream to be read event by event, with ``read()``."""
        with client.stream(contents, **fields) as stream:
            events = iter(stream)
            stream.read = lambda: next(events, None)
            yield stream

    def close_client(self, client: Any) -> None:
        client.close()

    def close(self) -> None:
        for client in self._clients:
            client.close()


class AsyncDriver(_Driver):
    kind = AsyncClient

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()

    def run(self, awaitable: Any) -> Any:
        return self._runner.run(awaitable)

    def generate(self, client: Any, contents: object = "hi", **fields: Any) -> Reply:
        return self.run(client.generate(contents, **fields))

    def stream(self, client: Any, contents: object = "hi", *, into: list[Event] | None = None, **fields: Any) -> Reply:
        into = [] if into is None else into

        async def read() -> Reply:
            async with client.stream(contents, **fields) as events:
                async for event in events:
                    into.append(event)
                return events.reply

        return self.run(read())

    def count_tokens(self, client: Any, contents: object = "hi", **fields: Any) -> Any:
        return self.run(client.count_tokens(contents, **fields))

    def models(self, client: Any) -> Any:
        return self.run(client.models())

    @contextmanager
    def opened(self, client: Any, contents: object = "hi", **fields: Any) -> Iterator[Any]:
        stream = client.stream(contents, **fields)
        self.run(stream.__aenter__())
        try:
            events = aiter(stream)
            stream.read = lambda: self.run(_next(events))
            yield stream
        finally:
            self.run(_leave(stream, events))

    def close_client(self, client: Any) -> None:
        self.run(client.aclose())

    def close(self) -> None:
        for client in self._clients:
            self.run(client.aclose())
        self._runner.close()


async def _next(events: Any) -> Any:
    return await anext(events, None)


async def _leave(stream: Any, events: Any) -> None:
    await stream.__aexit__(None, None, None)
    await events.aclose()


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Iterator[SyncDriver | AsyncDriver]:
    """The same calls over the sync and the async client."""
    driver = request.param()
    yield driver
    driver.close()


@pytest.fixture(params=["generate", "stream"])
def way(request: pytest.FixtureRequest) -> str:
    """Whole or streamed."""
    return request.param


@pytest.fixture(autouse=True)
def full_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with a kernel whose calls have not failed yet."""
    monkeypatch.setattr(KERNEL_BUDGET, "_left", RetryBudget().left)
