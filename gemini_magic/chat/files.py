"""Files of conversations: read with care, written whole or not at all, and for their owner alone."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import time
from typing import TYPE_CHECKING

from gemini_magic.exceptions import ConversationFileError, StoreDiskFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 50_000_000
#: What is left behind when a process is killed while it writes; older ones are taken for that, in seconds.
_LEFTOVER_AGE = 600
_LONGEST_STEM = 80
_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


def read_file(path: Path) -> tuple[bytes, list[str]]:
    """Read a file of at most 50 MB; returns its bytes, and what is odd about it.

    Raises:
        ConversationFileError: It is not there, no file, too large or not readable.
    """
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        raise ConversationFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise ConversationFileError(f"{str(path)!r} is not a path: {error}.") from None
    try:
        found = os.fstat(descriptor)
        _check_source(path, found)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConversationFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise ConversationFileError(f"{path} grew above {MAX_BYTES:,} bytes while it was read.")
    return data, list(_odd(path, found))


def _check_source(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a file"
        raise ConversationFileError(f"{path} is {kind}.", hint="Name the conversation's file.")
    if found.st_size > MAX_BYTES:
        raise ConversationFileError(
            f"{path} has {found.st_size:,} bytes; conversation files have at most {MAX_BYTES:,}."
        )


def _odd(path: Path, found: os.stat_result) -> Iterator[str]:
    if _is_foreign(found):
        yield f"{path.name} belongs to another user of this computer"
    if os.name == "posix" and found.st_mode & stat.S_IWOTH:
        yield f"everybody on this computer can change {path.name}"


def _is_foreign(found: os.stat_result) -> bool:
    own = getattr(os, "geteuid", None)
    return own is not None and found.st_uid != own()


def write_file(path: Path, data: bytes, *, marker: bytes) -> Path:
    """Put a file in its place: all of it, with mode 0600, or nothing.

    Args:
        path: Where to.
        data: The whole file.
        marker: What the beginning of a file has that may be overwritten.

    Raises:
        StoreError: Something else is there, or it cannot be written.
    """
    if len(data) > MAX_BYTES:
        raise StoreError(
            f"The conversation has {len(data):,} bytes, and its file may have {MAX_BYTES:,}.",
            hint="A fork of its first turns can be saved.",
        )
    try:
        _check_target(path, marker)
        _clear_leftovers(path)
        _replace(path, data)
    except OSError as error:
        kind = StoreDiskFull if error.errno in _FULL else StoreError
        raise kind(f"{path} cannot be written: {error.strerror or error}.") from None
    except ValueError as error:
        raise StoreError(f"{str(path)!r} is not a path: {error}.") from None
    return path


def _check_target(path: Path, marker: bytes) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise StoreError(f"{path} is a symbolic link.", hint="Name the file itself.")
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(f"{path} is not a file.", hint="Choose another name.")
    if _is_foreign(found):
        raise StoreError(f"{path} belongs to another user.", hint="Choose another name.")
    with path.open("rb") as file:
        beginning = file.read(2_000)
    if beginning and marker not in beginning:
        raise StoreError(f"{path} is there already and is not a saved conversation.", hint="Choose another name.")


def _clear_leftovers(path: Path) -> None:
    for leftover in path.parent.glob(f".{_globbed(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.lstat().st_mtime > _LEFTOVER_AGE:
                leftover.unlink()


def _globbed(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(beside, _NEW | _CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, 0o600)  # whatever the umask takes away
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # some network folders refuse
        descriptor = os.open(folder, os.O_RDONLY | _CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def private_folder(path: Path) -> Path:
    """A folder of ours that nobody else can look into, made if it is not there.

    Raises:
        StoreError: It is somebody else's, or no folder.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or _is_foreign(found):
            raise StoreError(f"{path} is not a folder of yours.", hint="Remove it, or switch autosave off.")
        if os.name == "posix" and stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
            path.chmod(0o700)
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror or error}.") from None
    return path


def safe_name(title: str) -> str:
    """A file name, without ending, for any title: no other folder, nothing hidden, reserved or too long.

    Titles that cannot stand as they are get a mark of their own, so that two of them never share a file.
    """
    if _SAFE.fullmatch(title) and not _RESERVED.fullmatch(title) and len(title) <= _LONGEST_STEM:
        return title
    plain = re.sub(r"[^a-z0-9_-]+", "-", title.lower())[:_LONGEST_STEM].strip("-_")
    mark = hashlib.sha256(title.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain or 'conversation'}-{mark}"
