"""Conversations of a notebook that an earlier kernel had: from the notebook's own file, or from what was autosaved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gemini_magic.chat import Conversation, store
from gemini_magic.chat.autosave import latest
from gemini_magic.exceptions import ConversationFileError, UsageError

_SESSION = "JPY_SESSION_NAME"
_VS_CODE = "__vsc_ipynb_file__"
#: What stands for the notebook where nobody says which it is.
NAMELESS = "no notebook"


def notebook_path(shell: Any) -> Path | None:  # noqa: ANN401 - IPython's shells differ
    """The file of the notebook that runs here, or None where the front end does not say, as in Colab."""
    told = (getattr(shell, "user_ns", {}).get(_VS_CODE), os.environ.get(_SESSION))
    paths = (Path(name) for name in told if isinstance(name, str) and name.endswith(".ipynb") and "\0" not in name)
    return next(paths, None)


def notebook_name(shell: Any) -> str:  # noqa: ANN401 - IPython's shells differ
    """What autosave calls the notebook."""
    path = notebook_path(shell)
    return NAMELESS if path is None else str(path.absolute())


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
