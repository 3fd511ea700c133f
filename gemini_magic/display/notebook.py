"""Answers in a notebook: live while they arrive, one clean output when they are there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import publish_display_data

from gemini_magic.display.answer import answer_bundle, answer_images, note_piece
from gemini_magic.display.live import LiveAnswer, Screen
from gemini_magic.display.pieces import call_piece, part_piece
from gemini_magic.display.sanitize import Safe, element, join
from gemini_magic.display.tool_cards import Running, tool_piece
from gemini_magic.display.view import MARKDOWN
from gemini_magic.events import (
    Finished,
    FunctionCall,
    PartReceived,
    TextDelta,
    ThoughtDelta,
    ToolFinished,
    ToolStarted,
    UsageUpdate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.display.view import View
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply

_THOUGHT_INTERVAL = 1.0


class CellScreen:
    """The outputs of the cell that is running."""

    def show(
        self, bundle: Mapping[str, str], display_id: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Append an output; with an id it can be replaced later."""
        _publish(bundle, metadata, {"display_id": display_id} if display_id else None, update=False)

    def update(self, bundle: Mapping[str, str], display_id: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace an output."""
        _publish(bundle, metadata, {"display_id": display_id}, update=True)

    def clear(self) -> None:
        """Take away all outputs of the cell as soon as the next one comes."""
        publisher: Any = InteractiveShell.instance().display_pub
        if isinstance(publisher, CapturingDisplayPublisher):
            publisher.outputs.clear()
        else:
            publisher.clear_output(wait=True)


def _publish(
    bundle: Mapping[str, str], metadata: Mapping[str, Any] | None, transient: dict[str, str] | None, *, update: bool
) -> None:
    kept = dict(metadata) if metadata else None
    publish_display_data(dict(bundle), kept, transient=transient, update=update)  # type: ignore[no-untyped-call]


class NotebookRenderer:
    """Shows an answer in the cell that is running.

    Args:
        display: Where outputs go; the running cell unless something else is given.
        clock: Seconds, such as ``time.monotonic``.
        whole_cell: Whether all outputs of the cell are ours. If so, blocks are shown as they are finished
            and the cell is cleared for one output in the end; if not, one output is replaced as a whole.
        view: What to show of the answer, and as what; formats other than Markdown are shown as they are
            while they arrive.
    """

    def __init__(
        self,
        display: Screen | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        whole_cell: bool = True,
        view: View = MARKDOWN,
    ) -> None:
        self._screen = display or CellScreen()
        self._view = view
        self._clock = clock
        self._whole_cell = whole_cell
        self._notes: list[str] = []
        self._start()

    def begin(self, model: str | None) -> None:
        """Nothing to get ready: the cell shows that it is running, and the answer names its model."""

    def handle(self, event: Event) -> None:
        """Take the next event; of several candidates only the first is shown while it arrives."""
        if getattr(event, "candidate", 0):
            return
        if isinstance(event, TextDelta):
            self._end_thoughts()
            self._live.text(event.text)
        elif isinstance(event, ThoughtDelta):
            self._think(event.text)
        elif not isinstance(event, UsageUpdate | Finished):
            self._end_thoughts()
            self._take_whole(event)

    def note(self, text: str) -> None:
        """Show one line beside the answer."""
        if text not in self._notes:
            self._notes.append(text)
            self._show_head()

    def finish(self, reply: Reply, *, seconds: float, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace what was shown by the whole answer, with its images as outputs below."""
        self._live.finish(answer_bundle(reply, seconds=seconds, notes=self._notes, view=self._view), metadata)
        for bundle in answer_images(reply):
            self._screen.show(bundle)
        self._notes = []
        self._start()

    def _take_whole(self, event: PartReceived | FunctionCall | ToolStarted | ToolFinished) -> None:
        """What comes whole; calls that are carried out here are shown while they are, and then as cards."""
        if isinstance(event, PartReceived):
            self._live.insert(part_piece(event.part).html)
        elif isinstance(event, FunctionCall):
            self._live.insert(call_piece(event.name, event.args).html)
        elif isinstance(event, ToolStarted):
            self._running.start(event)
            self._live.status(self._running.lines, others=int(event.waits))
        else:
            self._running.end(event.number)
            card = tool_piece(event.run).html if self._view.shows_steps else None
            self._live.status(self._running.lines, after=card)

    def _start(self) -> None:
        self._running = Running()
        self._live = LiveAnswer(self._screen, self._clock, whole_cell=self._whole_cell, plain=self._view.format != "md")
        self._thought = ""
        self._thought_shown: float | None = None
        self._thinking = False

    def _think(self, text: str) -> None:
        self._thought += text
        self._thinking = True
        now = self._clock()
        if self._thought_shown is None or now - self._thought_shown >= _THOUGHT_INTERVAL:
            self._thought_shown = now
            self._show_head()

    def _end_thoughts(self) -> None:
        if self._thinking:
            self._thinking = False
            self._show_head()

    def _show_head(self) -> None:
        lines = [note_piece(note).html for note in self._notes]
        if self._thought:
            lines.append(element("p", self._thought_line(), class_="gm-note", role="status"))
        self._live.head(join(*lines) if lines else Safe())

    def _thought_line(self) -> str:
        size = f"{len(self._thought):,} characters of thoughts"
        return f"Thinking … {size}" if self._thinking else f"{size}, folded here when the answer is complete"
