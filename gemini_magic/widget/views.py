"""Turns as the pane shows them; each is looked at once, however often the list is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.display.links import safe_target
from gemini_magic.display.visible import visible
from gemini_magic.display.words import safety_words, status_words
from gemini_magic.reply import Sources
from gemini_magic.widget.messages import blobs_in
from gemini_magic.widget.parts import answer_views, question_views
from gemini_magic.widget.spending import Amount, amount_of, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.chat import Turn
    from gemini_magic.ledger import Ledger
    from gemini_magic.reply import Reply
    from gemini_magic.widget.blobs import Blobs
    from gemini_magic.widget.messages import PartView, TurnView, UsageView

_STOPPED, _NOTHING = "Stopped: this is what had arrived.", "Stopped before anything had arrived."
_CUT = "Cut off: the answer reached its token limit."
_TITLES = {"blocked": "Blocked", "failed": "No answer", "ok": "No answer"}


@dataclass(frozen=True)
class Known:
    """What is known of a turn beside what it holds, because it was asked here.

    Attributes:
        id: What the pane calls it.
        source: What was typed.
        names: Names of its files, by the place of their part.
        title: A word for what went wrong.
        seconds: How long each of its thoughts took.
    """

    id: str
    source: str | None = None
    names: dict[int, str] = field(default_factory=dict)
    title: str = ""
    seconds: tuple[float, ...] = ()


class _Looked(NamedTuple):
    """What a turn looks like, but for its place in the conversation."""

    fixed: dict[str, Any]
    amount: Amount | None
    blobs: frozenset[str]


class Views:
    """Makes views of turns, and remembers them for as long as the turns are there.

    Args:
        blobs: Gets to know the bytes in them.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._looked: dict[int, _Looked] = {}
        self._known: dict[int, Known] = {}
        #: Where prices are looked up, and how the profile wants it done.
        self.ledger: Ledger | None = None
        self.prices = "none"

    def know(self, turn: Turn, known: Known) -> None:
        """Remember what is known of a turn that was asked here."""
        self._known[turn.made] = known
        self._looked.pop(turn.made, None)

    def known(self, turn: Turn) -> Known:
        """What is known of a turn."""
        return self._known.get(turn.made) or Known(f"t{turn.made}")

    def was_typed(self, turn: Turn) -> bool:
        """Whether a turn was typed in this pane."""
        return self.known(turn).source is not None

    def view(self, turn: Turn, number: int) -> TurnView:
        """A turn as the pane shows it."""
        looked = self._look(turn)
        view: TurnView = {
            **looked.fixed,  # type: ignore[typeddict-item]  # the rest of a TurnView
            "turn": self.known(turn).id,
            "number": number,
            "stale": turn.stale,
            "sent": turn.replayed,
        }
        return view

    def all(self, turns: Sequence[Turn], live: Sequence[PartView] = ()) -> list[TurnView]:
        """All turns of a conversation; what is remembered of others is forgotten.

        Args:
            turns: The turns.
            live: The parts of one that is still on its way.
        """
        views = [self.view(turn, number) for number, turn in enumerate(turns, 1)]
        self._forget({turn.made for turn in turns}, live)
        return views

    def totals(self, turns: Sequence[Turn]) -> UsageView:
        """What all turns took."""
        return total(self._look(turn).amount for turn in turns).view()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._looked)

    def _forget(self, there: set[int], live: Sequence[PartView]) -> None:
        self._looked = {made: looked for made, looked in self._looked.items() if made in there}
        self._known = {made: known for made, known in self._known.items() if made in there}
        names = {name for looked in self._looked.values() for name in looked.blobs}
        self._blobs.keep(names | blobs_in(live))

    def _look(self, turn: Turn) -> _Looked:
        looked = self._looked.get(turn.made)
        if looked is None:
            looked = self._looked[turn.made] = self._looked_at(turn)
        return looked

    def _looked_at(self, turn: Turn) -> _Looked:
        known, reply = self.known(turn), turn.reply
        prompt = question_views(turn.question.content.parts or [], self._blobs, known.source, known.names)
        answer, sources = self._answer(reply, known.seconds)
        amount = amount_of(reply, self.ledger, self.prices)
        fixed: dict[str, Any] = {
            "status": turn.status,
            "prompt": prompt,
            "answer": answer,
            "error": _error(turn, known.title),
            "finish": _finish(turn),
            "sources": sources,
            "searches": [visible(query) for query in reply.searches] if reply is not None else [],
            "usage": amount.view() if amount is not None else None,
            "seconds": reply.seconds if reply is not None else None,
            "model": visible(_model(turn)),
            "from_cell": bool(turn.cell),
        }
        if known.source is not None:
            fixed["source"] = known.source
        return _Looked(fixed, amount, frozenset(blobs_in([*prompt, *answer])))

    def _answer(self, reply: Reply | None, seconds: Sequence[float]) -> tuple[list[PartView], list[dict[str, str]]]:
        if reply is None:
            return [], []
        first = next((one for one in reply.candidates if not one.index), None)
        sources = Sources(first, reply.parts)
        views = answer_views(reply, self._blobs, sources.marked, seconds)
        listed = [
            {
                "title": visible(source.title or source.uri or "A text"),
                "url": safe_target(source.uri) or "",
                "host": visible(source.host),
            }
            for source in sources.all
        ]
        return views, listed


def _model(turn: Turn) -> str:
    return (turn.reply.model if turn.reply is not None else "") or turn.fields.get("model") or ""


def _error(turn: Turn, title: str) -> dict[str, Any] | None:
    """What went wrong, in words; None when nothing did."""
    if turn.status not in _TITLES or turn.replayed:
        return None
    reply, words = turn.reply, turn.error
    if reply is not None and reply.status == turn.status and not reply.broken:
        words = " ".join([status_words(reply) or "The answer is empty.", *_ratings(reply)])
    return {"title": title or _TITLES[turn.status], "text": visible(words), "retry": True}


def _ratings(reply: Reply) -> list[str]:
    ratings = safety_words(reply.safety)
    return [f"({'; '.join(ratings)})"] if ratings else []


def _finish(turn: Turn) -> dict[str, Any] | None:
    """How the answer ended, where the reader must know; None when all is well."""
    reply = turn.reply
    if turn.status == "interrupted":
        has_text = reply is not None and bool(reply.text)
        return {
            "text": _STOPPED if reply is not None and (reply.parts or reply.steps) else _NOTHING,
            "can_continue": has_text,
        }
    if reply is None or turn.status not in {"ok", "truncated"} or not turn.replayed:
        return None
    words = _CUT if reply.finish_reason == "MAX_TOKENS" else status_words(reply)
    return {"text": visible(words), "can_continue": turn.status == "truncated"} if words else None
