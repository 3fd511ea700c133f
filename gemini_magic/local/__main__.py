"""``python -m gemini_magic.local``: the server, run by hand or as a kernel's child."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic._optional import require
from gemini_magic.exceptions import ConfigError, GeminiMagicError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

#: A notebook's cells are minutes apart; its connection is kept that long.
_KEEP_ALIVE = 3_600
_BACKLOG = 128


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is stopped; the exit status."""
    parser = argparse.ArgumentParser(prog="gemini-magic serve", description="Serve local models on Gemini's protocol.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--model", metavar="GGUF", type=Path, help="a model file to serve beside the catalogue's")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        return _child() if options.child else _by_hand(options.host, options.port, options.model)
    except GeminiMagicError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _by_hand(host: str, port: int, gguf: Path | None) -> int:
    token = secrets.token_urlsafe(32)
    app, names = _app(token, gguf, host)
    with _listening(host, port) as listener:
        address = listener.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        sys.stdout.write(f"base URL  http://{shown}:{address[1]}\ntoken     {token}\nmodels    {', '.join(names)}\n")
        sys.stdout.flush()
        _serve(app, listener)
    return 0


def _child() -> int:
    """Serve a kernel: it says what to do on stdin, is told the port on stdout, and is watched."""
    hello: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    _die_with_parent()
    answer: dict[str, Any] = {"nonce": hello["nonce"], "pid": os.getpid()}
    try:
        gguf = hello.get("gguf")
        app, _ = _app(hello["token"], Path(gguf) if gguf else None, "127.0.0.1")
        listener = _listening("127.0.0.1", 0)
    except GeminiMagicError as error:
        _tell(answer | {"error": str(error)})
        return 1
    with listener:
        _tell(answer | {"port": listener.getsockname()[1]})
        _serve(app, listener)
    return 0


def _tell(answer: dict[str, Any]) -> None:
    """Write the one line that stdout is for; whatever a library prints later goes to the log."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os.dup2(2, 1)


def _die_with_parent() -> None:
    """End this process when its parent ends, however that happens.

    The pipe to the parent closes with it, unless a fork of the parent holds it open; then the parent's process id
    changes. The kernel's own parent-death signal is not used: it is sent when the starting *thread* ends.
    """
    parent = os.getppid()

    def wait_for_end() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os._exit(0)

    def compare() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=wait_for_end, daemon=True).start()
    if os.name == "posix":
        threading.Thread(target=compare, daemon=True).start()


def _app(token: str, gguf: Path | None, host: str) -> tuple[ASGIApp, list[str]]:
    require("starlette", extra="local", why="run the embedded server")
    if gguf is not None and not _is_gguf(gguf):
        raise ConfigError(f"{gguf} is not a GGUF file.", hint="Only models in that format are loaded.")
    from gemini_magic.local.app import create_app  # noqa: PLC0415 - these need what was just looked for
    from gemini_magic.local.guard import LOOPBACK  # noqa: PLC0415
    from gemini_magic.local.models import Models  # noqa: PLC0415

    models = Models(gguf)
    hosts = frozenset() if host in {"0.0.0.0", "::"} else LOOPBACK | {host}  # noqa: S104 - a comparison
    return create_app(models, token, hosts=hosts), list(models)


def _is_gguf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send at once: without the option a small answer waits 40 ms for an ACK."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from None
    return listener


def _serve(app: ASGIApp, listener: socket.socket) -> None:
    uvicorn = require("uvicorn", extra="local", why="run the embedded server")
    config = uvicorn.Config(
        app,
        access_log=False,
        http="h11",
        lifespan="off",
        log_level="warning",
        loop="asyncio",
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=_KEEP_ALIVE,
        ws="none",
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")


if __name__ == "__main__":
    sys.exit(main())
