"""The pane itself: a thin anywidget around an `Engine`."""

from __future__ import annotations

import contextvars
import weakref
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from traitlets import Unicode, default

from gemini_magic._optional import require
from gemini_magic.chat import KERNEL, Conversation
from gemini_magic.chat.places import counted
from gemini_magic.display.leave_card import forget_route
from gemini_magic.display.notebook import CellScreen
from gemini_magic.exceptions import InputError
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.widget.desk import profile_of, static_text
from gemini_magic.widget.durable import Durable
from gemini_magic.widget.engine import Engine
from gemini_magic.widget.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.client import Client
    from gemini_magic.widget.messages import Message

_anywidget: Any = require("anywidget", extra="all", why="show a chat pane")


class ChatWidget(_anywidget.AnyWidget):  # type: ignore[misc]
    """A chat pane in an output cell, with the same conversation, variables and ledger as the notebook's cells.

    Displayed, it leaves two outputs: the pane, and a transcript that is still there where no kernel is.

    Args:
        chat: The conversation. Without one it is the kernel's conversation of that name, which is made if need be.
        name: The conversation's name, as ``-c NAME`` has it in cells.
        client: Where to ask from now on; otherwise where the conversation asks already, or what `connect` finds.
        height: The pane's height, in pixels or as CSS has it.
        starters: Questions to begin with, to be clicked on.
        tools: Functions that the model may call from now on, and tools of the server; otherwise what the conversation
            has already.
        approve: Whether you are asked, in the pane, before a function runs: ``ask`` unless it only reads, ``always``
            (run without asking) or ``never``.
        max_steps: How often the model may ask for calls before it has to answer.

    Raises:
        ConfigError: The package was not built with its front end.
        InputError: This is no conversation, or one of the tools is none.

    Example:
        >>> gm.ChatWidget()
        >>> gm.ChatWidget(chat, height=500, starters=["What is in {{df}}?"])
        >>> gm.ChatWidget(tools=[get_weather])
    """

    _esm = Unicode().tag(sync=True)
    _css = Unicode().tag(sync=True)
    height = Unicode(None, allow_none=True, help="The pane's height in CSS.").tag(sync=True)

    def __init__(
        self,
        chat: Conversation | None = None,
        *,
        name: str = "main",
        client: Client | None = None,
        height: int | str | None = None,
        starters: Sequence[str] = (),
        tools: object = None,
        approve: str | None = None,
        max_steps: int | None = None,
    ) -> None:
        shell = get_ipython()
        notebook = Notebook(shell)
        toolbox = Toolbox.of(tools)
        found = _found(chat, name, notebook)
        if client is not None:
            found.client = client
        if tools is not None:
            found.tools = toolbox
        if approve is not None:
            found.approve = approve
        if max_steps is not None:
            found.max_steps = max_steps
        tall = f"{height}px" if isinstance(height, int) else height
        self._in_kernel = getattr(shell, "kernel", None) is not None
        self._durable = Durable()
        self._context = contextvars.copy_context()
        pane = weakref.ref(self)
        self._engine = Engine(
            found,
            lambda message, buffers: _post(pane, message, buffers),
            notebook=notebook,
            registry=KERNEL if KERNEL.find(found.name) is found else None,
            starters=tuple(starters),
            height=tall,
            touched=lambda: _keep(pane),
        )
        super().__init__(height=tall)
        forget_route(self.comm)
        self.on_msg(self._take)

    @default("_esm")
    def _script(self) -> str:
        return static_text("chat.js")

    @default("_css")
    def _style(self) -> str:
        return static_text("chat.css")

    @property
    def chat(self) -> Conversation:
        """The conversation that is shown now; a fork or a loaded one may have taken the first one's place."""
        return self._engine.chat

    def _take(self, _: object, message: object, buffers: Sequence[Any]) -> None:
        if not buffers:  # which the context would keep alive
            self._context = contextvars.copy_context()
        self._engine.receive(message, buffers)

    def post(self, message: Message, buffers: list[bytes]) -> None:
        """Send a message to all views, from whichever thread, as an answer to the last one that came from a view."""
        self._context.copy().run(self.send, message, buffers)

    def _send(self, msg: Any, buffers: Any = None) -> None:  # noqa: ANN401 - as ipywidgets has it
        """Send anything, and leave it to the views where their next message is heard."""
        super()._send(msg, buffers=buffers)
        forget_route(self.comm)

    def keep(self) -> None:
        """Bring the transcript up to date."""
        self._durable.update(self.chat)

    def _ipython_display_(self) -> None:
        bundle, metadata = _as_pair(self._repr_mimebundle_())
        CellScreen().show(bundle, metadata=metadata)
        if self._in_kernel:
            self._durable.show(self.chat)

    def close(self) -> None:
        """Close the pane; an answer that is under way is stopped, and the conversation stays."""
        engine = getattr(self, "_engine", None)
        if engine is not None:
            engine.close()
        super().close()

    def __repr__(self) -> str:
        """Model, turns and tokens."""
        model = profile_of(self.chat)["model"] or "Gemini"
        tokens = self._engine.tokens
        counts = [counted(len(self.chat)), *([f"{tokens:,} tokens"] if tokens else [])]
        return f"Chat with {model}: {', '.join(counts)}"


def _found(chat: Conversation | None, name: str, notebook: Notebook) -> Conversation:
    if chat is None:
        chat = KERNEL.find(name)
        if chat is None:
            chat = Conversation(system=notebook.system, name=name)
            KERNEL.put(chat)
    if not isinstance(chat, Conversation):
        raise InputError(
            f"A ChatWidget shows a Conversation, not {type(chat).__name__}.", hint="By its name: ChatWidget(name=…)."
        )
    return chat


def _post(pane: weakref.ref[ChatWidget], message: Message, buffers: list[bytes]) -> None:
    there = pane()
    if there is not None:
        there.post(message, buffers)


def _keep(pane: weakref.ref[ChatWidget]) -> None:
    there = pane()
    if there is not None:
        there.keep()


def _as_pair(bundle: Any) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: ANN401 - anywidget gives one or two dicts
    return bundle if isinstance(bundle, tuple) else (bundle or {}, {})
