"""Small jobs for which no comm callback waits."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE = 2


class Errands:
    """Does jobs in threads of its own, a few at a time and in their order; a thread that has nothing to do ends."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._threads = 0
        self._is_closed = False
        self._lock = threading.RLock()  # collecting garbage may close it in the middle of anything

    def add(self, job: Callable[[], object]) -> None:
        """Do a job soon; what goes wrong in it is its own concern."""
        with self._lock:
            if self._is_closed:
                return
            self._waiting.append(job)
            if self._threads == _AT_ONCE:
                return
            self._threads += 1
        threading.Thread(target=self._work, name="gemini-magic-errand", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            with contextlib.suppress(Exception):
                job()
            del job  # whoever it belongs to need not live until the next one comes

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None

    def close(self) -> None:
        """Take no more jobs, and forget those that wait."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
