"""The only home of aiohttp: connections of one event loop, and what goes wrong on them.

aiohttp costs more to load than httpx itself, so only the async client imports it, and before any of its limits run.
"""

from __future__ import annotations

import contextlib
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gemini_magic.client.body import AT_ONCE, writes
from gemini_magic.client.faults import chain_of, is_cut, lost, malformed, not_connected, place_of, unusable
from gemini_magic.client.http import KEPT_SECONDS, MAX_CONNECTIONS

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Iterable

    import httpx
    from multidict import istr

    from gemini_magic.client.body import Segment
    from gemini_magic.client.http import Outgoing
    from gemini_magic.client.timing import Patience
    from gemini_magic.exceptions import GeminiMagicError

#: Bytes a header may have; aiohttp's own limit is smaller than what some proxies send.
_LINE = 64 * 1024
_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
_LOST = (aiohttp.ClientConnectionError, OSError)


class _Request(aiohttp.ClientRequest):
    """A request without headers that nobody asked for; to have aiohttp skip them takes longer than to add them."""

    DEFAULT_HEADERS: dict[istr, str] = {}  # noqa: RUF012 - aiohttp says so


class Pool:
    """The connections of the running event loop to one gateway.

    Args:
        verify: Whom to trust.
        proxy: The way to the gateway, when it is not the direct one.

    Raises:
        ValueError: The proxy is of a kind that aiohttp does not know.
    """

    def __init__(self, verify: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        if proxy is not None and proxy.url.scheme not in {"http", "https"}:
            raise ValueError(f"a {proxy.url.scheme} proxy cannot be used by the async client")
        self._proxy = None if proxy is None else URL(str(proxy.url))
        self._proxy_headers = {} if proxy is None else _credentials(proxy)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEPT_SECONDS, ssl=verify),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            request_class=_Request,
            max_line_size=_LINE,
            max_field_size=_LINE,
        )

    def send(self, outgoing: Outgoing, connect: float) -> Awaitable[aiohttp.ClientResponse]:
        """Send a request; to be awaited until the headers of its answer have come.

        Args:
            outgoing: The request.
            connect: Seconds in which a connection has to be made.
        """
        url = URL(outgoing.url, encoded=True)
        return self._session.request(
            outgoing.method,
            url,
            data=_body(outgoing.segments),
            headers=self._headers(outgoing, url),
            allow_redirects=False,
            timeout=_timeout(connect),
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
        )

    def _headers(self, outgoing: Outgoing, url: URL) -> dict[str, str]:
        headers = dict(outgoing.headers)
        if outgoing.segments:
            headers["content-length"] = str(sum(map(len, outgoing.segments)))
        if self._proxy is not None and url.scheme == "http":  # there is no tunnel whose opening could carry them
            headers.update(self._proxy_headers)
        return headers

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    def discard(self) -> None:
        """Let go of connections that can no longer be awaited on, without aiohttp's complaint that nobody did."""
        connector: Any = self._session.connector
        if connector is not None:
            self._session.detach()
            if connector._loop.is_closed():  # noqa: SLF001 - nothing public says so
                _close_sockets(connector)
            connector._close()  # noqa: SLF001 - its public twin wants to be awaited


def discard(pools: Iterable[Pool]) -> None:
    """Let go of pools whose loop is at an end, or soon will be."""
    for pool in pools:
        pool.discard()


def _credentials(proxy: httpx.Proxy) -> dict[str, str]:
    """What a proxy wants to be told; as a part of its address, it would be in every error that names it."""
    if proxy.auth is None:
        return {}
    return {"proxy-authorization": f"Basic {b64encode(':'.join(proxy.auth).encode()).decode()}"}


@lru_cache(maxsize=16)
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    """The one limit that aiohttp looks after; it is nearly always the same."""
    return aiohttp.ClientTimeout(total=None, sock_connect=connect)


def _body(segments: tuple[Segment, ...]) -> bytes | AsyncIterator[bytes] | None:
    """A body as aiohttp wants it: in one piece where that is no copy worth speaking of."""
    if not segments:
        return None
    return b"".join(writes(segments)) if sum(map(len, segments)) <= AT_ONCE else _pieces(segments)


async def _pieces(segments: tuple[Segment, ...]) -> AsyncIterator[bytes]:
    for data in writes(segments):
        yield data


def _close_sockets(connector: Any) -> None:  # noqa: ANN401 - aiohttp keeps these to itself
    """End the connections of a loop that was closed before them; it can no longer do so itself."""
    kept = (protocol for waiting in connector._conns.values() for protocol, _ in waiting)  # noqa: SLF001
    for protocol in (*connector._acquired, *kept):  # noqa: SLF001
        transport = protocol.transport
        encrypted = getattr(transport, "_ssl_protocol", None)
        carrier = transport if encrypted is None else encrypted._transport  # noqa: SLF001
        with contextlib.suppress(Exception):  # whatever it still wanted to tell its loop
            carrier._call_connection_lost(None)  # noqa: SLF001


def as_ours(error: Exception, url: str, patience: Patience) -> GeminiMagicError:
    """An error of aiohttp, or of the event loop, as one of our tree."""
    _forget_headers(error)
    place = place_of(url)
    chain = list(chain_of(error))
    if isinstance(error, _CONNECTING):
        return not_connected(chain, place)
    if isinstance(error, TimeoutError):
        return patience.passed(connecting=isinstance(error, aiohttp.ConnectionTimeoutError))
    if isinstance(error, _LOST) or (isinstance(error, aiohttp.ClientPayloadError) and is_cut(chain)):
        return lost(error, place)
    return unusable(error, place) if isinstance(error, aiohttp.InvalidURL) else malformed(error, place)


def _forget_headers(error: BaseException) -> None:
    """The errors beneath ours stay in its chain, but not the request they hold, whose headers carry the key."""
    for cause in chain_of(error):
        if isinstance(cause, aiohttp.ClientResponseError):
            cause.request_info = cause.request_info._replace(headers=_NO_HEADERS)
            cause.args = (cause.request_info, cause.history)
