"""``%gemini fix``: explains the last error and puts a mended cell below; it never runs anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.exceptions import UsageError
from gemini_magic.magics.prompts.context import context
from gemini_magic.magics.prompts.failures import last_failure
from gemini_magic.reply.places import fences_in

if TYPE_CHECKING:
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session
    from gemini_magic.reply import Reply

_TASK = """\
A cell of a Jupyter notebook failed. First explain in two or three sentences why. Then give the whole cell, mended, in
exactly one fenced code block that starts with ```python: no line numbers and no marks in it, nothing changed that need
not be, and everything that the cell did before still done."""
_PYTHON = frozenset({"", "python", "python3", "py", "ipython"})
#: The first line of the cell; it says where the code is from.
MARK = "# mended by Gemini: read it before you run it"


def _fix(session: Session, command: Command) -> object:
    if last_failure(session.shell) is None:
        raise UsageError("No cell has failed yet in this notebook session: there is nothing to fix.")
    found = context("error", session.shell)
    reply = session.ask_prompt(f"{_TASK}\n\n{found.text}", command.options)
    print(found.note)  # noqa: T201 - below the answer, which has the cell's output to itself while it comes
    code = _mended(reply)
    if code is None:
        print("The answer has no code, so nothing was put into a new cell.")  # noqa: T201
        return None
    # A cell magic must stay the first line of its cell.
    session.shell.set_next_input(code if code.startswith("%%") else f"{MARK}\n{code}", replace=False)
    print("The mended cell is below, or at the next prompt; it has not been run.")  # noqa: T201
    return None


def _mended(reply: Reply) -> str | None:
    """The code of the answer: the last block of Python, for some models quote the broken lines before it."""
    blocks = [(fence.language.lower(), fence.code.strip("\n")) for fence in fences_in(reply.text) if fence.code.strip()]
    python = [code for language, code in blocks if language in _PYTHON]
    return next(reversed(python or [code for _, code in blocks]), None)


RUN: dict[str, Run] = {"fix": _fix}
