"""The one way in which a mistyped name is answered with the likely one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Say which names are close to a word.

    Args:
        word: What was typed.
        choices: The names that would have been right.

    Returns:
        ``"Did you mean 'a' or 'b'?"``, or an empty string when nothing is close.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - needed only when something went wrong

    near = get_close_matches(word, list(choices), n=2, cutoff=0.6)
    if not near:
        return ""
    return f"Did you mean {' or '.join(repr(name) for name in near)}?"
