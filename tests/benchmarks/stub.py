"""A loopback server that answers at once and far faster than any client reads; one thread a connection.

The model's name says what to answer: ``c20000x20`` is a stream of 20,000 chunks of 20 characters, and
``c1000x20p100`` the same at 100 chunks a second. ``GET /connections`` tells how many connections there were.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from functools import cache
from typing import Any

_NAME = re.compile(rb"/models/c(\d+)x(\d+)(?:p(\d+))?:(\w+)")
_WORDS = "The quick brown fox jumps over the lazy dog, and nobody minds. "


def chunk(text: str, number: int, *, last: bool) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    usage = {"promptTokenCount": 8, "candidatesTokenCount": number, "totalTokenCount": 8 + number}
    body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub-1", "responseId": "r4nd0m1d"}
    return json.dumps(body).encode()


def pieces(count: int, size: int) -> list[bytes]:
    """The chunks' JSON; every paragraph ends after some 400 characters, as prose does."""
    text = ""
    while len(text) < count * size:
        text += _WORDS * 6 + "\n\n"
    return [
        chunk(text[number * size : (number + 1) * size], number + 1, last=number + 1 == count)
        for number in range(count)
    ]


@cache
def stream_chunks(count: int, size: int) -> tuple[bytes, ...]:
    events = [b"data: %s\r\n\r\n" % piece for piece in pieces(count, size)]
    return tuple(b"%x\r\n%s\r\n" % (len(event), event) for event in events)


@cache
def stream_body(count: int, size: int) -> bytes:
    return b"".join(stream_chunks(count, size)) + b"0\r\n\r\n"


@cache
def unary_body(count: int, size: int) -> bytes:
    body = chunk(("x" * size * count)[: count * size], count, last=True)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return head + body


_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Stub:
    """Counts connections, serves until its process ends."""

    def __init__(self) -> None:
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)

    def serve(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._answer_all, args=(connection,), daemon=True).start()

    def _answer_all(self, connection: socket.socket) -> None:
        buffer = b""
        with connection:
            while (request := self._read(connection, buffer)) is not None:
                head, buffer = request
                try:
                    self._answer(connection, head)
                except OSError:
                    return

    def _read(self, connection: socket.socket, buffer: bytes) -> tuple[bytes, bytes] | None:
        while b"\r\n\r\n" not in buffer:
            data = connection.recv(1 << 20)
            if not data:
                return None
            buffer += data
        head, _, rest = buffer.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            while not rest.endswith(b"0\r\n\r\n"):
                rest += connection.recv(1 << 20)
            return head, b""
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        missing = (int(length[1]) if length else 0) - len(rest)
        while missing > 0:
            missing -= len(connection.recv(1 << 20))
        return head, b""

    def _answer(self, connection: socket.socket, head: bytes) -> None:
        match = _NAME.search(head)
        if match is None:
            body = b"%d" % self.connections
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            return
        count, size, pace = int(match[1]), int(match[2]), match[3]
        if match[4] != b"streamGenerateContent":
            connection.sendall(unary_body(count, size))
        elif pace is None:
            connection.sendall(_STREAM_HEAD + stream_body(count, size))
        else:
            connection.sendall(_STREAM_HEAD)
            began = time.monotonic()
            for number, piece in enumerate(stream_chunks(count, size)):
                time.sleep(max(0.0, began + number / int(pace) - time.monotonic()))
                connection.sendall(piece)
            connection.sendall(b"0\r\n\r\n")


if __name__ == "__main__":
    stub = Stub()
    sys.stdout.write(f"{stub.socket.getsockname()[1]}\n")
    sys.stdout.flush()
    stub.serve()
