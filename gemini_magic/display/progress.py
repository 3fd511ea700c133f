"""How far many rows have come, in one line: in a notebook, in a terminal, and where output is only read later.

Everything is written by the thread that calls, when it calls; nothing here runs by itself.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO
from uuid import uuid4

from gemini_magic.display.sanitize import Safe, bar, element, join, style
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.display.live import Screen

INTERVAL = 0.2
"""Least time between updates of a screen, in seconds."""

_WINDOW = 30.0  # seconds over which the speed is measured
_SAMPLE = 1.0
_MINUTE, _HOUR = 60, 3_600
_STEP = 10  # percent from line to line where nothing can be replaced
_EVERY = 1_000  # rows from line to line where nobody knows how many there are
_CLEAR_LINE = "\r\x1b[K"


class Progress(Protocol):
    """Who is told how far rows have come; all numbers are sums since the beginning."""

    def begin(self, total: int | None) -> None:
        """Rows there are; None when nobody knows."""

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        """Rows that are over, those of them that failed, tokens, and requests that were sent again."""

    def finish(self, summary: object) -> None:
        """It is over, or was stopped; ``str(summary)`` is a line about it."""


class Counts(NamedTuple):
    """How far it has come.

    Attributes:
        done: Rows that are over.
        failed: Those of them that failed.
        tokens: Tokens so far.
        retried: Requests that were sent again.
    """

    done: int = 0
    failed: int = 0
    tokens: int = 0
    retried: int = 0


class Meter:
    """Keeps the numbers and says them in one line; shows nothing.

    Args:
        clock: Seconds, such as ``time.monotonic``.
        what: What is counted, in the plural.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, what: str = "rows") -> None:
        self._clock = clock
        self._what = what
        self.begin(None)

    def begin(self, total: int | None) -> None:
        """Start from nothing."""
        self.total = total
        self.counts = Counts()
        self._samples: deque[tuple[float, int]] = deque([(self._clock(), 0)])

    def advance(self, counts: Counts) -> None:
        """Take the newest numbers."""
        if not self.counts.done and counts.done:  # what was there already says nothing of the speed
            self._samples[0] = (self._samples[0][0], counts.done - 1)
        self.counts = counts
        now = self._clock()
        if now - self._samples[-1][0] >= _SAMPLE:
            self._samples.append((now, counts.done))
            while now - self._samples[1][0] > _WINDOW:
                self._samples.popleft()

    @property
    def speed(self) -> float:
        """Rows a second, of late; 0 before it can be said."""
        begun, done = self._samples[0]
        seconds = self._clock() - begun
        return max(0.0, (self.counts.done - done) / seconds) if seconds >= _SAMPLE else 0.0

    @property
    def percent(self) -> int:
        """How much is over, of a hundred; 0 when nobody knows."""
        return 100 * self.counts.done // self.total if self.total else 0

    def line(self) -> str:
        """The numbers in words, only those that say something."""
        counts, speed = self.counts, self.speed
        of_all = f" of {self.total:,}" if self.total is not None else ""
        words = [f"{counts.done:,}{of_all} {self._what}"]
        words += [f"{_number(speed)} {self._what}/s"] if speed else []
        if speed and self.total is not None and counts.done < self.total:
            words.append(f"{duration((self.total - counts.done) / speed)} left")
        words += [f"{counts.tokens:,} tokens"] if counts.tokens else []
        words += [f"{counts.failed:,} failed"] if counts.failed else []
        words += [f"{counts.retried:,} retried"] if counts.retried else []
        return " · ".join(words)


