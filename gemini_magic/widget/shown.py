"""A conversation as all views of a pane see it: its turns, the answer that is on its way, settings."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gemini_magic.chat.export import system_in_words
from gemini_magic.display.visible import visible
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.widget import desk
from gemini_magic.widget.attachments import LIMIT, LIMIT_BASE64
from gemini_magic.widget.blobs import Blobs
from gemini_magic.widget.line import Line
from gemini_magic.widget.messages import joined, with_kept
from gemini_magic.widget.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gemini_magic.chat import Conversation, Turn
    from gemini_magic.client import Encoded
    from gemini_magic.client.timing import Clock
    from gemini_magic.widget.answering import Answering
    from gemini_magic.widget.approval import Waiting
    from gemini_magic.widget.line import Send
    from gemini_magic.widget.messages import PartView, State
    from gemini_magic.widget.notebook import Notebook
    from gemini_magic.widget.options import Settings

_NEW_KERNEL = "This is a new kernel. An earlier one has saved this conversation: load it to go on."


@dataclass
class Live:
    """The turn that is under way, as the views have it.

    Attributes:
        turn: What the pane calls it.
        since: When it was asked for.
        worker: The thread that asks.
        state: How far it is.
        content: What is asked; None while that is being prepared.
        before: The turns that were there before, by when they were made.
        replaced: The turn whose place it takes.
        leave: The call that waits for leave.
    """

    turn: str
    since: float
    worker: Answering
    state: State = "waiting"
    content: Encoded | None = None
    number: int = 0
    model: str = ""
    prompt: list[PartView] = field(default_factory=list)
    source: str | None = None
    parts: list[PartView] = field(default_factory=list)
    batches: int = 0
    before: frozenset[int] = frozenset()
    replaced: int | None = None
    leave: Waiting | None = None

    def made(self, turn: Turn) -> bool:
        """Whether this is what became of it."""
        return turn.question is self.content and turn.made not in self.before


class Shown:
    """What the views see, and how they are told.

    Args:
        chat: The conversation.
        send: Sends a message with its buffers to all views.
        clock: Where time comes from.
        notebook: The notebook around the pane.
        starters: Questions to begin with.
        height: The pane's height in CSS.
    """

    def __init__(
        self,
        chat: Conversation,
        send: Send,
        clock: Clock,
        notebook: Notebook,
        *,
        starters: Sequence[str] = (),
        height: str | None = None,
    ) -> None:
        #: Held while anything here is looked at or changed, and while it is told, so that all views hear one story.
        self.lock = threading.RLock()
        self.line = Line(send)
        self.chat = chat
        self.clock = clock
        self.notebook = notebook
        self.blobs = Blobs()
        self.views = Views(self.blobs)
        self.settings: Settings = {}
        #: The models of a gateway, and its address.
        self.models: tuple[str, list[dict[str, str]]] | None = None
        self.live: Live | None = None
        self.restored = False
        self.height = height
        self._starters = list(starters)
        self._said: tuple[Turn, ...] = chat.turns
        self._said_settings: Settings = {}

    # Everything at once

    def snapshot(self, view: str = "") -> None:
        """Tell everything, to one view or to all."""
        with self.lock:
            state = self._state()
            if view:
                self.line.say("snapshot", view=view, state=state)
            else:
                self.line.say("snapshot", state=state)

    def _state(self) -> dict[str, Any]:
        turns = self._said = self._turns()
        self._said_settings = self.shown_settings()
        return {
            "turns": self._views_of(turns),
            "live": self._live_state(),
            "settings": self._said_settings,
            "models": self.known_models(),
            "totals": self.views.totals(turns),
            "name": self.chat.name,
            "starters": self._starters,
            "notice": self._notice(),
            "profile": desk.profile_of(self.chat),
            "restored": self.restored,
            "height": self.height,
            "limit": LIMIT if self.line.takes_buffers else LIMIT_BASE64,
        }

    def _live_state(self) -> dict[str, Any] | None:
        live = self.live
        if live is None or live.content is None:
            return None
        return {
            "turn": live.turn,
            "number": live.number,
            "prompt": live.prompt,
            "source": live.source,
            "parts": list(live.parts),
            "n": live.batches - 1,
            "model": live.model,
            "state": live.state,
            "seconds": self.clock.monotonic() - live.since,
            "approval": live.leave.view() if live.leave is not None else None,
        }

    def _notice(self) -> dict[str, str] | None:
        """What to say to somebody whose kernel was started anew."""
        if self.chat.turns or self.notebook.saved(self.chat.name) is None:
            return None
        return {"level": "info", "text": _NEW_KERNEL, "offer": "load"}

    def known_models(self) -> list[dict[str, str]] | None:
        """The models of the gateway that answers now, once they have been asked for."""
        is_same = self.models is not None and self.chat.connected and self.models[0] == self.chat.client.base_url
        return self.models[1] if self.models is not None and is_same else None

    @property
    def tokens(self) -> int | None:
        """How many tokens the conversation has taken, as far as that is known."""
        with self.lock:
            turns = self._turns()
            self._views_of(turns)
            return self.views.totals(turns)["total"]

    # Turns

    def _turns(self) -> tuple[Turn, ...]:
        """The turns, without the one that is still told piece by piece."""
        live = self.live
        return tuple(turn for turn in self.chat.turns if live is None or not live.made(turn))

    def _views_of(self, turns: Sequence[Turn]) -> list[Any]:
        if self.chat.connected:
            self.views.ledger, self.views.prices = self.chat.client.ledger, self.chat.client.profile.prices
        live = self.live
        return self.views.all(turns, live.prompt + live.parts if live is not None else ())

    def say_turns(self) -> None:
        """Tell the whole list."""
        turns = self._said = self._turns()
        self.line.say("turns", turns=self._views_of(turns), totals=self.views.totals(turns))

    def say_what_changed(self) -> bool:
        """Tell what others have done to the conversation; returns whether they have."""
        with self.lock:
            has_changed = not _same(self._said, self._turns())
            if has_changed:
                self.say_turns()
            if self.shown_settings() != self._said_settings:
                self.say_settings()
            return has_changed

    # The answer that is on its way

    def say_start(self) -> None:
        """Tell that the question goes out."""
        live = self.live
        if live is not None:
            replaced = next((turn for turn in self.chat.turns if turn.made == live.replaced), None)
            self.line.say(
                "start",
                turn=live.turn,
                number=live.number,
                prompt=live.prompt,
                source=live.source,
                model=live.model,
                replaces=self.views.known(replaced).id if replaced is not None else None,
            )

    def say_more(self, parts: list[PartView]) -> None:
        """Tell more of the answer."""
        with self.lock:
            live = self.live
            if live is not None:
                joined(live.parts, parts)
                self.line.say("delta", turn=live.turn, n=live.batches, parts=parts)
                live.batches += 1

    def say_approval(self, waiting: Waiting, leave: str = "") -> None:
        """Ask the person for leave, or tell how that was decided."""
        live = self.live
        if live is not None:
            fields = {"number": waiting.pending.number, "leave": leave} if leave else waiting.view()
            self.line.say("approval", turn=live.turn, **fields)

    def say_done(self, turn: Turn) -> None:
        """Tell the answer as it stays; nothing is on its way any more."""
        live, said = self.live, self._said
        if live is None:
            return
        self.live = None
        turns = self._turns()
        self._views_of(turns)
        view = self.views.view(turn, next(number for number, one in enumerate(turns, 1) if one is turn))
        if self.line.keeps:
            view = with_kept(view, live.parts)
        self.line.say("done", turn=live.turn, view=view, totals=self.views.totals(turns))
        others = [one for one in turns if one is not turn]
        if _same([one for one in said if one.made != live.replaced], others):
            self._said = turns
        else:  # others have asked meanwhile, or what follows is stale now
            self.say_turns()

    def say_status(self, state: State) -> None:
        """Tell how far the answer is."""
        live = self.live
        if live is not None:
            live.state = state
        self.line.say("status", state=state, turn=live.turn if live is not None else None)

    # Words and settings

    def noted(self, words: str, level: str = "info") -> None:
        """A line for the person."""
        self.line.say("notice", level=level, text=visible(words))

    def shown_settings(self) -> Settings:
        """The settings, and the conversation's system instruction among them."""
        with contextlib.suppress(GeminiMagicError):
            if system := system_in_words(self.chat.saved()):
                return {**self.settings, "system": visible(system)}
        return dict(self.settings)

    def say_settings(self) -> None:
        """Tell the settings."""
        with self.lock:
            self._said_settings = self.shown_settings()
            self.line.say("settings", settings=self._said_settings)


def _same(some: Iterable[Turn], others: Iterable[Turn]) -> bool:
    """Whether these are the very same turns."""
    return list(map(id, some)) == list(map(id, others))
