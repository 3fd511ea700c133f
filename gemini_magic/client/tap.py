"""Connections that remember how the last answer came, for those who want to know a gateway's ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.client.framing import FrameReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.client.http import Connections, Incoming, Outgoing
    from gemini_magic.client.timing import Patience

_HEAD = 65_536


class Tap:
    """Stands before a client's connections.

    Attributes:
        head: The first bytes of the last answer.
        reads: In how many pieces it came.
        headers: The headers of all answers so far, names in small letters; later ones win.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.head = b""
        self.reads = 0
        self.headers: dict[str, str] = {}

    def send(self, outgoing: Outgoing, patience: Patience) -> Tapped:
        """As the connections do it."""
        incoming = self._connections.send(outgoing, patience)
        self.head, self.reads = b"", 0
        self.headers |= {name.lower(): value for name, value in incoming.headers.items()}
        return Tapped(incoming, self)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def keep(self, data: bytes) -> bytes:
        """Remember a piece."""
        self.reads += 1
        self.head += data[: max(0, _HEAD - len(self.head))]
        return data

    @property
    def spelling(self) -> str:
        """How the last answer was spelled: ``SSE``, ``JSON array``, ``JSON lines`` or ``one JSON object``."""
        start = self.head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start.startswith((b"{", b"[")):
            return "SSE"
        if start.startswith(b"["):
            return "JSON array"
        return "JSON lines" if len(FrameReader().feed(start)) > 1 else "one JSON object"


class Tapped:
    """An answer on its way through a tap."""

    def __init__(self, incoming: Incoming, tap: Tap) -> None:
        self._incoming = incoming
        self._tap = tap
        self.status = incoming.status
        self.headers = incoming.headers

    def __iter__(self) -> Iterator[bytes]:
        """The body, piece by piece."""
        return map(self._tap.keep, self._incoming)

    def read(self, most: int) -> bytes:
        """The whole body."""
        return self._tap.keep(self._incoming.read(most))

    def beginning(self, most: int) -> bytes:
        """The beginning of an error."""
        return self._incoming.beginning(most)

    def close(self) -> None:
        """Close the connection, or give it back."""
        self._incoming.close()
