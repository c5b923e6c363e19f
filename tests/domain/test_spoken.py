"""Dates and times as people say them: the month before the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from domain.spoken import spoken, spoken_date, spoken_day, spoken_due, spoken_far_date, spoken_time
from domain.timeline import Names, sentence

ZONE = "America/Chicago"
NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)
THERE = Names(staff={}, contacts={}, zone=ZONE, now=NOW)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_date_has_its_month_first() -> None:
    assert spoken_day(date(2026, 11, 3), NOW.date()) == "Tue Nov 3"
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
    assert spoken(at(4, 4, 15), ZONE, NOW) == "Tue Nov 3, 10:15 pm"
    assert spoken_due(at(3, 23, 0), ZONE, NOW) == "Tue Nov 3, 5 pm"
    assert spoken_due(at(4, 6, 0), ZONE, NOW) == "the end of Tue Nov 3"


def test_another_year_is_said() -> None:
    """Of whoever reads it: on New Year's Eve for the days to come, in January for those that have gone."""
    eve, day = datetime(2027, 1, 1, 5, 30, tzinfo=UTC), datetime(2027, 1, 1, 6, 30, tzinfo=UTC)
    assert spoken_day(date(2027, 1, 4), date(2026, 12, 31)) == "Mon Jan 4, 2027"
    assert spoken(datetime(2027, 1, 4, 23, tzinfo=UTC), ZONE, eve) == "Mon Jan 4, 2027, 5 pm"
    assert spoken(datetime(2027, 1, 4, 23, tzinfo=UTC), ZONE, day) == "Mon Jan 4, 5 pm", "the new year began there"
    assert spoken_due(day - timedelta(minutes=30), ZONE, eve) == "the end of Thu Dec 31"
    assert spoken_due(day - timedelta(minutes=30), ZONE, day) == "the end of Thu Dec 31, 2026"
    moved = {"before": "2026-11-05", "after": "2026-11-04", "certainty": "likely"}
    told = sentence("date.moved", moved, "", replace(THERE, now=day))
    assert told == "Expected discharge moved from Thu Nov 5, 2026 to Wed Nov 4, 2026."


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
