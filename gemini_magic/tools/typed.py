"""Asking for leave by a typed prompt: in a terminal, and in a notebook without buttons."""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType
from typing import TYPE_CHECKING

from gemini_magic.tools.approval import NobodyAnswers

if TYPE_CHECKING:
    from gemini_magic.tools.approval import Leave, Pending

_ANSWERS: dict[str, Leave] = {
    "": "deny",
    "n": "deny",
    "no": "deny",
    "y": "run",
    "yes": "run",
    "a": "all",
    "all": "all",
}
_TRIES = 3
_HEAD = 3_000
_TAIL = 1_000


class TypedApprover:
    """Asks whoever sits at the keyboard."""

    def ask(self, pending: Pending) -> Leave:
        """Ask, and wait for the answer; what is no answer three times is a no.

        Raises:
            NobodyAnswers: There is no keyboard, as in a script without a terminal or a notebook run by a program.
            KeyboardInterrupt: The person has stopped the whole answer.
        """
        name = harmless(pending.name)
        question = f"Run {shortened(harmless(str(pending)))}? [y]es, [a]ll calls of {name}, [N]o: "
        for _ in range(_TRIES):
            leave = _ANSWERS.get(_typed(question, name).strip().lower())
            if leave is not None:
                return leave
        return "deny"


def _typed(question: str, name: str) -> str:
    if not _has_keyboard():
        raise _nobody(name)
    try:
        return input(question)
    except (EOFError, NotImplementedError, OSError, RuntimeError, ValueError):
        # At the end of the input, in a notebook that takes none, with a closed terminal.
        raise _nobody(name) from None


def _has_keyboard() -> bool:
    """Whether there is somebody to type; a notebook puts its own function in the place of ``input``."""
    if not isinstance(builtins.input, BuiltinFunctionType):
        return True
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it is closed
        return False


def _nobody(name: str) -> NobodyAnswers:
    return NobodyAnswers(f"{name} needs leave to run, and there is nobody here who could give it.")


def harmless(text: str) -> str:
    """A text in one line in which nothing hides: what has no form of its own, or moves others, is written as a code."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def shortened(text: str) -> str:
    """The beginning and the end of a text that is too long for a question."""
    left_out = len(text) - _HEAD - _TAIL
    return text if left_out <= 0 else f"{text[:_HEAD]} … ({left_out:,} characters not shown) … {text[-_TAIL:]}"
