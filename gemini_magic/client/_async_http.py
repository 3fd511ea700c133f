"""The awaited half of `http`, in a file of its own because most notebooks do without it, and without aiohttp.

``AsyncConnections`` has one pool per event loop, over aiohttp's transport: with 64 connections the stock one
spends its time rescanning its pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from typing import TYPE_CHECKING

from gemini_magic.client._aiohttp import discard, new_transport
from gemini_magic.client._httpx import httpx
from gemini_magic.client.faults import as_ours
from gemini_magic.client.http import LIMITS, Outgoing, check_size, configuring, httpx_options, httpx_request, proxy_for
from gemini_magic.client.inflate import inflater
from gemini_magic.exceptions import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gemini_magic.client.timing import Patience

_OF_THE_PARENT: list[object] = []


class AsyncIncoming:
    """One answer, awaited; as `Incoming`."""

    def __init__(self, response: httpx.Response, patience: Patience) -> None:
        self._response = response
        self._patience = patience
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, piece by piece.

        Raises:
            TransportError: It broke off, or a limit passed.
        """
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - tells the type checker which kind it is
        body = aiter(stream)
        try:
            unpacker = inflater(self.headers)
            while True:
                async with asyncio.timeout(self._patience.read()):
                    data = await anext(body, None)
                if data is None:
                    return
                for piece in (data,) if unpacker is None else unpacker.feed(data):
                    yield piece
        except Exception as error:
            raise as_ours(error, self._response.request, self._patience) from error

    async def read(self, most: int) -> bytes:
        """The whole body; as `Incoming.read`."""
        body = bytearray()
        async for data in self:
            body += data
            check_size(body, most)
        return bytes(body)

    async def beginning(self, most: int) -> bytes:
        """As `Incoming.beginning`."""
        body = bytearray()
        with contextlib.suppress(TransportError):
            async for data in self:
                body += data
                if len(body) >= most:
                    break
        return bytes(body)

    async def aclose(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        try:
            await self._response.aclose()
        except Exception as error:
            raise as_ours(error, self._response.request, self._patience) from error


class AsyncConnections:
    """Connections to one gateway, a pool for each event loop they are used from.

    Args:
        base_url: The gateway's address.
        transport: An httpx transport in place of the network, for tests.
    """

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base_url = base_url
        self._transport = transport
        self._pid = os.getpid()
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        weakref.finalize(self, discard, self._clients.values())

    async def send(self, outgoing: Outgoing, patience: Patience) -> AsyncIncoming:
        """Send a request; returns when the headers of its answer have come.

        Raises:
            TransportError: None came.
        """
        limits = {"connect": patience.connect(), "read": None, "write": None, "pool": None}
        request = httpx_request(outgoing, {"timeout": limits})
        try:
            async with asyncio.timeout(patience.read()):
                return AsyncIncoming(await self._connected().send(request, stream=True), patience)
        except Exception as error:
            raise as_ours(error, request, patience) from error

    def _connected(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():
            # Kept, not closed: in a forked process that would reach into the loop of its parent.
            _OF_THE_PARENT.append(dict(self._clients))
            self._clients.clear()
            self._pid = os.getpid()
        if loop not in self._clients:
            discard([self._clients.pop(gone) for gone in list(self._clients) if gone.is_closed()])
            self._clients[loop] = self._new_client()
        return self._clients[loop]

    def _new_client(self) -> httpx.AsyncClient:
        with configuring():
            options = httpx_options(self._base_url)
            transport = self._transport or new_transport(options["verify"], LIMITS, proxy_for(self._base_url))
            return httpx.AsyncClient(transport=transport, **options)

    async def aclose(self) -> None:
        """Close the connections of the running loop; new ones are opened when they are needed."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
