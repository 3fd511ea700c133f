"""The pane's half in the kernel, without any widget: takes messages, asks, and tells every view what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.display.visible import visible
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.widget.asker import Asker
from gemini_magic.widget.requests import HANDLERS

if TYPE_CHECKING:
    from collections.abc import Sequence


class Engine(Asker):
    """One conversation and everything that is shown of it.

    Messages may come on several threads at once. None of them waits for the network: an answer has a thread of its
    own, and so have the smaller errands.

    Args:
        chat: The conversation.
        send: Sends a message with its buffers to all views.
        clock: Where time comes from.
        notebook: The notebook around the pane.
        registry: The named conversations, when this is one of them; then it follows its name.
        starters: Questions to begin with.
        height: The pane's height in CSS.
        touched: Called, in a thread of the engine, whenever there is something new to be kept beside the pane.
    """

    def receive(self, message: object, buffers: Sequence[Any] = ()) -> None:
        """Take a message of a view; returns at once, and raises nothing."""
        if not isinstance(message, dict):
            return
        handler = HANDLERS.get(str(message.get("type")))
        if handler is None:
            self.line.reply(message, error="This pane is of another version than the package: run its cell again.")
            return
        try:
            handler(self, message, buffers)
        except GeminiMagicError as error:
            self.line.reply(message, error=visible(str(error)))
        except Exception as error:  # noqa: BLE001 - comms swallow what is raised here
            self.line.reply(message, error=visible(f"{type(error).__name__}: {error}"))
