"""An answer in a notebook cell while it arrives.

Finished blocks are shown once and not sent again; only the tail behind them is replaced. What that may
cost is limited: where an answer comes faster than the limit allows, its last lines are shown until it is complete.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from gemini_magic.display.blocks import SMALLEST_BLOCK, BlockSplitter, Throttle
from gemini_magic.display.sanitize import Safe, block, element, join, markdown, preformatted, style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENVELOPE = 700
"""Bytes that a message costs beside its content."""

_HTML_SHARE = 1.4
_LONGEST_TAIL = 5_000
_WINDOW = 1_200
_FULL_VIEW = 42_000
_FULL_VIEW_RATE = 1_500
_MOST_OUTPUTS = 45  # JupyterLab folds what comes after the fiftieth


class Screen(Protocol):
    """Where the outputs of a cell go."""

    def show(
        self, bundle: Mapping[str, str], display_id: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Append an output; with an id it can be replaced later."""

    def update(self, bundle: Mapping[str, str], display_id: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace an output."""

    def clear(self) -> None:
        """Take away all outputs of the cell as soon as the next one comes."""


class LiveAnswer:
    """What a cell shows of an answer that is still arriving, and what it shows in the end.

    Args:
        screen: Where outputs go.
        clock: Seconds, such as ``time.monotonic``.
        whole_cell: Whether all outputs of the cell are ours, so that they may be cleared in the end. If
            not, the answer is one output that is replaced as a whole.
        plain: Whether the text is shown as it is while it arrives, with no Markdown read into it.
    """

    def __init__(
        self,
        screen: Screen,
        clock: Callable[[], float] = time.monotonic,
        *,
        whole_cell: bool = True,
        plain: bool = False,
    ) -> None:
        self._block = preformatted if plain else block
        self._markdown = preformatted if plain else markdown
        self._screen = screen
        self._clock = clock
        self._whole_cell = whole_cell
        self._smallest = SMALLEST_BLOCK if whole_cell else sys.maxsize
        self._splitter = BlockSplitter(smallest=self._smallest)
        self._throttle = Throttle(clock)
        self._begun = clock()
        self._frozen_bytes = 0
        self._frozen_outputs = 0
        self._length = 0
        self._waiting: list[str] = []
        self._recent = ""
        self._windowed = False
        self._finished: list[Safe] = []  # not shown yet, or, in one output, everything before the tail
        self._head = Safe()
        self._status = Safe()
        self._head_id = ""
        self._tail_id = ""

    def head(self, lines: Safe) -> None:
        """Show lines above the answer, in place of those shown before."""
        self._head = lines
        if not self._whole_cell:
            self._show_tail()
        else:
            self._head_id = self._put(join(style(), _page(lines)), self._head_id)

    def text(self, delta: str) -> None:
        """More of the answer's Markdown."""
        self._length += len(delta)
        self._waiting.append(delta)  # most updates are not due yet: nothing else is done for them
        self._refresh()

    def insert(self, piece: Safe) -> None:
        """A whole piece that is no text, such as a function call; text goes on behind it."""
        self._insert(piece)
        self._refresh()

    def status(self, lines: Safe, *, after: Safe | None = None, others: int = 0) -> None:
        """Show at once what goes on below the answer, in place of what was said of it before; that may be nothing.

        Args:
            lines: What goes on.
            after: A piece of the answer that has come of it.
            others: How many outputs that are not ours go with it.
        """
        self._status = lines
        self._frozen_outputs += others
        if after is not None:
            self._insert(after)
        self._refresh_now(paid=False)

    def finish(self, bundle: Mapping[str, str], metadata: Mapping[str, Any] | None = None) -> None:
        """Put one output in the place of everything shown so far."""
        if self._tail_id and not self._whole_cell:
            self._screen.update(bundle, self._tail_id, **_kept(metadata))
            return
        if self._tail_id or self._head_id:
            self._screen.clear()
        self._screen.show(bundle, **_kept(metadata))

    def _refresh(self) -> None:
        size = ENVELOPE + _HTML_SHARE * min(len(self._splitter.tail), _LONGEST_TAIL)
        if self._throttle.ready(size, self._length):
            self._refresh_now()

    def _refresh_now(self, *, paid: bool = True) -> None:
        """Show what there is; what is not paid for is left out of the limit, being rare."""
        self._take_in()
        if self._whole_cell:
            self._show_head_first()
            self._freeze()
        self._show_tail(paid=paid)

    def _insert(self, piece: Safe) -> None:
        self._take_in()
        if not self._windowed:
            self._finished += [self._markdown(self._splitter.tail), piece]
            self._splitter = BlockSplitter(smallest=self._smallest)

    def _take_in(self) -> None:
        text = "".join(self._waiting)
        self._waiting.clear()
        self._recent = (self._recent + text)[-_WINDOW:]
        if not self._windowed:
            self._finished += map(self._block, self._splitter.feed(text))

    def _show_head_first(self) -> None:
        if not self._head_id:
            self.head(self._head)

    def _freeze(self) -> None:
        """Turn what the tail's output shows into finished blocks, as long as the limit allows."""
        if not self._finished:
            return
        html = _page(join(*self._finished))
        self._finished = []
        allowed = _FULL_VIEW + _FULL_VIEW_RATE * (self._clock() - self._begun)
        self._frozen_bytes += ENVELOPE + len(html)
        self._frozen_outputs += 1
        if self._frozen_bytes > allowed or self._frozen_outputs > _MOST_OUTPUTS:
            self._windowed = True
        else:
            self._put(html, self._tail_id)
            self._tail_id = ""

    def _show_tail(self, *, paid: bool = True) -> None:
        tail = join(self._tail_html(), self._status)
        if not self._whole_cell:
            tail = join(style(), _page(join(self._head, *self._finished, tail)))
        elif tail:
            tail = _page(tail, busy=True)
        if tail or self._tail_id:
            self._tail_id = self._put(tail, self._tail_id)
            self._throttle.spend((ENVELOPE + len(tail)) * paid)

    def _tail_html(self) -> Safe:
        tail = self._splitter.tail
        if self._windowed:
            return self._window(f"{self._length:,} characters so far; the whole answer is shown when it is complete.")
        if len(tail) > _LONGEST_TAIL:
            return self._window("The beginning of this part is shown when it is complete.")
        return self._markdown(tail) if tail.strip() else Safe()

    def _window(self, words: str) -> Safe:
        begin = self._recent.find("\n") + 1
        return join(element("p", f"… {words}", class_="gm-note"), element("pre", self._recent[begin:]))

    def _put(self, html: Safe, display_id: str) -> str:
        if display_id:
            self._screen.update({"text/html": html}, display_id)
            return display_id
        display_id = uuid4().hex
        self._screen.show({"text/html": html}, display_id)
        return display_id


def _kept(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The argument for what a notebook keeps with an output, if there is any."""
    return {"metadata": metadata} if metadata else {}


def _page(html: Safe, *, busy: bool = False) -> Safe:
    return element("section", html, class_="gm gm-busy" if busy else "gm")
