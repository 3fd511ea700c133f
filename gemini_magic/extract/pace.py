"""How fast requests may follow each other; arithmetic on times that it is given, no clock and no I/O."""

from __future__ import annotations

from collections import deque

_MINUTE = 60.0
#: Of what a server takes, how much it is asked for after it has refused something.
_AFTER_REFUSAL = 0.98
#: How much faster it is asked after a second, and again so much more for each second since it was last slowed down.
_GROWTH = 0.05
#: What a server takes is counted over a second where that has so many answers, else over ten.
_SECOND, _ENOUGH, _WINDOW = 1.0, 20, 10.0
_SHORTEST = 0.1
#: A server that takes less than this of what it lately took refuses for another reason than the pace.
_LESS, _LATELY = 0.85, 6.0
#: How often in a row that has to be seen, and for how many seconds nothing is then made of refusals.
_OFTEN, _UNPACED = 2, 20.0
#: Requests a second from which a pace is no longer worth keeping to, and below which none is set.
_FASTEST, _SLOWEST = 2_000.0, 0.1


class Bucket:
    """A token bucket: so many units in any minute, and never more than a second's worth at once.

    Something larger than the bucket is let through when it is full; what follows then waits the longer.

    Args:
        per_minute: Units a minute.
        now: The time, in seconds.
    """

    def __init__(self, per_minute: float, now: float) -> None:
        #: Units a minute.
        self.per_minute = per_minute
        self._room = max(1.0, per_minute / _MINUTE)
        # What is taken at once comes on top of what flows in, and both together must not be more than allowed.
        self._rate = max(per_minute - self._room + 1.0, per_minute / 2) / _MINUTE
        self._level = self._room
        self._at = now

    def wait(self, units: float, now: float) -> float:
        """Seconds until so many units may be taken."""
        self._fill(now)
        missing = min(units, self._room) - self._level
        return max(0.0, missing / self._rate) if missing > 1e-9 else 0.0  # noqa: PLR2004 - a rounding error is no debt

    def take(self, units: float, now: float) -> None:
        """Take units; more than there are become a debt."""
        self._fill(now)
        self._level -= units

    def correct(self, units: float) -> None:
        """So many units more than taken were used; fewer when negative."""
        self._level = min(self._room, self._level - units)

    def _fill(self, now: float) -> None:
        self._level = min(self._room, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now


class Pace:
    """The pace of a server that has said "too many requests" without saying how many are not too many.

    It is measured by what the server takes. From the first refusal on, requests follow each other at that rate, which
    then grows a little each second until the next refusal. A server that goes on refusing although it is asked, and
    takes, less than before does not mind the pace, and is left alone for a while.
    """

    def __init__(self) -> None:
        self._taken: deque[float] = deque(maxlen=4096)
        self._lately: deque[tuple[float, float]] = deque()
        self._next = 0.0
        self._corrected = self._grown = self._slowed = float("-inf")
        self._rate: float | None = None
        self._no_use = 0
        self._unpaced_until = float("-inf")

    @property
    def rate(self) -> float | None:
        """Requests a second, or None while nothing was refused."""
        return self._rate

    def wait(self, now: float) -> float:
        """Seconds until the next request."""
        return 0.0 if self._rate is None else max(0.0, self._next - now)

    def sent(self, now: float) -> None:
        """A request goes out."""
        if self._rate is not None:
            # A sleep that was too long is made up for, a silence is not.
            self._next = max(self._next, now - 0.1) + 1.0 / self._rate
            self._grow(self._rate, now)

    def accepted(self, now: float) -> None:
        """The server has taken a request, be it that it failed at it."""
        self._taken.append(now)

    def refused(self, now: float) -> None:
        """The server has refused a request: too many."""
        if now - self._corrected < _SECOND or now < self._unpaced_until:
            return
        taken = self._measured(now)
        if taken is None:
            return
        self._corrected = now
        if self._is_of_no_use(taken, now):
            self._no_use += 1
            if self._no_use >= _OFTEN:
                self._rate, self._no_use, self._unpaced_until = None, 0, now + _UNPACED
            return
        self._grown = self._slowed = now
        self._no_use = 0
        slower = max(_SLOWEST, taken * _AFTER_REFUSAL)
        self._rate = slower if self._rate is None else min(slower, self._rate)

    def _is_of_no_use(self, taken: float, now: float) -> bool:
        """Whether the server has lately taken clearly more than it takes now."""
        while self._lately and now - self._lately[0][0] > _LATELY:
            self._lately.popleft()
        most = max((rate for _, rate in self._lately), default=0.0)
        if self._rate is not None:  # what was taken before there was a pace may have been in store
            self._lately.append((now, taken))
        return taken < _LESS * most

    def _grow(self, rate: float, now: float) -> None:
        if now - self._grown >= _SECOND:
            faster = rate * (1.0 + _GROWTH * (now - self._slowed))
            self._rate = faster if faster < _FASTEST else None
            self._grown = now

    def _measured(self, now: float) -> float | None:
        """What the server takes in a second."""
        while self._taken and now - self._taken[0] > _WINDOW:
            self._taken.popleft()
        last = sum(1 for time in self._taken if now - time <= _SECOND)
        if last >= _ENOUGH:
            return last / min(_SECOND, max(now - self._taken[0], _SHORTEST))
        if len(self._taken) < 2 or now - self._taken[0] < _SECOND:  # noqa: PLR2004 - one answer has no rate
            return None
        return len(self._taken) / (now - self._taken[0])
