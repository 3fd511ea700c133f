"""The awaited half of `http`, in a file of its own because most notebooks do without it, and without aiohttp.

``AsyncConnections`` has one pool per event loop. They are aiohttp's own (``_aiohttp.py``), because httpx's spend
their time rescanning themselves as soon as there are 64 connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from typing import TYPE_CHECKING

from gemini_magic.client._aiohttp import Pool, as_ours, discard
from gemini_magic.client.http import check_size, configuring, proxy_for, tls_for
from gemini_magic.client.inflate import inflater
from gemini_magic.exceptions import ConfigError, GeminiMagicError, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from gemini_magic.client.http import Outgoing
    from gemini_magic.client.timing import Patience

_OF_THE_PARENT: list[object] = []


class AsyncIncoming:
    """One answer, awaited; as `Incoming`."""

    def __init__(self, response: aiohttp.ClientResponse, url: str, patience: Patience) -> None:
        self._response = response
        self._url = url
        self._patience = patience
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, piece by piece.

        Raises:
            TransportError: It broke off, or a limit passed.
        """
        try:
            unpacker = inflater(self.headers)
            while data := await self._next():
                for piece in (data,) if unpacker is None else unpacker.feed(data):
                    yield piece
        except GeminiMagicError:
            raise
        except Exception as error:
            raise as_ours(error, self._url, self._patience) from error

    async def _next(self) -> bytes:
        """The next bytes; none at the end. What is there already costs no timer."""
        seconds, content = self._patience.read(), self._response.content
        data = content.read_nowait()
        if data or content.at_eof():
            return data
        async with asyncio.timeout(seconds):
            return await content.readany()

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
        """Close the connection, unless it was given back because the body came to its end."""
        if not self._response.closed:
            self._response.close()
            with contextlib.suppress(Exception):  # of the request, when it was not sent to its end
                await self._response.wait_for_close()


class AsyncConnections:
    """Connections to one gateway, a pool for each event loop they are used from.

    Args:
        base_url: The gateway's address.
        transport: None; what `Connections` can have in place of the network is httpx's, which is not used here.

    Raises:
        ConfigError: There is something in place of the network.
    """

    def __init__(self, base_url: str, transport: object = None) -> None:
        if transport is not None:
            raise ConfigError("A client that is awaited takes no transport of httpx.", hint="Give it a base_url alone.")
        self._base_url = base_url
        self._pid = os.getpid()
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        weakref.finalize(self, discard, self._pools.values())

    async def send(self, outgoing: Outgoing, patience: Patience) -> AsyncIncoming:
        """Send a request; returns when the headers of its answer have come.

        Raises:
            TransportError: None came.
        """
        pool = self._connected()
        try:
            async with asyncio.timeout(patience.read()):
                response = await pool.send(outgoing, patience.connect())
        except GeminiMagicError:
            raise
        except Exception as error:
            raise as_ours(error, outgoing.url, patience) from error
        return AsyncIncoming(response, outgoing.url, patience)

    def _connected(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():
            # Kept, not closed: in a forked process that would reach into the loop of its parent.
            _OF_THE_PARENT.append(dict(self._pools))
            self._pools.clear()
            self._pid = os.getpid()
        if loop not in self._pools:
            discard([self._pools.pop(gone) for gone in list(self._pools) if gone.is_closed()])
            with configuring():
                self._pools[loop] = Pool(tls_for(self._base_url), proxy_for(self._base_url))
        return self._pools[loop]

    async def aclose(self) -> None:
        """Close the connections of the running loop; new ones are opened when they are needed."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()
