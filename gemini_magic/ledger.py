"""What this kernel has spent: one entry for every exchange, by cell, conversation and model."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.reply import Reply

_LABELS: ContextVar[dict[str, str]] = ContextVar("gemini_magic_labels", default={})  # noqa: B039 - never mutated


@dataclass(frozen=True)
class Entry:
    """One exchange.

    Attributes:
        number: Counts from 1 in this kernel; clocks may jump, numbers do not.
        time: When it ended, in seconds since the epoch.
        model: The model that answered.
        profile: The gateway it went through.
        conversation: The conversation it belongs to, or an empty string.
        cell: The front end's id of the cell it came from, or an empty string.
        prompt_tokens: Tokens of the prompt, or None where the gateway does not say. So for the others.
        seconds: How long it took.
        requests: Requests it took, retries and fallback models included.
        status: The reply's status.
    """

    number: int
    time: float
    model: str
    profile: str
    conversation: str
    cell: str
    prompt_tokens: int | None
    answer_tokens: int | None
    thought_tokens: int | None
    cached_tokens: int | None
    total_tokens: int | None
    seconds: float
    requests: int
    status: str


class Ledger:
    """The entries of one kernel; safe to write to from any thread."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def record(self, reply: Reply, *, profile: str = "") -> Entry:
        """Add one exchange; the labels in force say where it belongs."""
        usage = reply.usage
        labels = _LABELS.get()
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                time=time.time(),
                model=reply.model,
                profile=profile,
                conversation=labels.get("conversation", ""),
                cell=labels.get("cell", ""),
                prompt_tokens=_count(usage.prompt_token_count if usage else None),
                answer_tokens=_count(usage.candidates_token_count if usage else None),
                thought_tokens=_count(usage.thoughts_token_count if usage else None),
                cached_tokens=_count(usage.cached_content_token_count if usage else None),
                total_tokens=_count(usage.total_token_count if usage else None),
                seconds=reply.seconds,
                requests=reply.attempts,
                status=reply.status,
            )
            self._entries.append(entry)
        return entry

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All exchanges, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def rows(self) -> list[dict[str, Any]]:
        """All exchanges as plain rows, ready for a table."""
        return [asdict(entry) for entry in self.entries]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


#: Shared by every client of the kernel.
KERNEL = Ledger()


@contextmanager
def labelled(*, conversation: str = "", cell: str = "") -> Iterator[None]:
    """Mark the exchanges made inside with where they belong; an empty label leaves the outer one in force."""
    given = {name: value for name, value in (("conversation", conversation), ("cell", cell)) if value}
    token = _LABELS.set({**_LABELS.get(), **given})
    try:
        yield
    finally:
        _LABELS.reset(token)


def _count(value: int | None) -> int | None:
    """A count as the server gave it; a negative one is no count."""
    return value if value is not None and value >= 0 else None
