"""Where in an answer something stands: byte offsets become characters, and marks find a place that breaks nothing."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gemini_magic.wire import Part

_FENCE = re.compile(r"((?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])[ \t]+)*[ \t]*)(`{3,}|~{3,})([^\n]*)")
_INLINE = re.compile(
    r"""
      (?P<block>\$\$.{1,2000}?\$\$ | \\\[.{1,2000}?\\\])             # formulas in lines of their own
    | ``[^\n]{1,500}?`` | `[^`\n]{1,500}`                            # code
    | \\\(.{1,500}?\\\) | \$[^\s$](?:[^$\n]{0,500}[^\s$\\])?\$       # formulas
    | !?\[(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]{0,200}\]){0,500}\]          # links and images, to the end of their target
      (?:\((?:[^()\n]|\([^()\n]{0,500}\)){0,2000}\)|\[[^\[\]\n]{0,200}\])
    | <[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]{0,2000}>                      # bare addresses
    | &(?:\#\w{1,8}|\w{2,32});                                       # characters by name
    | \\[!-/:-@\[-`{-~]                                              # characters taken as they are
    """,
    re.VERBOSE | re.DOTALL,
)
_EMPHASIS_END = re.compile(r"[*_~]+(?=\W|\Z)")
_DELIMITER_ROW = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t\r]*")
_CELL_END = re.compile(r"[ \t|]*\Z")
_STANDS_ALONE = re.compile(r"[ \t>]*(?:=+|(?:[-*_][ \t]*){2,}|\[[^\]\n]{1,999}\]:[^\n]*)[ \t\r]*")
_JOINERS = "\u200d\ufe0e\ufe0f"
_SIGHT = 4_000  # characters around a place that are looked at


class Fence(NamedTuple):
    """A fenced block of code: where it stands, and what is in it."""

    start: int
    end: int
    language: str
    code: str


class Spot(NamedTuple):
    """A place for a mark; `apart` if it needs a paragraph of its own."""

    position: int
    apart: bool = False


def fenced(code: str, language: str = "") -> str:
    """Code as a fenced block that nothing in it closes."""
    fence = "`" * (1 + max((len(ticks) for ticks in re.findall("`{3,}", code)), default=2))
    return f"{fence}{language}\n{code.removesuffix(chr(10))}\n{fence}"


def fences_in(text: str) -> Iterator[Fence]:
    """The fenced blocks of a Markdown text; one that is not closed reaches to the end."""
    opening: re.Match[str] | None = None
    begin = body = 0
    for line in re.finditer(r"[^\n]*\n?", text):
        fence = _FENCE.match(line[0])
        if opening is None:
            if fence is not None and (fence[2][0] == "~" or "`" not in fence[3]):
                opening, begin, body = fence, line.start(), line.end()
        elif fence is not None and fence[2].startswith(opening[2]) and not fence[3].strip():
            yield _fence(text, opening, begin, (body, line.start()), line.start() + len(line[0].rstrip("\n")))
            opening = None
    if opening is not None:
        yield _fence(text, opening, begin, (body, len(text)), len(text))


def _fence(text: str, opening: re.Match[str], begin: int, body: tuple[int, int], end: int) -> Fence:
    words = opening[3].split()
    lines = text[slice(*body)].removesuffix("\n").split("\n")
    indent = len(opening[1])
    inside = "\n".join(line[indent:] if not line[:indent].strip(" \t>") else line for line in lines)
    return Fence(begin, end, words[0] if words else "", inside)


class Places:
    """The text of one candidate, and where things stand in it.

    Args:
        parts: The candidate's parts.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._texts = {index: part.text for index, part in enumerate(parts) if part.text and not part.thought}
        self.text = "".join(self._texts.values())

    @cached_property
    def fences(self) -> list[Fence]:
        """The fenced blocks of the text."""
        return list(fences_in(self.text))

    @cached_property
    def _encoded(self) -> dict[int | None, tuple[int, bytes]]:
        """Every reading of the offsets: in the whole text (None), or in one part, with where that part begins."""
        readings: dict[int | None, tuple[int, bytes]] = {None: (0, self.text.encode(errors="replace"))}
        begin = 0
        for index, text in self._texts.items():
            readings[index] = (begin, text.encode(errors="replace"))
            begin += len(text)
        return readings

    def find(
        self, start: int | None, end: int | None, words: str = "", part: int | None = None
    ) -> tuple[int | None, int | None]:
        """Character offsets of a segment whose offsets are UTF-8 bytes.

        The words decide when they are given and the offsets lead elsewhere, as they do when an answer has
        several parts and the offsets count within one of them.
        """
        first = max(start or 0, 0)
        if end is not None and end > first:
            wanted = words.encode(errors="replace")
            for begin, encoded in self._readings(part):
                piece = encoded[first:end]
                if piece and (not wanted or piece == wanted):
                    before = begin + len(encoded[:first].decode(errors="ignore"))
                    return before, before + len(piece.decode(errors="ignore"))
        found = self._nearest(words, first) if words else -1
        return (found, found + len(words)) if found >= 0 else (None, None)

    def spot(self, position: int) -> Spot | None:
        """The place nearest behind a position where a mark may stand without breaking Markdown; None at the beginning.

        Code, formulas, links, emphasis and the rules of a table are left behind; a mark behind a block of code, or a
        formula in lines of its own, needs a paragraph of its own.
        """
        text = self.text
        position = len(text[:position].rstrip())
        if not position:
            return None
        for fence in self.fences:
            if fence.start < position <= fence.end:
                return Spot(fence.end, apart=True)
        before, behind = max(0, position - _SIGHT), position + _SIGHT
        begin = max(before, text.rfind("\n\n", before, position) + 2 if "\n\n" in text[before:position] else before)
        end = text.find("\n\n", position, behind)
        paragraph = text[begin : end if end >= 0 else behind]
        spot = _behind_inline(paragraph, position - begin)
        if not spot.apart:
            spot = _within_line(paragraph, spot.position)
        return Spot(begin + spot.position, spot.apart)

    def _readings(self, part: int | None) -> Iterator[tuple[int, bytes]]:
        yield from (self._encoded[key] for key in (part, None) if key in self._encoded and (part or key is None))
        yield from (reading for key, reading in self._encoded.items() if key is not None)

    def _nearest(self, words: str, hint: int) -> int:
        if len(words) > len(self.text):
            return -1
        found = [match.start() for match in re.finditer(re.escape(words), self.text)]
        return min(found, key=lambda place: abs(place - hint), default=-1)


