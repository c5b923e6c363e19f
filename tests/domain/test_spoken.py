"""Dates and times as people say them: the month before the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from domain.spoken import spoken, spoken_date, spoken_day, spoken_due, spoken_far_date, spoken_time
from domain.timeline import Names, sentence

ZONE = "America/Chicago"
THERE = Names(staff={}, contacts={}, zone=ZONE)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_date_has_its_month_first() -> None:
    assert spoken_day(date(2026, 11, 3)) == "Tue Nov 3"
    assert spoken_date(date(2026, 11, 3)) == "Tue Nov 3, 2026"
    assert spoken_far_date(date(1984, 2, 29)) == "Feb 29, 1984"


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (time(17), "5 pm"),
        (time(17, 30), "5:30 pm"),
        (time(12), "noon"),
        (time(12, 5), "12:05 pm"),
        (time(0), "12 am"),
        (time(0, 5), "12:05 am"),
    ],
)
def test_a_time_of_day_says_no_more_than_it_must(when: time, words: str) -> None:
    assert spoken_time(when) == words


def test_an_instant_is_said_where_it_counts() -> None:
    assert spoken(at(4, 4, 15), ZONE) == "Tue Nov 3, 10:15 pm"
    assert spoken_due(at(3, 23, 0), ZONE) == "Tue Nov 3, 5 pm"
    assert spoken_due(at(4, 6, 0), ZONE) == "the end of Tue Nov 3"


def test_the_timeline_says_how_an_expected_date_moved() -> None:
    moved = {"before": "2026-11-05", "after": "2026-11-04", "certainty": "likely"}
    assert sentence("date.moved", moved, "", THERE) == "Expected discharge moved from Thu Nov 5 to Wed Nov 4."
    first = moved | {"before": None}
    assert sentence("date.moved", first, "", THERE) == "Expected discharge: Wed Nov 4 (likely)."


def test_the_timeline_says_dates_of_different_years_in_full() -> None:
    moved = {"before": "2026-12-30", "after": "2027-01-04", "certainty": "likely"}
    told = sentence("date.moved", moved, "", THERE)
    assert told == "Expected discharge moved from Wed Dec 30, 2026 to Mon Jan 4, 2027."


def test_a_moved_time_of_the_same_day_is_said() -> None:
    moved = {"before": "2026-11-05", "after": "2026-11-05", "time": "14:30:00", "certainty": "likely"}
    assert sentence("date.moved", moved, "", THERE) == "Expected discharge: Thu Nov 5, 2:30 pm (likely)."
