"""The named conversations of this kernel, shared by cells and widgets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gemini_magic.chat.conversation import Conversation
from gemini_magic.chat.watching import Watchers
from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.client import Client

#: The conversation that is meant when none is named.
MAIN = "main"


class Registry:
    """Conversations by name; safe to use from any thread."""

    def __init__(self) -> None:
        self._chats: dict[str, Conversation] = {}
        self._lock = threading.Lock()
        self._watchers = Watchers()

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call a method whenever a name may mean another conversation than before; it is held weakly."""
        self._watchers.add(watcher)

    def get(self, name: str, client: Client) -> Conversation:
        """The conversation of that name, made if there is none; from now on it asks this client."""
        with self._lock:
            there = self._chats.get(name)
            chat = self._chats[name] = Conversation(client, name=name) if there is None else there
            chat.client = client
        if there is None:
            self._watchers.tell()
        return chat

    def find(self, name: str) -> Conversation | None:
        """The conversation of that name, or None."""
        with self._lock:
            return self._chats.get(name)

    def known(self, name: str) -> Conversation:
        """The conversation of that name.

        Raises:
            InputError: There is none of that name.
        """
        chat = self.find(name)
        if chat is None:
            raise self._unknown(name)
        return chat

    def put(self, chat: Conversation) -> None:
        """Make a conversation the one of its name, in the place of another."""
        with self._lock:
            former = self._chats.get(chat.name)
            self._chats[chat.name] = chat
        if former is not chat:
            self._watchers.tell()

    def branch(self, source: str, name: str, cell: str = "") -> Conversation:
        """A copy of a conversation to try something else in, not yet among the named ones: `put` makes it so.

        A cell that has asked before branches off before its own turns. When it is the cell that made a turn of the
        branch, that branch is meant, and its turn can be replaced there.

        Args:
            source: The conversation to copy.
            name: What to call the copy.
            cell: The front end's id of the cell that asks.

        Raises:
            InputError: There is nothing to copy, or the name belongs to another conversation.
        """
        there = self.find(name)
        if there is not None and cell and any(turn.cell == cell for turn in there.turns):
            return there
        chat = self.known(source)
        if there is not None:
            raise InputError(
                f"There is already a conversation {name!r}.", hint=f"-c {name} goes on with it; a branch is a new one."
            )
        asked = (number for number, turn in enumerate(chat.turns) if cell and turn.cell == cell)
        return chat.fork(name, next(asked, None))

    def reset(self, name: str) -> int:
        """Forget a conversation and its system instruction; returns how many turns it had.

        Raises:
            InputError: There is none of that name.
        """
        with self._lock:
            chat = self._chats.pop(name, None)
        self._watchers.tell()
        if chat is None and name != MAIN:
            raise self._unknown(name)
        return len(chat) if chat is not None else 0

    def _unknown(self, name: str) -> InputError:
        known = ", ".join(self.names) or "none yet"
        return InputError(f"There is no conversation {name!r}.", hint=f"There is: {known}.")

    @property
    def names(self) -> list[str]:
        """The names, in the order of their making."""
        with self._lock:
            return list(self._chats)

    @property
    def chats(self) -> list[Conversation]:
        """The conversations, in the order of their making."""
        with self._lock:
            return list(self._chats.values())


#: Shared by all of this kernel.
KERNEL = Registry()
