"""Exchanges on a tape: recorded from any client, replayed without key and network.

A tape is a file of JSON Lines, one line for each exchange, to be kept beside a notebook and read by people. It
holds no key, no address and no time, so that recording the same answers again changes nothing in it.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gemini_magic.client.client import Client
from gemini_magic.client.shelf import Recorded
from gemini_magic.exceptions import ConfigError, InputError, StoreDiskFull, StoreError, StoreMismatch
from gemini_magic.settings import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.client.shelf import Asked

FORMAT, VERSION = "gemini_magic.tape", 1
#: Where a replaying client seems to talk to; the name is reserved for addresses that do not exist.
_NOWHERE = "https://replay.invalid"
#: Bytes a tape may have.
_MOST = 500 * 1024 * 1024
_SHOWN = 60
_SIMILAR = 0.4
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Line:
    """One exchange on a tape.

    Attributes:
        request: The digest of method and body.
        method: The method, as it was asked.
        model: The model that was asked.
        prompt: The beginning of the prompt.
        status: The HTTP status.
        response: A whole answer's JSON, or the list of a stream's chunks.
    """

    request: str
    method: str
    model: str
    prompt: str
    status: int
    response: Any

    def written(self) -> bytes:
        """The line as it stands in the file; the order inside the response is the server's and stays."""
        fields = {"format": FORMAT, "version": VERSION, **vars(self)}
        text = json.dumps(dict(sorted(fields.items())), ensure_ascii=False)
        # What JSON may hold and UTF-8 may not, half a character, is spelled as JSON spells it.
        return text.encode("utf-8", "backslashreplace") + b"\n"

    def recorded(self) -> Recorded:
        """What came, to be read again."""
        streamed = isinstance(self.response, list)
        documents = self.response if streamed else [self.response]
        return Recorded(tuple(_json(document) for document in documents), streamed, self.status, self.model)


class Tape:
    """A file of exchanges.

    The first time this object records a request, it replaces what older recordings of the same notebook had in its
    place; after that, the same request is recorded again and again. Replaying gives the recordings of a request in
    their order, and the last one from then on.

    Args:
        path: The file; it is made at the first exchange.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._lock = threading.Lock()
        self._renewed: set[tuple[str, str]] = set()
        self._given: Counter[tuple[str, str]] = Counter()
        self._lines: list[Line] = []
        self._seen: tuple[int, ...] = ()

    def __repr__(self) -> str:
        """The file."""
        return f"Tape({str(self.path)!r})"

    def lines(self) -> list[Line]:
        """All exchanges, in order; none when there is no file yet.

        Raises:
            StoreError: The file cannot be read, or is no tape.
        """
        with self._lock:
            return list(self._read())

    def record(self, line: Line) -> None:
        """Write an exchange down for good.

        Raises:
            StoreError: It could not be written; the tape is as it was.
        """
        key = (line.request, line.model)
        with self._lock:
            lines = self._read()
            older = [] if key in self._renewed else [n for n, old in enumerate(lines) if _key(old) == key]
            try:
                if not older:
                    self._append(line)
                elif [lines[number] for number in older] != [line]:
                    self._rewrite([line if n == older[0] else old for n, old in enumerate(lines) if n not in older[1:]])
            except OSError as error:
                raise self._failed(error, "written") from None
            self._renewed.add(key)

    def next(self, request: str, model: str = "") -> Line | None:
        """The recording to give now for a request, or None when there is none.

        Args:
            request: The digest of method and body.
            model: The only model whose answer will do; empty when any will.
        """
        with self._lock:
            found = [line for line in self._read() if line.request == request and model in {"", line.model}]
            number = self._given[request, model]
            self._given[request, model] += 1
        return found[min(number, len(found) - 1)] if found else None

    def _read(self) -> list[Line]:
        try:
            with self.path.open("rb") as file:
                seen = _about(file)
                if seen[1] > _MOST:
                    raise StoreError(f"The tape {self.path} is larger than {_MOST:,} bytes.")
                if seen != self._seen:
                    self._lines, self._seen = list(_parsed(file.read(), self.path)), seen
                    self._given.clear()
        except FileNotFoundError:
            self._lines, self._seen = [], ()
        except OSError as error:
            raise self._failed(error, "read") from None
        return self._lines

    def _append(self, line: Line) -> None:
        """Add one line in one write; a line that does not fit on the disk is taken back."""
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "rb+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            data = line.written() if file.read(1) in {b"", b"\n"} else b"\n" + line.written()
            try:
                _write(file, data)
            except OSError:
                file.truncate(size)
                raise
            seen = _about(file)
            # What was read before need not be read again, unless somebody else has written, too.
            if size == (self._seen[1] if self._seen else 0) and seen[1] == size + len(data):
                self._lines, self._seen = [*self._lines, line], seen

    def _rewrite(self, lines: list[Line]) -> None:
        """Replace the whole file; whoever reads it meanwhile sees the one or the other."""
        path = self.path.resolve()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(line.written() for line in lines)
                file.flush()
                os.fsync(handle)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _failed(self, error: OSError, what: str) -> StoreError:
        kind = StoreDiskFull if error.errno in _FULL else StoreError
        words = error.strerror or type(error).__name__
        return kind(
            f"The tape {self.path} could not be {what}: {words}.", hint="Make room, or give the path of another file."
        )


class Recorder:
    """A shelf that writes every exchange onto a tape and has no answer for any."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def find(self, asked: Asked) -> None:  # noqa: ARG002 - what is recorded is asked first
        """Nothing; a tape that could not be written to is found out before anything is sent."""
        self.tape.lines()
        folder = self.tape.path.parent
        if not os.access(self.tape.path if self.tape.path.exists() else folder, os.W_OK):
            raise StoreError(
                f"The tape {self.tape.path} cannot be written.", hint="Give the path of a file in a folder of yours."
            )

    def keep(self, asked: Asked, recorded: Recorded) -> None:
        """Write an exchange down."""
        response = [json.loads(document) for document in recorded.documents]
        whole = len(response) == 1 and not recorded.streamed
        self.tape.record(
            Line(
                request=asked.digest(),
                method=asked.method,
                model=asked.model,
                prompt=asked.prompt,
                status=recorded.status,
                response=response[0] if whole else response,
            )
        )


