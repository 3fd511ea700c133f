"""When so much fails that going on would be of no use; no I/O."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gemini_magic.client.retry import is_retryable
from gemini_magic.exceptions import (
    ApiError,
    AuthError,
    BudgetExceeded,
    ConfigError,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    ServerUnavailable,
    StoreError,
    TLSFailed,
    TransportError,
)

if TYPE_CHECKING:
    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.extract.job import Outcome

IN_A_ROW, OF_LAST, SHARE = 20, 200, 0.5
_SEVERAL = 2
#: The longest delay that a server may name, in seconds; a run that would have to wait longer ends.
LONGEST_NAMED = 600.0
#: Errors that every other request would end in, too.
_OF_THE_JOB = (AuthError, BudgetExceeded, ConfigError, QuotaExhausted, RedirectRefused, StoreError, TLSFailed)
#: Errors that are a row's own only where other rows had none.
_OF_THE_JOB_AT_FIRST = (NotFound, PermissionDenied)


def _names(*kinds: type[GeminiMagicError]) -> frozenset[str]:
    """The names of classes and of all below them, as outcomes have them."""
    below = [name for kind in kinds for name in _names(*kind.__subclasses__())]
    return frozenset([*(kind.__name__ for kind in kinds), *below])


_OF_THE_SERVER = _names(TransportError, ServerUnavailable, RateLimited)
_OF_THE_SERVER_AT_FIRST = _names(TransportError, ApiError)


class Failures:
    """Watches the requests and the rows of one run.

    Requests that were under way together when a server broke down fail together, and count as one failure in a row;
    but not before the first answer, since nobody knows then that there ever was a server.
    """

    def __init__(self) -> None:
        self._answered = False
        self._in_a_row = 0
        self._rows_in_a_row = 0
        self._rows: deque[bool] = deque(maxlen=OF_LAST)
        # Rows under way that have failed before the last answer, and those that have failed since for the first time.
        self._known: set[str] = set()
        self._fresh: set[str] = set()

    def succeeded(self) -> None:
        """A request was answered."""
        self._answered = True
        self._in_a_row = 0
        if self._fresh:
            self._known |= self._fresh
            self._fresh.clear()

    def is_everybodys(self, error: GeminiMagicError) -> bool:
        """Whether an error of the server or of the way to it is no row's own.

        So it is when rows fail that had not failed before, and nothing is answered between them.
        """
        return len(self._fresh) >= _SEVERAL and is_retryable(error) and not isinstance(error, RateLimited)

    def failed(self, error: GeminiMagicError, *, news: bool = True, row: str = "") -> str:
        """A request has failed.

        Args:
            error: How.
            news: Whether it was sent after the last failure was known.
            row: The key of its task.

        Returns:
            Why the run has to end, as a clause; empty when it need not.
        """
        if not is_retryable(error):
            return "" if not self._ends_job(error) else "nothing else would come of the other rows"
        if row not in self._known and not isinstance(error, RateLimited):
            self._fresh.add(row)
        if isinstance(error, ApiError) and (error.retry_delay or 0.0) > LONGEST_NAMED:
            return f"the server asks to wait {error.retry_delay:,.0f} seconds"
        if news or not (self._answered or isinstance(error, RateLimited)):
            self._in_a_row += 1
        return f"{self._in_a_row} requests in a row have failed" if self._in_a_row >= IN_A_ROW else ""

    def _ends_job(self, error: GeminiMagicError) -> bool:
        return isinstance(error, _OF_THE_JOB) or (not self._answered and isinstance(error, _OF_THE_JOB_AT_FIRST))

    def ended(self, outcome: Outcome) -> str:
        """A row has come to its end; returns as `failed`."""
        failed = self._is_server_s(outcome)
        self._known.discard(outcome.key)
        self._rows.append(failed)
        self._rows_in_a_row = self._rows_in_a_row + 1 if failed else 0
        if self._rows_in_a_row >= IN_A_ROW:
            return f"{self._rows_in_a_row} rows in a row have failed"
        count = sum(self._rows) if failed else 0
        if len(self._rows) == OF_LAST and count >= SHARE * OF_LAST:
            return f"{count} of the last {OF_LAST} rows have failed"
        return ""

    def _is_server_s(self, outcome: Outcome) -> bool:
        """Whether a row has failed through the server or the way to it; before the first answer, through anything."""
        kinds = _OF_THE_SERVER if self._answered else _OF_THE_SERVER_AT_FIRST
        return outcome.status == "failed" and outcome.error_kind in kinds
