"""Text that shows what it contains.

A model may write characters that move a terminal's cursor, turn the reading direction round, or are
not seen at all. `visible` makes them visible or takes them out; everything shown goes through it.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|[\U000e0000-\U000e007f]+")
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b\u2060-\u2065\ufeff\ufff9-\ufffb]+")
_SELECTORS = re.compile("([\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{8})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u0483-\u0489\u180e\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u200b\u2028-\u202e\u2060-\u2069\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e01ef]"
)
_TAG_BASE = 0xE0000
_PICTURES = 0x2400
_DELETE = 0x7F
_LINE_SEPARATORS = "\u2028\u2029"


def visible(text: str) -> str:
    """Text in which nothing hides.

    Line ends become line feeds. Control characters become their pictures (``␛`` for escape), direction
    overrides their code, hidden tag characters the letters they stand for; zero-width padding is
    taken out and piles of combining marks are cut at eight.
    """
    if not _SUSPECT.search(text):
        return text
    text = _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n"))
    text = _CONTROL.sub(_picture, text)
    text = _DIRECTION.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)
    text = _TAGS.sub(_spell_tags, text)
    text = _ZERO_WIDTH.sub("", text)
    text = _SELECTORS.sub(r"\1", text)
    return _MARKS.sub(r"\1", text)


def _picture(match: re.Match[str]) -> str:
    character = match[0]
    if character in _LINE_SEPARATORS:
        return "\n"
    if ord(character) < ord(" "):
        return chr(_PICTURES + ord(character))
    return "\u2421" if ord(character) == _DELETE else f"[U+{ord(character):04X}]"


def _spell_tags(match: re.Match[str]) -> str:
    if match[1]:  # a flag such as Scotland's is a proper use of these characters
        return match[1]
    letters = "".join(chr(ord(tag) - _TAG_BASE) for tag in match[0])
    return f"[hidden: {_CONTROL.sub('', letters)}]"
