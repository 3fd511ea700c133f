"""Engines: what carries the tasks of an extraction to the model, and their outcomes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gemini_magic._lazy import by_home

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from gemini_magic.extract.engines._asyncio import AsyncioEngine
    from gemini_magic.extract.job import Job, Outcome, Task

__all__ = ["AsyncioEngine", "Engine"]


class Engine(Protocol):
    """Asks for every task, and hands over what came of each."""

    def run(
        self, job: Job, tasks: Iterable[Task], emit: Callable[[Outcome], None], *, stop: threading.Event | None = None
    ) -> None:
        """Ask for every task; returns when all outcomes are emitted, or `stop` is set.

        Args:
            job: What is the same for all tasks.
            tasks: Read little by little, in the calling thread.
            emit: Called in the calling thread with each outcome, in the order they come. A task that was not
                finished, because the run has ended before, has no outcome.
            stop: Ends the run soon after it is set.

        Raises:
            GeminiMagicError: Nothing more can be had now, or may be spent; what was finished has been emitted.
            KeyboardInterrupt: The user has interrupted; what was finished has been emitted.
        """
        ...


__getattr__ = by_home(__name__, {"AsyncioEngine": "_asyncio"})  # asyncio is large
