"""Where templates are kept: a folder beside the notebook, to be shared with it, and one of the user's own."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError, StoreError, UsageError
from gemini_magic.settings import config_path, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The largest template, in bytes.
MAX_TEMPLATE = 1_000_000
_NAME = re.compile(r"[\w-]{1,80}")
_ENDING = ".md"


@dataclass(frozen=True, slots=True)
class Template:
    """A template and where it was found."""

    name: str
    text: str
    path: Path


def shared_folder() -> Path:
    """The folder beside the notebook; it counts when it is there."""
    return Path(".gemini_magic") / "templates"


def own_folder() -> Path:
    """The user's folder, beside the config file."""
    return config_path().parent / "templates"


def names() -> list[str]:
    """The names of all templates, in their order."""
    return sorted({path.stem for path in _files()})


def find(name: str) -> Template:
    """Read a template; the one beside the notebook wins.

    Raises:
        UsageError: There is none of that name.
        InputError: It cannot be read.
    """
    path = _path_of(name)
    try:
        if path.stat().st_size > MAX_TEMPLATE:
            raise InputError(f"The template {path} is larger than {MAX_TEMPLATE:,} bytes.")
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"The template {path} is not UTF-8 text (byte {error.start}).") from None
    except OSError as error:
        raise InputError(f"The template {path} cannot be read: {error.strerror}.") from None
    return Template(name, text.removesuffix("\n"), path)


def listing() -> list[Template]:
    """All templates that can be read; of two with one name the one that counts."""
    found = []
    for name in names():
        with suppress(InputError, UsageError):  # `show` says what is wrong with it
            found.append(find(name))
    return found


def save(name: str, text: str) -> tuple[Path, bool]:
    """Write a template, beside the notebook when that folder is there, else into the user's.

    Args:
        name: Letters, digits, ``-`` and ``_``.
        text: The template.

    Returns:
        Where it is now, and whether another one was replaced.

    Raises:
        UsageError: It has another name, or is too large.
        StoreError: It cannot be written.
    """
    _check_name(name)
    data = f"{text}\n".encode()
    if len(data) > MAX_TEMPLATE:
        raise UsageError(f"The template would have {len(data):,} bytes; the limit is {MAX_TEMPLATE:,}.")
    shared = shared_folder().is_dir()
    path = (shared_folder() if shared else own_folder()) / f"{name}{_ENDING}"
    replaces = path.exists()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, data, 0o666 if shared else 0o600)
    except OSError as error:
        raise StoreError(f"The template {path} cannot be written: {error.strerror}.") from None
    return path, replaces


def remove(name: str) -> Path:
    """Delete a template, the one that counts; returns where it was.

    Raises:
        UsageError: There is none of that name.
        StoreError: It cannot be deleted.
    """
    path = _path_of(name)
    try:
        path.unlink()
    except OSError as error:
        raise StoreError(f"The template {path} cannot be deleted: {error.strerror}.") from None
    return path


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write all or nothing."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123 - with a mode
            file.write(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"A template's name is letters, digits, - and _; {name[:80]!r} is not.")


def _path_of(name: str) -> Path:
    _check_name(name)
    path = next((path for path in _files() if path.stem == name), None)
    if path is None:
        known = names()
        hint = did_you_mean(name, known) or f"There is: {', '.join(known) or 'none yet'}."
        raise UsageError(f"There is no template {name!r}.", hint=hint)
    return path


def _files() -> Iterator[Path]:
    """The files of both folders, those beside the notebook first."""
    shared = shared_folder()
    for folder in (shared, own_folder()):
        try:
            found = sorted(path for path in folder.iterdir() if path.suffix == _ENDING and _NAME.fullmatch(path.stem))
        except OSError:
            continue
        # A link in a folder that came with somebody's notebook could lead to any file of the user's.
        yield from (path for path in found if path.is_file() and not (folder is shared and path.is_symlink()))
