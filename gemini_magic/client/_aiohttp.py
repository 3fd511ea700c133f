"""The only home of aiohttp: what carries the async client's requests.

It costs more to load than httpx itself, so only the async client imports it, and before any of its limits run.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
from httpx_aiohttp import AiohttpTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    import httpx

#: Bytes a header may have; aiohttp's own limit is smaller than what some proxies send.
_LINE = 64 * 1024


def new_transport(verify: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
    """A transport over aiohttp, for one event loop.

    Raises:
        ValueError: The proxy is of a kind that aiohttp does not know.
    """
    if proxy is not None and proxy.url.scheme not in {"http", "https"}:
        raise ValueError(f"a {proxy.url.scheme} proxy cannot be used by the async client")

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry, ssl=verify
        )
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), max_line_size=_LINE, max_field_size=_LINE
        )

    transport: httpx.AsyncBaseTransport = AiohttpTransport(verify=verify, limits=limits, client=session, proxy=proxy)
    return transport


def discard(clients: Iterable[httpx.AsyncClient]) -> None:
    """Let go of pools whose loop can no longer be awaited on, without aiohttp's complaint that nobody closed them."""
    for client in clients:
        session: Any = getattr(client._transport, "client", None)  # noqa: SLF001 - httpx has no synchronous way
        connector: Any = getattr(session, "connector", None)
        if connector is not None:
            session.detach()
            if connector._loop.is_closed():  # noqa: SLF001 - nothing public says so
                _close_sockets(connector)
            connector._close()  # noqa: SLF001 - its public twin wants to be awaited


def _close_sockets(connector: Any) -> None:  # noqa: ANN401 - aiohttp keeps these to itself
    """End the connections of a loop that was closed before them; it can no longer do so itself."""
    kept = (protocol for waiting in connector._conns.values() for protocol, _ in waiting)  # noqa: SLF001
    for protocol in (*connector._acquired, *kept):  # noqa: SLF001
        transport = protocol.transport
        encrypted = getattr(transport, "_ssl_protocol", None)
        carrier = transport if encrypted is None else encrypted._transport  # noqa: SLF001
        with contextlib.suppress(Exception):  # whatever it still wanted to tell its loop
            carrier._call_connection_lost(None)  # noqa: SLF001
