"""Three clocks: elapsed hours, local dates, business days; and the hours in which people may be called.

Pure functions on aware instants and IANA zones. Elapsed hours never skip nights or weekends and are unmoved by
daylight saving; a local date ends at the midnight that closes it there; business days skip weekends and holidays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

CALLS_FROM, CALLS_UNTIL = time(8), time(21)  # 47 CFR 64.1200 hours, person-local; project choice: for care too
VISITS_FROM, VISITS_UNTIL = time(9), time(19)  # project choice
CLOSE_OF_BUSINESS = time(17)  # project choice: deadlines between offices end at five


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which a program's offices are closed, beside the weekends."""

    holidays: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset({5, 6})

    def __post_init__(self) -> None:
        if self.weekend >= frozenset(range(7)):
            raise ValueError("offices are open on some day of the week")

    def is_business_day(self, day: date) -> bool:
        """Whether offices are open on this date."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def add_business_days(self, day: date, count: int) -> date:
        """The date `count` business days after `day`; `day` itself does not count. Negative goes back."""
        step = timedelta(days=1 if count >= 0 else -1)
        left = abs(count)
        while left:
            day += step
            if self.is_business_day(day):
                left -= 1
        return day


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time with its clock: `PT24H`, `P1D` and `P7D` are elapsed, `P2BD` business days."""

    seconds: int = 0
    business_days: int = 0

    def after(self, at: datetime, zone: str, calendar: Calendar, *, close: time | None = None) -> datetime:
        """The instant that lies this long after `at`.

        Business days end with the local day, or at `close` (local) when given.
        """
        if not self.business_days:
            return at.astimezone(UTC) + timedelta(seconds=self.seconds)
        day = calendar.add_business_days(local_date(at, zone), self.business_days)
        return at_local(day, close, zone) if close else end_of(day, zone)

    def before(self, at: datetime, zone: str, calendar: Calendar) -> datetime:
        """The instant that lies this long before `at`; business days begin with the local day."""
        if not self.business_days:
            return at.astimezone(UTC) - timedelta(seconds=self.seconds)
        return start_of(calendar.add_business_days(local_date(at, zone), -self.business_days), zone)

    @property
    def at_least(self) -> int:
        """The seconds that it lasts on whatever day and at whatever hour it begins.

        Business days may begin in the last minute of a day and end at the next close of business, less the hour that
        daylight saving takes.
        """
        if self.business_days:
            return ((self.business_days - 1) * 24 + CLOSE_OF_BUSINESS.hour - 1) * 3600
        return self.seconds

    @property
    def iso(self) -> str:
        """As a protocol file writes it: `parse_span(span.iso) == span`."""
        if self.business_days:
            return f"P{self.business_days}BD"
        for size, form in ((86400, "P{}D"), (3600, "PT{}H"), (60, "PT{}M")):
            if self.seconds and self.seconds % size == 0:
                return form.format(self.seconds // size)
        return f"PT{self.seconds}S"

    @property
    def words(self) -> str:
        """In words for people: `24 hours`, `7 days`, `2 business days`. Up to three days the field counts hours."""
        if self.business_days:
            return _counted(self.business_days, "business day")
        if self.seconds > 72 * 3600 and self.seconds % 86400 == 0:
            return _counted(self.seconds // 86400, "day")
        for size, unit in ((3600, "hour"), (60, "minute")):
            if self.seconds >= size and self.seconds % size == 0:
                return _counted(self.seconds // size, unit)
        return _counted(self.seconds, "second")


_ISO = re.compile(
    r"P(?:([0-9]{1,9})BD)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?"
)
_LONGEST_DAYS = 20 * 366  # longer than any case; a slip of the finger, or a date past the end of the calendar


def parse_span(text: str) -> Span:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds, or `P…BD` for business days.

    Raises ValueError with a sentence when it is neither, or nothing, or longer than twenty years.
    """
    found = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or not any(found.groups()) or found[0].endswith("T"):
        raise ValueError(f"“{str(text)[:40]}” is not a length of time such as PT24H, P7D or P2BD")
    business, weeks, days, hours, minutes, seconds = (int(g or 0) for g in found.groups())
    total = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    if found[1] is not None and (total or not business):
        raise ValueError(f"“{text}” mixes business days with another clock, or has none")
    if total > _LONGEST_DAYS * 86400 or business > _LONGEST_DAYS:
        raise ValueError(f"“{text}” is a length of time of more than twenty years")
    return Span(total, business)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(at: datetime, zone: str) -> datetime:
    """The instant as a wall clock in `zone` shows it."""
    return at.astimezone(_zone(zone))


def local_date(at: datetime, zone: str) -> date:
    """The date in `zone` at this instant."""
    return at.astimezone(_zone(zone)).date()


def at_local(day: date, at: time, zone: str) -> datetime:
    """The instant (UTC) when a wall clock in `zone` shows `at` on `day`.

    A time that a spring change skips is the instant as far past midnight; the first of two in autumn.
    """
    return datetime.combine(day, at, tzinfo=_zone(zone)).astimezone(UTC)


@lru_cache(maxsize=4096)
def start_of(day: date, zone: str) -> datetime:
    """The instant (UTC) at which the local date begins."""
    return datetime.combine(day, time(0), tzinfo=_zone(zone)).astimezone(UTC)


def end_of(day: date, zone: str) -> datetime:
    """The instant (UTC) at which the local date ends: the start of the next."""
    return start_of(day + timedelta(days=1), zone)


def may_call(at: datetime, zone: str) -> bool:
    """Whether calls and texts are allowed at this instant where the person is (08:00 to 21:00)."""
    return CALLS_FROM <= local(at, zone).time() < CALLS_UNTIL


def latest_call(at: datetime, zone: str) -> datetime:
    """The last allowed moment not after `at`: a due time is never moved, the work before it is planned earlier."""
    wall = local(at, zone)
    if wall.time() < CALLS_FROM:
        return at_local(wall.date() - timedelta(days=1), CALLS_UNTIL, zone)
    if wall.time() >= CALLS_UNTIL:
        return at_local(wall.date(), CALLS_UNTIL, zone)
    return at


def next_call(at: datetime, zone: str) -> datetime:
    """The first allowed moment not before `at`."""
    wall = local(at, zone)
    if wall.time() < CALLS_FROM:
        return at_local(wall.date(), CALLS_FROM, zone)
    if wall.time() >= CALLS_UNTIL:
        return at_local(wall.date() + timedelta(days=1), CALLS_FROM, zone)
    return at


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