def _behind_inline(paragraph: str, position: int) -> Spot:
    """Behind whatever inline construct the position is in."""
    for match in _INLINE.finditer(paragraph):
        if match.start() >= position:
            break
        if match.group("block") and position <= match.end():
            return Spot(match.end(), apart=True)
        position = max(position, match.end()) if position < match.end() else position
    if emphasis := _EMPHASIS_END.match(paragraph, position):
        position = emphasis.end()
    while position < len(paragraph) and (unicodedata.combining(paragraph[position]) or paragraph[position] in _JOINERS):
        position += 1
    return Spot(position)


def _within_line(paragraph: str, position: int) -> Spot:
    """In the last cell if the line is a table's row, and behind the line if nothing may be added to it."""
    begin, end = _line_around(paragraph, position)
    line = paragraph[begin:end]
    is_table = any("-" in row and "|" in row and _DELIMITER_ROW.fullmatch(row) for row in paragraph.split("\n"))
    if is_table and "|" in line:
        if _DELIMITER_ROW.fullmatch(line) and end < len(paragraph):
            begin, end = _line_around(paragraph, end + 1)
            position = end
        cells = paragraph[begin:position]
        if cells.rstrip().endswith("|") and (inside := _CELL_END.sub("", cells)):
            position = begin + len(inside)
        return Spot(position)
    return Spot(end, apart=True) if _STANDS_ALONE.fullmatch(line) else Spot(position)


def _line_around(paragraph: str, position: int) -> tuple[int, int]:
    end = paragraph.find("\n", position)
    return paragraph.rfind("\n", 0, position) + 1, end if end >= 0 else len(paragraph)
