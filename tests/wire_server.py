"""A loopback server that answers byte for byte as it is told, and a clock that waits for nobody."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """A request as the server got it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Say:
    """What the server answers: bytes in pieces, and how it ends.

    ``framing`` is ``"length"``, ``"chunked"``, ``"close"`` or ``"raw"`` (the pieces are all that is said, head
    included); ``ending`` is ``"keep"``, ``"fin"``, ``"rst"``
    or ``"hang"`` (say nothing more until the client goes). Without a status, nothing at all is said.
    """

    pieces: Sequence[bytes] = ()
    status: int | None = 200
    headers: dict[str, str] = field(default_factory=dict)
    framing: str = "length"
    ending: str = "keep"
    before_piece: Callable[[int], None] | None = None


Answering = Callable[[Seen], Say]


class WireServer:
    """Answers each request with the next of its answers, and the last one for ever."""

    def __init__(self, port: int = 0) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.closed_by_client = threading.Event()
        self._answers: deque[Say | Answering] = deque([Say(status=500)])
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        self._serving: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, *answers: Say | Answering) -> None:
        self._answers = deque(answers)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            serving = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self._serving.append(serving)
            serving.start()

    def all_closed(self, seconds: float = 5.0) -> bool:
        """Whether every connection has ended, after waiting for it."""
        for serving in self._serving:
            serving.join(seconds)
        return not any(serving.is_alive() for serving in self._serving)

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while (seen := _read_request(reader, number)) is not None:
                    self.seen.append(seen)
                    answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
                    if not self._say(connection, answer(seen) if callable(answer) else answer):
                        return
        except OSError:
            self.closed_by_client.set()

    def _say(self, connection: socket.socket, say: Say) -> bool:
        if say.status is not None:
            if say.framing != "raw":
                connection.sendall(_head(say))
            for number, piece in enumerate(say.pieces):
                if say.before_piece is not None:
                    say.before_piece(number)
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if say.framing == "chunked" else piece)
            if say.framing == "chunked" and say.ending in {"keep", "fin"}:
                connection.sendall(b"0\r\n\r\n")
        if say.ending == "hang":
            while connection.recv(65536):
                pass
            self.closed_by_client.set()
            return False
        if say.ending == "rst":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return say.ending == "keep" and say.framing != "close"

    def close(self) -> None:
        self._stopping.set()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for connections
        self._socket.close()
        self._thread.join(5)


def _read_request(reader: Any, connection: int) -> Seen | None:
    line = reader.readline().decode("latin-1").split()
    if not line:
        return None
    headers: list[tuple[str, str]] = []
    while text := reader.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = text.partition(":")
        headers.append((name, value.strip()))
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    if lengths:
        body = reader.read(lengths[0])
    elif any(name.lower() == "transfer-encoding" for name, _ in headers):
        body = _read_chunks(reader)
    else:
        body = b""
    return Seen(line[0], line[1], headers, body, connection)


def _read_chunks(reader: Any) -> bytes:
    body = b""
    while (size := int(reader.readline(), 16)) > 0:
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body


def _head(say: Say) -> bytes:
    headers = {"content-type": "application/json", **say.headers}
    if say.framing == "length":
        headers.setdefault("content-length", str(sum(map(len, say.pieces))))
    elif say.framing == "chunked":
        headers.setdefault("transfer-encoding", "chunked")
    else:
        headers.setdefault("connection", "close")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {say.status} X\r\n{lines}\r\n".encode()


def event(text: str = "", finish: str | None = None, **rest: Any) -> bytes:
    """One server-sent event as Google writes it."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return b"data: " + json.dumps({"candidates": [candidate], **rest}).encode() + b"\r\n\r\n"


def answer(*texts: str, finish: str = "STOP") -> Say:
    """A streamed answer."""
    *first, last = texts
    return Say([*(event(text) for text in first), event(last, finish)], framing="chunked")


def unary(text: str, finish: str = "STOP", **rest: Any) -> Say:
    """A whole answer."""
    return Say([event(text, finish, **rest)[6:].strip()])


def error(status: int, message: str = "no", reason: str = "", *details: Any, **headers: str) -> Say:
    """An error answer in Google's shape."""
    body = {"error": {"code": status, "message": message, "status": reason, "details": list(details)}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Say([json.dumps(body).encode()], status=status, headers=named)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)
