"""The engine's own loopback port.

The engine also has calls for Python, but one of those can only be ended after the whole prompt has been read, which
takes minutes when it is long; a closed connection ends the work within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import ApiError
from gemini_magic.local.errors import invalid

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

Json = dict[str, Any]

_LINE_LIMIT = 16 * 1024 * 1024


class Loopback:
    """Speaks HTTP to one server on this machine whose answers are known.

    Args:
        address: As in ``http://127.0.0.1:41234``.
        key: What the server wants as Bearer.
    """

    def __init__(self, address: str, key: str) -> None:
        host, _, port = address.rpartition("//")[2].rstrip("/").rpartition(":")
        self._host, self._port, self._key = host, int(port), key

    async def post(self, path: str, body: Json) -> Json:
        """Send JSON, get JSON."""
        async with contextlib.aclosing(self._pieces(path, body)) as pieces:
            data = b"".join([piece async for piece in pieces])
        answer: Json = json.loads(data)
        return answer

    async def events(self, path: str, body: Json) -> AsyncGenerator[Json]:
        """Send JSON, get its answer event by event; closing the generator ends the work behind it."""
        rest = b""
        async with contextlib.aclosing(self._pieces(path, body)) as pieces:
            async for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    data = line.removeprefix(b"data:").strip()
                    if data != line.strip() and data != b"[DONE]":
                        yield json.loads(data)

    async def _pieces(self, path: str, body: Json) -> AsyncGenerator[bytes]:
        """The body of the answer as it comes.

        Raises:
            ApiError: The answer is an error.
        """
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=_LINE_LIMIT)
        try:
            writer.write(self._head(path, data := json.dumps(body).encode()) + data)
            await writer.drain()
            status, headers = await _read_head(reader)
            pieces = _body(reader, headers)
            if status != 200:  # noqa: PLR2004 - the status is its own name
                raise _error(status, b"".join([piece async for piece in pieces]))
            async for piece in pieces:
                yield piece
        except (asyncio.IncompleteReadError, OSError) as error:
            raise ApiError(f"The model stopped in the middle of its answer ({error}).", status=500) from None
        finally:
            writer.close()

    def _head(self, path: str, data: bytes) -> bytes:
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Authorization: Bearer {self._key}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncGenerator[bytes]:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        yield await reader.readexactly(int(headers["content-length"]))
        return
    while size := int((await reader.readline()).partition(b";")[0] or b"0", 16):
        yield (await reader.readexactly(size + 2))[:-2]


def _error(status: int, body: bytes) -> ApiError:
    try:
        error = json.loads(body)["error"]
        message = str(error["message"])
    except (KeyError, TypeError, ValueError):
        error, message = {}, body.decode(errors="replace")
    if error.get("type") == "exceed_context_size_error":
        tokens, room = error.get("n_prompt_tokens"), error.get("n_ctx")
        return invalid(f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({room}).")
    return invalid(message) if 400 <= status < 500 else ApiError(f"The model failed: {message}", status=500)  # noqa: PLR2004