class Replayer:
    """A shelf that has the answer of every call, from a tape, or refuses the call."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def find(self, asked: Asked) -> Recorded:
        """What the tape has.

        Raises:
            InputError: It has nothing for this request.
            StoreError: It cannot be read, or there is none.
        """
        line = self.tape.next(asked.digest(), asked.model if asked.named else "")
        if line is None:
            raise self._missing(asked)
        return line.recorded()

    def keep(self, asked: Asked, recorded: Recorded) -> None:
        """Nothing is new."""

    def _missing(self, asked: Asked) -> InputError:
        path, lines = self.tape.path, self.tape.lines()
        what = f"{_short(asked.prompt)!r}" if asked.prompt else f"a call of {asked.method}"
        if not path.exists():
            return InputError(f"There is no tape {path}.", hint=f"Record one with `--record {path}`.")
        models = {line.model for line in lines if line.request == asked.digest()}
        if models:
            nearest = f"It was recorded for {', '.join(sorted(models))}, not for {asked.model}."
        else:
            nearest = _nearest(asked.prompt, [line.prompt for line in lines if line.prompt])
        return InputError(
            f"The tape {path} has no answer for {what}. {nearest}".strip(),
            hint=f"Run it once with `--record {path}` and a key.",
        )


def replaying_client(path: str | Path | Tape, model: str = "") -> Client:
    """A client that answers from a tape and needs no key and no network.

    Args:
        path: The tape, or its path. Two clients of one `Tape` go on where the other is; with a path, this one begins
            at the beginning.
        model: The model that it seems to ask; by default that of the tape's first exchange.

    Raises:
        ConfigError: There is no such tape.
        StoreError: It cannot be read, or is no tape.
    """
    tape = path if isinstance(path, Tape) else Tape(path)
    lines = tape.lines()
    if not tape.path.exists():
        raise ConfigError(f"There is no tape {tape.path}.", hint=f"Record one with `--record {tape.path}`.")
    model = model or next((line.model for line in lines if line.model), "")
    profile = Profile("replay", _NOWHERE, auth="none", prices="free")
    return Client(profile=profile, model=model or None).with_shelf(Replayer(tape))


def _about(file: IO[bytes]) -> tuple[int, ...]:
    """What tells whether a file has changed."""
    about = os.fstat(file.fileno())
    return about.st_ino, about.st_size, about.st_mtime_ns


def _write(file: IO[bytes], data: bytes) -> None:
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file.fileno())


def _key(line: Line) -> tuple[str, str]:
    return line.request, line.model


def _json(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _short(prompt: str) -> str:
    return prompt if len(prompt) <= _SHOWN else prompt[: _SHOWN - 1] + "…"


def _nearest(prompt: str, prompts: list[str]) -> str:
    if prompt in prompts:
        return "These words were recorded with another history, other options or other pictures."
    rated = [(SequenceMatcher(None, prompt, other).ratio(), other) for other in dict.fromkeys(prompts)]
    ratio, other = max(rated, default=(0.0, ""))
    return f"The nearest one recorded is {_short(other)!r}." if ratio >= _SIMILAR else ""


def _parsed(data: bytes, path: Path) -> Iterator[Line]:
    """The exchanges of a file.

    Raises:
        StoreError: A line is none; it is named.
    """
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            try:
                fields = json.loads(line.decode())
            except (ValueError, RecursionError):
                fields = None
            yield _line(fields, f"{path}, line {number}")


def _line(fields: Any, where: str) -> Line:  # noqa: ANN401 - any JSON
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise StoreError(
            f"{where}: this is no exchange of a tape.", hint="Delete the line, or the file, and record it again."
        )
    version = fields.get("version")
    if type(version) is int and version > VERSION:
        raise StoreMismatch(
            f"{where}: the tape has version {version}, and this gemini_magic reads up to {VERSION}.",
            hint="Upgrade gemini-magic, or record it again.",
        )
    types = {"request": str, "method": str, "model": str, "prompt": str, "status": int}
    wrong = [name for name, kind in types.items() if type(fields.get(name)) is not kind]
    if version != VERSION or wrong or not isinstance(fields.get("response"), (dict, list)):
        what = wrong[0] if wrong else "version" if version != VERSION else "response"
        raise StoreError(
            f"{where}: the exchange's {what} is missing or not right.", hint="Delete the line and record it again."
        )
    return Line(**{name: fields[name] for name in types}, response=fields["response"])
