"""Dates that people give: what cannot be right is refused where it is typed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.clock import local_date
from domain.errors import Invalid

EARLIEST_BACK = timedelta(days=365)
LATEST_AHEAD = timedelta(days=730)


def check_expected(expected_on: date | None, now: datetime, zone: str) -> None:
    """Refuse an expected date that has passed there, or lies years ahead. Raises Invalid."""
    if expected_on is None:
        return
    today = local_date(now, zone)
    if expected_on < today:
        raise Invalid(
            "date_passed", "This date has passed. If the person has left, record that instead.", field="expected_on"
        )
    if expected_on - today > LATEST_AHEAD:
        raise Invalid("date_too_far", "This date is more than two years ahead. Check the year.", field="expected_on")
