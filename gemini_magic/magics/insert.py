"""Puts code of an answer into a new cell; it is for the user to read and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.display.visible import visible
from gemini_magic.exceptions import UsageError

if TYPE_CHECKING:
    from gemini_magic.reply import Reply

_MARK = "# from Gemini: read before you run it"


def insert_code(shell: Any, reply: Reply, number: int | None = None) -> str:  # noqa: ANN401 - IPython's shells differ
    """Put code into a new cell below, and print it too: not every front end makes the cell.

    Args:
        shell: The IPython shell.
        reply: The answer.
        number: Which of its code blocks, counted from 1; all of them when None.

    Returns:
        What was put in.

    Raises:
        UsageError: The answer has no code, or no block of that number.
    """
    blocks = reply.code
    if not blocks:
        raise UsageError("The answer has no code to put into a cell.")
    if number is not None and not 1 <= number <= len(blocks):
        raise UsageError(f"The answer has {len(blocks)} blocks of code; there is no block {number}.")
    chosen = blocks if number is None else [blocks[number - 1]]
    code = _marked(visible("\n\n".join(block.strip("\n") for block in chosen)))
    shell.set_next_input(code, replace=False)
    print(code)  # noqa: T201 - a terminal, an exported notebook and some front ends show no new cell
    return code


def _marked(code: str) -> str:
    """The code with our mark; a cell magic has to stay in the first line."""
    if not code.startswith("%%"):
        return f"{_MARK}\n{code}"
    first, _, rest = code.partition("\n")
    return f"{first}\n{_MARK}\n{rest}"
