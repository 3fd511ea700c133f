"""The elements of an array, each as soon as it is whole, from JSON that is still being written."""

from __future__ import annotations

import re
from typing import Any

from gemini_magic.exceptions import InvalidJSON
from gemini_magic.schemas.json_text import decode

_QUOTE = re.compile(r'["\\]')
_MARKS = re.compile(r'["{}\[\],]')
_BLANK = " \t\r\n\ufeff"
# What may follow the bracket that begins the answer, unlike one in a sentence.
_BEGINS = {"[": '[{"]-0123456789tfn', "{": '"}'}


class ArrayReader:
    """Reads JSON piece by piece and gives the elements of its array.

    The array is the whole answer, or the first array among the values of the object that is the whole answer. A code
    fence and words before it are passed over. Every character is looked at once. Nothing is ever raised: where the text
    stops being JSON, no more elements come, and whoever reads the whole text says what is wrong with it.
    """

    def __init__(self) -> None:
        self._depth = 0
        # Depth at which the elements stand: 1, or 2 when the array is a value of an object; 0 until that is known.
        self._home = 0
        self._in_string = False
        self._escaped = False
        self._held = ""
        self._pieces: list[str] = []
        self._started = False
        self._done = False

    def feed(self, text: str) -> list[Any]:
        """Take the next piece of the text.

        Returns:
            The elements that became whole with it, as plain values.
        """
        found: list[Any] = []
        text, self._held = self._held + text, ""
        place = 0
        while place < len(text) and not self._done:
            place = self._begin(text, place) if self._depth == 0 else self._step(text, place, found)
        return found

    def _begin(self, text: str, place: int) -> int:
        """Look for the bracket that begins the answer."""
        while place < len(text):
            if text[place] in _BEGINS:
                after = place + 1
                while after < len(text) and text[after] in _BLANK:
                    after += 1
                if after == len(text):
                    # What comes next tells; blanks in between say nothing.
                    self._held = text[place]
                    return after
                if text[after] in _BEGINS[text[place]]:
                    self._depth, self._home = 1, 1 if text[place] == "[" else 0
                    return place + 1
            place += 1
        return place

    def _step(self, text: str, place: int, found: list[Any]) -> int:
        """Go on to the next character that matters."""
        if self._escaped:
            self._escaped = False
            self._keep(text[place])
            return place + 1
        match = (_QUOTE if self._in_string else _MARKS).search(text, place)
        if match is None:
            self._keep(text[place:])
            return len(text)
        mark, end = match[0], match.end()
        self._keep(text[place : end - 1])
        if mark in '"\\':
            self._escaped = mark == "\\"
            self._in_string = self._in_string != (mark == '"')
            self._keep(mark)
        else:
            self._mark(mark, found)
        return end

    def _keep(self, piece: str) -> None:
        if self._home and self._depth >= self._home:
            self._pieces.append(piece)

    def _mark(self, mark: str, found: list[Any]) -> None:
        """A bracket or a comma outside strings."""
        if mark in "]}":
            if self._depth == self._home:
                self._done = self._close(found)
                return
            self._depth -= 1
            self._done = self._depth == 0
            self._keep(mark)
        elif mark == "," and self._depth == self._home:
            self._close(found)
        else:
            self._keep(mark)
            if mark != ",":
                self._depth += 1
            if mark == "[" and not self._home and self._depth == 2:  # noqa: PLR2004 - a value of the top object
                self._home = 2

    def _close(self, found: list[Any]) -> bool:
        """An element ends here; returns False when it shows that the array was a remark in brackets."""
        text = "".join(self._pieces).strip(_BLANK)
        self._pieces.clear()
        if not text:
            return True
        try:
            found.append(decode(text))
        except InvalidJSON:
            self._done = self._started or text[0] not in "tfn"
            if not self._done:
                self._depth = self._home = 0
            return self._done
        self._started = True
        return True
