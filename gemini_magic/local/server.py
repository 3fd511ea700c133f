"""The embedded server as a child process of the kernel."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import secrets
import site
import subprocess
import sys
import sysconfig
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from gemini_magic.exceptions import LocalServerError

if TYPE_CHECKING:
    from types import TracebackType

#: Variables whose names look like this hold secrets, which the child has no use for.
_SECRET = re.compile(r"key|token|secret|password|passwd|credential", re.IGNORECASE)
_TAIL = 20
_GRACE = 3.0


class LocalServer:
    """The embedded server: one child process, on loopback, under a token of its own.

    The child ends when this process ends, however it ends. A fork of this process may use the server, but does not
    stop it.

    Args:
        gguf: A model file to serve beside the catalogue's.

    Attributes:
        token: What a request must carry; made anew for each object.
    """

    def __init__(self, gguf: Path | str | None = None) -> None:
        self.token = secrets.token_urlsafe(32)
        self._gguf = str(Path(gguf).expanduser().resolve()) if gguf is not None else None
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: deque[str] = deque(maxlen=200)
        self._answer: dict[str, Any] = {}
        self._answered = threading.Event()
        self._nonce = ""

    def start(self) -> Self:
        """Start the child unless it runs, and return at once; `wait_ready` waits for it."""
        with self._lock:
            if not self.running:
                self._spawn()
        return self

    @property
    def running(self) -> bool:
        """Whether the child process lives; in a fork, whether it was started at all."""
        process = self._process
        return process is not None and (os.getpid() != self._owner or process.poll() is None)

    @property
    def pid(self) -> int | None:
        """Process id of the child; None before it is started."""
        return self._process.pid if self._process is not None else None

    @property
    def base_url(self) -> str:
        """Where the server is, such as ``http://127.0.0.1:41234``; waits until it is ready."""
        self.wait_ready()
        return f"http://127.0.0.1:{self._answer['port']}"

    @property
    def log_tail(self) -> str:
        """The last lines the child wrote to its log."""
        return "\n".join(list(self._log)[-_TAIL:])

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait until the server takes requests; an interrupt leaves it starting, and waiting again is fine.

        Raises:
            LocalServerError: It did not start, or not in time.
        """
        if self._process is None:
            raise LocalServerError("The local server was not started.", hint="Call start() first.")
        deadline = time.monotonic() + timeout
        while not self._answered.wait(0.1):
            self._check_alive()
            if time.monotonic() > deadline:
                raise LocalServerError(f"The local server was not ready within {timeout:g} s.", hint=self._hint())
        if "error" in self._answer:
            raise LocalServerError(str(self._answer["error"]))
        if "port" not in self._answer:
            self._check_alive()
            raise LocalServerError("The local server did not say where it listens.", hint=self._hint())

    def check(self) -> None:
        """Tell why the server does not answer, when it is because the child has died.

        Raises:
            LocalServerError: With the last lines of its log.
        """
        if self._process is not None:
            self._check_alive()

    def stop(self) -> None:
        """End the child; nothing happens when it does not run, or belongs to the process this one was forked from."""
        if os.getpid() != self._owner or self._process is None:
            return
        with self._lock:
            process, self._process = self._process, None
        atexit.unregister(self.stop)
        _hang_up(process)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        """Start, and wait until it is ready."""
        self.start()
        self.wait_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def __repr__(self) -> str:
        """Where it is; never the token."""
        state = f"http://127.0.0.1:{self._answer['port']}" if "port" in self._answer else "not ready"
        return f"<LocalServer {state if self.running else 'not running'}>"

    def _spawn(self) -> None:
        if self._process is not None:
            _hang_up(self._process)
        self._owner = os.getpid()
        self._answer, self._answered, self._nonce = {}, threading.Event(), secrets.token_hex(16)
        process = subprocess.Popen(
            # -P: a notebook's folder may hold a file named like a standard module
            [sys.executable, "-P", "-m", "gemini_magic.local", "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # an interrupt of the kernel's process group is not for the child
        )
        self._process = process
        atexit.register(self.stop)
        for read, stream in ((self._read_answer, process.stdout), (self._read_log, process.stderr)):
            threading.Thread(target=read, args=(stream, self._answered), daemon=True).start()
        hello = {"token": self.token, "nonce": self._nonce, "gguf": self._gguf}
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died at once; waiting for it tells why
                process.stdin.write(json.dumps(hello).encode() + b"\n")
                process.stdin.flush()

    def _read_answer(self, stream: IO[bytes], answered: threading.Event) -> None:
        with stream:
            line = stream.readline()
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            if answer.get("nonce") == self._nonce:
                self._answer = answer
        if line:
            answered.set()

    def _read_log(self, stream: IO[bytes], _answered: threading.Event) -> None:
        with stream:
            for line in stream:
                self._log.append(line.decode(errors="replace").rstrip())

    def _check_alive(self) -> None:
        if not self.running:
            status = self._process.returncode if self._process is not None else None
            raise LocalServerError(f"The local server has ended (exit status {status}).", hint=self._hint())

    def _hint(self) -> str:
        return f"Its last words:\n{self.log_tail}" if self._log else "It left no words."


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe by which the child knows that it is wanted."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _environment() -> dict[str, str]:
    """Ours without secrets, and with the place of this package when no other Python would look there."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    home = str(Path(__file__).parents[2])
    if home not in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()}:
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [home, kept.get("PYTHONPATH")]))
    return kept
