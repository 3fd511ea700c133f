"""The way to an answer for which functions were called: what was asked for, what came of it, and what was sent back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.wire import Content, UsageMetadata
from gemini_magic.wire.base import assembled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.events import ToolRun
    from gemini_magic.reply import Reply


@dataclass(frozen=True)
class Step:
    """An answer that was not the last one.

    Attributes:
        reply: The answer.
        runs: The calls that it asked for, and what came of each, in its order.
        results: What was sent back; None when nothing was, because the answer was unusable and was asked for again, or
            because the way ended here.
    """

    reply: Reply
    runs: tuple[ToolRun, ...] = ()
    results: Content | None = None


def said(reply: Reply) -> Content:
    """The first answer's content as it came, with the role that some gateways leave out."""
    first = next((candidate for candidate in reply.candidates if not candidate.index), reply.candidates[0])
    content = first.content or Content(parts=[])
    return content if content.role else content.model_copy(update={"role": "model"})


def summed(usages: Iterable[UsageMetadata | None]) -> UsageMetadata | None:
    """The token counts of several requests together; None when no server gave any."""
    fields: dict[str, Any] = {}
    for usage in usages:
        for name in usage.model_fields_set if usage is not None else ():
            _add(fields, name, getattr(usage, name))
    return assembled(UsageMetadata, fields) if fields else None


def _add(fields: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401 - any field of the usage
    """Counts are summed, lists of counts joined by what they count, and of all else the last value stays."""
    before = fields.get(name)
    if value is None and before is not None:
        return
    if isinstance(before, int) and isinstance(value, int):
        value += before
    elif isinstance(before, list) and isinstance(value, list):
        value = _joined([*before, *value])
    fields[name] = value


def _joined(details: list[Any]) -> list[Any]:
    """Counts by modality, each modality once."""
    found: dict[str | None, Any] = {}
    for detail in details:
        known = found.get(detail.modality)
        if known is not None:
            count = (known.token_count or 0) + (detail.token_count or 0)
            detail = known.model_copy(update={"token_count": count})  # noqa: PLW2901 - the sum takes its place
        found[detail.modality] = detail
    return [*found.values()]
