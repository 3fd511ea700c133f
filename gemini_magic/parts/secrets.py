"""Keys and tokens in a text that is about to be sent.

The patterns are narrow on purpose: they fire on the shapes that providers give their keys, not on hashes, UUIDs or
pictures in base64. What they find is named by its kind and never shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_START = r"(?<![A-Za-z0-9_-])"
_END = r"(?![A-Za-z0-9_-])"
#: A real key has more different characters than a placeholder such as AIzaXXXX….
_MIN_DIFFERENT = 8


class Key(Protocol):
    """A key of a configured profile, which says whether a text holds it and never shows itself."""

    def is_in(self, text: str) -> bool:
        """Whether the text holds the key."""


class _Shape(NamedTuple):
    """How a kind of key looks; ``hint`` is in every one of them, and quick to look for."""

    kind: str
    hint: str
    pattern: re.Pattern[str]


def _whole(kind: str, start: str, body: str, hint: str = "") -> _Shape:
    """A key that stands alone: a fixed start, and a body of so many characters."""
    return _Shape(kind, hint or start, re.compile(rf"{_START}{start}(?P<body>{body}){_END}", re.ASCII))


_OPENAI, _GITHUB, _SLACK = "an OpenAI-style key", "a GitHub token", "a Slack token"
_BEGIN = r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_HEADER = r"\bauthorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?bearer (?P<body>(?=[a-z._~+/=-]*\d)[\w.~+/=-]{20,8192})"

_SHAPES: tuple[_Shape, ...] = (
    _Shape("a private key", "PRIVATE KEY", re.compile(_BEGIN)),
    _whole("a Google API key", "AIza", r"[\w-]{35}"),
    _whole("a Google API key", r"AQ\.A", r"[\w-]{30,200}", "AQ.A"),
    _whole(_OPENAI, "sk-", r"(?:[a-z0-9]{1,12}-){0,2}(?=[A-Za-z_]*\d)(?=\d*[A-Za-z])\w{20,300}"),
    _whole(_OPENAI, r"sk-(?:proj|svcacct|admin|or-v1|ant-[a-z]{2,8}\d\d)-", r"[\w-]{40,300}", "sk-"),
    _whole("an AWS access key", "AKIA", r"[A-Z2-7]{16}"),
    _whole("an AWS access key", "ASIA", r"[A-Z2-7]{16}"),
    _whole(_GITHUB, r"gh[pousr]_", r"[A-Za-z0-9]{36,255}", "gh"),
    _whole(_GITHUB, "github_pat_", r"\w{50,255}"),
    _whole(_SLACK, r"xox[abeoprs]-", r"(?=[a-z-]*\d)[A-Za-z0-9-]{10,255}", "xox"),
    _whole(_SLACK, r"xapp-\d-", r"[A-Za-z0-9-]{20,255}", "xapp-"),
    _whole("a JWT", "eyJ", r"[\w-]{10,4096}\.eyJ[\w-]{10,8192}\.[\w-]{10,2048}"),
    _Shape("a Bearer header", "earer ", re.compile(_HEADER, re.IGNORECASE | re.ASCII)),
)


def find_secret(text: str) -> str | None:
    """Say which kind of key or token a text holds.

    Args:
        text: The text.

    Returns:
        Such as ``"a Google API key"``, or None when there is none.
    """
    for kind, hint, pattern in _SHAPES:
        if hint in text and any(map(_is_real, pattern.finditer(text))):
            return kind
    return None


def _is_real(match: re.Match[str]) -> bool:
    body = match.groupdict().get("body")
    return body is None or len(set(body)) >= _MIN_DIFFERENT


def check_secret(text: str, what: str, *, keys: Iterable[Key] = (), patterns: bool = True) -> None:
    """Stop a text that holds a key.

    Args:
        text: The text that would be sent.
        what: What the user calls it, for the message.
        keys: The configured keys; they are refused always.
        patterns: Whether to look for other keys and tokens, too.

    Raises:
        InputError: The text holds a key; the message names its kind, and never shows it.
    """
    if any(key.is_in(text) for key in keys):
        raise InputError(
            f"{what} holds your API key: this would send your key to the model.", hint="Take it out or mask it."
        )
    if patterns and (kind := find_secret(text)):
        raise InputError(
            f"{what} holds {kind}, which would be sent to the model.",
            hint="Mask it; or, if it may be sent, run %config GeminiMagics.check_secrets = False in this notebook.",
        )
