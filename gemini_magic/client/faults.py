"""Errors of httpx, and of what lies beneath it, as errors of our tree; besides http.py the only home of httpx."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from gemini_magic.client._httpx import httpx
from gemini_magic.exceptions import (
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    GeminiMagicError,
    ProtocolError,
    TLSFailed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.client.timing import Patience

_CONNECTING = (httpx.ConnectError, httpx.ProxyError)
# aiohttp's classes are known by name: it is loaded only where it is used.
_CONNECTING_NAMES = ("ClientConnector", "ClientProxyConnection", "ClientHttpProxy")
_LOST_NAMES = frozenset(
    {"ServerDisconnectedError", "ClientOSError", "ClientConnectionResetError", "ConnectionResetError"}
)
#: How h11 and aiohttp say that a message ended too early; whatever else they complain of is wrong in itself.
_CUT_WORDS = ("disconnected without", "closed connection", "incomplete", "Not enough data")


def as_ours(error: Exception, request: httpx.Request, patience: Patience) -> GeminiMagicError:
    """An error of the transport as one of our tree."""
    if isinstance(error, GeminiMagicError):
        return error
    _forget_headers(error, request)
    place = f"{request.url.host}:{request.url.port or (443 if request.url.scheme == 'https' else 80)}"
    chain = list(_chain(error))
    # httpx's aiohttp transport calls some refused connections timeouts; aiohttp itself knows better.
    origin = next((cause for cause in chain if type(cause).__module__.startswith("aiohttp")), error)
    connecting = isinstance(origin, _CONNECTING) or type(origin).__name__.startswith(_CONNECTING_NAMES)
    if connecting:
        return _not_connected(chain, place)
    if isinstance(origin, (TimeoutError, httpx.TimeoutException)):
        return patience.passed(connecting=isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)))
    if _is_lost(chain):
        return ConnectionLost(f"The connection to {place} broke: {_words(error)}.")
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return ConfigError(f"The address {place} cannot be used: {_words(error)}.")
    return ProtocolError(f"The server at {place} does not speak HTTP as it should: {_words(error)}.")


def _forget_headers(error: BaseException, request: httpx.Request) -> None:
    """The errors beneath ours stay in its chain, but not the request they hold, whose headers carry the key."""
    for cause in _chain(error):
        if isinstance(cause, httpx.RequestError):
            cause.request = httpx.Request(request.method, request.url)
        info: Any = getattr(cause, "request_info", None)
        if info is not None:  # one of aiohttp's
            bare = info._replace(headers={})
            vars(cause)["request_info"] = bare
            cause.args = (bare, *cause.args[1:])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _not_connected(chain: list[BaseException], place: str) -> GeminiMagicError:
    # The innermost says why; aiohttp's own classes are SSLErrors too, but empty ones.
    if tls := [cause for cause in chain if isinstance(cause, ssl.SSLError)]:
        return _tls_failed(tls[-1], place)
    return ConnectFailed(
        f"No connection to {place}: {_words(chain[-1])}.",
        hint="Is the gateway, or the proxy on the way, running, and is base_url right?",
    )


def _is_lost(chain: list[BaseException]) -> bool:
    """Whether the connection broke; the libraries name that in several ways."""
    if any(type(cause).__name__ in _LOST_NAMES for cause in chain):
        return True
    first = chain[0]
    if isinstance(first, httpx.RemoteProtocolError) or any(
        type(cause).__name__ == "ClientPayloadError" for cause in chain
    ):
        return any(words in str(cause) for cause in chain for words in _CUT_WORDS)
    return isinstance(first, (httpx.NetworkError, OSError))


def _tls_failed(error: ssl.SSLError, place: str) -> TLSFailed:
    words = getattr(error, "verify_message", "") or error.reason or str(error)
    hint = "Does the server speak https? base_url says so."
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "If it is your own authority, name its file in SSL_CERT_FILE."
    return TLSFailed(f"No encrypted connection to {place}: {words}.", hint=hint)


def _words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
