"""The file of a store: made whole, looked at before it is touched, and saved from where it is damaged.

A file that is not a store of ours is never written to, nor is one whose journal has damaged it or is not its own.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.exceptions import StoreError, StoreMismatch
from gemini_magic.extract.store_database import BEGIN_ANEW, about_of, check_header, connect, fill, is_sound, rows_of
from gemini_magic.extract.store_place import beside, make_private, size_of
from gemini_magic.extract.store_rows import changes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from gemini_magic.extract.job import Job
    from gemini_magic.extract.store_database import About

_BUSY_MILLISECONDS = 5_000
_KEEP = "INSERT OR IGNORE INTO outcomes (key, status, body, seal) VALUES (?, ?, ?, ?)"


class Opened(NamedTuple):
    """A store that is ready.

    Attributes:
        database: To read and write it.
        mark: The store's own mark, which seals its rows.
        notes: What the user should know.
    """

    database: sqlite3.Connection
    mark: bytes
    notes: tuple[str, ...] = ()


def open_file(path: Path, job: Job, *, resume: bool) -> Opened:
    """The store at a path, for its only writer; made when there is none.

    Raises:
        StoreMismatch: It belongs to another job, program or version.
        StoreError: It is damaged, or none.
        sqlite3.Error: It cannot be opened.
        OSError: It cannot be written.
    """
    _refuse_strays(path)
    if size_of(path):
        check_header(path)
        make_private(path)
        if not resume:
            _set_aside(path)
    if not size_of(path):
        _new(path, job).replace(path)
    return _open_existing(path, job)


def open_memory(job: Job) -> Opened:
    """A store that ends with its kernel."""
    database = connect(None)
    return Opened(database, fill(database, job))


def _refuse_strays(path: Path) -> None:
    """SQLite would take what lies beside a file for a part of it."""
    if size_of(beside(path, "-journal")):
        raise StoreError(
            f"{beside(path, '-journal')} is not of the store beside it.", hint="Move it away, and run it again."
        )
    if not size_of(path) and size_of(beside(path, "-wal")):
        raise StoreError(
            f"The store {path} is gone or empty, and what was written last is still in {beside(path, '-wal')}.",
            hint="Put the file back; or move the other away to begin anew.",
        )


def _set_aside(path: Path) -> Path:
    """Keep a store under another name, with what belongs to it; the one that was kept before goes."""
    kept = beside(path, ".previous")
    for ending in ("-wal", "-shm"):
        beside(kept, ending).unlink(missing_ok=True)
    path.replace(kept)
    if size_of(beside(path, "-wal")):
        beside(path, "-wal").replace(beside(kept, "-wal"))
    for ending in ("-wal", "-shm"):
        beside(path, ending).unlink(missing_ok=True)
    return kept


def _new(path: Path, job: Job, mark: bytes = b"", rows: Iterable[tuple[Any, ...]] = ()) -> Path:
    """Make a store under another name, so that in its place there is a whole one or none at every moment."""
    new = beside(path, ".new")
    try:
        _remove_with_company(new)
        # Made here, since SQLite would let everybody read it; the files that it makes beside it follow its mode.
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with closing(connect(new)) as database:
                database.execute("PRAGMA synchronous = OFF")  # it is written through once, below
                fill(database, job, mark)
                database.execute("PRAGMA journal_mode = WAL")
                with database:
                    database.execute("BEGIN IMMEDIATE")
                    database.executemany(_KEEP, rows)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        _remove_with_company(new)
        raise
    return new


def _remove_with_company(path: Path) -> None:
    for ending in ("", "-journal", "-wal", "-shm"):
        beside(path, ending).unlink(missing_ok=True)


def _open_existing(path: Path, job: Job) -> Opened:
    left_over = size_of(beside(path, "-wal")) > 0
    with closing(connect(path, "ro")) as view:
        about = about_of(view, path)
        _check_job(about, job, path)
        sound = is_sound(view, about.mark)
        if not sound and left_over:
            raise StoreError(
                f"The store {path} is damaged, or {beside(path, '-wal')} is not of it; neither was touched.",
                hint=f"If it is not, move it away and run it again. {BEGIN_ANEW}",
            )
        new = None if sound else _new(path, job, about.mark, rows_of(view, about.mark))
    notes = () if new is None else (_exchange(path, new),)
    return Opened(_for_writing(path), about.mark, notes)


def _check_job(about: About, job: Job, path: Path) -> None:
    if about.digest == job.digest:
        return
    found = changes(about.job, job.describe()) or ["it was made by another version of gemini_magic"]
    raise StoreMismatch(
        f"The store {path} belongs to a different job: {'; '.join(found)}.",
        hint=f"Give this one a store of its own: store=PATH. {BEGIN_ANEW}",
    )


def _exchange(path: Path, new: Path) -> str:
    """Put what could be read of a damaged store in its place, and say so."""
    kept = _set_aside(path)
    new.replace(path)
    with closing(connect(path)) as database:
        count = database.execute("SELECT count(*) FROM outcomes").fetchone()[0]
    return (
        f"The store {path} was damaged; {count:,} answers could be read and stay, others are asked again. "
        f"The damaged file is kept as {kept.name}."
    )


def _for_writing(path: Path) -> sqlite3.Connection:
    database = connect(path)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    except BaseException:
        database.close()
        raise
    return database
