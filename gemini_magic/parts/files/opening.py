"""The one way in which a file that the user named is read.

Only regular files, never a device, a pipe or a view of the system such as ``/proc``; never a file of keys; never what a
link leads to outside the folder it seems to be in; never more than the limit. What stands in a value, a frame or an
answer is no name of a file: this is called with what was typed, and by nobody else.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gemini_magic.exceptions import FileRejected
from gemini_magic.parts.files.names import shown_name, size_text
from gemini_magic.parts.files.secret_files import why_secret

#: The largest file that is sent, in bytes; Google takes no more in one request.
MAX_FILE = 100_000_000

_VIEWS = ("/proc", "/sys", "/dev")
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_file(typed: str, what: str, limit: int | None = None) -> bytes:
    """Read a file that the user named.

    Args:
        typed: The path as it was typed; ``~`` is the home folder, and a relative path starts at the working folder.
        what: What the user calls it, for messages.
        limit: The largest size in bytes; ``MAX_FILE`` when None.

    Returns:
        All its bytes.

    Raises:
        FileRejected: It is not there, not a file to send, empty, or too large.
    """
    most = MAX_FILE if limit is None else limit
    path = _real_path(typed, what)
    try:
        _check_kind(path.lstat(), what)  # before it is opened: opening alone can set a device going
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise _unreadable(typed, what, error) from None
    try:
        found = os.fstat(descriptor)
        _check_kind(found, what)
        return _read(descriptor, found.st_size, what, most)
    except OSError as error:
        raise _unreadable(typed, what, error) from None
    finally:
        os.close(descriptor)


def _real_path(typed: str, what: str) -> Path:
    """Where the file really is, when it may be read."""
    if not typed or "\x00" in typed:
        raise FileRejected(f"{what} has no name that a file can have.", hint="Give the path of a file.")
    if typed.startswith(("\\\\", "//")):
        raise FileRejected(f"{what} is on a network share, which is not read.", hint="Copy it to this computer.")
    try:
        path = Path.cwd() / Path(typed).expanduser()
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise _unreadable(typed, what, error) from None
    straight = Path(os.path.normpath(path))
    for place in (straight, real):
        _check_place(place, what)
    _check_links(straight, real, what)
    return real


def _check_place(path: Path, what: str) -> None:
    if why := why_secret(path):
        raise FileRejected(
            f"{what} is {why}, which is never sent.", hint="If you mean it, paste what is to be sent as text."
        )
    if any(map(path.is_relative_to, _VIEWS)) and not path.is_relative_to("/dev/shm"):  # noqa: S108 - only compared
        raise FileRejected(f"{what} is no file but a view of the system.", hint="Give the path of a regular file.")
    if os.name == "nt" and path.name.partition(".")[0].lower() in _WINDOWS_DEVICES:
        raise FileRejected(f"{what} is a device.", hint="Give the path of a regular file.")


def _check_links(path: Path, real: Path, what: str) -> None:
    """A link that came with a folder, such as a cloned one, must not lead to the rest of the disk."""
    here = Path.cwd()
    folder = (here if path.is_relative_to(here) else path.parent).resolve()
    if not real.is_relative_to(folder):
        raise FileRejected(
            f"{what} is a link that leads out of its folder, to {shown_name(str(real))}.",
            hint="If you mean that file, give that path itself.",
        )


def _check_kind(found: os.stat_result, what: str) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    if stat.S_ISDIR(found.st_mode):
        raise FileRejected(
            f"{what} is a folder.", hint="Name the files in it, such as -f 'folder/*.pdf', or send str(path)."
        )
    kind = next((kind for test, kind in _KINDS if test(found.st_mode)), "no regular file")
    raise FileRejected(f"{what} is {kind}, not a regular file.", hint="Save what it says as a file, and send that.")


def _read(descriptor: int, size: int, what: str, limit: int) -> bytes:
    if not size:
        raise FileRejected(f"{what} is empty.", hint="Write something into it, or leave it out.")
    if size > limit:
        raise FileRejected(
            f"{what} is {size_text(size)}; the limit is {size_text(limit)}.",
            hint="Upload it with the Files API and give its address, or send a part of it.",
        )
    pieces: list[bytes] = []
    left = size + 1  # one more, to notice that it grows
    while left and (piece := os.read(descriptor, left)):
        pieces.append(piece)
        left -= len(piece)
    if left != 1:
        raise FileRejected(f"{what} changed while it was read.", hint="Wait until it is written, and try again.")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unreadable(typed: str, what: str, error: OSError | RuntimeError) -> FileRejected:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FileRejected(f"{what} is not there.", hint=_where(typed))
    if isinstance(error, PermissionError):
        return FileRejected(f"{what} may not be read: permission denied.", hint="Change its permissions, or copy it.")
    reason = getattr(error, "strerror", None) or type(error).__name__
    return FileRejected(f"{what} cannot be read: {reason}.", hint="Check the path.")


def _where(typed: str) -> str:
    if "$" in typed:
        return "$VARIABLES are not expanded in paths: write the path out, or make it with os.path.expandvars."
    if Path(typed).is_absolute():
        return "Check the path."
    return f"The working folder is {shown_name(str(Path.cwd()))}."
