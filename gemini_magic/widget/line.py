"""The line to the browser: messages with their numbers, and what the views at its other end are able to do."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gemini_magic.widget.messages import Message

    Send = Callable[[Message, list[bytes]], None]

#: Views that are remembered; none of them says goodbye.
_MOST_VIEWS = 8


class _View(NamedTuple):
    takes_buffers: bool
    keeps: bool


class Line:
    """Numbers messages and sends them in the order of their numbers, from any thread.

    Args:
        send: Sends one message with its buffers; what it raises is swallowed, and the gap makes views ask again.
    """

    def __init__(self, send: Send) -> None:
        self._send: Send | None = send
        self._seq = 0
        self._lock = threading.RLock()
        self._views: OrderedDict[str, _View] = OrderedDict()

    def say(self, kind: str, /, buffers: Sequence[bytes] = (), **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """Send a message."""
        with self._lock:
            if self._send is None:
                return
            self._seq += 1
            with contextlib.suppress(Exception):
                self._send({"type": kind, "seq": self._seq, **fields}, list(buffers))

    def reply(self, request: Message, buffers: Sequence[bytes] = (), **fields: Any) -> None:  # noqa: ANN401
        """Answer a request; one without an id wants no answer, but hears of errors."""
        if isinstance(request.get("id"), str):
            self.say("reply", buffers, to=request["id"], **fields)
        elif "error" in fields:
            self.say("notice", level="error", text=fields["error"])

    def greeted(self, message: Message) -> str:
        """A view has said hello; returns its name."""
        name = str(message.get("view") or "")
        with self._lock:
            self._views[name] = _View(message.get("binary") is not False, message.get("keeps") is True)
            self._views.move_to_end(name)
            while len(self._views) > _MOST_VIEWS:
                self._views.popitem(last=False)
        return name

    @property
    def takes_buffers(self) -> bool:
        """Whether every view takes binary buffers."""
        with self._lock:
            return all(view.takes_buffers for view in self._views.values())

    @property
    def keeps(self) -> bool:
        """Whether every view still has what was streamed, and understands when it is named."""
        with self._lock:
            return bool(self._views) and all(view.keeps for view in self._views.values())

    def close(self) -> None:
        """Send nothing any more."""
        with self._lock:
            self._send = None
