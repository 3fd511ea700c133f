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
``notice``     ``level``, ``text``: a line for the person; ``draft`` is a text that was not asked after all
``reply``      ``to``: to a request that had an ``id``; ``error`` when it failed, ``bad`` the numbers of bad attachments
=============  ========================================================================================================

Browser to kernel: ``hello send stop retry edit undo clear fork continue set complete models blob export load module``.
``load`` without data loads what an earlier kernel has autosaved.

A view whose ``hello`` says ``keeps: true`` lets ``done`` name what was streamed in place of repeating it: a part
``{"kind": "text", "kept": 2}`` is the third part of the answer as it stood when ``done`` came.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

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
    """Add parts to parts; text goes on in the last one when that is of the same kind."""
    for part in more:
        last = parts[-1] if parts else None
        if last is not None and last["kind"] == part["kind"] and part["kind"] in {"text", "thought"}:
            parts[-1] = {**last, **part, "text": last.get("text", "") + part.get("text", "")}
        else:
            parts.append(part)


def with_kept(view: TurnView, streamed: list[PartView]) -> TurnView:
    """The view with long texts of its answer named as parts of what was streamed, where they are the same."""
    places = {(part["kind"], part.get("text", "")): place for place, part in enumerate(streamed)}
    answer: list[PartView] = []
    for part in view["answer"]:
        text = part.get("text", "")
        place = places.get((part["kind"], text)) if len(text) >= SHORT else None
        kept: PartView = {**part, "kept": place if place is not None else 0}
        kept.pop("text", None)
        answer.append(part if place is None else kept)
    return {**view, "answer": answer}


#: A text that is shorter is repeated: naming it would hardly be shorter.
SHORT = 200
