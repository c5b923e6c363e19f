"""Dates and times as people type them. Each raises Invalid with what to type instead; the field is the caller's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from domain.clock import at_local
from domain.errors import Invalid

FIRST_YEAR, LAST_YEAR = 1900, 2199
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_ISO_LOCAL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?::[0-9]{2})?")
_TIME = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(?::[0-9]{2})?\s*(am|pm)?")


def date_of_boxes(month: str, day: str, year: str) -> date:
    """A date from three boxes in American order."""
    missing = [name for name, part in (("month", month), ("day", day), ("year", year)) if not part]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise Invalid("date", f"The {' and the '.join(missing)} {verb} missing.")
    if not all(re.fullmatch(r"[0-9]{1,8}", part) for part in (month, day, year)):
        raise Invalid("date", "Enter a date in numbers, such as 11 26 2026.")
    if len(year) != 4 or not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise Invalid("year", "Check the year; it has four digits.")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise Invalid("date", "There is no such day. Check the date.") from None


def date_of_iso(text: str) -> date:
    """A date as a browser's date field sends it: `2026-11-26`."""
    parts = _ISO_DATE.fullmatch(text)
    if parts is None:
        raise Invalid("date", "Enter a date, such as 2026-11-26.")
    year, month, day = parts.groups()
    return date_of_boxes(month, day, year)


def time_of_day(text: str) -> time:
    """A time of day: `17:30`, `5:30 pm`, `5 pm`."""
    parts = _TIME.fullmatch(text.strip().lower().replace(".", ""))
    if parts is not None and (parts[2] or parts[3]):
        hour, minute = int(parts[1]), int(parts[2] or 0)
        if parts[3]:
            hour = hour % 12 + (12 if parts[3] == "pm" else 0) if 1 <= hour <= 12 else 24
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise Invalid("time", "Enter a time, such as 5:30 pm.")


def instant_of_local(text: str, zone: str) -> datetime:
    """An instant from a browser's `datetime-local` field, read in `zone`, returned in UTC."""
    parts = _ISO_LOCAL.fullmatch(text)
    if parts is None:
        raise Invalid("time", "Enter a date and a time.")
    return instant_of(date_of_iso(parts[1]), time_of_day(parts[2]), zone)


def instant_of(on: date, at: time, zone: str) -> datetime:
    """A local date and time in `zone` as an instant in UTC.

    A time that does not exist there (the clocks went forward) is moved on; of one that comes twice it is the first.
    """
    return at_local(on, at, zone).astimezone(UTC)
