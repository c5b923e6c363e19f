"""Dates and times as FHIR writes them, and what to make of one that leaves something out.

FHIR R4 `dateTime`: a year, a month, a date, or a date with time; with a time the UTC offset is required, and real
systems leave it out nevertheless (scenario 21).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from domain.clock import at_local
from domain.interop.reading import MessageMalformed, Node

_DATE_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(T(?P<time>\d{2}:\d{2}(:\d{2})?)(\.\d+)?(?P<offset>Z|[+-]\d{2}:\d{2})?)?"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARTIAL_DATE = re.compile(r"\d{4}(-\d{2})?")
_YEARS = range(1900, 2200)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and how sure it is.

    `local` is the wall-clock time as it was sent, when no offset was sent with it; `at` then rests on the zone that was
    assumed. Without a time of day the day's beginning is taken: never later than the truth, so no window starts late.
    """

    at: datetime
    local: datetime | None = None
    is_time_missing: bool = False

    @property
    def is_offset_missing(self) -> bool:
        """Whether the zone was assumed."""
        return self.local is not None

    def in_zone(self, zone: str) -> Moment:
        """The same moment read in another zone, if its zone was assumed; of two instants the earlier."""
        if self.local is None:
            return self
        return replace(self, at=at_local(self.local.date(), self.local.time(), zone))


def read_moment(node: Node, zone: str) -> Moment:
    """A FHIR dateTime, down to the second; `zone` is assumed when no offset was sent. Raises `MessageMalformed`."""
    match = _DATE_TIME.fullmatch(node.text())
    if match is None:
        raise MessageMalformed(
            "A date, or a date and time such as 2026-11-23T17:05:00-05:00, belongs here.", node.pointer
        )
    try:
        written = datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}")
        offset = datetime.fromisoformat(f"2000-01-01T00:00{(match['offset'] or 'Z').replace('Z', '+00:00')}").tzinfo
    except ValueError:
        raise MessageMalformed("There is no such date or time.", node.pointer) from None
    if written.year not in _YEARS:
        raise MessageMalformed("This year cannot be right.", node.pointer)
    if match["offset"]:
        return Moment(written.replace(tzinfo=offset).astimezone(UTC))
    return Moment(written.replace(tzinfo=UTC), written, is_time_missing=match["time"] is None).in_zone(zone)


def read_date(node: Node) -> date | None:
    """A FHIR date; None when only a year or a month is known. Raises `MessageMalformed`."""
    written = node.text()
    if _PARTIAL_DATE.fullmatch(written):
        return None
    try:
        found = date.fromisoformat(written) if _DATE.fullmatch(written) else None
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        raise MessageMalformed("A date such as 1990-05-31 belongs here.", node.pointer)
    return found
