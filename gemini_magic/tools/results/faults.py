"""An exception of a function in words for the model: no traceback, no folders of this computer, no keys."""

from __future__ import annotations

import re

from gemini_magic.parts.secrets import find_secret
from gemini_magic.settings.keys import MASK

#: Characters of a message that the model gets.
MOST = 300
_LOOKED_AT = 20_000
_QUOTED = re.compile(r"(?<=['\"`])(?:[A-Za-z]:)?[\\/][^'\"`\n]*[\\/][^'\"`\n]*(?=['\"`])")
_BARE = re.compile(r"(?<![\w:/\\.~-])(?:file://)?(?:[A-Za-z]:)?(?:[\\/]+[^\s\\/'\"`:;,<>|()\[\]]+){2,}[\\/]*")
_WORD = re.compile(r"[\w.+/=~-]{8,}", re.ASCII)


def in_words(error: BaseException) -> str:
    """Name an exception and say its message, short and without what is nobody's business.

    Args:
        error: The exception.

    Returns:
        Such as ``ValueError: no city of that name``; the message is cut at 300 characters.
    """
    kind, message = type(error).__name__, _message(error)
    return f"{kind}: {message}" if message else kind


def _message(error: BaseException) -> str:
    try:
        text = str(error)[:_LOOKED_AT].strip()
    except Exception:  # noqa: BLE001 - somebody else's __str__
        return ""
    text = without_keys(without_folders(text))
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def without_folders(text: str) -> str:
    """A text in which absolute paths are shortened to their last name; web addresses stay."""
    return _BARE.sub(_last, _QUOTED.sub(_last, text))


def _last(match: re.Match[str]) -> str:
    return re.split(r"[\\/]+", match[0].rstrip("\\/"))[-1]


def without_keys(text: str) -> str:
    """A text in which keys and tokens are masked; nothing but their kind is left of one that has several words."""
    if not find_secret(text):
        return text
    text = _WORD.sub(lambda match: MASK if find_secret(match[0]) else match[0], text)
    kind = find_secret(text)
    return f"(the message held {kind}, and is left out)" if kind else text
