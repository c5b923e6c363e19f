"""The stretch of days that figures are asked for, in the program's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from domain.clock import end_of, local_date, start_of
from domain.errors import Invalid

EARLIEST = date(2000, 1, 1)

CHOICES = {
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "month": "This month",
    "last-month": "Last month",
    "quarter": "This quarter",
    "last-quarter": "Last quarter",
    "year": "Last 365 days",
    "custom": "Chosen dates",
}
"""The periods that a page offers."""
USUAL = "30d"


@dataclass(frozen=True)
class Period:
    """Whole local dates, both included; `start_at` and `end_at` are the instants between which they lie."""

    from_on: date
    to_on: date
    zone: str

    @cached_property
    def start_at(self) -> datetime:
        """The instant at which the first date begins."""
        return start_of(self.from_on, self.zone)

    @cached_property
    def end_at(self) -> datetime:
        """The instant at which the last date ends."""
        return end_of(self.to_on, self.zone)

    def holds(self, at: datetime | None) -> bool:
        """Whether this instant lies in it."""
        return at is not None and self.start_at <= at < self.end_at


def period_between(from_on: date, to_on: date, zone: str) -> Period:
    """A period of chosen dates. Raises Invalid when it runs backwards or lies before the year 2000."""
    if to_on < from_on:
        raise Invalid("backwards", "The last day is before the first. Swap them.", field="to")
    if from_on < EARLIEST or to_on.year > 2200:
        raise Invalid("year", "Check the year.", field="from" if from_on < EARLIEST else "to")
    return Period(from_on, to_on, zone)


def named_period(choice: str, now: datetime, zone: str) -> Period:
    """One of `CHOICES` but `custom`, as it stands now. Raises Invalid for a name that is not there."""
    today = local_date(now, zone)
    first = today.replace(day=1)
    quarter = first.replace(month=3 * ((today.month - 1) // 3) + 1)
    day = timedelta(days=1)
    spans = {
        "7d": (today - 6 * day, today),
        "30d": (today - 29 * day, today),
        "month": (first, today),
        "last-month": ((first - day).replace(day=1), first - day),
        "quarter": (quarter, today),
        "year": (today - 364 * day, today),
        "last-quarter": (_quarter_before(quarter), quarter - day),
    }
    if choice not in spans:
        raise Invalid("period", "Choose one of the periods.", field="period")
    return Period(*spans[choice], zone)


def _quarter_before(quarter: date) -> date:
    return quarter.replace(month=quarter.month - 3) if quarter.month > 3 else date(quarter.year - 1, 10, 1)
