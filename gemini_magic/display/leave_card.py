"""The card that asks whether a function may run: a small anywidget whose buttons are heard while the cell runs."""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from traitlets import Dict, Unicode, default

from gemini_magic._optional import require
from gemini_magic.display.calls import started_words, written_call
from gemini_magic.display.highlight import tokens
from gemini_magic.display.pieces import shortened
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a person can answer: run this call, run this and every further call of the function for this question, or not.
Leave: TypeAlias = Literal["run", "all", "deny"]
_LEAVES: tuple[Leave, ...] = ("run", "all", "deny")
_WIDTH = 76
_anywidget: Any = require("anywidget", extra="all", why="ask by buttons whether a function may run")


class Pending(Protocol):
    """A call that waits for leave; `gemini_magic.tools.approval.Pending` is one."""

    @property
    def name(self) -> str:
        """The function's name."""

    @property
    def args(self) -> Mapping[str, Any]:
        """Its arguments, as JSON."""

    @property
    def description(self) -> str:
        """What the function does, in a line."""

    @property
    def behind(self) -> int:
        """How many more calls wait behind it."""


class LeaveCard(_anywidget.AnyWidget):  # type: ignore[misc]
    """Shows a call with the buttons Run, Run all and Deny.

    A view says hello until it is heard, so that the front end gives the card a thread of the kernel that listens while
    a cell runs; only then its buttons work.

    Args:
        pending: The call.

    Attributes:
        heard: Set when a view has said hello.
        answered: Set when a button was pressed; `leave` says which.
        leave: What was answered.
    """

    _esm = Unicode().tag(sync=True)
    _css = Unicode().tag(sync=True)
    call = Dict(help="What the card shows: words, and code as pairs of class and text.").tag(sync=True)

    def __init__(self, pending: Pending) -> None:
        self.heard = threading.Event()
        self.answered = threading.Event()
        self.leave: Leave = "deny"
        self._words = visible(started_words(pending.name, pending.args, waits=True))
        super().__init__(call=shown(pending))
        forget_route(self.comm)
        self.on_msg(self._take)

    @default("_esm")
    def _script(self) -> str:
        return _static("leave.js")

    @default("_css")
    def _style(self) -> str:
        return _static("leave.css")

    @property
    def bundle(self) -> dict[str, Any]:
        """The card as MIME bundle; where there are no widgets it is a line of text."""
        made = self._repr_mimebundle_()
        bundle: dict[str, Any] = made[0] if isinstance(made, tuple) else (made or {})
        return {**bundle, "text/plain": self._words}

    def close(self) -> None:
        """Take the card away, with the model of its layout."""
        self.layout.close()
        super().close()

    def _take(self, _: object, message: object, __: object) -> None:
        kind, leave = (message.get("type"), message.get("leave")) if isinstance(message, dict) else ("", "")
        if kind == "hello":
            self.heard.set()
            self.send({"type": "ready"})
        elif kind == "leave" and leave in _LEAVES and not self.answered.is_set():
            self.leave = leave
            self.answered.set()

    def _send(self, msg: Any, buffers: Any = None) -> None:  # noqa: ANN401 - as ipywidgets has it
        super()._send(msg, buffers=buffers)
        forget_route(self.comm)

    def __repr__(self) -> str:
        """The call, and that it waits."""
        return f"<LeaveCard: {self._words}>"


def shown(pending: Pending) -> dict[str, Any]:
    """What a card shows of a call, all of it text in which nothing hides."""
    name = visible(pending.name)
    source = shortened(visible(written_call(pending.name, pending.args, _WIDTH)))
    behind = pending.behind
    waiting = f"{behind:,} more call{'s' * (behind != 1)} wait{'s' * (behind == 1)} behind this one."
    return {
        "label": f"Leave to run {name}",
        "question": ["May the model run ", name, "?"],
        "about": visible(pending.description),
        "code": tokens(source, "python"),
        "behind": waiting if behind else "",
        "buttons": [
            ["run", "Run", f"Run this call of {name}"],
            ["all", "Run all", f"Run this and every further call of {name} for this question"],
            ["deny", "Deny", f"Do not run {name}; the model is told so"],
        ],
    }


def forget_route(comm: object) -> None:
    """Take away what ipykernel remembers of a comm's last message.

    It routes the comm's next message to the subshell that was answered last, even when the message names another one:
    to none after an answer to a cell, where it would wait for the cell that runs.
    """
    getattr(comm, "__dict__", {}).pop("_reply_subshell_id", None)


@cache
def _static(name: str) -> str:
    return files("gemini_magic.display").joinpath("static", name).read_text(encoding="utf-8")
