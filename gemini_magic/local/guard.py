"""Who may ask: the token's owner, from this machine, and no web page."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from gemini_magic.exceptions import ApiError, AuthError, PermissionDenied
from gemini_magic.local.errors import envelope

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

#: Names that only this machine goes by.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:@/\s]+)(:\d{1,5})?")


class Guard:
    """Refuses requests before they reach the app.

    A page that a browser loaded can reach loopback, either directly, which its ``Origin`` header shows, or under a
    name of its own that resolves to 127.0.0.1, which the ``Host`` header shows. Neither is let in, token or not.

    Args:
        app: What is guarded.
        token: What a request must carry, as Bearer, as ``x-goog-api-key`` or as ``?key=``.
        hosts: Names by which the server may be called; empty for any.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str] = LOOPBACK) -> None:
        self.app = app
        self.token = token.encode()
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer 401 or 403."""
        error = self._refusal(scope) if scope["type"] == "http" else None
        if error is None:
            await self.app(scope, receive, send)
            return
        status, body = envelope(error)
        headers = [(b"content-type", b"application/json; charset=UTF-8"), (b"content-length", str(len(body)).encode())]
        if status == 401:  # noqa: PLR2004 - the status is its own name
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if "origin" in headers:
            return PermissionDenied("Requests from web pages are refused.", status=403)
        if self.hosts and not self._knows(headers.get("host", [])):
            return PermissionDenied("The local server does not go by this host name.", status=403)
        given = _tokens(headers, scope.get("query_string", b""))
        if any([hmac.compare_digest(token.encode(), self.token) for token in given]):  # noqa: C419 - compares them all
            return None
        return AuthError("The token of the local server is missing or wrong.", status=401)

    def _knows(self, hosts: list[str]) -> bool:
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return match is not None and match[1].lower() in self.hosts


def _tokens(headers: dict[str, list[str]], query: bytes) -> list[str]:
    given = list(headers.get("x-goog-api-key", []))
    for value in headers.get("authorization", []):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            given.append(token.strip())
    return given + parse_qs(query.decode("latin-1")).get("key", [])
