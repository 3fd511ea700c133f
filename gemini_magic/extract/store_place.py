"""Where stores are: the default folder, what is the user's alone, and folders that are not safe."""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

from platformdirs import user_data_path

from gemini_magic.exceptions import StoreError

#: Names a folder for the stores that are given no path.
DATA_VARIABLE = "GEMINI_MAGIC_DATA"
_NETWORK = re.compile(
    r"(fuse\.)?(9p|afs|beegfs|ceph|cifs|davfs|drvfs|gcsfuse|glusterfs|gpfs|lustre|ncpfs|nfs4?|orangefs|rclone|s3fs"
    r"|smb3|smbfs|sshfs)"
)
_SYNCED = (
    "dropbox",
    "google drive",
    "googledrive",
    "icloud drive",
    "mobile documents",
    "nextcloud",
    "onedrive",
    "owncloud",
)
_MOUNTS = Path("/proc/self/mounts")


def default_path(digest: str) -> Path:
    """The file of a job: in the folder that ``GEMINI_MAGIC_DATA`` names, or in the user's folder for data."""
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named).expanduser() if named else user_data_path("gemini_magic") / "extract"
    return folder / f"{digest}.sqlite3"


def make_folder(folder: Path) -> None:
    """A folder, and those above it; the ones that are made are the user's alone.

    Raises:
        OSError: It cannot be made.
    """
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise StoreError(f"The store cannot be in {folder}: that is not a folder.")


def make_private(path: Path) -> None:
    """See that a file can be written, and that nobody else can read it.

    Raises:
        OSError: It cannot be written.
    """
    os.close(os.open(path, os.O_RDWR))  # SQLite would open it for reading without a word
    for one in (path, beside(path, "-wal"), beside(path, "-shm")):
        with suppress(FileNotFoundError):
            if one.stat().st_mode & 0o077:
                one.chmod(0o600)


def beside(path: Path, ending: str) -> Path:
    """A file that belongs to another."""
    return path.with_name(path.name + ending)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when there is none.

    Raises:
        StoreError: It is something else than a file.
        OSError: It cannot be looked at.
    """
    try:
        facts = path.stat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(facts.st_mode):
        raise StoreError(f"{path} is not a file, and cannot be a store.", hint="Name a file: store=PATH.")
    return facts.st_size


def concerns(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Why a store would be safer elsewhere, in words, or nothing."""
    kind = _network(folder, mounts)
    synced = next((one for one in folder.parts if one.lower().startswith(_SYNCED)), "")
    if not kind and not synced:
        return ""
    what = f"a network folder ({kind})" if kind else f"a folder that is synchronised ({synced})"
    return f"The store is in {what}, where another machine could change it; a local path is safer: store=PATH."


def _network(folder: Path, mounts: Path) -> str:
    if sys.platform == "win32":
        return "a share" if folder.drive.startswith("\\\\") else ""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    found, longest = "", -1
    for line in lines:
        _, place, kind, *_ = [*line.split(), "", "", ""]
        mounted = Path(place.replace("\\040", " "))
        if folder.is_relative_to(mounted) and len(mounted.parts) >= longest:
            found, longest = kind, len(mounted.parts)
    return found if _NETWORK.fullmatch(found) else ""
