"""Time as the check reads it: elapsed time, local days, business days. Its own few lines, see the package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

DAY = timedelta(days=1)
NOON, CLOSE_OF_OFFICES = time(12), time(17)
EVENING, MORNING = time(21), time(8)
_PART = re.compile(r"(\d+)(BD|W|D|H|M|S)")
_SECONDS = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}


@dataclass(frozen=True)
class Offices:
    """On which dates a program's offices are closed."""

    country: str
    subdivision: str
    closed_on: tuple[str, ...] = ()

    def are_open(self, day: date) -> bool:
        """Neither a weekend nor a holiday."""
        return day.weekday() < 5 and day not in _holidays(self.country, self.subdivision, self.closed_on, day.year)

    def business_day(self, day: date, steps: int) -> date:
        """The date so many business days later, or earlier when negative."""
        way, left = (1 if steps >= 0 else -1), abs(steps)
        while left > 0:
            day = day + way * DAY
            left -= self.are_open(day)
        return day


@lru_cache(maxsize=1024)
def _holidays(country: str, subdivision: str, closed_on: tuple[str, ...], year: int) -> frozenset[date]:
    named = holidays.country_holidays(country, subdiv=subdivision or None, years=[year]) if country else {}
    return frozenset(named) | frozenset(date.fromisoformat(day) for day in closed_on)


@dataclass(frozen=True)
class Where:
    """Where somebody is: their time zone, and the offices that work for them."""

    zone: str
    offices: Offices

    def day_of(self, at: datetime) -> date:
        """The date there."""
        return at.astimezone(_zone(self.zone)).date()

    def wall(self, at: datetime) -> datetime:
        """The instant as a clock there shows it."""
        return at.astimezone(_zone(self.zone))

    def moment(self, day: date, at: time = time(0)) -> datetime:
        """The instant at which the clocks there show this; a time that spring leaves out counts from midnight."""
        return _moment(self.zone, day, at)


@lru_cache(maxsize=65536)
def _moment(zone: str, day: date, at: time) -> datetime:
    return datetime.combine(day, at, _zone(zone)).astimezone(UTC)


@lru_cache(maxsize=128)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=1024)
def length(text: str) -> tuple[timedelta, int]:
    """An ISO 8601 duration as elapsed time and business days, one of which is none. Raises ValueError."""
    parts = _PART.findall(text)
    if not parts:
        raise ValueError(text)
    elapsed = sum(int(number) * _SECONDS[unit] for number, unit in parts if unit != "BD")
    return timedelta(seconds=elapsed), sum(int(number) for number, unit in parts if unit == "BD")


def later(at: datetime, text: str, where: Where, *, by_closing: bool = False) -> datetime:
    """So long after `at`. Business days last to the end of the local day, or until the offices close."""
    elapsed, business = length(text)
    if not business:
        return at + elapsed
    day = where.offices.business_day(where.day_of(at), business)
    return where.moment(day, CLOSE_OF_OFFICES) if by_closing else where.moment(day + DAY)


def earlier(at: datetime, text: str, where: Where) -> datetime:
    """So long before `at`. Business days are counted back to the beginning of the local day."""
    elapsed, business = length(text)
    return where.moment(where.offices.business_day(where.day_of(at), -business)) if business else at - elapsed


def by_day(at: datetime, where: Where) -> datetime:
    """`at`, or the next morning when it falls into the night."""
    wall = where.wall(at)
    if wall.time() < MORNING:
        return where.moment(wall.date(), MORNING)
    return where.moment(wall.date() + DAY, MORNING) if wall.time() >= EVENING else at


def evening_before(at: datetime, where: Where) -> datetime:
    """`at`, or the end of the evening before when it falls into the night."""
    wall = where.wall(at)
    if wall.time() < MORNING:
        return where.moment(wall.date() - DAY, EVENING)
    return where.moment(wall.date(), EVENING) if wall.time() >= EVENING else at
