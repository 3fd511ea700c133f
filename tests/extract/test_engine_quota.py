"""When a quota that is used up is there again, and what the user is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gemini_magic.exceptions import QuotaExhausted
from gemini_magic.extract.engines.quota import come_back, renewed_at

DAILY = [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]
EAST = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (datetime(2026, 7, 1, 6, 59, tzinfo=UTC), datetime(2026, 7, 1, 7, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 7, 0, tzinfo=UTC), datetime(2026, 7, 2, 7, 0, tzinfo=UTC)),
        (datetime(2026, 1, 1, 12, 0, tzinfo=UTC), datetime(2026, 1, 2, 8, 0, tzinfo=UTC)),
        (datetime(2026, 3, 8, 9, 30, tzinfo=UTC), datetime(2026, 3, 9, 7, 0, tzinfo=UTC)),  # the clocks change
    ],
)
def test_a_quota_for_the_day_is_renewed_at_midnight_in_california(now, moment):
    assert renewed_at(QuotaExhausted("no", details=DAILY), now) == moment


@pytest.mark.parametrize(
    "details", [[], [{}], ["x"], [{"violations": "x"}], [{"violations": [{"quotaId": "PerMinute"}]}]]
)
def test_other_quotas_have_no_hour(details):
    error = QuotaExhausted("no", details=details)
    assert renewed_at(error, datetime.now(UTC)) is None
    assert "when the quota is renewed or raised" in come_back(error, datetime.now(UTC))


def test_the_user_is_told_when_to_come_back_and_what_to_do():
    words = come_back(QuotaExhausted("no", details=DAILY), datetime(2026, 7, 1, 12, 30, tzinfo=EAST))
    assert "renewed tomorrow at 10:00, in 21 h 30 min" in words
    assert "Run the same again then: rows that have an answer are not asked, and not paid for, again." in words