class NotebookProgress:
    """One output of a cell with a bar and a line, replaced at most five times a second, and in the end by one line.

    Args:
        screen: Where outputs go.
        clock: Seconds, such as ``time.monotonic``.
    """

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self._meter = Meter(clock)
        self._display_id = ""
        self._shown = -INTERVAL

    def begin(self, total: int | None) -> None:
        """Show the bar, empty, in an output of its own."""
        self._meter.begin(total)
        self._display_id = ""
        self._show()

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        """Show the newest numbers, if it is time."""
        self._meter.advance(Counts(done, failed, tokens, retried))
        if self._clock() - self._shown >= INTERVAL:
            self._show()

    def finish(self, summary: object) -> None:
        """Leave one line."""
        words = str(summary)
        self._put(element("p", words, class_="gm-caption", role="status"), words)

    def _show(self) -> None:
        words = self._meter.line()
        total = self._meter.total
        filled = bar(self._meter.counts.done, total, "Rows done")
        percent = f"[{self._meter.percent:3d} %] " if total is not None else ""
        self._put(element("p", filled, words, class_="gm-caption"), f"{percent}{words}")

    def _put(self, html: Safe, plain: str) -> None:
        bundle = {
            "text/html": str(join(style(), element("section", html, class_="gm"))),
            "text/plain": visible(plain),
        }
        if self._display_id:
            self._screen.update(bundle, self._display_id)
        else:
            self._display_id = uuid4().hex
            self._screen.show(bundle, self._display_id)
        self._shown = self._clock()


class TerminalProgress:
    """One line that is written over in a terminal; elsewhere a line for each tenth.

    Args:
        stream: Where to write; ``sys.stderr`` as it is at the beginning unless given.
        clock: Seconds, such as ``time.monotonic``.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._given = stream
        self._stream: TextIO = stream or sys.stderr
        self._clock = clock
        self._meter = Meter(clock)
        self._shown = -INTERVAL
        self._next = _STEP

    def begin(self, total: int | None) -> None:
        """Say how many there are."""
        self._stream = self._given or sys.stderr
        self._meter.begin(total)
        self._shown, self._next = -INTERVAL, _STEP if total is not None else _EVERY
        if self._rewrites():
            self._rewrite()

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        """Write the newest numbers, if it is time."""
        self._meter.advance(Counts(done, failed, tokens, retried))
        if self._rewrites():
            if self._clock() - self._shown >= INTERVAL:
                self._rewrite()
        elif self._reached() >= self._next:
            step = _STEP if self._meter.total is not None else _EVERY
            self._next = self._reached() // step * step + step
            if self._meter.counts.done != self._meter.total:  # then the last line follows at once
                self._write(f"{self._meter.line()}\n")

    def finish(self, summary: object) -> None:
        """Leave one line."""
        self._write(f"{_CLEAR_LINE if self._rewrites() else ''}{visible(str(summary))}\n")

    def _reached(self) -> int:
        return self._meter.percent if self._meter.total is not None else self._meter.counts.done

    def _rewrites(self) -> bool:
        isatty = getattr(self._stream, "isatty", None)
        return bool(isatty is not None and isatty())

    def _rewrite(self) -> None:
        total = self._meter.total
        width = _columns()
        line = self._meter.line()
        if total is not None and width - len(line) >= _STEP * 2:
            full = _STEP * self._meter.percent // 100
            line = f"{'█' * full}{'░' * (_STEP - full)} {line}"
        self._write(f"{_CLEAR_LINE}{line[: width - 1]}")
        self._shown = self._clock()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:  # a console that knows few characters still gets the others
            encoding = getattr(self._stream, "encoding", None) or "ascii"
            self._stream.write(text.encode(encoding, errors="replace").decode(encoding))
        self._stream.flush()


class QuietProgress:
    """Shows nothing."""

    def begin(self, total: int | None) -> None:
        """Nothing to show."""

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        """Nothing to show."""

    def finish(self, summary: object) -> None:
        """Nothing to show."""


def progress_for(shell: object) -> Progress:
    """The progress that fits where the code runs: in the cell of a kernel, else on the error stream.

    Args:
        shell: The IPython shell, or None outside of IPython.
    """
    if getattr(shell, "kernel", None) is not None:
        from gemini_magic.display.notebook import CellScreen  # noqa: PLC0415 - terminals do without

        return NotebookProgress(CellScreen())
    return TerminalProgress()


def duration(seconds: float) -> str:
    """A time in words, as exact as it is useful."""
    whole = max(1, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR:,} h {whole % _HOUR // _MINUTE:02d} min"


def _number(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= _STEP else f"{speed:.1f}" if speed >= 1 / _STEP else f"{speed:.2f}"


def _columns() -> int:
    import shutil  # noqa: PLC0415 - terminals only

    return shutil.get_terminal_size().columns
