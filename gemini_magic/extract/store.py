"""Answers of an extraction, kept in a file as they come: what was paid for once is never asked again.

A store belongs to one job and has one writer at a time. Any thread of its process may use it.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gemini_magic.exceptions import StoreError
from gemini_magic.extract.store_database import failure
from gemini_magic.extract.store_file import Opened, open_file, open_memory
from gemini_magic.extract.store_lock import Holder, WriterLock
from gemini_magic.extract.store_place import concerns, default_path, make_folder, size_of
from gemini_magic.extract.store_rows import outcome_of, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from gemini_magic.extract.job import Job, Outcome

__all__ = ["Store", "default_path"]
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_AT_ONCE = 500
_PUT = (
    "INSERT INTO outcomes (key, status, body, seal) VALUES (?, ?, ?, ?) ON CONFLICT (key) "
    "DO UPDATE SET status = excluded.status, body = excluded.body, seal = excluded.seal"
)
_GET = "SELECT key, status, body, seal FROM outcomes WHERE key = ?"
_NEXT = "SELECT number, key, status, body, seal FROM outcomes WHERE number > ? ORDER BY number LIMIT ?"


class Store:
    """The answers of one job; made by `Store.open`, and a context manager.

    Attributes:
        path: The file; None when it is kept in this kernel's memory only.
        notes: What the user should know: damaged answers that are asked again, a folder that is not safe.
    """

    def __init__(self, path: Path | None, opened: Opened, lock: WriterLock | None, notes: tuple[str, ...] = ()) -> None:
        self.path = path
        self.notes = (*notes, *opened.notes)
        self._database: sqlite3.Connection | None = opened.database
        self._mark = opened.mark
        self._writer = lock
        self._pid = os.getpid()
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | PathLike[str] | None, job: Job, *, resume: bool = True) -> Self:
        """The store of a job, to be used by this process alone until it is closed.

        Args:
            path: The file; by default one of the job's own in the user's folder for data. Where that folder cannot be
                written, answers are kept in memory, and `notes` says so.
            job: What the answers are to.
            resume: Take the answers that are there. Otherwise begin anew; the file that was there is kept beside it,
                with ``.previous`` after its name.

        Raises:
            StoreLocked: Another process, or another run of this one, has it; the message says which, and since when.
            StoreMismatch: It belongs to another job, program or version; the message says what differs.
            StoreDiskFull: There is no room to make it.
            StoreError: It is damaged, or cannot be written.
        """
        place = _resolved(default_path(job.digest) if path is None else path)
        try:
            return cls._of_file(place, job, resume=resume)
        except OSError as error:
            if path is not None or error.errno not in _READ_ONLY or os.path.exists(place):  # noqa: PTH110 - never fails
                raise failure(str(place), error) from None
            return cls.in_memory(job, f"{place.parent} cannot be written, so answers are kept in this kernel only.")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise failure(str(place), error) from None

    @classmethod
    def in_memory(cls, job: Job, *notes: str) -> Self:
        """A store that ends with this kernel.

        Args:
            job: What the answers are to.
            notes: Why it is not a file.
        """
        return cls(None, open_memory(job), None, notes)

    @classmethod
    def _of_file(cls, place: Path, job: Job, *, resume: bool) -> Self:
        size_of(place)  # a folder or a device is refused before anything is made beside it
        make_folder(place.parent)
        lock = WriterLock.take(place)
        try:
            opened = open_file(place, job, resume=resume)
        except BaseException:
            lock.release()
            raise
        notes = (concerns(place.parent), _left_elsewhere(lock.left))
        return cls(place, opened, lock, tuple(note for note in notes if note))

    def __repr__(self) -> str:
        """The file, and whether it is open."""
        return f"Store({self._shown!r}{'' if self._database else ', closed'})"

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __len__(self) -> int:
        """How many outcomes it has.

        Raises:
            StoreError: It cannot be read.
        """
        with self._using() as database:
            return int(database.execute("SELECT count(*) FROM outcomes").fetchone()[0])

    def get(self, key: str) -> Outcome | None:
        """The outcome of a task, as it was put; None when there is none.

        Whether its value still fits the schema is for the caller to see.

        Args:
            key: The task's key.

        Raises:
            StoreError: It cannot be read.
        """
        with self._using() as database:
            row = database.execute(_GET, [key]).fetchone()
        return None if row is None else outcome_of(row, self._mark)

    def put(self, outcome: Outcome) -> None:
        """Keep an outcome, in the place of an earlier one of the same task; when this returns, a crash cannot take it.

        Args:
            outcome: What came of a task.

        Raises:
            StoreDiskFull: There is no room; what was put before stays.
            StoreError: It cannot be written.
        """
        row = row_of(outcome, self._mark)
        with self._using() as database:
            database.execute(_PUT, row)

    def keys(self) -> set[str]:
        """The keys of all outcomes.

        Raises:
            StoreError: It cannot be read.
        """
        with self._using() as database:
            return {key.decode() for (key,) in database.execute("SELECT key FROM outcomes")}

    def outcomes(self) -> Iterator[Outcome]:
        """All outcomes, in the order they were first put in.

        Raises:
            StoreError: It cannot be read.
        """
        last = 0
        while True:
            with self._using() as database:
                rows = database.execute(_NEXT, [last, _AT_ONCE]).fetchall()
            if not rows:
                return
            for _, *row in rows:
                outcome = outcome_of(tuple(row), self._mark)
                if outcome is not None:
                    yield outcome
            last = rows[-1][0]

    def count(self) -> Counter[str]:
        """How many outcomes there are of each status.

        Raises:
            StoreError: It cannot be read.
        """
        with self._using() as database:
            return Counter(status.decode() for (status,) in database.execute("SELECT status FROM outcomes"))

    def close(self) -> None:
        """Close the file and let others have it; a second time it does nothing."""
        with self._lock:
            database, self._database = self._database, None
            lock, self._writer = self._writer, None
            if self._pid != os.getpid():  # a child must not close what its parent uses
                return
            try:
                if database is not None:
                    database.close()
            except sqlite3.Error as error:
                raise failure(self._shown, error) from None
            finally:
                if lock is not None:
                    lock.release()

    @property
    def _shown(self) -> str:
        return str(self.path) if self.path else "in memory"

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._database is None:
                raise StoreError(f"The store {self._shown} is closed.", hint="Open it again.")
            if self._pid != os.getpid():
                raise StoreError(f"The store {self._shown} was opened by another process.", hint="Open it in this one.")
            try:
                yield self._database
            except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
                raise failure(self._shown, error) from None


def _resolved(path: str | PathLike[str]) -> Path:
    """The path without links: two names of one file must not have a lock each."""
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:
        raise StoreError(
            f"The path {str(path)!r} cannot be a store: {error}.", hint="Name a file: store=PATH."
        ) from None


def _left_elsewhere(left: Holder | None) -> str:
    if left is None or left.host == Holder.here().host:
        return ""
    return (
        f"The store was last written by process {left.pid} on {left.host}, which did not close it; "
        "if it still runs, stop it there."
    )
