"""Who may let a function run: what is asked, what can be answered, and the asking by a typed prompt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from gemini_magic.exceptions import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a person can answer: run this call, run this and every further call of the function for this question, or not.
Leave: TypeAlias = Literal["run", "all", "deny"]
#: Whether to ask: ``ask`` unless a function only reads, ``always`` run without asking, ``never`` run.
Approve: TypeAlias = Literal["ask", "always", "never"]
APPROVE: tuple[Approve, ...] = ("ask", "always", "never")


@dataclass(frozen=True)
class Pending:
    """A call that waits for leave.

    Attributes:
        name: The function's name.
        args: Its arguments, checked, as JSON.
        description: What the function does, in a line.
        number: The call's place among all calls of this answer, counted from 0.
        behind: How many more calls wait behind it.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    number: int = 0
    behind: int = 0

    def __str__(self) -> str:
        """The call as it would be written in Python."""
        return f"{self.name}({', '.join(f'{key}={shown(value)}' for key, value in self.args.items())})"


class NobodyAnswers(ToolError):
    """There is nobody who could be asked."""


class Approver(Protocol):
    """Asks a person."""

    def ask(self, pending: Pending) -> Leave:
        """Ask, and wait for the answer.

        Raises:
            NobodyAnswers: There is nobody who could be asked; the call is not run.
            KeyboardInterrupt: The person has stopped the whole answer.
        """


def shown(value: object) -> str:
    """A value as it stands in a call."""
    return json.dumps(value, ensure_ascii=False, default=str)
