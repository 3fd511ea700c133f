"""Conversations of a notebook that an earlier kernel had: from the notebook's own file, or from what was autosaved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.chat import Conversation, store
from gemini_magic.chat.autosave import latest
from gemini_magic.chat.notebooks import notebook_name, notebook_path
from gemini_magic.exceptions import ConversationFileError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def restore(shell: Any) -> list[Conversation]:  # noqa: ANN401 - IPython's shells differ
    """The conversations of this notebook, from its file's outputs, or else from what was autosaved.

    Raises:
        UsageError: Neither of the two has any.
    """
    path = notebook_path(shell)
    if path is not None and (found := _from_outputs(path)):
        return found
    if found := _from_autosave(notebook_name(shell)):
        return found
    if path is None:
        raise UsageError(
            "This front end does not say which notebook this is, and nothing was autosaved.",
            hint="Name the file: %gemini load PATH.ipynb.",
        )
    raise UsageError(
        f"{path} holds no conversation on disk, and nothing was autosaved.",
        hint="Save the notebook with its outputs first, or name another file: %gemini load PATH.",
    )


def _from_outputs(path: Path) -> list[Conversation]:
    try:
        return [Conversation.restored(saved) for saved in store.read(path)]
    except ConversationFileError:
        return []  # what was autosaved may be there all the same


def _from_autosave(name: str) -> list[Conversation]:
    return [Conversation.load(path) for path in reversed(latest(name))]
