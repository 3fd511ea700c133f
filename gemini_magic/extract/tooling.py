"""Functions that the model may call for a row, where nobody can be asked whether they may run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError
from gemini_magic.tools.approval import NobodyAnswers
from gemini_magic.tools.tooling import Tooling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.extract.options import Options
    from gemini_magic.tools.approval import Leave, Pending
    from gemini_magic.tools.function import Tool

_WAYS_OUT = "Mark what only reads with @gm.tool(read_only=True), or let all of them run: approve='always'."


class Nobody:
    """Whom a batch asks for leave."""

    def ask(self, pending: Pending) -> Leave:
        """Nobody answers; a function that had to ask was refused before anything was sent."""
        raise NobodyAnswers(f"{pending.name} may not run: in a batch nobody can be asked.")


def tooling_of(options: Options) -> Tooling | None:
    """The tools of a batch, read once and checked; None without any.

    Raises:
        InputError: One of them is no tool, needs somebody's leave, or cannot be carried out here.
    """
    tooling = Tooling.of(
        options["tools"],
        approve=options["approve"],
        approver=Nobody(),
        max_steps=options["max_steps"],
        tool_mode=options["tool_mode"],
    )
    if not tooling.toolbox:
        return None
    _check_functions(tooling)
    return tooling


def for_pack(tooling: Tooling | None, rows: int) -> Tooling | None:
    """The same for a request that asks for several rows: as many calls, and as much time, for each of them."""
    if tooling is None:
        return None
    limits = tooling.limits
    return replace(tooling, limits=replace(limits, calls=limits.calls * rows, seconds=limits.seconds * rows))


def _check_functions(tooling: Tooling) -> None:
    toolbox = tooling.toolbox
    if raw := sorted(toolbox.declared - toolbox.functions.keys()):
        raise InputError(
            f"{_listed(raw)} {_are(raw)} declared without a function, so nobody could answer a call in a batch; "
            "nothing was sent.",
            hint="Give Python functions: tools=[f].",
        )
    asking = [tool.name for tool in toolbox.functions.values() if _asks(tooling, tool)]
    if asking:
        raise InputError(
            f"In a batch nobody can be asked whether a function may run, and {_listed(asking)} would have to ask; "
            "nothing was sent.",
            hint=_WAYS_OUT,
        )


def _asks(tooling: Tooling, tool: Tool) -> bool:
    """Whether a call would wait for leave."""
    rule = tooling.approve if tooling.approve == "never" else tool.approve or tooling.approve
    return rule == "ask" and not tool.read_only


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _are(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
