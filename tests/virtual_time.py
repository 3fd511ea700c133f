"""An event loop in which nobody waits: when all sleep, its clock leaps to the next one to wake."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class _Leaping(selectors.SelectSelector):
    """Waits for nothing, and counts the seconds it would have waited."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise AssertionError("all sleep, and nobody will wake them")
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs hours of sleeping in milliseconds, and always in the same order."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


class LoopClock:
    """The running loop's clock, for whoever takes a `client.timing.Clock`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"{seconds} s of sleep would stop the loop")

    async def asleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_virtually(work: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run a coroutine to its end, and close the loop."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)
