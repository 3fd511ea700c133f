"""Answers that were given before, in a SQLite file of the user's: the same question costs nothing the second time."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from gemini_magic.client.shelf import PAID, Recorded
from gemini_magic.exceptions import StoreDiskFull, StoreError, StoreLocked, StoreMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gemini_magic.client.shelf import Asked

#: "gmAC", in the file's header: what other programs, such as ``file``, know it by.
_APPLICATION = 0x676D4143
_VERSION = 1
_MEGABYTE = 1024 * 1024
#: Bytes of a cache, unless told otherwise.
LIMIT = 200 * _MEGABYTE
_BUSY_SECONDS = 5.0
_TABLE = """
CREATE TABLE answers (
    number INTEGER PRIMARY KEY,
    request TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    time REAL NOT NULL,
    streamed INTEGER NOT NULL,
    documents BLOB NOT NULL
)
"""


class AnswerCache:
    """A shelf of whole answers, for any number of kernels and threads at once.

    An answer is found again by gateway, model, method and the bytes of the request. Only answers that came to
    their end, and were neither blocked nor cut, are kept; the oldest are dropped when the file is full.

    Args:
        path: The file; by default one in the user's cache folder.
        limit: Bytes the file may have.
        now: Tells the time, in seconds since the epoch.
    """

    def __init__(
        self, path: str | Path | None = None, *, limit: int = LIMIT, now: Callable[[], float] = time.time
    ) -> None:
        self.path = Path(path).expanduser() if path is not None else default_path()
        self._limit = limit
        self._now = now
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._pid = 0

    def __repr__(self) -> str:
        """The file."""
        return f"AnswerCache({str(self.path)!r})"

    def find(self, asked: Asked) -> Recorded | None:
        """The answer to the same request, if there was one.

        Raises:
            StoreError: The file is damaged, or none of ours.
        """
        if asked.method not in PAID:
            return None
        with self._opened() as database:
            row = database.execute(
                "SELECT model, time, streamed, documents FROM answers WHERE request = ?", [_name(asked)]
            ).fetchone()
        if row is None:
            return None
        model, when, streamed, documents = row
        day = time.strftime("%Y-%m-%d", time.localtime(when))
        return Recorded(
            tuple(documents.split(b"\n")),
            streamed=bool(streamed),
            model=model,
            good=True,
            note=f"Answered from the cache of {day}; nothing was sent.",
        )

    def keep(self, asked: Asked, recorded: Recorded) -> None:
        """Keep a good answer.

        Raises:
            StoreError: The file cannot be written.
        """
        if asked.method not in PAID or not recorded.good:
            return
        documents = b"\n".join(recorded.documents)  # JSON that was written in one line
        if len(documents) > self._limit // 4:
            return
        row = (_name(asked), recorded.model, self._now(), recorded.streamed, documents)
        with self._opened() as database, database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "INSERT OR REPLACE INTO answers (request, model, time, streamed, documents) VALUES (?, ?, ?, ?, ?)", row
            )
            while _used(database) > self._limit and _drop_oldest(database):
                pass

    def clear(self) -> int:
        """Forget all answers; returns how many there were.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._opened() as database:
            with database:
                count = database.execute("DELETE FROM answers").rowcount
            database.execute("VACUUM")
        return count

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        database, self._database = self._database, None
        if database is not None and self._pid == os.getpid():
            database.close()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._database is None or self._pid != os.getpid():  # a child must not use its parent's
                    self._database, self._pid = self._open(), os.getpid()
                yield self._database
            except (sqlite3.Error, OSError) as error:
                self._forget()
                raise self._failed(error) from None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made here, since SQLite would let everybody read it; the files that it makes beside it follow its mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        if self.path.stat().st_mode & 0o077:
            self.path.chmod(0o600)
        database = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        with database:
            database.execute("BEGIN IMMEDIATE")
            application, version = _pragma(database, "application_id"), _pragma(database, "user_version")
            if (application, version) == (0, 0) and _pragma(database, "schema_version") == 0:
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {_VERSION}")
                database.execute(_TABLE)
            elif application != _APPLICATION:
                raise StoreMismatch(
                    f"{self.path} is a database of another program, not a cache of answers.",
                    hint="Give the cache another path.",
                )
            elif version != _VERSION:
                raise StoreMismatch(
                    f"The cache {self.path} has version {version}, and this gemini_magic reads version {_VERSION}.",
                    hint=_WAY_OUT,
                )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")

    def _failed(self, error: Exception) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return StoreLocked(f"The cache {self.path} is held by another process.", hint="Try again in a moment.")
        if code == sqlite3.SQLITE_FULL:
            return StoreDiskFull(f"The cache {self.path} cannot grow: the disk is full.", hint="Make room.")
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return StoreError(f"The cache {self.path} is damaged, or none.", hint=_WAY_OUT)
        words = getattr(error, "strerror", None) or str(error)
        return StoreError(f"The cache {self.path} cannot be used: {words}.", hint=_WAY_OUT)


_WAY_OUT = "Delete the file: it only saves asking again. Or leave out --cache."


def default_path() -> Path:
    """The file in the user's cache folder."""
    return platformdirs.user_cache_path("gemini_magic") / "answers.sqlite3"


def _name(asked: Asked) -> str:
    return asked.digest(asked.origin, asked.model)


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _used(database: sqlite3.Connection) -> int:
    """Bytes of the pages that hold something; it costs nothing to know."""
    pages = _pragma(database, "page_count") - _pragma(database, "freelist_count")
    return pages * _pragma(database, "page_size")


def _drop_oldest(database: sqlite3.Connection) -> bool:
    """Drop a tenth of the answers, and tell whether there was one to drop."""
    count = database.execute("SELECT count(*) FROM answers").fetchone()[0]
    oldest = "SELECT number FROM answers ORDER BY number LIMIT ?"
    dropped = database.execute(f"DELETE FROM answers WHERE number IN ({oldest})", [max(1, count // 10)])  # noqa: S608
    return dropped.rowcount > 0
