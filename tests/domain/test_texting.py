"""Whether an automated text may go: the limits, the hours, and everything that forbids it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import local_date, may_call
from domain.texting import ANSWERS, Standing, judge, next_allowed, reminder_times, spoken_in
from domain.vocabulary import NotificationState, TextKind

EAST, WEST = "America/New_York", "America/Los_Angeles"
NOON = datetime(2026, 11, 4, 17, 0, tzinfo=UTC)  # Wednesday noon in New York
FAR = NOON + timedelta(days=30)
GOOD = Standing(zone=EAST, is_permitted=True)
AUTOMATIC = [kind for kind in TextKind if kind not in ANSWERS]

FORBIDS = {
    "no yes on record": {"is_permitted": False},
    "STOP": {"is_stopped": True},
    "a quarantine": {"is_quarantined": True},
    "a number taken off the record": {"is_on_record": False},
    "a death": {"has_died": True},
    "a hold, or the end": {"is_followed": False},
    "custody": {"is_in_custody": True},
    "no consent to be contacted": {"has_agreed": False},
    "something that is not true any more": {"is_still_true": False},
}


@pytest.mark.parametrize("kind", AUTOMATIC)
@pytest.mark.parametrize("change", FORBIDS.values(), ids=FORBIDS)
def test_each_of_these_alone_forbids_every_text_that_goes_by_itself(kind: TextKind, change: dict[str, Any]) -> None:
    assert judge(kind, GOOD, FAR, NOON).goes
    verdict = judge(kind, replace(GOOD, **change), FAR, NOON)
    assert not verdict.goes
    assert verdict.state in (NotificationState.WITHHELD, NotificationState.CANCELLED)
    assert verdict.why


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_an_answer_needs_no_yes_and_knows_no_night_but_keeps_to_a_stop(kind: TextKind) -> None:
    night = NOON + timedelta(hours=15)
    bare = Standing(zone=EAST, is_permitted=False, is_followed=False, has_agreed=False, sent=(night,) * 5,
                    is_stopped=kind is TextKind.STOPPED)  # fmt: skip
    assert judge(kind, bare, FAR, night).goes
    assert not judge(kind, replace(bare, is_stopped=not bare.is_stopped), FAR, night).goes
    assert not judge(kind, replace(bare, is_quarantined=True), FAR, night).goes
    assert not judge(kind, replace(bare, has_died=True), FAR, night).goes
    assert judge(kind, bare, night - timedelta(seconds=1), night).state is NotificationState.STALE


@pytest.mark.parametrize(
    ("wall", "zone", "goes_at"),
    [
        ("2026-11-04 07:59", EAST, "2026-11-04 08:00"),
        ("2026-11-04 08:00", EAST, "2026-11-04 08:00"),
        ("2026-11-04 20:59", EAST, "2026-11-04 20:59"),
        ("2026-11-04 21:00", EAST, "2026-11-05 08:00"),
        ("2026-11-04 03:00", WEST, "2026-11-04 08:00"),
        ("2026-11-01 01:30", EAST, "2026-11-01 08:00"),  # the hour that comes twice
    ],
)
def test_texts_go_between_eight_and_nine_where_the_person_is(wall: str, zone: str, goes_at: str) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    assert next_allowed((), at(wall), zone) == at(goes_at)


def test_one_a_day_by_the_date_where_the_person_is() -> None:
    late = datetime(2026, 11, 4, 1, 30, tzinfo=UTC)  # Tuesday 20:30 in New York, 17:30 in Los Angeles
    assert next_allowed((late,), late + timedelta(minutes=5), EAST) == datetime(2026, 11, 4, 13, 0, tzinfo=UTC)
    assert next_allowed((late,), datetime(2026, 11, 4, 14, 0, tzinfo=UTC), EAST) == datetime(
        2026, 11, 4, 14, 0, tzinfo=UTC
    )
    assert next_allowed((late,), datetime(2026, 11, 4, 5, 0, tzinfo=UTC), WEST) == datetime(
        2026, 11, 4, 16, 0, tzinfo=UTC
    )


def test_three_within_any_seven_dates() -> None:
    sent = tuple(NOON + timedelta(days=days) for days in (0, 1, 2))  # Wednesday to Friday
    assert next_allowed(sent, NOON + timedelta(days=3), EAST) == datetime(2026, 11, 11, 13, 0, tzinfo=UTC)
    assert next_allowed(sent[:2], NOON + timedelta(days=3), EAST) == NOON + timedelta(days=3)


def test_what_cannot_go_before_it_is_untrue_never_goes_and_says_why() -> None:
    sent = tuple(NOON - timedelta(days=days) for days in (1, 2, 3))
    verdict = judge(TextKind.TRIED, replace(GOOD, sent=sent), NOON + timedelta(hours=20), NOON)
    assert (verdict.state, verdict.why) == (NotificationState.STALE, "they had three texts within a week already")
    once = replace(GOOD, sent=(NOON - timedelta(hours=1),))
    assert judge(TextKind.TRIED, once, NOON + timedelta(hours=5), NOON).why == "they had a text that day already"
    later = judge(TextKind.INTRODUCTION, once, NOON + timedelta(hours=72), NOON)
    assert later.later == datetime(2026, 11, 5, 13, 0, tzinfo=UTC), "put off, not lost"


@given(
    st.lists(st.integers(0, 14 * 24 * 60), max_size=40),
    st.sampled_from([EAST, WEST, "Asia/Kolkata", "Pacific/Kiritimati", "America/St_Johns"]),
)
def test_whatever_is_asked_for_the_limits_and_the_hours_hold(minutes: list[int], zone: str) -> None:
    """Texts are asked for at any time; each goes when it may. Never more than the limits, never at night."""
    went: list[datetime] = []
    for ask in sorted(NOON + timedelta(minutes=m) for m in minutes):
        verdict = judge(TextKind.INTRODUCTION, Standing(zone=zone, is_permitted=True, sent=tuple(went)), FAR, ask)
        if verdict.goes:
            assert may_call(ask, zone)
            went.append(ask)
        elif verdict.later is not None:
            assert verdict.later > ask
            assert may_call(verdict.later, zone)
            again = Standing(zone=zone, is_permitted=True, sent=tuple(went))
            assert judge(TextKind.INTRODUCTION, again, FAR, verdict.later).goes
    dates = Counter(local_date(at, zone) for at in went)
    assert all(count == 1 for count in dates.values())
    for day in dates:
        assert sum(dates[day - timedelta(days=back)] for back in range(7)) <= 3


def test_a_meeting_is_reminded_of_the_day_before_and_not_at_the_last_minute() -> None:
    at = datetime(2026, 11, 6, 19, 0, tzinfo=UTC)
    assert reminder_times(at, EAST, NOON) == (datetime(2026, 11, 5, 15, 0, tzinfo=UTC), at - timedelta(hours=3))
    assert reminder_times(at, EAST, at - timedelta(hours=8)) == (at - timedelta(hours=8), at - timedelta(hours=3))
    assert reminder_times(at, EAST, at - timedelta(hours=3)) is None


def test_times_are_said_in_the_language_of_the_text() -> None:
    at = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
    assert spoken_in("en", at, EAST, NOON) == "Wed Nov 25, 5:30 pm"
    assert spoken_in("es", at, EAST, NOON) == "mié 25 de nov, 5:30 pm"
    assert spoken_in("es", at.replace(year=2027), EAST, NOON) == "jue 25 de nov de 2027, 5:30 pm"
