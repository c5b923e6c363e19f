"""The three clocks: elapsed hours, local dates, business days; and the hours in which people may be called."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import (
    Calendar,
    Span,
    at_local,
    end_of,
    latest_call,
    local,
    local_date,
    may_call,
    next_call,
    parse_span,
    start_of,
)
from tests.domain.moments import ZONES, instants, utc, zones

NEW_YORK = "America/New_York"
WEEKDAYS = Calendar()
LABOR_DAY = Calendar(frozenset({date(2026, 9, 7)}))  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

days = st.dates(date(2025, 6, 1), date(2030, 1, 1))
calendars = st.builds(Calendar, st.frozensets(days, max_size=40))
elapsed = st.integers(0, 400 * 86_400).map(Span)
business = st.integers(1, 30).map(lambda n: Span(business_days=n))


def wall(at: datetime, zone: str = NEW_YORK) -> str:
    """The instant as people there say it: `Sat 2026-09-05 18:00`."""
    return local(at, zone).strftime("%a %Y-%m-%d %H:%M")


# Elapsed hours


@pytest.mark.parametrize(
    ("zone", "leaves", "due"),
    [
        (NEW_YORK, "2026-03-07 18:00", "Sun 2026-03-08 19:00"),  # the hour that spring takes is not lost
        (NEW_YORK, "2026-10-31 18:00", "Sun 2026-11-01 17:00"),  # the hour that autumn gives is not won
        ("America/Los_Angeles", "2026-03-07 18:00", "Sun 2026-03-08 19:00"),
        ("America/Phoenix", "2026-03-07 18:00", "Sun 2026-03-08 18:00"),
        ("Pacific/Honolulu", "2026-03-07 18:00", "Sun 2026-03-08 18:00"),
        ("Europe/London", "2026-03-28 18:00", "Sun 2026-03-29 19:00"),
        ("Australia/Lord_Howe", "2026-10-03 18:00", "Sun 2026-10-04 18:30"),
        ("Australia/Lord_Howe", "2026-04-04 18:00", "Sun 2026-04-05 17:30"),
    ],
)
def test_twenty_four_hours_are_twenty_four_hours_when_clocks_change(zone: str, leaves: str, due: str) -> None:
    at = datetime.fromisoformat(leaves).replace(tzinfo=ZoneInfo(zone))
    later = parse_span("PT24H").after(at, zone, WEEKDAYS)
    assert wall(later, zone) == due
    assert later.timestamp() - at.timestamp() == 24 * 3600


@given(instants, zones, elapsed, calendars)
def test_elapsed_time_knows_no_nights_weekends_or_seasons(
    at: datetime, zone: str, span: Span, calendar: Calendar
) -> None:
    there = at.astimezone(ZoneInfo(zone))
    later = span.after(there, zone, calendar)
    assert later.timestamp() - at.timestamp() == span.seconds
    assert later.tzinfo is UTC
    assert span.before(later, zone, calendar) == at


# Local dates


@given(days, zones)
def test_a_local_date_lasts_from_midnight_to_midnight(day: date, zone: str) -> None:
    begins, ends = start_of(day, zone), end_of(day, zone)
    assert local(begins, zone).date() == local(ends - timedelta(seconds=1), zone).date() == day
    assert local(begins, zone).time() == local(ends, zone).time() == time(0)
    assert start_of(day + DAY, zone) == ends
    assert 23 * HOUR <= ends - begins <= 25 * HOUR


@given(instants, zones)
def test_every_instant_lies_in_its_own_local_date(at: datetime, zone: str) -> None:
    day = local_date(at, zone)
    assert start_of(day, zone) <= at < end_of(day, zone)


def test_the_day_on_which_clocks_change_has_23_or_25_hours() -> None:
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)
    assert end_of(spring, NEW_YORK) - start_of(spring, NEW_YORK) == 23 * HOUR
    assert end_of(autumn, NEW_YORK) - start_of(autumn, NEW_YORK) == 25 * HOUR


def test_where_midnight_itself_is_skipped_the_date_begins_an_hour_later() -> None:
    begins = start_of(date(2026, 9, 6), "America/Santiago")
    assert wall(begins, "America/Santiago") == "Sun 2026-09-06 01:00"
    assert local_date(begins - timedelta(seconds=1), "America/Santiago") == date(2026, 9, 5)


def test_a_time_that_spring_skips_and_one_that_autumn_has_twice() -> None:
    assert wall(at_local(date(2026, 3, 8), time(2, 30), NEW_YORK)) == "Sun 2026-03-08 03:30"
    assert at_local(date(2026, 11, 1), time(1, 30), NEW_YORK) == utc("2026-11-01 05:30")  # the first of the two


# Business days


def test_friday_evening_before_a_monday_holiday() -> None:
    left = at_local(date(2026, 9, 4), time(18), NEW_YORK)
    assert wall(parse_span("PT24H").after(left, NEW_YORK, LABOR_DAY)) == "Sat 2026-09-05 18:00"
    due = parse_span("P2BD").after(left, NEW_YORK, LABOR_DAY)
    assert due == end_of(date(2026, 9, 9), NEW_YORK)
    assert wall(due - timedelta(seconds=1)) == "Wed 2026-09-09 23:59"


@pytest.mark.parametrize(
    ("span", "start", "expected"),
    [
        ("P1BD", "2026-09-02 00:00", "Thu 2026-09-03 17:00"),  # a Wednesday; its own day does not count
        ("P1BD", "2026-09-02 23:59", "Thu 2026-09-03 17:00"),
        ("P1BD", "2026-09-04 09:00", "Tue 2026-09-08 17:00"),  # over the weekend and the holiday
        ("P1BD", "2026-09-05 09:00", "Tue 2026-09-08 17:00"),
        ("P1BD", "2026-09-07 09:00", "Tue 2026-09-08 17:00"),  # on the holiday itself
        ("P2BD", "2026-09-08 09:00", "Thu 2026-09-10 17:00"),
    ],
)
def test_deadlines_between_offices_end_at_five(span: str, start: str, expected: str) -> None:
    at = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(NEW_YORK))
    assert wall(parse_span(span).after(at, NEW_YORK, LABOR_DAY, close=time(17))) == expected


def test_business_days_before_begin_with_the_day() -> None:
    expected = at_local(date(2026, 9, 8), time(12), NEW_YORK)
    assert wall(parse_span("P1BD").before(expected, NEW_YORK, LABOR_DAY)) == "Fri 2026-09-04 00:00"


@given(instants, zones, business, calendars)
def test_business_days_are_counted_one_by_one(at: datetime, zone: str, span: Span, calendar: Calendar) -> None:
    due = span.after(at, zone, calendar)
    last = local_date(due - timedelta(seconds=1), zone)
    assert due == end_of(last, zone)
    assert calendar.is_business_day(last)
    first = local_date(at, zone)
    passed = [first + n * DAY for n in range(1, (last - first).days + 1)]
    assert sum(calendar.is_business_day(day) for day in passed) == span.business_days


@given(days, st.integers(1, 30), calendars)
def test_counting_back_undoes_counting_on(day: date, count: int, calendar: Calendar) -> None:
    later = calendar.add_business_days(day, count)
    back = calendar.add_business_days(later, -count)
    assert back <= day if not calendar.is_business_day(day) else back == day


@given(instants, instants, zones, st.one_of(elapsed, business), calendars)
def test_who_starts_later_is_due_no_earlier(
    one: datetime, other: datetime, zone: str, span: Span, calendar: Calendar
) -> None:
    early, late = sorted((one, other))
    assert span.after(early, zone, calendar) <= span.after(late, zone, calendar)


@given(instants, zones, st.one_of(elapsed, business), calendars)
def test_a_span_lasts_at_least_as_long_as_it_says(at: datetime, zone: str, span: Span, calendar: Calendar) -> None:
    assert span.after(at, zone, calendar, close=time(17)) - at >= timedelta(seconds=span.at_least)


def test_the_shortest_business_day_of_all() -> None:
    """Where offices work on Sundays: from a minute before the night that spring shortens until five."""
    sundays = Calendar(weekend=frozenset({4, 5}))
    span = parse_span("P1BD")
    late = at_local(date(2026, 3, 7), time(23, 59), NEW_YORK)
    assert span.after(late, NEW_YORK, sundays, close=time(17)) - late == timedelta(hours=16, minutes=1)
    assert span.at_least == 16 * 3600


def test_offices_that_never_open_are_refused() -> None:
    with pytest.raises(ValueError, match="some day of the week"):
        Calendar(weekend=frozenset(range(7)))


# The hours for calls


@pytest.mark.parametrize(
    ("due", "before", "after"),
    [
        ("2026-06-10 03:00", "Tue 2026-06-09 21:00", "Wed 2026-06-10 08:00"),
        ("2026-06-10 07:59", "Tue 2026-06-09 21:00", "Wed 2026-06-10 08:00"),
        ("2026-06-10 08:00", "Wed 2026-06-10 08:00", "Wed 2026-06-10 08:00"),
        ("2026-06-10 20:59", "Wed 2026-06-10 20:59", "Wed 2026-06-10 20:59"),
        ("2026-06-10 21:00", "Wed 2026-06-10 21:00", "Thu 2026-06-11 08:00"),
        ("2026-06-10 23:30", "Wed 2026-06-10 21:00", "Thu 2026-06-11 08:00"),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_calls_before_and_after_a_night(zone: str, due: str, before: str, after: str) -> None:
    at = datetime.fromisoformat(due).replace(tzinfo=ZoneInfo(zone))
    assert wall(latest_call(at, zone), zone) == before
    assert wall(next_call(at, zone), zone) == after


@given(instants, zones)
def test_the_night_is_quiet_and_short(at: datetime, zone: str) -> None:
    before, after = latest_call(at, zone), next_call(at, zone)
    assert before <= at <= after
    assert may_call(after, zone)
    assert may_call(before - timedelta(seconds=1), zone) or may_call(before, zone)
    assert after - before <= 12 * HOUR  # eleven, and one when clocks go back
    if may_call(at, zone):
        assert before == at == after
    assert may_call(at, zone) == (8 <= local(at, zone).hour < 21)


# Lengths of time as text


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT24H", Span(86_400)),
        ("P1D", Span(86_400)),
        ("P7D", Span(604_800)),
        ("P2W", Span(1_209_600)),
        ("P1DT12H", Span(129_600)),
        ("PT15M", Span(900)),
        ("PT10S", Span(10)),
        ("PT0S", Span(0)),
        ("P2BD", Span(business_days=2)),
        (" P2BD ", Span(business_days=2)),
    ],
)
def test_lengths_of_time_are_read(text: str, span: Span) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "junk",
    [
        "", "P", "PT", "P1DT", "24H", "T24H", "P24", "PT24", "pt24h", "P-1D", "-P1D", "P1.5D", "PT1H30", "P1Y", "P1M",
        "P1D2W", "PTH", "P0BD", "P1BD1D", "P1BDT1H", "P BD", "PT24H PT24H", "PT24H\nP1D", "P٣D", "soon", "24 hours",
        "P" + "9" * 5000 + "D", "P99999999999D", "PT1000000H", "P20001BD", 24, 1.5, None, True, ["PT24H"],
    ],
)  # fmt: skip
def test_what_is_no_length_of_time_is_refused_in_words(junk: object) -> None:
    with pytest.raises(ValueError, match=r"length of time|mixes") as refused:
        parse_span(junk)  # type: ignore[arg-type]
    assert len(str(refused.value)) < 150


@given(st.text(alphabet="PTBDWHMS0123456789 -.", max_size=12))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        span = parse_span(text)
    except ValueError:
        return
    assert span.seconds >= 0
    assert not (span.seconds and span.business_days)


@given(st.one_of(elapsed, business))
def test_lengths_of_time_are_written_as_they_are_read(span: Span) -> None:
    assert parse_span(span.iso) == span


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PT15M", "15 minutes"),
        ("PT1H", "1 hour"),
        ("PT60M", "1 hour"),
        ("PT90M", "90 minutes"),
        ("PT4H", "4 hours"),
        ("PT24H", "24 hours"),
        ("PT48H", "48 hours"),
        ("PT72H", "72 hours"),
        ("P1DT12H", "36 hours"),
        ("P7D", "7 days"),
        ("P90D", "90 days"),
        ("P1BD", "1 business day"),
        ("P2BD", "2 business days"),
        ("PT10S", "10 seconds"),
    ],
)
def test_lengths_of_time_in_words(text: str, words: str) -> None:
    assert parse_span(text).words == words
