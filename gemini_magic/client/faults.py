"""What goes wrong on a connection, as errors of our tree; which library has noticed it makes no difference here."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gemini_magic.exceptions import ConfigError, ConnectFailed, ConnectionLost, ProtocolError, TLSFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.exceptions import GeminiMagicError

#: How h11 and aiohttp say that a message ended too early; whatever else they complain of is wrong in itself.
_CUT_WORDS = ("disconnected without", "closed connection", "incomplete", "Not enough data")


def place_of(url: str) -> str:
    """Host and port of an address, as errors name them."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those beneath it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_cut(chain: Iterable[BaseException]) -> bool:
    """Whether a message that is not as it should be just ended too early."""
    return any(words in str(cause) for cause in chain for words in _CUT_WORDS)


def not_connected(chain: list[BaseException], place: str) -> GeminiMagicError:
    """No connection was made."""
    # The innermost says why; aiohttp's own classes are SSLErrors too, but empty ones.
    if tls := [cause for cause in chain if isinstance(cause, ssl.SSLError)]:
        return _tls_failed(tls[-1], place)
    return ConnectFailed(
        f"No connection to {place}: {_words(chain[-1])}.",
        hint="Is the gateway, or the proxy on the way, running, and is base_url right?",
    )


def _tls_failed(error: ssl.SSLError, place: str) -> TLSFailed:
    words = getattr(error, "verify_message", "") or error.reason or str(error)
    hint = "Does the server speak https? base_url says so."
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "If it is your own authority, name its file in SSL_CERT_FILE."
    return TLSFailed(f"No encrypted connection to {place}: {words}.", hint=hint)


def lost(error: BaseException, place: str) -> ConnectionLost:
    """A connection ended before its time."""
    return ConnectionLost(f"The connection to {place} broke: {_words(error)}.")


def unusable(error: BaseException, place: str) -> ConfigError:
    """An address is none."""
    return ConfigError(f"The address {place} cannot be used: {_words(error)}.")


def malformed(error: BaseException, place: str) -> ProtocolError:
    """What came is no HTTP."""
    return ProtocolError(f"The server at {place} does not speak HTTP as it should: {_words(error)}.")


def _words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
