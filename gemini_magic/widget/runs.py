"""Calls of functions as the pane shows them: while they run, and with what came of them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from gemini_magic.display.visible import visible
from gemini_magic.widget.written import json_text, short
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gemini_magic.events import FunctionCall, ToolRun
    from gemini_magic.reply import Step
    from gemini_magic.widget.blobs import Blobs
    from gemini_magic.widget.messages import PartView

RUNNING = "running"


def running_view(call: FunctionCall, number: int) -> PartView:
    """A call that is being carried out."""
    return {
        "kind": "run",
        "call": number,
        "name": visible(call.name),
        "text": json_text(call.args),
        "outcome": RUNNING,
    }


def run_view(run: ToolRun, number: int, blobs: Blobs) -> PartView:
    """A call, and what came of it.

    Args:
        run: The call.
        number: Its place among all calls of the answer.
        blobs: Gets to know the pictures and files that came of it.
    """
    view: PartView = {
        "kind": "run",
        "call": number,
        "name": visible(run.name),
        "text": json_text(run.args),
        "outcome": run.outcome,
        "decision": run.decision,
        "result": _result(run.response),
        "error": visible(run.error),
        "seconds": round(run.seconds, 3),
    }
    media = [blobs.view(Part(inline_data=part.inline_data)) for part in run.media if part.inline_data is not None]
    return {**view, "media": media} if media else view


def _result(response: Mapping[str, Any]) -> str:
    """What the model was told; an error is told to the person in other words."""
    if set(response) == {"error"}:
        return ""
    value = response["result"] if set(response) == {"result"} else response
    return visible(short(value)) if isinstance(value, str) else json_text(value)


class Runs:
    """The runs of one answer, to be shown in the places of the calls that they belong to."""

    def __init__(self) -> None:
        self._numbers = count()
        self._left: Iterator[ToolRun] = iter(())
        self._next: ToolRun | None = None

    def begin(self, step: Step | None) -> None:
        """Take up the runs of an answer; None for one that asked for none."""
        self._left = iter(step.runs if step is not None else ())
        self._next = next(self._left, None)

    def view(self, part: Part, blobs: Blobs) -> PartView | None:
        """What became of a call; None when the part is none, or nothing was done about it here."""
        call, run = part.function_call, self._next
        if call is None or run is None or (call.name, call.id) != (run.name, run.id):
            return None
        self._next = next(self._left, None)
        return run_view(run, next(self._numbers), blobs)

    def rest(self, blobs: Blobs) -> Iterator[PartView]:
        """Runs whose calls stand nowhere."""
        while (run := self._next) is not None:
            self._next = next(self._left, None)
            yield run_view(run, next(self._numbers), blobs)
