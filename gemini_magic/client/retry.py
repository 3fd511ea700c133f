"""When to try again, and after how long; no I/O, no clock of its own.

One `RetryPolicy` object drives all four ways of a call (sync and async, whole and streamed). The loop
around it is a few lines in each shell; a retry library would bring the same lines, its import time in
every first cell, and no say over the server's own delay and the kernel's shared budget.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gemini_magic.exceptions import (
    ApiError,
    ConnectFailed,
    ConnectionLost,
    GeminiMagicError,
    NotFound,
    QuotaExhausted,
    RateLimited,
    ServerUnavailable,
    Timeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PERMANENT = frozenset({501, 505, 506, 508, 510, 511})
_SHORTEST = 0.05


def is_retryable(error: GeminiMagicError) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, QuotaExhausted):
        return False
    if isinstance(error, ServerUnavailable):
        return error.status not in _PERMANENT
    if isinstance(error, Timeout):
        return error.phase in {"connect", "first event", "idle"}
    return isinstance(error, (RateLimited, ConnectFailed, ConnectionLost))


def is_worth_another_model(error: GeminiMagicError) -> bool:
    """Whether a different model behind the same gateway may answer: 404, 429 and 5xx."""
    return isinstance(error, (NotFound, RateLimited, ServerUnavailable))


class RetryBudget:
    """A bucket that keeps failing calls of one kernel from multiplying an outage.

    Every retry takes from it, every success gives back; an empty bucket means that calls fail at once. The
    sizes are those that botocore has used for years: 500 tokens, 14 for a retry, 5 for a throttled one, 1 back.
    """

    def __init__(self, size: int = 500) -> None:
        self._size = size
        self._left = size
        self._lock = threading.Lock()

    @staticmethod
    def cost(*, throttled: bool) -> int:
        """The tokens of one retry."""
        return 5 if throttled else 14

    def take(self, *, throttled: bool) -> bool:
        """Take the tokens of one retry; False when too few are left."""
        cost = self.cost(throttled=throttled)
        with self._lock:
            if self._left < cost:
                return False
            self._left -= cost
            return True

    def give_back(self, tokens: int = 1) -> None:
        """A call succeeded; a batch, whose retries are many, also gives back what those of the call had taken."""
        with self._lock:
            self._left = min(self._size, self._left + tokens)

    @property
    def left(self) -> int:
        """Tokens left."""
        return self._left


#: Shared by every client of the kernel.
KERNEL_BUDGET = RetryBudget()


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently a call is tried.

    Attributes:
        attempts: Requests at most, the first one included.
        initial: Longest wait before the first retry, in seconds; doubled for each further one.
        longest: Longest wait of our own choosing, in seconds.
        longest_named: Longest wait a server may ask for, in seconds; above it the error is raised at once.
        budget: Shared tokens; retries end when they are used up.
        jitter: Draws a number between its two arguments; full jitter spreads the clients of an outage.
    """

    attempts: int = 4
    initial: float = 0.5
    longest: float = 8.0
    longest_named: float = 120.0
    budget: RetryBudget = field(default=KERNEL_BUDGET, compare=False, repr=False)
    jitter: Callable[[float, float], float] = field(default=random.uniform, compare=False, repr=False)

    def delay_after(self, error: GeminiMagicError, attempt: int, seconds_left: float) -> float | None:
        """Seconds to wait before the next attempt, or None when there should be none.

        Args:
            error: What the attempt ended with.
            attempt: Which attempt it was, from 1.
            seconds_left: What is left of the call's total limit.
        """
        if attempt >= self.attempts or not is_retryable(error):
            return None
        named = error.retry_delay if isinstance(error, ApiError) else None
        if named is not None and (named > self.longest_named or named >= seconds_left):
            error.hint = f"The server asks to wait {named:,.0f} seconds, longer than one call waits; run it again then."
            return None
        if not self.budget.take(throttled=isinstance(error, RateLimited)):
            error.hint = "Not tried again: too many calls of this kernel have failed lately."
            return None
        if named is None and attempt == 1 and isinstance(error, ConnectionLost):
            return 0.0  # most likely a kept connection that the server had closed meanwhile: a fresh one, at once
        delay = named if named is not None else self._backoff(attempt)
        return delay if delay < seconds_left else None

    def _backoff(self, attempt: int) -> float:
        return max(_SHORTEST, self.jitter(0.0, min(self.longest, self.initial * 2 ** (attempt - 1))))


class Attempts:
    """Goes through the attempts of one call: which model to ask, and how long to wait before.

    Args:
        models: The model, then those to fall back to.
        policy: How often and how patiently each is tried.
        hide: Takes out of an error what the server should not have repeated.
        gave_up: Is told the error that the call ends with.
    """

    def __init__(
        self,
        models: Sequence[str],
        policy: RetryPolicy,
        hide: Callable[[GeminiMagicError], None] = lambda _: None,
        gave_up: Callable[[GeminiMagicError], None] = lambda _: None,
    ) -> None:
        self._models = list(models)
        self._policy = policy
        self.hide = hide
        self._gave_up = gave_up
        self._of_this_model = 1
        #: Requests so far, the one under way included.
        self.number = 1
        #: What the user should be told.
        self.notes: list[str] = []

    @property
    def model(self) -> str:
        """The model to ask now."""
        return self._models[0]

    def failed(self, error: GeminiMagicError, seconds_left: float) -> float:
        """The attempt ended in an error; returns the seconds to wait before the next one.

        Raises:
            GeminiMagicError: The same error, when there is no next one.
        """
        error.attempts = self.number
        self.hide(error)
        delay = self._policy.delay_after(error, self._of_this_model, seconds_left)
        if delay is None:
            self._next_model(error)
            delay = 0.0
        else:
            self._of_this_model += 1
        self.number += 1
        return delay

    def _next_model(self, error: GeminiMagicError) -> None:
        if len(self._models) == 1 or not is_worth_another_model(error):
            self._gave_up(error)
            raise error
        gone = self._models.pop(0)
        self._of_this_model = 1
        status = error.status if isinstance(error, ApiError) else type(error).__name__
        self.notes.append(f"{gone} did not answer ({status}); asking {self.model} instead.")

    def succeeded(self) -> None:
        """The answer has begun."""
        self._policy.budget.give_back()
