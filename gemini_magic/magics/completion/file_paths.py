"""Paths that begin as they were typed, for completion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX = 200


def paths(typed: str, *, quote: str = "") -> Iterator[str]:
    """Files and folders whose path begins with what was typed.

    Args:
        typed: The path so far; ``~`` is the user's home, and an address with ``://`` is no path.
        quote: The quote that is open before it; without one, a path that needs quotes gets them.

    Yields:
        Paths as they would be typed, folders with a slash at their end, folders first.
    """
    if "://" in typed:
        return
    folder, slash, start = typed.rpartition("/")
    if typed == "~":
        folder, slash, start = "~", "/", ""
    for name in _names(Path(folder + slash).expanduser(), start)[:_MAX]:
        path = f"{folder}{slash}{name}"
        yield (
            path
            if quote or not any(character.isspace() or character in "\"'=" for character in path)
            else (_quoted(path))
        )


def _names(folder: Path, start: str) -> list[str]:
    """Names in a folder that begin so; hidden ones only where the dot was typed."""
    try:
        with os.scandir(folder) as entries:
            found = [(not entry.is_dir(), entry.name) for entry in entries if entry.name.startswith(start)]
    except (OSError, ValueError):
        return []
    shown = [one for one in found if start.startswith(".") or not one[1].startswith(".")]
    return [name if is_file else f"{name}/" for is_file, name in sorted(shown)]


def _quoted(path: str) -> str:
    """In quotes; a folder's are left open, so that one can go on."""
    quote = "'" if '"' in path else '"'
    return f"{quote}{path}" if path.endswith("/") else f"{quote}{path}{quote}"
