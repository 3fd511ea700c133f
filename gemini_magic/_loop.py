"""The one background event loop of the library: whatever is awaited, is awaited there.

A notebook has a running loop of its own, in which nothing can be waited for, and a plain script has none. A thread
with a loop serves both, and leaves the caller's alone.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")
_ENDING = 2.0
#: Loops of a parent process, kept so that nobody closes them here: their sockets are the parent's.
_OF_THE_PARENT: list[BackgroundLoop] = []


class BackgroundLoop:
    """An event loop in a daemon thread, which starts with the first thing to do."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="gemini-magic", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    @property
    def alive(self) -> bool:
        """Whether it takes something to do, in this process."""
        return self.pid == os.getpid() and self._thread.is_alive() and not self._loop.is_closed()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Have something awaited; it sees the caller's context variables.

        Returns:
            A future for the calling thread; cancelling it cancels the work.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function called in the loop soon."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """Cancel what is under way, let it clean up, and end the thread."""
        if not self.alive:
            return
        ending = self.submit(_cancel_others())
        try:
            ending.result(_ENDING)
        except TimeoutError:
            pass  # whoever does not let himself be cancelled ends with the process
        finally:
            self.call(self._loop.stop)
            self._thread.join(_ENDING)


async def _cancel_others() -> None:
    """Cancel all tasks but this one, and wait until they have closed what they had open."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


_lock = threading.Lock()
_current: BackgroundLoop | None = None


def background() -> BackgroundLoop:
    """The loop of this process, started when it is first asked for."""
    global _current  # noqa: PLW0603 - one for the process
    with _lock:
        if _current is not None and _current.pid != os.getpid():
            _OF_THE_PARENT.append(_current)
            _current = None
        if _current is None or not _current.alive:
            _current = BackgroundLoop()
        return _current


@atexit.register
def _close() -> None:
    """Close connections before the process ends."""
    if _current is not None:
        _current.close()


def _after_fork() -> None:
    """A child may have been forked while another thread of its parent held the lock."""
    global _lock  # noqa: PLW0603 - see above
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
