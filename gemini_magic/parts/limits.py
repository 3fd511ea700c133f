"""A limit on the time that somebody else's ``__str__`` or ``_repr_png_`` may take."""

from __future__ import annotations

import contextvars
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from gemini_magic.exceptions import UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

Result = TypeVar("Result")

#: How long one value may take to say what it is, in seconds.
MAX_SECONDS = 5.0
#: How long a structure or table may take, with all the values in it; a million of them take a second or two.
MAX_SECONDS_INSIDE = 30.0


class _TimeIsUp(BaseException):
    """The limit passed; no ``Exception``, so that the value's own ``except Exception`` does not swallow it."""


def limited(make: Callable[[], Result], what: str, seconds: float | None = None) -> Result:
    """Call a function of a value, and cut it off when it takes too long.

    In the main thread, where a notebook's cells run, an alarm interrupts it. Elsewhere it runs in a thread of its
    own, which is left behind when the time is up: Python has no way to end it.

    Args:
        make: What to call.
        what: What the user calls the value, for the message.
        seconds: The limit; ``MAX_SECONDS`` when None.

    Returns:
        What the call returned.

    Raises:
        UnsupportedValue: The time is up.
    """
    limit = MAX_SECONDS if seconds is None else seconds
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return _in_a_thread(make, what, limit)
    try:
        with _alarm(limit):
            return make()
    except _TimeIsUp:
        raise _too_slow(what, limit) from None


def _too_slow(what: str, limit: float) -> UnsupportedValue:
    return UnsupportedValue(
        f"{what} was still busy saying what it is after {limit:g} seconds, and was stopped.",
        hint="Send an attribute of it, or a text that you made from it.",
    )


@contextmanager
def _alarm(limit: float) -> Iterator[None]:
    """Raise in the main thread when the time is up; an alarm that somebody else set rings as it would have."""

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise _TimeIsUp

    left, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < left <= limit:
        yield
        return
    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3), interval)


def _in_a_thread(make: Callable[[], Result], what: str, limit: float) -> Result:
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(make())
        except BaseException as error:  # noqa: BLE001 - raised again where the call was made
            errors.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join(limit)
    if errors:
        raise errors[0]
    if not results:
        raise _too_slow(what, limit)
    return results[0]
