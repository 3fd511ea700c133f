"""Calls in a history that the model at hand has not signed, made fit to be sent to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gemini_magic.client.request import encode

if TYPE_CHECKING:
    from gemini_magic.chat.turns import Turn
    from gemini_magic.client import Encoded
    from gemini_magic.wire import Content, Part

#: What the documentation of thought signatures names for calls that were not made by the model itself.
STAND_IN = "skip_thought_signature_validator"


def repaired(turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], int]:
    """The turns with a stand-in for the signatures of all calls; other signatures are taken away.

    Models look for a signature on the first call of each step, and refuse one that they did not make.

    Returns:
        The turns, and how many of their parts have changed.
    """
    made = [_turn(turn) for turn in turns]
    return tuple(turn for turn, _ in made), sum(count for _, count in made)


def _turn(turn: Turn) -> tuple[Turn, int]:
    if turn.answer is None:
        return turn, 0
    steps = [_content(step) for step in turn.steps]
    answer, count = _content(turn.answer)
    count += sum(changed for _, changed in steps)
    return (replace(turn, steps=tuple(step for step, _ in steps), answer=answer) if count else turn), count


def _content(encoded: Encoded) -> tuple[Encoded, int]:
    content, parts = encoded.content, encoded.content.parts or []
    if content.role != "model":
        return encoded, 0
    first = next((place for place, part in enumerate(parts) if part.function_call is not None), None)
    made = [_part(part, STAND_IN if place == first else None) for place, part in enumerate(parts)]
    kept = [part for part in made if part.model_dump(exclude_unset=True) != {"text": ""}]
    count = sum(new is not old for new, old in zip(made, parts, strict=True))
    return (encode(_with(content, kept)), count) if count else (encoded, 0)


def _part(part: Part, signature: str | None) -> Part:
    if part.thought_signature == signature:
        return part
    if signature is not None:
        return part.model_copy(update={"thought_signature": signature})
    other = part.model_copy()
    other.model_fields_set.discard("thought_signature")
    other.thought_signature = None
    other.model_fields_set.discard("thought_signature")
    return other


def _with(content: Content, parts: list[Part]) -> Content:
    return content.model_copy(update={"parts": parts})
