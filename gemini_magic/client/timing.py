"""Clocks, and how long a call may still wait; no I/O."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Protocol

from gemini_magic.exceptions import Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from gemini_magic.settings import Timeouts

_STOP: ContextVar[Event | None] = ContextVar("gemini_magic_stop", default=None)


@contextmanager
def stoppable(stop: Event | None) -> Iterator[None]:
    """Let another thread end the calls made inside: when the event is set, they raise KeyboardInterrupt soon.

    That is how an interrupt ends a call on the main thread, so everything above behaves as it does there. None
    makes an exception of what is inside: its caller looks after it.
    """
    token = _STOP.set(stop)
    try:
        yield
    finally:
        _STOP.reset(token)


def stop_requested() -> bool:
    """Whether another thread wants the calls made here to end."""
    stop = _STOP.get()
    return stop is not None and stop.is_set()


_SHORTEST = 0.001
_ROUNDING = 0.05  # a socket may wake a few milliseconds before its time


class Clock(Protocol):
    """Where time comes from; tests bring their own."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Wait without holding up the event loop."""
        ...


class SystemClock:
    """The real clock."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; a keyboard interrupt, or whoever stops the call, ends it at once."""
        stop = _STOP.get()
        if stop is None:
            time.sleep(seconds)
        elif stop.wait(seconds):
            raise KeyboardInterrupt

    async def asleep(self, seconds: float) -> None:
        """Wait without holding up the event loop."""
        import asyncio  # noqa: PLC0415 - whoever awaits has loaded it; the others need not

        await asyncio.sleep(seconds)


class Patience:
    """The four limits of one call.

    ``connect`` bounds the making of a connection, ``first event`` the time from sending a request to the
    first event of its answer, ``idle`` the silence between bytes after that, and ``total`` everything,
    retries included. Bytes that bring no event, such as keep-alive comments, prolong only ``idle``.
    """

    def __init__(self, limits: Timeouts, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._begun = self._since = clock.monotonic()
        self._sent = self._begun
        self._answering = False
        self._stop = _STOP.get()

    def going_on(self) -> Patience:
        """The limits of a further request for the same answer; the total one has been running since the first."""
        further = copy(self)
        further._since = self._clock.monotonic()  # noqa: SLF001 - our own
        return further

    @property
    def seconds(self) -> float:
        """Seconds since this request, or the first try of it, began."""
        return self._clock.monotonic() - self._since

    @property
    def left(self) -> float:
        """Seconds left of the total limit."""
        return self._limits.total - (self._clock.monotonic() - self._begun)

    def sending(self) -> None:
        """A request goes out."""
        self._sent = self._clock.monotonic()
        self._answering = False

    def answering(self) -> None:
        """The first event has come."""
        self._answering = True

    def connect(self) -> float:
        """Seconds to wait for a connection."""
        return max(_SHORTEST, min(self._limits.connect, self.left))

    def read(self) -> float:
        """Seconds to wait for the next bytes.

        Raises:
            Timeout: A limit has passed already.
            KeyboardInterrupt: Another thread has stopped the call.
        """
        if self._stop is not None and self._stop.is_set():
            raise KeyboardInterrupt
        if self._answering:
            wait = min(self._limits.idle, self.left)
        else:
            wait = min(self._limits.first_event - (self._clock.monotonic() - self._sent), self.left)
        if wait <= 0:
            raise self.passed()
        return max(_SHORTEST, wait)

    def passed(self, *, connecting: bool = False) -> Timeout:
        """The error for the limit that has just passed."""
        limits = self._limits
        if connecting:
            phase, seconds, what = "connect", limits.connect, "No connection was made"
        elif self.left <= _ROUNDING:
            phase, seconds, what = "total", limits.total, "The whole call was not done"
        elif self._answering:
            phase, seconds, what = "idle", limits.idle, "The answer stopped, and nothing more came"
        else:
            phase, seconds, what = "first event", limits.first_event, "The answer did not begin"
        return Timeout(
            f"{what} within {seconds:g} seconds ({phase} limit).",
            phase=phase,
            seconds=seconds,
            hint="A longer limit can be set with --timeout, or timeout= in Python.",
        )
