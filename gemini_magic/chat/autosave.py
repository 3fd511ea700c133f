"""Conversations that are saved after every turn, when the user asks for it: one file per notebook and name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformdirs import user_data_path

from gemini_magic.chat.files import private_folder, safe_name
from gemini_magic.chat.store import json_of, write

if TYPE_CHECKING:
    from pathlib import Path

    from gemini_magic.chat.saved import Savable


def autosave(chat: Savable, notebook_name: str) -> Path:
    """Save a conversation among the notebook's own, in the place of what was saved before.

    Args:
        chat: The conversation.
        notebook_name: The notebook's path, or whatever name tells it from others.

    Returns:
        The file.

    Raises:
        StoreError: It cannot be written.
    """
    saved = chat.saved()
    folder = private_folder(private_folder(_root()) / safe_name(notebook_name))
    return write(folder / f"{safe_name(saved.name)}.json", json_of(saved))


def latest(notebook_name: str) -> list[Path]:
    """The files that were saved for a notebook, the newest first."""
    folder = _root() / safe_name(notebook_name)
    return sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _root() -> Path:
    return user_data_path("gemini_magic") / "autosave"
