"""What kernel and browser say to each other: JSON, and binary buffers beside it.

Kernel to browser; every message has ``seq``, which grows by one with each message of an engine:

=============  ========================================================================================================
``snapshot``   ``view``, ``state``: everything, in answer to ``hello``, or because the pane shows another conversation
``start``      ``turn``, ``number``, ``prompt``, ``source``, ``model``, ``replaces``: a question goes out
``delta``      ``turn``, ``n`` from 0, ``parts``: more of the answer; text and thoughts go on where the last part ended
``done``       ``turn``, ``view``, ``totals``: the answer as it stays
``turns``      ``turns``, ``totals``: the whole list has changed; without an answer that was under way, none was kept
``status``     ``state``: ``idle``, ``waiting``, ``answering`` or ``stopping``; ``turn``
``settings``   ``settings``
``approval``   ``turn``, ``number``, ``name``, ``args``, ``description``, ``behind``: may this call run?; ``turn``,
               ``number``, ``leave``: it was decided
``notice``     ``level``, ``text``: a line for the person; ``draft`` is a text that was not asked after all
``reply``      ``to``: to a request that had an ``id``; ``error`` when it failed, ``bad`` the numbers of bad attachments
=============  ========================================================================================================

Browser to kernel: ``hello send stop decide retry edit undo clear fork continue set complete models blob export load
module``. ``load`` without data loads what an earlier kernel has autosaved; ``decide`` has ``turn``, ``number`` and
``leave``, which is ``run``, ``all`` or ``deny``, and the first view that decides is heard.

A part of kind ``run`` is a call of a function, its ``call`` the same as the ``number`` of its approval. It takes the
place of an earlier part with the same ``call``: first it is ``running``, then it has its outcome.

A view whose ``hello`` says ``keeps: true`` lets ``done`` name what was streamed in place of repeating it: a part
``{"kind": "text", "kept": 2}`` is the third part of the answer as it stood when ``done`` came; whatever else stands
beside ``kept`` is new.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

Message = dict[str, Any]
State = Literal["idle", "waiting", "answering", "stopping"]
Level = Literal["info", "warning", "error"]


class PartView(TypedDict):
    """A part of a question or an answer, as the pane shows it."""

    kind: str
    text: NotRequired[str]
    seconds: NotRequired[float]
    blob: NotRequired[str]
    mime: NotRequired[str]
    bytes: NotRequired[int]
    name: NotRequired[str]
    uri: NotRequired[str]
    language: NotRequired[str]
    ok: NotRequired[bool]
    call: NotRequired[int]
    outcome: NotRequired[str]
    decision: NotRequired[str]
    result: NotRequired[str]
    error: NotRequired[str]
    media: NotRequired[list[PartView]]
    kept: NotRequired[int]


class UsageView(TypedDict):
    """Tokens and their cost."""

    prompt: int | None
    answer: int | None
    thoughts: int | None
    cached: int | None
    total: int | None
    cost: str
    words: str


class TurnView(TypedDict):
    """A turn, as the pane shows it."""

    turn: str
    number: int
    status: str
    stale: bool
    sent: bool
    prompt: list[PartView]
    source: NotRequired[str]
    answer: list[PartView]
    error: dict[str, Any] | None
    finish: dict[str, Any] | None
    sources: list[dict[str, str]]
    searches: list[str]
    usage: UsageView | None
    seconds: float | None
    model: str
    from_cell: bool


def joined(parts: list[PartView], more: list[PartView]) -> None:
    """Add parts to parts; text goes on in the last one of the same kind, and a call takes its earlier place."""
    for part in more:
        last = parts[-1] if parts else None
        place = _place(parts, part)
        if place is not None:
            parts[place] = part
        elif last is not None and last["kind"] == part["kind"] and part["kind"] in {"text", "thought"}:
            parts[-1] = {**last, **part, "text": last.get("text", "") + part.get("text", "")}
        else:
            parts.append(part)


def _place(parts: list[PartView], part: PartView) -> int | None:
    """Where the same call stands already."""
    if "call" not in part:
        return None
    return next((place for place, other in enumerate(parts) if other.get("call") == part["call"]), None)


def with_kept(view: TurnView, streamed: list[PartView]) -> TurnView:
    """The view with long parts of its answer named as parts of what was streamed, where they are the same."""
    places = {_told(part): place for place, part in enumerate(streamed)}
    answer = [_kept(part, places.get(_told(part)) if _weight(part) >= SHORT else None) for part in view["answer"]]
    return {**view, "answer": answer}


def _kept(part: PartView, place: int | None) -> PartView:
    if place is None:
        return part
    if part["kind"] == "run":
        return {"kind": "run", "kept": place}
    kept: PartView = {**part, "kept": place}
    kept.pop("text", None)
    return kept


def _told(part: PartView) -> tuple[str, str]:
    """What two parts have in common of which one stands for the other."""
    return part["kind"], json.dumps(part) if part["kind"] == "run" else part.get("text", "")


def _weight(part: PartView) -> int:
    return len(part.get("text", "")) + len(part.get("result", ""))


def blobs_in(parts: Iterable[PartView]) -> set[str]:
    """The names of the bytes in parts."""
    found: set[str] = set()
    for part in parts:
        found |= {part["blob"]} if "blob" in part else set()
        found |= blobs_in(part.get("media", ()))
    return found


#: A text that is shorter is repeated: naming it would hardly be shorter.
SHORT = 200
