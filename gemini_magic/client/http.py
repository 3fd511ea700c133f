"""The home of httpx: sends one request and hands over the bytes of its answer.

Whatever the library beneath raises leaves here as an error of our tree (``faults.py``), and the library could
be replaced by changing this file and ``sockets.py`` alone. The other half, which is awaited, is ``_async_http.py``
over ``_aiohttp.py``; it takes from here what both have to do alike.

``Connections`` waits on the calling thread, so that a keyboard interrupt ends it at once and closes its socket.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import threading
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from gemini_magic.client._httpx import httpx
from gemini_magic.client.body import writes
from gemini_magic.client.faults import chain_of, is_cut, lost, malformed, not_connected, place_of, unusable
from gemini_magic.client.inflate import inflater
from gemini_magic.client.sockets import drop_if_more_came, make_patient
from gemini_magic.exceptions import ConfigError, GeminiMagicError, ResponseTooLarge, TransportError
from gemini_magic.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gemini_magic.client.body import Segment
    from gemini_magic.client.timing import Patience

#: How many connections a client has, and how many seconds it keeps them.
MAX_CONNECTIONS, KEPT_SECONDS = 100, 300.0
_LIMITS = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=64, keepalive_expiry=KEPT_SECONDS)
_ENVIRONMENT = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"


class Outgoing(NamedTuple):
    """One request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    segments: tuple[Segment, ...] = ()

    def __repr__(self) -> str:
        """Method and address; the headers carry the key, and reports of crashes show local variables."""
        return f"<Outgoing {self.method} {self.url}>"


class Incoming:
    """One answer: status, headers, and its bytes as they come.

    Attributes:
        status: The HTTP status.
        headers: The headers; names in any case.
    """

    def __init__(self, response: httpx.Response, patience: Patience, closed: Callable[[], None]) -> None:
        self._response = response
        self._patience = patience
        self._closed: Callable[[], None] | None = closed
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def __iter__(self) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            TransportError: It broke off, or a limit passed.
        """
        stream = self._response.stream
        assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101 - tells the type checker which kind it is
        try:
            unpacker = inflater(self.headers)
            for data in stream:
                yield from (data,) if unpacker is None else unpacker.feed(data)
        except GeminiMagicError:
            raise
        except Exception as error:
            raise _as_ours(error, self._response.request, self._patience) from error

    def read(self, most: int) -> bytes:
        """The whole body.

        Raises:
            TransportError: It broke off, or a limit passed.
            ResponseTooLarge: It has more bytes than allowed.
        """
        body = bytearray()
        for data in self:
            body += data
            check_size(body, most)
        return bytes(body)

    def beginning(self, most: int) -> bytes:
        """The body of an error, up to a size, or as much of it as came: its status alone says what went wrong."""
        body = bytearray()
        with contextlib.suppress(TransportError):
            for data in self:
                body += data
                if len(body) >= most:
                    break
        return bytes(body)

    def close(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        body = getattr(self._response.stream, "_stream", None)  # httpx wraps its transport's, and that httpcore's
        drop_if_more_came(getattr(body, "_httpcore_stream", None))
        try:
            self._response.close()
        finally:
            closed, self._closed = self._closed, None
            if closed is not None:
                closed()


def check_size(body: bytearray, most: int) -> None:
    """Stop reading where an answer is larger than allowed."""
    if len(body) > most:
        raise ResponseTooLarge(f"The answer is larger than {most:,} bytes.")


class Connections:
    """Connections to one gateway, kept open between calls, for any number of threads.

    Args:
        base_url: The gateway's address.
        transport: An httpx transport in place of the network, for tests.
    """

    def __init__(self, base_url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._base_url = base_url
        #: What stands in place of the network, or None.
        self.transport = transport
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._pid = 0
        self._under_way = 0

    def send(self, outgoing: Outgoing, patience: Patience) -> Incoming:
        """Send a request; returns when the headers of its answer have come.

        Raises:
            TransportError: None came.
        """
        # The limits travel as one object down to the socket, where each wait asks it how long it may be.
        limits = {"connect": patience, "read": patience, "write": patience, "pool": patience.left}
        if self.transport is not None:
            limits = dict.fromkeys(limits, None)
        request = _request(outgoing, {"timeout": limits})
        self._count(1)
        try:
            response = self._connected().send(request, stream=True)
        except BaseException as error:
            self._count(-1)
            if isinstance(error, GeminiMagicError):
                raise
            if isinstance(error, Exception):
                raise _as_ours(error, request, patience) from error
            self._retire()
            raise
        return Incoming(response, patience, lambda: self._count(-1))

    def _count(self, change: int) -> None:
        with self._lock:
            self._under_way += change

    def _retire(self) -> None:
        """After an interrupt in the middle of httpx, which may have lost an open connection of its pool."""
        with self._lock:
            client, self._client = self._client, None
            others = self._under_way
        if client is not None and not others:
            client.close()

    def _connected(self) -> httpx.Client:
        if self._client is None or self._pid != os.getpid():
            with self._lock:
                # After a fork both processes would read each other's answers from the same sockets.
                if self._client is None or self._pid != os.getpid():
                    self._client = self._new_client()
                    self._pid = os.getpid()
        return self._client

    def _new_client(self) -> httpx.Client:
        with configuring():
            client = httpx.Client(
                transport=self.transport,
                verify=tls_for(self._base_url),
                proxy=proxy_for(self._base_url),
                limits=_LIMITS,
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # none is kept, so none is sent back
                trust_env=False,  # the proxy is the one that `proxy_for` names, and no other
            )
        if self.transport is None:
            for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - httpx offers no way in
                make_patient(getattr(transport, "_pool", None))
        return client

    def close(self) -> None:
        """Close all connections; new ones are opened when they are needed."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()


