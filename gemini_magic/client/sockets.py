"""The only home of httpcore: sockets that wait as long as the call's limits allow just then.

httpx passes one number for every operation down to the socket, but knows no limit for a whole answer. Here a
`Patience` travels in that number's place, and each wait asks it how long it may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpcore

from gemini_magic.client.timing import Patience

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

#: Seconds. An interrupt that falls just before the wait begins is heard when the wait ends, so no wait is long.
_HEARS_INTERRUPTS = 0.25


class _PatientStream(httpcore.NetworkStream):
    """A socket whose every wait is as long as the call's limits allow just then."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:  # noqa: ANN401 - a Patience in a number's place
        if not isinstance(timeout, Patience):
            return self._stream.read(max_bytes, timeout)
        while True:
            seconds = timeout.read()
            try:
                return self._stream.read(max_bytes, min(seconds, _HEARS_INTERRUPTS))
            except httpcore.ReadTimeout:
                if seconds <= _HEARS_INTERRUPTS:
                    raise

    def write(self, buffer: bytes, timeout: Any = None) -> None:  # noqa: ANN401
        self._stream.write(buffer, timeout.read() if isinstance(timeout, Patience) else timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: Any = None,  # noqa: ANN401
    ) -> httpcore.NetworkStream:
        seconds = timeout.connect() if isinstance(timeout, Patience) else timeout
        return _PatientStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - whatever was asked for
        return self._stream.get_extra_info(info)


class _PatientBackend(httpcore.NetworkBackend):
    """Makes connections that ask the call's limits how long they may wait."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,  # noqa: ANN401
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = timeout.connect() if isinstance(timeout, Patience) else timeout
        return _PatientStream(self._backend.connect_tcp(host, port, seconds, local_address, socket_options))


def drop_if_more_came(stream: object) -> None:
    """Close the connection of a response that was read to its end, when the server has sent more than that.

    httpcore would keep the rest, and take it for the beginning of the answer to the next request.
    """
    connection: Any = getattr(getattr(stream, "_pool_request", None), "connection", None)
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    state = getattr(connection, "_h11_state", None)
    if state is not None and state.trailing_data[0]:
        connection._network_stream.close()  # noqa: SLF001 - httpcore offers no way in


def make_patient(pool: Any) -> None:  # noqa: ANN401 - httpcore's pools, which httpx hides
    """Let the connections that a pool opens from now on take a `Patience` as their limit."""
    if isinstance(pool, httpcore.ConnectionPool):
        pool._network_backend = _PatientBackend(pool._network_backend)  # noqa: SLF001 - httpcore offers no way in
