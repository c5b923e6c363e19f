"""Dates and instants as people in the United States say them, the same on every page, in every message and sentence.

The month stands before the day: `Tue Nov 3`, `Tue Nov 3, 5 pm`, `Nov 3, 2026`. The year in which it is read is
left out, another one is said: `Mon Jan 4, 2027, 5 pm`.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from domain.clock import local


def spoken_day(day: date, today: date) -> str:
    """A date as it is said on `today`: `Thu Nov 26`; of another year: `Mon Jan 4, 2027`."""
    return f"{day:%a %b} {day.day}" if day.year == today.year else spoken_date(day)


def spoken_date(day: date) -> str:
    """A date with its year: `Thu Nov 26, 2026`."""
    return f"{day:%a %b} {day.day}, {day.year}"


def spoken_far_date(day: date) -> str:
    """A date far off, or long ago, which nobody knows by its weekday: `Mar 4, 1985`."""
    return f"{day:%b} {day.day}, {day.year}"


def spoken_time(wall: time) -> str:
    """A time of day: `5 pm`, `5:30 pm`, `noon`. The first minute of a day is `12 am`."""
    if (wall.hour, wall.minute) == (12, 0):
        return "noon"
    minutes = f":{wall:%M}" if wall.minute else ""
    return f"{wall.hour % 12 or 12}{minutes} {'am' if wall.hour < 12 else 'pm'}"


def spoken(at: datetime, zone: str, now: datetime) -> str:
    """An instant where it counts, as it is said `now`: `Thu Nov 26, 5 pm`."""
    there = local(at, zone)
    return f"{spoken_day(there.date(), local(now, zone).date())}, {spoken_time(there.time())}"


def spoken_due(at: datetime, zone: str, now: datetime) -> str:
    """A due time. The first moment of a day is the end of the day before, and said so: `the end of Wed Nov 25`."""
    there = local(at, zone)
    if (there.hour, there.minute, there.second) != (0, 0, 0):
        return spoken(at, zone, now)
    return f"the end of {spoken_day((there - timedelta(minutes=1)).date(), local(now, zone).date())}"
