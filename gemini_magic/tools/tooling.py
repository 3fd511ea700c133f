"""What a question may use, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from gemini_magic.exceptions import InputError
from gemini_magic.settings import did_you_mean
from gemini_magic.tools.approval import APPROVE
from gemini_magic.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from gemini_magic.tools.approval import Approve, Approver

#: ``auto`` leaves it to the model, ``any`` makes it call, ``none`` keeps it from calling.
MODES = ("auto", "any", "none")
Mode: TypeAlias = str | tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """How much may be done for one answer.

    Attributes:
        rounds: How often the model may ask for calls.
        calls: How many calls there may be in all of them.
        seconds: How long all functions together may run.
    """

    rounds: int = 8
    calls: int = 16
    seconds: float = 120.0


@dataclass(frozen=True)
class Tooling:
    """Tools for a question, and how they may be used.

    Attributes:
        toolbox: The tools.
        approve: Whether leave is asked for.
        approver: Who is asked; a typed prompt when None.
        limits: How much may be done.
        mode: Whether the model has to call at first: ``auto``, ``any``, ``none``, or names of functions; empty for the
            server's own way.
    """

    toolbox: Toolbox = field(default_factory=Toolbox)
    approve: Approve = "ask"
    approver: Approver | None = None
    limits: Limits = field(default_factory=Limits)
    mode: Mode = ""

    @classmethod
    def of(
        cls,
        tools: object,
        *,
        approve: str | None = None,
        approver: Approver | None = None,
        max_steps: int | None = None,
        tool_mode: object = None,
    ) -> Self:
        """Tools as a caller gives them.

        Raises:
            InputError: One of them is no tool, or a setting has a value that it cannot have.
        """
        limits = Limits() if max_steps is None else Limits(rounds=checked_steps(max_steps))
        toolbox = Toolbox.of(tools)
        mode = checked_mode(tool_mode, toolbox.declared)
        return cls(toolbox, checked_approve(approve or "ask"), approver, limits, mode)

    def with_approver(self, approver: Approver | None) -> Self:
        """The same, with somebody else to ask."""
        return self if approver is None else replace(self, approver=approver)

    def config(self, *, again: bool = False) -> dict[str, Any]:
        """What a request says of calling: the ``functionCallingConfig``; empty when nothing is asked for.

        Args:
            again: Whether calls have been carried out already; a model that has to call again would never end.
        """
        if not self.mode:
            return {}
        if isinstance(self.mode, tuple):
            return {"mode": "AUTO"} if again else {"mode": "ANY", "allowedFunctionNames": [*self.mode]}
        return {"mode": "AUTO" if again and self.mode == "any" else self.mode.upper()}

    def __bool__(self) -> bool:
        """Whether there is a function to call; tools of the server are the server's business."""
        return bool(self.toolbox.functions)


def checked_mode(value: Any, names: frozenset[str]) -> Mode:  # noqa: ANN401 - whatever a caller gives
    """Whether the model has to call: one of three words, or the names of the functions from which it has to choose.

    Raises:
        InputError: It is something else, or a name that no function has.
    """
    if value is None or value == "":
        return ""
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else list(value)
    if len(words) == 1 and str(words[0]).lower() in MODES:
        return str(words[0]).lower()
    for word in words:
        if word not in names:
            hint = did_you_mean(str(word), names) or "It takes auto, any, none, or names of the functions."
            raise InputError(f"tool_mode={str(word)[:40]!r} is no function of this question.", hint=hint)
    return tuple(words)


def checked_approve(value: Any) -> Approve:  # noqa: ANN401 - whatever a caller gives
    """Whether leave is asked for.

    Raises:
        InputError: It is none of the three words.
    """
    if value not in APPROVE:
        raise InputError(
            f"approve={value!r:.40} is not known.",
            hint="'ask' asks before each call, 'always' runs without asking, 'never' runs nothing.",
        )
    word: Approve = value
    return word


def checked_steps(value: Any) -> int:  # noqa: ANN401 - whatever a caller gives
    """How often the model may ask for calls.

    Raises:
        InputError: It is no whole number from 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"max_steps={value!r:.40} is no number of rounds; it takes a whole number from 1.")
    return value
