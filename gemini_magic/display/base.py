"""What every way of showing an answer has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gemini_magic.display.view import MARKDOWN, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.display.approval import Approver, CellApprover
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply


__all__ = ["MARKDOWN", "QuietRenderer", "Renderer", "View", "approver_for", "renderer_for"]


class Renderer(Protocol):
    """Shows one answer: `begin`, then `handle` for each event, then `finish`."""

    def begin(self, model: str | None) -> None:
        """Get ready for an answer of this model; nothing need be shown yet."""

    def handle(self, event: Event) -> None:
        """Take the next event of the stream."""

    def note(self, text: str) -> None:
        """Show one line beside the answer, such as that another model stepped in."""

    def finish(self, reply: Reply, *, seconds: float, metadata: Mapping[str, Any] | None = None) -> None:
        """Show the whole answer for good, also one that was interrupted, truncated, blocked or failed.

        Args:
            reply: The answer as far as it came; its status says how it ended.
            seconds: How long it took, shown in the line under the answer.
            metadata: What a notebook is to keep with the output; terminals have no place for it.
        """


class QuietRenderer:
    """Shows nothing and keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def begin(self, model: str | None) -> None:
        """Nothing to get ready."""

    def handle(self, event: Event) -> None:
        """Nothing to show."""

    def note(self, text: str) -> None:
        """Keep the note."""
        self.notes.append(text)

    def finish(self, reply: Reply, *, seconds: float, metadata: Mapping[str, Any] | None = None) -> None:
        """Nothing to show."""


def renderer_for(shell: object, *, whole_cell: bool = True, view: View = MARKDOWN) -> Renderer:
    """The renderer that fits where the code runs.

    Args:
        shell: The IPython shell, or None outside of IPython.
        whole_cell: Whether all outputs of the running cell belong to the answer.
        view: What to show of the answer, and as what.

    Returns:
        One for notebooks when the shell belongs to a kernel, else one for terminals.
    """
    if getattr(shell, "kernel", None) is not None:
        from gemini_magic.display.notebook import NotebookRenderer  # noqa: PLC0415 - keeps this module light

        return NotebookRenderer(whole_cell=whole_cell, view=view)
    from gemini_magic.display.terminal import TerminalRenderer  # noqa: PLC0415 - keeps this module light

    return TerminalRenderer(view=view)


def approver_for(
    shell: object,
    typed: Approver,
    *,
    nobody: Callable[[str], Exception],
    background: bool = False,
    stopped: Callable[[], bool] = bool,
) -> CellApprover | None:
    """Who asks whether a function may run, where the code runs; to be called in the cell that asks the question.

    Args:
        shell: The IPython shell, or None outside of IPython.
        typed: Asks by a typed prompt, where there are no buttons.
        nobody: What is raised in the background when there is nobody who could be asked.
        background: Whether the kernel is free while it is asked.
        stopped: Whether whoever asked in the background wants no answer any more.

    Returns:
        One with buttons when the shell belongs to a kernel; None where the typed prompt is all there is.
    """
    if getattr(shell, "kernel", None) is None:
        return None
    from gemini_magic.display.approval import CellApprover  # noqa: PLC0415 - keeps this module light

    return CellApprover(shell, typed, nobody=nobody, background=background, stopped=stopped)
