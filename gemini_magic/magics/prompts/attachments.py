"""What ``-i/--image`` and ``-f/--file`` put before a prompt.

Only what stands on the line of the cell is read: a variable's text is never taken for a path.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import FileRejected, GeminiMagicError, ImageRejected
from gemini_magic.parts import Medium
from gemini_magic.parts.displayed import displayed_parts, is_displayed
from gemini_magic.parts.files import File, file, file_parts, image
from gemini_magic.parts.files.names import shown_name, size_text
from gemini_magic.parts.files.opening import MAX_FILE
from gemini_magic.parts.pictures import picture_parts
from gemini_magic.parts.secrets import check_secret
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gemini_magic import wire
    from gemini_magic.parts import Pictures
    from gemini_magic.settings import ApiKey

#: How many files a pattern may mean.
MAX_FILES = 100

_PATTERN = re.compile(r"[*?\[]")
_DIGITS = re.compile(r"(\d+)")


def attached(
    options: Mapping[str, Any],
    namespace: Mapping[str, Any],
    pictures: Pictures,
    *,
    keys: Iterable[ApiKey] | None = (),
) -> list[Medium | str]:
    """Read what the options name.

    Args:
        options: The options that were given; ``image`` and ``file`` are read.
        namespace: The notebook's variables.
        pictures: What was asked for pictures.
        keys: Keys that must not be sent to a model; None to send whatever there is.

    Returns:
        Pictures first, then files, each in the order in which they were typed; what a text file holds is text.

    Raises:
        InputError: Something cannot be sent; the message names the option and the file.
    """
    checked = None if keys is None else tuple(keys)
    found: list[Medium | str] = []
    for typed in options.get("image", ()):
        found += [Medium(typed, part) for part in _picture(typed, namespace, pictures)]
    for typed in options.get("file", ()):
        for one in _files(typed, namespace):
            name = one.uri or one.path
            found += [_piece(part, name, checked) for part in file_parts(one, f"-f {_short(typed)}", pictures)]
    return found


def _short(typed: str) -> str:
    return typed if len(typed) <= 40 and typed.isprintable() else "…"  # noqa: PLR2004 - a name follows anyway


def _piece(part: wire.Part, name: str, keys: tuple[ApiKey, ...] | None) -> Medium | str:
    if part.text is None:
        return Medium(name, part)
    if keys is not None:
        check_secret(part.text, f"-f {shown_name(name)}", keys=keys)
    return part.text


def _picture(typed: str, namespace: Mapping[str, Any], pictures: Pictures) -> list[wire.Part]:
    what = f"-i {_short(typed)}"
    if typed in namespace:
        return _picture_of(namespace[typed], what, pictures)
    found = image(typed)
    if not isinstance(found, File):  # pragma: no cover - a text is a path or an address
        return picture_parts(found, what, pictures)
    if found.path:
        names = [name for name in namespace if isinstance(name, str) and not name.startswith("_")]
        _check_there(found.path, what, names)
    elif not found.kind:
        raise ImageRejected(f"{what}: this address does not say that it is a picture.", hint="Use -f for it.")
    return file_parts(found, what, pictures)


def _picture_of(value: object, what: str, pictures: Pictures) -> list[wire.Part]:
    if isinstance(value, str):
        raise ImageRejected(
            f"{what} is a variable with text, which is no picture; the text is not taken for a path.",
            hint="Type the path itself, or make it a pathlib.Path.",
        )
    if isinstance(value, Path):
        return file_parts(File(path=str(value), picture=True), what, pictures)
    if isinstance(value, File):
        return file_parts(File(value.path, value.uri, value.mime_type, picture=True), what, pictures)
    if not is_displayed(value):
        return picture_parts(value, what, pictures)
    parts = displayed_parts(value, what, pictures)
    if all(part.inline_data and (part.inline_data.mime_type or "").startswith("image/") for part in parts):
        return parts
    raise ImageRejected(f"{what} ({type(value).__name__}) is no picture.", hint="Put it into the prompt: {{…}}.")


def _files(typed: str, namespace: Mapping[str, Any]) -> list[File]:
    """What a value of ``-f`` means: an address, a file, or all files of a pattern."""
    what = f"-f {_short(typed)}"
    try:
        named = file(typed)
    except GeminiMagicError as error:
        raise type(error)(f"{what}: {error.message}", hint=error.hint) from None
    if named.uri:
        return [named]
    if _PATTERN.search(typed) and not _exists(typed):
        return [File(path=path) for path in _matching(typed, what)]
    if typed in namespace and not _exists(typed):
        raise FileRejected(
            f"{what} is a variable; -f takes a path or an address.", hint=f"Put it into the prompt: {{{{{typed}}}}}."
        )
    _check_there(typed, what)
    return [named]


def _matching(pattern: str, what: str) -> list[str]:
    """The files of a pattern, in the order in which people count them; folders are left out."""
    found = glob.glob(os.path.expanduser(pattern), recursive=True)  # noqa: PTH111, PTH207 - Path.glob takes no absolute one
    paths = sorted((path for path in found if not Path(path).is_dir()), key=_natural)
    if not paths:
        raise FileRejected(f"{what}: no file has such a name.", hint=_near(pattern))
    if len(paths) > MAX_FILES:
        raise FileRejected(f"{what} means {len(paths):,} files; the limit is {MAX_FILES}.", hint="Name fewer of them.")
    size = sum(Path(path).stat().st_size for path in paths if Path(path).exists())
    if size > MAX_FILE:
        raise FileRejected(
            f"{what} means {len(paths):,} files of {size_text(size)} in all; the limit is {size_text(MAX_FILE)}.",
            hint="Name fewer of them.",
        )
    return paths


def _natural(path: str) -> list[tuple[int, str]]:
    """A key by which page10 comes after page9."""
    return [(int(word), "") if word.isdecimal() else (-1, word.casefold()) for word in _DIGITS.split(path)]


def _check_there(typed: str, what: str, names: Iterable[str] = ()) -> None:
    """Name the nearest files and variables when there is no such file; reading it finds everything else."""
    if not typed or "\x00" in typed or "$" in typed or _exists(typed):
        return
    if near := did_you_mean(typed, names) or _near(typed):
        raise FileRejected(f"{what}: {shown_name(typed)} is not there.", hint=near)


def _exists(typed: str) -> bool:
    try:
        return os.path.lexists(Path(typed).expanduser())
    except RuntimeError:  # there is no such user, so there is no home
        return False


def _near(typed: str) -> str:
    """The nearest names in the folder that was meant."""
    try:
        path = Path(typed).expanduser()
        names = [one.name for one in path.parent.iterdir()]
    except RuntimeError:
        return ""
    except OSError:
        return f"There is no folder {shown_name(str(path.parent))}."
    return did_you_mean(path.name, filter(str.isprintable, names))
