"""Code in colours: Pygments' short classes, and no more of them than a theme tells apart."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String
from pygments.util import ClassNotFound

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
_LONGEST = 60_000
_CLASSES: dict[_TokenType, str] = {
    Comment: "c",
    Keyword: "k",
    Name.Attribute: "na",
    Name.Builtin: "nb",
    Name.Class: "nc",
    Name.Decorator: "nd",
    Name.Exception: "nc",
    Name.Function: "nf",
    Name.Tag: "nt",
    String: "s",
    Number: "m",
    Operator.Word: "k",
    Generic.Deleted: "gd",
    Generic.Heading: "gh",
    Generic.Inserted: "gi",
    Generic.Subheading: "gh",
}

CLASSES = frozenset(_CLASSES.values())
"""Every class that `tokens` gives."""


def tokens(code: str, language: str) -> list[tuple[str, str]]:
    """Code as pairs of class and text; the class is empty where nothing need be coloured.

    The texts joined are the code. A language that Pygments does not know, and code too long to colour
    while it arrives, come as one pair.
    """
    lexer = _lexer(language.lower()) if len(code) <= _LONGEST else None
    if lexer is None:
        return [("", code)]
    merged: list[tuple[str, str]] = []
    for kind, text in lexer.get_tokens(code):
        css = "" if text.isspace() else _css(kind)
        if merged and (merged[-1][0] == css or text.isspace()):
            merged[-1] = (merged[-1][0], merged[-1][1] + text)
        else:
            merged.append((css, text))
    return merged


@lru_cache(maxsize=256)
def _lexer(language: str) -> Lexer | None:
    if not _LANGUAGE.fullmatch(language):
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=1024)
def _css(kind: _TokenType) -> str:
    for ancestor in reversed(kind.split()):
        if ancestor in _CLASSES:
            return _CLASSES[ancestor]
    return ""
