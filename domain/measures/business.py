"""How long something took, counted in the days on which offices are open."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.clock import Calendar, end_of, local_date, start_of

LONGEST = timedelta(days=800)  # nothing that is measured here lasts longer; past it the count would only burn time


def business_hours(start: datetime, end: datetime, zone: str, calendar: Calendar) -> float:
    """The elapsed hours between two instants that fall on business days, at any time of day.

    Weekends and holidays are left out. Zero when the end is not after the start.
    """
    end = min(end, start + LONGEST)
    day, last, seconds = local_date(start, zone), local_date(end, zone), 0.0
    while day <= last:
        if calendar.is_business_day(day):
            seconds += max((min(end, end_of(day, zone)) - max(start, start_of(day, zone))).total_seconds(), 0)
        day += timedelta(days=1)
    return seconds / 3600


def business_days(start: datetime, end: datetime, zone: str, calendar: Calendar) -> int:
    """How many business days began after the start, up to the end: 0 is the same day, 1 the next business day."""
    day, last, count = local_date(start, zone), local_date(min(end, start + LONGEST), zone), 0
    while day < last:
        day += timedelta(days=1)
        count += calendar.is_business_day(day)
    return count
