"""Fetching files over HTTP with the standard library alone, resuming where a transfer broke off."""

from __future__ import annotations

import hashlib
import http.client
import importlib
import importlib.util
import socket
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from gemini_magic.exceptions import ConnectFailed, ConnectionLost, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Seconds for a connection to come about, however many addresses the name has.
_CONNECT = 5.0
#: Seconds without a byte before a transfer counts as broken.
_IDLE = 60.0
_PIECE = 1024 * 1024
#: A transfer may break off so many times in a row without one new byte.
_TRIES = 4


class Downloader:
    """Opens addresses under one set of certificates.

    Args:
        certificates: A file of certificates to trust beside the usual ones.
        pause: Seconds before the first new try after a transfer broke off; the next are longer.
    """

    def __init__(self, certificates: str | None = None, *, pause: float = 1.0) -> None:
        context = ssl.create_default_context()
        if not context.get_ca_certs() and importlib.util.find_spec("certifi") is not None:
            # some Pythons come without certificates of their own
            context.load_verify_locations(importlib.import_module("certifi").where())
        if certificates:
            context.load_verify_locations(certificates)
        self._opener = urllib.request.build_opener(_HttpHandler(), _HttpsHandler(context))
        self._pause = pause

    def open(self, url: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - HTTPResponse or the like
        """Open an address; a name and password in it become a header, for that host alone.

        Raises:
            ConnectFailed: Nobody answered.
            ProtocolError: The answer is an error.
        """
        parts = urlsplit(url)
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        request = urllib.request.Request(bare, headers=headers or {})  # noqa: S310 - from the catalogue or pip's settings
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            request.add_unredirected_header("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
        try:
            return self._opener.open(request, timeout=_CONNECT)
        except urllib.error.HTTPError as error:
            error.close()
            raise ProtocolError(f"{parts.hostname} answered {error.code} for {parts.path}") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ConnectFailed(f"{parts.hostname}: {getattr(reason, 'strerror', None) or reason}") from None

    def fetch(self, url: str, part: Path, size: int, sha256: str, report: Callable[[int], None]) -> None:
        """Complete a partial file; what is there already is not fetched again.

        Args:
            url: Where the file is.
            part: The partial file. It stays when the transfer breaks off, and goes when it turns out wrong.
            size: Bytes the file must have.
            sha256: The hash it must have.
            report: Told how many bytes are there, as they come.

        Raises:
            TransportError: It could not be completed.
        """
        failures = 0
        connected = False
        while (have := _size(part)) < size:
            try:
                self._append(url, part, size, report)
            except (ConnectFailed, ConnectionLost) as error:
                connected = connected or isinstance(error, ConnectionLost)
                failures = 1 if _size(part) > have else failures + 1
                if not connected or failures >= _TRIES:
                    raise
                time.sleep(self._pause * failures)
        report(size)
        if _size(part) != size or _sha256(part) != sha256:
            part.unlink()
            raise ProtocolError(f"{urlsplit(url).hostname} sent a file that is not the pinned one (sha256 differs)")

    def _append(self, url: str, part: Path, size: int, report: Callable[[int], None]) -> None:
        have = _size(part)
        with self.open(url, {"Range": f"bytes={have}-"} if have else None) as answer:
            resumes = answer.status == HTTPStatus.PARTIAL_CONTENT
            if resumes and not str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
                raise ProtocolError(f"{urlsplit(url).hostname} resumed at the wrong place")
            _copy(answer, part, have if resumes else 0, size, report)


def _copy(answer: Any, part: Path, have: int, size: int, report: Callable[[int], None]) -> None:  # noqa: ANN401
    with part.open("ab" if have else "wb") as file:
        while have < size:
            try:
                piece = answer.read1(min(_PIECE, size - have))
            except (OSError, http.client.HTTPException) as error:
                raise ConnectionLost(f"the transfer broke off at byte {have} of {size}: {error}") from None
            if not piece:
                raise ConnectionLost(f"the transfer broke off at byte {have} of {size}")
            file.write(piece)
            have += len(piece)
            report(have)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _connect(address: tuple[str, int], *_: object) -> socket.socket:
    """Connect to the first address that answers; each gets half of the time that is left."""
    end = time.monotonic() + _CONNECT
    failure = OSError("the name has no address")
    for family, kind, protocol, _name, target in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(max((end - time.monotonic()) / 2, 0.1))
            connection.connect(target)
        except OSError as error:
            failure = error
            connection.close()
        else:
            return connection
        if time.monotonic() > end:
            break
    raise failure


class _HttpConnection(http.client.HTTPConnection):
    """Quick to give up connecting, patient once connected."""

    def connect(self) -> None:
        self._create_connection = _connect
        super().connect()
        self.sock.settimeout(_IDLE)


class _HttpsConnection(http.client.HTTPSConnection):
    """The same, encrypted."""

    def connect(self) -> None:
        self._create_connection = _connect
        super().connect()
        self.sock.settimeout(_IDLE)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trust = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpsConnection, req, context=self._trust)
