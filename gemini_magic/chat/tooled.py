"""What may be called for the questions of a conversation that name nothing themselves."""

from __future__ import annotations

from dataclasses import replace

from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.tools.tooling import Tooling, checked_approve, checked_steps


class Tooled:
    """Has tools.

    Args:
        tools: Functions, and tools of the server.
        approve: Whether to ask before a function runs.
        max_steps: How often the model may ask for calls in one answer; the usual number when None.

    Raises:
        InputError: One of the tools is none, or a setting has a value that it cannot have.
    """

    def __init__(self, tools: object = None, approve: str = "ask", max_steps: int | None = None) -> None:
        self._tooling = Tooling.of(tools, approve=approve, max_steps=max_steps)

    @property
    def tools(self) -> Toolbox:
        """What its questions may use when they name nothing themselves; set it to change that."""
        return self._tooling.toolbox

    @tools.setter
    def tools(self, tools: object) -> None:
        self._tooling = replace(self._tooling, toolbox=Toolbox.of(tools))

    @property
    def approve(self) -> str:
        """Whether to ask before a function runs: ``ask``, ``always`` (run without asking) or ``never``."""
        return self._tooling.approve

    @approve.setter
    def approve(self, approve: str) -> None:
        self._tooling = replace(self._tooling, approve=checked_approve(approve))

    @property
    def max_steps(self) -> int:
        """How often the model may ask for calls in one answer."""
        return self._tooling.limits.rounds

    @max_steps.setter
    def max_steps(self, rounds: int) -> None:
        self._tooling = replace(self._tooling, limits=replace(self._tooling.limits, rounds=checked_steps(rounds)))