def _request(outgoing: Outgoing, extensions: dict[str, Any]) -> httpx.Request:
    """A request as httpx has them; its body is not copied."""
    segments = outgoing.segments
    headers = dict(outgoing.headers)
    if not segments:
        return httpx.Request(outgoing.method, outgoing.url, headers=headers, extensions=extensions)
    # As a `stream` they are left as they are, and httpx adds no headers to them.
    headers["host"] = httpx.URL(outgoing.url).netloc.decode()
    headers["content-length"] = str(sum(map(len, segments)))
    return httpx.Request(
        outgoing.method, outgoing.url, headers=headers, stream=_Segments(segments), extensions=extensions
    )


class _Segments(httpx.SyncByteStream):
    """A body in pieces; each is made when it is written, and again when the body is sent again."""

    def __init__(self, segments: tuple[Segment, ...]) -> None:
        self._segments = segments

    def __iter__(self) -> Iterator[bytes]:
        return writes(self._segments)


def _as_ours(error: Exception, request: httpx.Request, patience: Patience) -> GeminiMagicError:
    """An error of httpx, or of what lies beneath it, as one of our tree."""
    chain = list(chain_of(error))
    for cause in chain:
        if isinstance(cause, httpx.RequestError):  # it stays in the chain, without the headers that carry the key
            cause.request = httpx.Request(request.method, request.url)
    place = place_of(str(request.url))
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        return not_connected(chain, place)
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return patience.passed(connecting=isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)))
    if isinstance(error, (httpx.NetworkError, OSError)):
        return lost(error, place)
    if isinstance(error, httpx.RemoteProtocolError) and is_cut(chain):
        return lost(error, place)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return unusable(error, place)
    return malformed(error, place)


def tls_for(base_url: str) -> ssl.SSLContext:
    """Whom to trust on the way to an address."""
    return _tls_context() if base_url.startswith("https:") else _no_tls_context()


def proxy_for(base_url: str) -> httpx.Proxy | None:
    """The environment's proxy for an address; none for this machine, since it would see prompt and key in clear."""
    parts = urlsplit(base_url)
    proxies = getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or is_loopback(base_url) or proxy_bypass(parts.netloc):
        return None
    return httpx.Proxy(url if "://" in url else f"http://{url}")


@cache
def _tls_context() -> ssl.SSLContext:
    """One for all clients: reading the authorities' certificates costs more than importing httpx."""
    return httpx.create_ssl_context()


@cache
def _no_tls_context() -> ssl.SSLContext:
    """Knows no authority, so it costs nothing and trusts nobody, should TLS be asked for after all."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextlib.contextmanager
def configuring() -> Iterator[None]:
    """Whatever in the environment keeps a connection from being set up is a `ConfigError`."""
    try:
        yield
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"No connection can be set up: {type(error).__name__}: {error}.",
            hint=f"Look at the environment variables {_ENVIRONMENT}.",
        ) from None
