"""Asking in a notebook whether a function may run: by buttons below the cell, or else by a typed prompt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from IPython.core.displaypub import CapturingDisplayPublisher

from gemini_magic.display.notebook import CellScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.display.leave_card import Leave, LeaveCard, Pending
    from gemini_magic.display.live import Screen

PATIENCE = 3.0
"""Seconds for a front end to show that its buttons are heard while a cell runs; those of some are not."""

_TICK = 0.1
_NOTHING = {"text/plain": ""}


class Approver(Protocol):
    """Asks a person."""

    def ask(self, pending: Pending) -> Leave:
        """Ask, and wait for the answer."""


class CellApprover:
    """Asks below the cell that runs, for one question.

    A card with buttons is shown and goes away when one is pressed. Where the front end hears no buttons while a cell
    runs, and where outputs are captured, it is asked by a typed prompt.

    Args:
        shell: The IPython shell of a kernel.
        typed: Asks by a typed prompt, where there are no buttons; it says itself when nobody can type.
        nobody: What is raised in the background when there is nobody who could be asked.
        background: Whether the kernel is free while it is asked; then there is no typed prompt, and no hurry.
        stopped: Whether whoever asked in the background wants no answer any more.
        screen: Where outputs go; the running cell unless something else is given.
        clock: Seconds, such as ``time.monotonic``.
    """

    def __init__(
        self,
        shell: Any,  # noqa: ANN401 - a shell of whichever kernel
        typed: Approver,
        *,
        nobody: Callable[[str], Exception],
        background: bool = False,
        stopped: Callable[[], bool] = bool,
        screen: Screen | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shell = shell
        self._typed = typed
        self._nobody = nobody
        self._background = background
        self._stopped = stopped
        self._screen = screen or CellScreen()
        self._clock = clock
        self._someone = _somebody_is_there(shell.kernel)
        self._deaf = not (background or _listens_while_a_cell_runs(shell.kernel))

    def ask(self, pending: Pending) -> Leave:
        """Ask, and wait for the answer.

        Raises:
            Exception: There is nobody who could be asked; see ``nobody`` and ``typed``.
            KeyboardInterrupt: The person has stopped the whole answer.
        """
        if self._someone and not self._deaf and (self._background or not self._is_captured()):
            leave = self._clicked(pending)
            if leave is not None:
                return leave
            self._deaf = True
        return self._typed_in(pending)

    def _typed_in(self, pending: Pending) -> Leave:
        if self._background:
            raise self._nobody(f"{pending.name} needs leave to run, and there is nobody here who could give it.")
        return self._typed.ask(pending)

    def _is_captured(self) -> bool:
        """Whether nobody would see a card, as under ``%%capture``."""
        return isinstance(self._shell.display_pub, CapturingDisplayPublisher)

    def _clicked(self, pending: Pending) -> Leave | None:
        """Show the card until it is answered; None when no front end is heard."""
        from gemini_magic.display.leave_card import LeaveCard  # noqa: PLC0415 - widgets are heavy

        card, place = LeaveCard(pending), uuid4().hex
        try:
            self._screen.show(card.bundle, place)
            return self._waited(card)
        finally:
            self._screen.update(_NOTHING, place)
            card.close()

    def _waited(self, card: LeaveCard) -> Leave | None:
        deadline = self._clock() + PATIENCE
        while not card.answered.wait(_TICK):  # in ticks, because an interrupt does not end a long wait everywhere
            if self._stopped():
                raise KeyboardInterrupt
            if not (self._background or card.heard.is_set()) and self._clock() > deadline:
                return None
        return card.leave


def _somebody_is_there(kernel: object) -> bool:
    """Whether the request that runs came from a person: programs that run notebooks allow no typed input."""
    return bool(getattr(kernel, "_allow_stdin", True))


def _listens_while_a_cell_runs(kernel: object) -> bool:
    """Whether the kernel has threads for messages that come while a cell runs."""
    return getattr(kernel, "shell_channel_thread", None) is not None
