"""Leave for calls of functions: a call that waits, the person who is asked before the pane, and what they decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from gemini_magic.display.visible import visible
from gemini_magic.tools.approval import NobodyAnswers
from gemini_magic.widget.written import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.tools.approval import Leave, Pending

#: What can become of a question: what a person answers, or that the answer was stopped or the pane is gone.
Decided: TypeAlias = "Leave | Literal['stopped', 'gone']"
LEAVES = ("run", "all", "deny")


@dataclass(frozen=True)
class Waiting:
    """A call that waits for leave.

    Attributes:
        pending: The call.
        decided: Gets what is decided; the first that comes counts. Whoever collects garbage may put something in,
            in the middle of anything, which no lock of ours would bear.
    """

    pending: Pending
    decided: SimpleQueue[Decided] = field(default_factory=SimpleQueue)

    def view(self) -> dict[str, Any]:
        """The call as the pane shows it."""
        pending = self.pending
        return {
            "number": pending.number,
            "name": visible(pending.name),
            "args": json_text(dict(pending.args)),
            "description": visible(pending.description),
            "behind": pending.behind,
        }


class Desk(Protocol):
    """Where a person may be asked."""

    def leave_asked(self, waiting: Waiting) -> None:
        """Somebody waits for leave."""


class PaneApprover:
    """Asks the person before the pane, one call at a time.

    Args:
        desk: Gives who shows the question; None when the pane is gone. While a call waits, nothing here keeps it.
    """

    def __init__(self, desk: Callable[[], Desk | None]) -> None:
        self._desk = desk
        self._one_at_a_time = Lock()

    def ask(self, pending: Pending) -> Leave:
        """Ask, and wait for the answer.

        Raises:
            NobodyAnswers: The pane was closed.
            KeyboardInterrupt: The answer was stopped.
        """
        waiting = Waiting(pending)
        with self._one_at_a_time:
            self._show(waiting)
            decided = waiting.decided.get()
        if decided == "stopped":
            raise KeyboardInterrupt
        if decided == "gone":
            raise NobodyAnswers("The pane was closed before anybody allowed the call.")
        return decided

    def _show(self, waiting: Waiting) -> None:
        desk = self._desk()
        if desk is None:
            waiting.decided.put("gone")
        else:
            desk.leave_asked(waiting)
