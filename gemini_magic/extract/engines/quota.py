"""When a quota that is used up will be there again; no I/O."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.exceptions import QuotaExhausted

#: Google renews quotas for a day at midnight there.
_PLACE = "America/Los_Angeles"
_HOUR = 3600


def renewed_at(error: QuotaExhausted, now: datetime) -> datetime | None:
    """When a quota is renewed, as far as the server's words tell.

    Args:
        error: The server's.
        now: The time, with its zone.

    Returns:
        The moment, in the zone of `now`; None when the quota is not for a day.
    """
    if not any("PerDay" in name for name in _quotas(error.details)):
        return None
    try:
        there = now.astimezone(ZoneInfo(_PLACE))
    except ZoneInfoNotFoundError:  # a machine without the table of time zones
        return None
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(now.tzinfo)


def come_back(error: QuotaExhausted, now: datetime) -> str:
    """When to come back, and what to do then, as sentences."""
    again = "Run the same again then: rows that have an answer are not asked, and not paid for, again."
    moment = renewed_at(error, now)
    if moment is None:
        return f"Nothing more was sent. Come back when the quota is renewed or raised. {again}"
    seconds = (moment - now).total_seconds()
    hours, minutes = int(seconds // _HOUR), int(seconds % _HOUR // 60)
    left = f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
    day = "today" if moment.date() == now.date() else "tomorrow"
    return f"Nothing more was sent. The quota is renewed {day} at {moment:%H:%M}, in {left}. {again}"


def _quotas(details: Iterable[Any]) -> Iterable[str]:
    for detail in details:
        violations = detail.get("violations") if isinstance(detail, dict) else None
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict):
                yield str(violation.get("quotaId", ""))
