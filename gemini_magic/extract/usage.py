"""What an extraction takes, and who is told how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gemini_magic.ledger import Money


@dataclass(frozen=True)
class Usage:
    """What an extraction took, and what came of it.

    Attributes:
        rows: Rows of the data.
        done: Rows with a value.
        failed: Rows without one although they were asked.
        empty: Rows that were not asked: null, not selected, or not reached.
        reused: Rows whose answer was there already.
        requests: Requests that were sent, retries and repairs included.
        prompt_tokens: Tokens of the requests; what a gateway does not say is not counted.
        answer_tokens: Tokens of the answers.
        total_tokens: All tokens.
        cost: What they cost, or None where that is not known.
        seconds: How long it took.
    """

    rows: int = 0
    done: int = 0
    failed: int = 0
    empty: int = 0
    reused: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    total_tokens: int = 0
    cost: Money | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        """One line."""
        parts = [f"{_count(self.done, 'row')} done"]
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts += [f"{self.empty:,} not asked"] if self.empty else []
        parts += [f"{self.reused:,} from the store"] if self.reused else []
        parts.append(_count(self.requests, "request"))
        parts += [f"{self.total_tokens:,} tokens"] if self.total_tokens else []
        parts += [str(self.cost)] if self.cost is not None else []
        return ", ".join([*parts, f"{self.seconds:.1f} s"])


class Progress(Protocol):
    """Who is told how far an extraction has come; called in the thread that waits for it.

    All numbers are sums since the beginning, so that a call that is missed does no harm.
    """

    def begin(self, total: int | None) -> None:
        """Rows that are to be filled; None when they are not known before they are read."""
        ...

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        """Rows that have an outcome, those of them without a value, tokens spent, and requests beyond one a task."""
        ...

    def finish(self, summary: Usage) -> None:
        """It is over, or was stopped; ``str(summary)`` is a line about it."""
        ...


class NoProgress:
    """Tells nobody."""

    def begin(self, total: int | None) -> None:
        """Nothing."""

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        """Nothing."""

    def finish(self, summary: Usage) -> None:
        """Nothing."""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
