"""Who may send a request now: one limiter for a model behind a gateway, shared by everything in the kernel.

It knows what the user has said (requests and tokens a minute), what the server has named (a delay, a quota), and what
can be seen (a refusal, failures in a row). Whatever it learns from one request holds for all of them.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gemini_magic.client.timing import Clock, SystemClock
from gemini_magic.extract.pace import Bucket, Pace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.exceptions import QuotaExhausted

#: What is left of the concurrency after a refusal.
_LESS = 0.7
#: Failures in a row from which requests go out one by one: of rounds of requests, and of single ones.
_ONE_BY_ONE, _AT_ONCE = 2, 4
#: Rounds that have failed in a row, from which there are pauses between them.
_PAUSING = 4
_FIRST_PAUSE = 0.5
#: The longest pause between two tries of a server that fails, and of one that refuses without naming a delay.
LONGEST_PAUSE, LONGEST_REFUSED = 4.0, 60.0


@dataclass(eq=False, slots=True)
class Permit:
    """Leave to send one request.

    Attributes:
        number: Counts the permits of a limiter.
        tokens: Tokens that were expected.
    """

    number: int
    tokens: int = 0


class _Leave:
    """The block in which a permit holds."""

    __slots__ = ("_limiter", "_tokens")

    def __init__(self, limiter: Limiter, tokens: int) -> None:
        self._limiter = limiter
        self._tokens = tokens

    async def __aenter__(self) -> Permit:
        return await self._limiter.admitted(self._tokens)

    async def __aexit__(self, *_: object) -> None:
        self._limiter.left()


class Limiter:
    """Permits, for the tasks of one event loop; what it is told may come from any thread.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._pace = Pace()
        self._runs: list[tuple[float | None, float | None]] = []
        self._requests: Bucket | None = None
        self._tokens: Bucket | None = None
        self._limit = self._threshold = math.inf
        self._in_use = self._sent = self._waiting = 0
        self._at_limit = False
        self._cut_at = self._failed_at = -1
        self._streak = self._failures = 0
        self._paused_until = -math.inf
        self._parked: QuotaExhausted | None = None

    @property
    def in_use(self) -> int:
        """Permits given out."""
        return self._in_use

    @property
    def concurrency(self) -> int | None:
        """Requests at a time, at most; None while the server has taken all it was given."""
        return None if math.isinf(self._limit) else max(1, int(self._limit))

    @property
    def streak(self) -> int:
        """Failures in a row; those of requests that were under way together count as one."""
        return self._streak

    @property
    def seconds_paused(self) -> float:
        """Seconds that nothing will be sent, as far as is known."""
        return max(0.0, self._paused_until - self.clock.monotonic())

    @property
    def parked(self) -> QuotaExhausted | None:
        """The error after which nothing more is sent, or None."""
        return self._parked

    @contextmanager
    def joined(self, *, rpm: float | None = None, tpm: float | None = None) -> Iterator[None]:
        """A run takes part; of all that do, the lowest limits hold.

        A quota that was used up may be there again when the user begins anew: one request tries it.

        Args:
            rpm: Requests a minute.
            tpm: Tokens a minute.
        """
        if not self._runs and self._parked is not None:
            self._parked, self._limit, self._threshold = None, 1.0, math.inf
        limits = (rpm, tpm)
        self._runs.append(limits)
        self._set_buckets()
        try:
            yield
        finally:
            self._runs.remove(limits)
            self._set_buckets()

    def _set_buckets(self) -> None:
        now = self.clock.monotonic()
        self._requests = _bucket(self._requests, [rpm for rpm, _ in self._runs if rpm is not None], now)
        self._tokens = _bucket(self._tokens, [tpm for _, tpm in self._runs if tpm is not None], now)

    def permit(self, tokens: int = 0) -> _Leave:
        """Wait for leave to send a request; leaving the block gives it back.

        Args:
            tokens: How many it will take, as far as is known.

        Raises:
            QuotaExhausted: A quota is used up; nothing may be sent.
        """
        return _Leave(self, tokens)

    async def admitted(self, tokens: int) -> Permit:
        """Wait for leave; as `permit`, and to be given back by `left`."""
        if not self._waiting and self._parked is None:
            now = self.clock.monotonic()
            if not (self._in_use and self._in_use + 1 > self._limit) and self._seconds(tokens, now) <= 0:
                return self._given(tokens, now)
        self._waiting += 1
        try:
            async with self._turn:  # whoever has come first waits here, all others for their turn
                return await self._admitted(tokens)
        finally:
            self._waiting -= 1

    def left(self) -> None:
        """A permit is given back."""
        self._in_use -= 1
        self._freed.set()

    async def _admitted(self, tokens: int) -> Permit:
        while True:
            if self._parked is not None:
                raise self._parked
            now = self.clock.monotonic()
            seconds = self._seconds(tokens, now)
            if seconds > 0:
                await self.clock.asleep(seconds)
            elif self._in_use and self._in_use + 1 > self._limit:
                self._freed.clear()
                await self._freed.wait()
            else:
                return self._given(tokens, now)

    def _seconds(self, tokens: int, now: float) -> float:
        if self._requests is None and self._tokens is None and self._pace.rate is None:
            return self._paused_until - now
        waits = [self._paused_until - now, self._pace.wait(now)]
        waits += [self._requests.wait(1, now)] if self._requests is not None else []
        waits += [self._tokens.wait(tokens, now)] if self._tokens is not None else []
        return max(waits)

    def _given(self, tokens: int, now: float) -> Permit:
        self._pace.sent(now)
        if self._requests is not None:
            self._requests.take(1, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)
        self._in_use += 1
        self._sent += 1
        self._at_limit = self._in_use + 1 > self._limit
        return Permit(self._sent, tokens)

    def took(self, tokens: int, permit: Permit | None = None) -> None:
        """A request has taken so many tokens; with its permit, what was expected is taken off."""
        if self._tokens is not None:
            self._tokens.correct(tokens - (permit.tokens if permit is not None else 0))

    def succeeded(self) -> None:
        """The server has answered."""
        self._pace.accepted(self.clock.monotonic())
        self._streak = self._failures = 0
        if not self._at_limit:
            return  # it was not the limit that held anybody up, so nothing was learned about it
        # Up to where it went wrong with each answer, from there on with each round of answers.
        self._limit += 1.0 if self._limit < self._threshold else 1.0 / self._limit

    def refused(self, permit: Permit, *, overloaded: bool = False) -> bool:
        """The server has refused a request because there were too many; slows everybody down.

        Args:
            permit: The request's.
            overloaded: It said so with a 503, which tells nothing about a rate.

        Returns:
            Whether it is news: the request was sent after the last failure was known.
        """
        if not overloaded:
            self._pace.refused(self.clock.monotonic())
        if permit.number > self._cut_at:
            self._cut_at = self._sent
            self._threshold = max(1.0, _LESS * min(self._limit, self._in_use))
            self._limit = min(self._limit, self._threshold)
        return self.failed(permit, longest=LONGEST_PAUSE if overloaded else LONGEST_REFUSED)

    def failed(self, permit: Permit, *, longest: float = LONGEST_PAUSE) -> bool:
        """A request has come to nothing, through no fault of its own.

        Args:
            permit: The request's.
            longest: The longest pause before the next one, in seconds.

        Returns:
            Whether it is news: the request was sent after the last failure was known.
        """
        self._failures += longest <= LONGEST_PAUSE
        news = permit.number > self._failed_at
        self._streak += news
        if (self._streak >= _ONE_BY_ONE and news) or self._failures == _AT_ONCE:
            if math.isinf(self._threshold):
                self._threshold = max(1.0, _LESS * min(self._limit, self._in_use))
            self._limit = 1.0
        if not news:
            return False
        self._failed_at = self._sent
        if self._streak >= _PAUSING:
            self.told_to_wait(min(longest, _FIRST_PAUSE * 2.0 ** (self._streak - _PAUSING)))
        return True

    def told_to_wait(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        self._paused_until = max(self._paused_until, self.clock.monotonic() + seconds)

    def park(self, error: QuotaExhausted) -> None:
        """Nobody sends anything until a run begins anew; all who wait get the error."""
        self._parked = self._parked or error


def _bucket(before: Bucket | None, limits: list[float], now: float) -> Bucket | None:
    """A bucket for the lowest of the limits; the same as before when that has not changed."""
    if not limits:
        return None
    lowest = min(limits)
    return before if before is not None and before.per_minute == lowest else Bucket(lowest, now)


_LIMITERS: dict[tuple[int, str, str, int], Limiter] = {}
_LOCK = threading.Lock()


def limiter_for(origin: str, model: str, clock: Clock | None = None) -> Limiter:
    """The limiter of a model behind a gateway.

    Args:
        origin: Scheme, host and port.
        model: The model's name.
        clock: Where time comes from; whoever brings a clock of his own has limiters of his own.
    """
    own = 0 if clock is None or isinstance(clock, SystemClock) else id(clock)
    key = (os.getpid(), origin, model.removeprefix("models/"), own)
    with _LOCK:
        if key not in _LIMITERS:
            _LIMITERS[key] = Limiter(clock)
        return _LIMITERS[key]
