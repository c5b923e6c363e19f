"""Instants as people say them, the same on every page, in every sentence of the timeline and every call."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.clock import local


def spoken(at: datetime, zone: str) -> str:
    """An instant where it counts: `Thu 26 Nov, 5:00 pm`."""
    there = local(at, zone)
    half = "am" if there.hour < 12 else "pm"
    return f"{there:%a} {there.day} {there:%b}, {there.hour % 12 or 12}:{there:%M} {half}"


def spoken_due(at: datetime, zone: str) -> str:
    """A due time. The first moment of a day is the end of the day before, and said so: `the end of Wed 25 Nov`."""
    there = local(at, zone)
    if (there.hour, there.minute, there.second) != (0, 0, 0):
        return spoken(at, zone)
    before = there - timedelta(minutes=1)
    return f"the end of {before:%a} {before.day} {before:%b}"
