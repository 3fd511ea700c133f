"""What the commands write to: a terminal with colours, or a plain stream without."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "cyan": "36"}
_BAR = 30
_WIDEST = 100
_STEP = 10
_MEGABYTE = 1_000_000


class Terminal:
    """Writes text at once, and styles it only where a terminal reads it.

    Args:
        stream: Where to write; ``sys.stdout`` when None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        isatty = getattr(self._stream, "isatty", None)
        self.is_terminal = bool(isatty is not None and isatty())
        self._colours = self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """Columns to fill with prose."""
        return min(shutil.get_terminal_size().columns, _WIDEST)

    def write(self, text: str) -> None:
        """Write as it is, and now; characters that the encoding lacks become question marks."""
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = getattr(self._stream, "encoding", None) or "ascii"
            self._stream.write(text.encode(encoding, errors="replace").decode(encoding))
        self._stream.flush()

    def line(self, text: str = "", *styles: str) -> None:
        """Write a line, or several."""
        self.write(f"{self.styled(text, *styles)}\n")

    def styled(self, text: str, *styles: str) -> str:
        """Text between the codes of these styles, or as it is."""
        if not (self._colours and text and styles):
            return text
        codes = ";".join(_STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def prose(self, text: str) -> str:
        """A paragraph filled to the width."""
        return textwrap.fill(" ".join(text.split()), self.width, break_long_words=False, break_on_hyphens=False)

    def columns(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows whose columns have even widths."""
        lines = [list(row) for row in rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for cells in lines:
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            self.line("  ".join(padded).rstrip())


class Progress:
    """How far a transfer is: one bar that grows in a terminal, else a line for every ten per cent."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown = -1

    def __call__(self, done: int, total: int) -> None:
        """Show it, when there is something new to show."""
        percent = 100 * done // total if total else 100
        step = percent if self._terminal.is_terminal else percent - percent % _STEP
        if step == self._shown:
            return
        self._shown = step
        amount = f"{step:3} %  {done // _MEGABYTE:,} of {total // _MEGABYTE:,} MB"
        if self._terminal.is_terminal:
            bar = "#" * (_BAR * percent // 100)
            self._terminal.write(f"\r\x1b[K[{bar:<{_BAR}}] {amount}")
        else:
            self._terminal.line(amount)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._terminal.is_terminal and self._shown >= 0:
            self._terminal.line()
