"""A store as a database: its header and tables, what it says of itself, and which of its rows can be trusted."""

from __future__ import annotations

import errno
import json
import secrets
import sqlite3
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.exceptions import StoreDiskFull, StoreError, StoreLocked, StoreMismatch
from gemini_magic.extract.store_rows import is_whole, seal, written

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from gemini_magic.extract.job import Job

_MAGIC = b"SQLite format 3\0"
#: "gmEX", in the file's header: what other programs, such as ``file``, know it by.
_APPLICATION = 0x676D4558
_VERSION = 1
_SCHEMA = (
    "CREATE TABLE about (number INTEGER PRIMARY KEY, text TEXT NOT NULL, seal INTEGER NOT NULL)",
    """CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL, seal INTEGER NOT NULL
)""",
    "CREATE UNIQUE INDEX outcomes_key ON outcomes (key)",
)
_OPEN_SECONDS = 0.8
_LONGEST_VALUE = 256 * 1024 * 1024
#: What a file that cannot be used is met with.
BEGIN_ANEW = "With resume=False the run begins anew, and this file is kept beside it, as .previous."
_NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT})


class About(NamedTuple):
    """What a store says of itself.

    Attributes:
        mark: Its own mark, which seals its rows.
        digest: Of its job.
        job: What its job is, as texts by name.
    """

    mark: bytes
    digest: str
    job: dict[str, str]


def failure(shown: str, error: Exception) -> StoreError:
    """An error of SQLite or the system, as one of ours."""
    code, number = getattr(error, "sqlite_errorcode", 0), getattr(error, "errno", 0)
    if code in _FULL or number in _NO_SPACE:
        return StoreDiskFull(
            f"The store {shown} cannot grow: the disk is full, or a limit is reached.",
            hint="Make room and run it again: what it holds is not paid for twice.",
        )
    if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreLocked(f"The store {shown} is held by another program.", hint="Close it there, and run it again.")
    if is_damage(error):
        return damaged(shown)
    words = getattr(error, "strerror", None) or str(error)
    return StoreError(f"The store {shown} cannot be used: {words}.", hint="Give it another path: store=PATH.")


def is_damage(error: Exception) -> bool:
    """Whether an error came of what is in the file."""
    # SQLite's words quote what it stumbled over, and that is not always text.
    return isinstance(error, UnicodeDecodeError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def damaged(shown: object) -> StoreError:
    """An error for a store that nothing can be read from."""
    return StoreError(f"The store {shown} is damaged.", hint=BEGIN_ANEW)


def check_header(path: Path) -> None:
    """See, without SQLite touching it, that a file is a store.

    Raises:
        StoreMismatch: It is one of another version, or a database of another program.
        StoreError: It is no database.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(_MAGIC):  # noqa: PLR2004 - the header's length
        raise StoreError(f"{path} is not a store; it is not even a database.", hint="Name another file: store=PATH.")
    version, application = (int.from_bytes(header[place : place + 4], "big") for place in (60, 68))
    if application != _APPLICATION:
        raise StoreMismatch(
            f"{path} is a database of another program, not a store.", hint="Name another file: store=PATH."
        )
    if version != _VERSION:
        newer = "Upgrade: pip install -U gemini-magic." if version > _VERSION else "Name another file: store=PATH."
        raise StoreMismatch(
            f"The store {path} has version {version}, and this gemini_magic reads version {_VERSION}.", hint=newer
        )


def connect(path: Path | None, mode: str = "rw") -> sqlite3.Connection:
    """Open a file that is there; ``mode="ro"`` writes nothing into it, not even when it is closed."""
    address = ":memory:" if path is None else f"{path.as_uri()}?mode={mode}"
    database = sqlite3.connect(
        address, timeout=_OPEN_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=16, uri=True
    )
    database.text_factory = bytes  # damaged text is no UTF-8
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


def fill(database: sqlite3.Connection, job: Job, mark: bytes = b"") -> bytes:
    """Make the tables of a new store, and return its mark: a new one unless it is given."""
    mark = mark or secrets.token_hex(16).encode()
    about = written({"mark": mark.decode(), "made": time.time(), "digest": job.digest, "job": job.describe()})
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        for statement in _SCHEMA:
            database.execute(statement)
        database.execute("INSERT INTO about (text, seal) VALUES (?, ?)", [about, seal(about.encode())])
    return mark


def about_of(database: sqlite3.Connection, path: Path) -> About:
    """What a store says of itself.

    Raises:
        StoreError: It is not to be read.
        sqlite3.Error: Nor is the file.
    """
    found = {sql for (sql,) in database.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    if found != {statement.encode() for statement in _SCHEMA}:
        raise damaged(path)
    rows = database.execute("SELECT text, seal FROM about LIMIT 2").fetchall()
    try:
        ((text, stored),) = rows
        if seal(text) != stored:
            raise damaged(path)
        about: dict[str, Any] = json.loads(text)
        job = {str(name): str(value) for name, value in about["job"].items()}
        return About(str(about["mark"]).encode(), str(about["digest"]), job)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise damaged(path) from None


def is_sound(database: sqlite3.Connection, mark: bytes) -> bool:
    """Look at every page and row.

    Raises:
        sqlite3.Error: It could not be looked at.
    """
    try:
        rows = database.execute("SELECT key, status, body, seal FROM outcomes NOT INDEXED")
        sealed = all(is_whole(row, mark) for row in rows)
        return sealed and bool(database.execute("PRAGMA integrity_check(1)").fetchone()[0] == b"ok")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if is_damage(error):
            return False
        raise


def rows_of(database: sqlite3.Connection, mark: bytes) -> Iterator[tuple[Any, ...]]:
    """The rows of a damaged store that are whole, in their order, some of them twice.

    They are read from both ends, each time up to where it is damaged.
    """
    if not (yield from _rows(database, mark, "ASC")):
        yield from reversed(list(_rows(database, mark, "DESC")))


def _rows(database: sqlite3.Connection, mark: bytes, order: str) -> Generator[tuple[Any, ...], None, bool]:
    """Rows up to the first damage; says whether that was the end."""
    try:
        rows = database.execute(
            f"SELECT key, status, body, seal FROM outcomes NOT INDEXED ORDER BY number {order}"  # noqa: S608 - ours
        )
        yield from ((*map(bytes.decode, row[:3]), row[3]) for row in rows if is_whole(row, mark))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if is_damage(error):
            return False
        raise
    return True
