"""Who wants to know that a conversation has changed, such as a chat pane that shows it."""

from __future__ import annotations

import contextlib
import threading
from types import MethodType
from typing import TYPE_CHECKING
from weakref import WeakMethod, ref

if TYPE_CHECKING:
    from collections.abc import Callable


class Watchers:
    """Functions to be called when something has changed; nothing is kept alive for them."""

    def __init__(self) -> None:
        self._refs: tuple[ref[Callable[[], object]], ...] = ()
        self._lock = threading.Lock()

    def add(self, watcher: Callable[[], object]) -> None:
        """Call a function or method from now on, for as long as it, or its object, lives.

        Args:
            watcher: Called on the thread that makes the change, so it must be quick.
        """
        new: ref[Callable[[], object]] = WeakMethod(watcher) if isinstance(watcher, MethodType) else ref(watcher)
        with self._lock:
            self._refs = (*(old for old in self._refs if old() is not None), new)

    def tell(self) -> None:
        """Call them all; what goes wrong there is no concern of whoever made the change."""
        for known in self._refs:
            watcher = known()
            if watcher is not None:
                with contextlib.suppress(Exception):
                    watcher()
