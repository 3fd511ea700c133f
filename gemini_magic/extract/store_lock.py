"""One writer for a store: a lock that the operating system drops when its process ends, however it ends.

It stands on a small file beside the store, which says who holds it; the file alone means nothing, the lock on it does.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.exceptions import StoreError, StoreLocked

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_LONGEST_RECORD = 4_096
#: Times that a lock file may vanish between its opening and its locking, because its holder was just leaving.
_TRIES = 20
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}

if sys.platform == "win32":
    import msvcrt

    #: Far behind the record: what Windows locks, nobody else can read.
    _PLACE = 1 << 30

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Holder(NamedTuple):
    """Who holds a lock.

    Attributes:
        pid: The process.
        host: The machine it is on.
        since: When it took the lock.
    """

    pid: int
    host: str
    since: str

    @classmethod
    def here(cls) -> Holder:
        """This process, now."""
        return cls(os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S"))

    def __str__(self) -> str:
        """In words, for a message."""
        own = (self.pid, self.host) == (os.getpid(), socket.gethostname())
        who = "this kernel itself, process" if own else "process"
        return f"{who} {self.pid} on {self.host}, since {self.since}"


class WriterLock:
    """The right to write to a store, until it is released, is forgotten, or its process ends.

    Attributes:
        left: Who held it before and did not release it, if anybody.
    """

    def __init__(self, place: Path, descriptor: int, left: Holder | None) -> None:
        self.left = left
        self._place = place
        self._descriptor = descriptor
        self._let_go = weakref.finalize(self, _let_go, descriptor, os.getpid())
        _TAKEN.add(self)

    @classmethod
    def take(cls, store: Path) -> WriterLock:
        """Take the lock of a store, at once or not at all.

        Raises:
            StoreLocked: Somebody else has it; the message says who.
            StoreError: The file system of this folder has no locks.
            OSError: The file of the lock cannot be made.
        """
        place = store.with_name(store.name + ".lock")
        for _ in range(_TRIES):
            descriptor = os.open(place, _FLAGS, 0o600)
            try:
                _lock_or_say_who(descriptor, store)
                if _is_at(descriptor, place):
                    left = _read(descriptor)
                    _write(descriptor, Holder.here())
                    return cls(place, descriptor, left)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
        raise StoreLocked(f"The store {store} is being opened and closed by other processes.", hint="Try again.")

    def release(self) -> None:
        """Let others have it, and take its file away; a second time it does nothing."""
        if not self._let_go.alive or self._descriptor < 0:
            return
        if sys.platform != "win32":  # while the lock is held, so that nobody's new file is taken away
            with suppress(OSError):
                self._place.unlink()
        self._let_go()
        if sys.platform == "win32":  # which removes no open file, and so not one that somebody else has locked
            with suppress(OSError):
                self._place.unlink()

    def forget(self) -> None:
        """In a forked child: close it without a word; a child that lives on must not keep its parent's lock."""
        if self._let_go.detach() is not None:
            os.close(self._descriptor)
        self._descriptor = -1


_TAKEN: weakref.WeakSet[WriterLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_TAKEN):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _let_go(descriptor: int, pid: int) -> None:
    if os.getpid() == pid:
        with suppress(OSError):
            os.close(descriptor)


def _lock_or_say_who(descriptor: int, store: Path) -> None:
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise StoreError(
                f"The store {store} cannot be locked: the file system of its folder has no locks.",
                hint="Give it a path on a local disk: store=PATH.",
            ) from None
        if error.errno not in _HELD:
            raise
        raise StoreLocked(
            f"The store {store} is being written by {_read(descriptor) or 'another process'}.",
            hint="Wait until it is done, stop it, or give this run a store of its own: store=PATH.",
        ) from None


def _is_at(descriptor: int, place: Path) -> bool:
    """Whether the file that was locked is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), place.lstat())
    except FileNotFoundError:
        return False


def _read(descriptor: int) -> Holder | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        record: Any = json.loads(os.read(descriptor, _LONGEST_RECORD))
        return Holder(int(record["pid"]), str(record["host"])[:255], str(record["since"])[:40])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _write(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(holder._asdict()).encode())
