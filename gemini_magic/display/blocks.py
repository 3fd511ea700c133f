"""Cutting Markdown that is still arriving into blocks that are done and a tail that is not, and when to show it.

Everything here decides and nothing here shows: no output, and the clock is given.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SMALLEST_BLOCK = 800
_LONGEST_FORMULA = 4_000
_FENCE = re.compile(r"([ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}|~{3,})(.*)", re.DOTALL)
_CODE_INDENT = 4
_MATHS = re.compile(r" {0,3}\$\$(.*)", re.DOTALL)
_GOES_ON = re.compile(r"[ \t|>:=]|(?:[-*+]|\d{1,9}[.)])(?:[ \t]|\Z)")
_UNDECIDED = re.compile(r"[-*+]|\d{1,9}[.)]?")
_FORMULA_MARK = "$$"
_ENOUGH = 12  # characters that tell what a line begins


class BlockSplitter:
    """Splits a growing Markdown text where nothing that follows can change what came before.

    A block ends at a blank line outside of fences and formulas when the next line is not indented and is
    no list item, table row or quotation, and the block is long enough. Where the blocks end depends on the text
    alone, not on the pieces it came in. Blocks and tail joined are the text.

    Args:
        smallest: Characters a block has at least.
        growth: Later blocks have at least this share of the text before them.
    """

    def __init__(self, *, smallest: int = SMALLEST_BLOCK, growth: float = 1 / 8) -> None:
        self._smallest = smallest
        self._growth = growth
        self._tail = ""
        self._frozen = 0
        self._line = 0  # where the line that is not read yet begins, in the tail
        self._blank = True  # whether the line before it is blank, or there is none
        self._fence = ""
        self._fence_indent = 0
        self._formula: int | None = None

    @property
    def tail(self) -> str:
        """What has come since the last finished block."""
        return self._tail

    def feed(self, delta: str) -> list[str]:
        """Add text; returns the blocks that are finished now."""
        self._tail += delta
        blocks: list[str] = []
        while self._at_line_that_can_be_read():
            if self._may_cut():
                blocks.append(self._cut())
            end = self._tail.find("\n", self._line)
            if end < 0:
                break
            self._read_line(self._tail[self._line : end])
            self._line = end + 1
        return blocks

    def _at_line_that_can_be_read(self) -> bool:
        begun = self._tail[self._line : self._line + _ENOUGH]
        return bool(begun) and ("\n" in begun or _UNDECIDED.fullmatch(begun) is None)

    def _may_cut(self) -> bool:
        if not self._line or not self._blank or self._fence or self._formula is not None:
            return False
        if self._line < max(self._smallest, self._frozen * self._growth):
            return False
        begun = self._tail[self._line : self._line + _ENOUGH].partition("\n")[0]
        return bool(begun) and _GOES_ON.match(begun) is None

    def _cut(self) -> str:
        block, self._tail = self._tail[: self._line], self._tail[self._line :]
        self._frozen += len(block)
        self._line = 0
        return block

    def _read_line(self, line: str) -> None:
        begins, self._blank = self._blank, not line.strip()
        if self._formula is not None:
            self._read_formula(line)
        elif fence := _FENCE.match(line):
            self._read_fence(len(fence[1]), fence[2], fence[3])
        elif begins and not self._fence and (maths := _MATHS.match(line)) and _FORMULA_MARK not in maths[1]:
            self._formula = self._frozen + self._line

    def _read_fence(self, indent: int, mark: str, rest: str) -> None:
        if not self._fence:
            if mark[0] != "`" or "`" not in rest:
                self._fence, self._fence_indent = mark, indent
        elif mark.startswith(self._fence) and not rest.strip() and indent < self._fence_indent + _CODE_INDENT:
            self._fence = ""

    def _read_formula(self, line: str) -> None:
        begun = self._formula or 0
        if line.rstrip().endswith(_FORMULA_MARK) or self._frozen + self._line - begun > _LONGEST_FORMULA:
            self._formula = None


class Throttle:
    """Says when the next update of an answer may go out, and how large it may be.

    The first goes at once, later ones at most every `interval` seconds. Beyond that each update is paid from an account
    of bytes that fills with time, and the more slowly the longer the answer is: so short answers and slow
    models are shown smoothly, and a very long answer stays within a multiple of its text.

    Args:
        clock: Seconds, such as ``time.monotonic``.
        interval: Least time between updates.
        burst: Bytes on the account at the beginning, and at most.
        rate: Bytes per second that come in while the answer is short.
        knee: Characters from which on the rate falls with the length.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        interval: float = 0.1,
        burst: float = 20_000,
        rate: float = 3_500,
        knee: float = 20_000,
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._burst = burst
        self._rate = rate
        self._knee = knee
        self._account = burst
        self._filled = clock()
        self._last: float | None = None

    def ready(self, size: float, length: int) -> bool:
        """Whether an update of about `size` bytes may go out now, `length` characters having come."""
        now = self._clock()
        rate = self._rate * min(1.0, self._knee / max(1, length))
        self._account = min(self._burst, self._account + rate * (now - self._filled))
        self._filled = now
        if self._last is None:
            return True
        return now - self._last >= self._interval and self._account >= size

    def spend(self, size: float) -> None:
        """An update of `size` bytes went out."""
        self._account -= size
        self._last = self._clock()
