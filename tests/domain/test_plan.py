"""The plan: which contacts follow from a protocol and the dates of a case, and what a changed date changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case import Attempt, Case, Hold
from domain.clock import Calendar, at_local, end_of, local, local_date, start_of
from domain.plan import (
    LOST_KEY,
    Planned,
    attempts_missing,
    plan,
    plan_hold,
    replan,
    search_over_at,
    shorten_only,
)
from domain.protocol import Protocol, default_for, protocol_from
from domain.vocabulary import ContactState, Mode, Outcome, ReferralStatus, RiskFlag, Setting
from tests.domain.cases import (
    BY_SETTING,
    HIGH,
    ON_HOLD,
    PSYCHIATRIC,
    UNSCHEDULED,
    a_case,
    apply,
    contact_of,
    left,
    marked,
    with_contacts,
)
from tests.domain.moments import ZONES, instants, zones

NEW_YORK = "America/New_York"
GOLDEN = Path(__file__).parent.parent / "golden" / "plan-psychiatric-inpatient.txt"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JAIL, HOSPITAL = default_for(Setting.JAIL), default_for(Setting.GENERAL_HOSPITAL)

calendars = st.builds(Calendar, st.frozensets(st.dates(date(2025, 6, 1), date(2030, 1, 1)), max_size=20))
risks = st.sampled_from([frozenset(), HIGH, frozenset({RiskFlag.YOUTH}), HIGH | {RiskFlag.YOUTH}])
protocols = st.sampled_from(BY_SETTING)


def there(text: str, zone: str = NEW_YORK) -> datetime:
    """The instant when a clock in `zone` shows this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def wall(at: datetime, zone: str = NEW_YORK) -> str:
    return local(at, zone).strftime("%a %Y-%m-%d %H:%M")


def keyed(planned: Sequence[Planned]) -> dict[tuple[str, int], Planned]:
    found = {(p.key, p.seq): p for p in planned}
    assert len(found) == len(planned), "each contact of a cycle has its own key and number"
    return found


@st.composite
def cases(draw: st.DrawFn, *, gone: bool | None = None) -> Case:
    """Cases anywhere along the way, with every date that the rules look at."""
    accepted = draw(instants)
    has_left = draw(st.booleans()) if gone is None else gone
    facts: dict[str, Any] = {
        "zone": draw(zones),
        "calendar": draw(calendars),
        "risks": draw(risks),
        "submitted_at": accepted - draw(st.integers(0, 3 * 86_400)) * timedelta(seconds=1),
        "accepted_at": accepted,
    }
    if draw(st.booleans()):
        facts["expected_on"] = local_date(accepted, facts["zone"]) + draw(st.integers(-1, 40)) * DAY
        facts["expected_time"] = draw(st.none() | st.times(time(0), time(23, 59)))
        facts["date_known_at"] = accepted + draw(st.integers(-2, 10)) * DAY
    if has_left:
        leaves = accepted + draw(st.integers(-5 * 86_400, 40 * 86_400)) * timedelta(seconds=1)
        facts |= {
            "discharged_at": leaves,
            "notice_at": leaves + draw(st.integers(0, 20)) * DAY,
            "status": ReferralStatus.IN_PROGRESS,
            "is_unscheduled": draw(st.booleans()),
            "overlays": (UNSCHEDULED, ON_HOLD),
            "first_appointment_at": draw(st.none() | st.just(leaves + 6 * DAY)),
            "lost_at": draw(st.none() | st.integers(1, 100).map(lambda n: leaves + n * DAY)),
            "finish_at": draw(st.none() | st.integers(31, 300).map(lambda n: leaves + n * DAY)),
        }
    return a_case(draw(protocols), **facts)


nows = st.integers(-10, 120)


def now_of(case: Case, days: int) -> datetime:
    return (case.discharged_at or case.accepted_at or case.submitted_at) + days * DAY


# What there should be


def table(planned: Sequence[Planned]) -> str:
    rows = [f"{p.key:<20}{p.seq:>3}   {wall(p.opens_at):<22}{wall(p.due_at):<22}".rstrip() for p in planned]
    head = f"{'contact':<20}{'no':>3}   {'opens':<22}{'due':<22}".rstrip()
    return "\n".join([head, *rows]) + "\n"


def test_the_psychiatric_plan_of_one_discharge() -> None:
    """Friday evening before Labor Day, over the end of daylight saving: every contact in local time."""
    calendar = Calendar(frozenset({date(2026, 9, 7)}))
    waiting = a_case(
        calendar=calendar,
        accepted_at=there("2026-09-01 10:00"),
        expected_on=date(2026, 9, 4),
        expected_time=time(14),
        date_known_at=there("2026-09-01 09:00"),
    )
    discharged = replace(
        waiting,
        status=ReferralStatus.IN_PROGRESS,
        discharged_at=there("2026-09-04 18:00"),
        first_appointment_at=there("2026-09-10 10:30"),
    )
    now = there("2026-09-04 18:05")
    after = plan(discharged, now)
    high = [p for p in plan(replace(discharged, risks=HIGH), now) if p not in after]
    text = (
        "Psychiatric inpatient, America/New_York. Accepted Tue 2026-09-01 10:00, expected Fri 2026-09-04 14:00.\n\n"
        f"{table(plan(waiting, there('2026-09-01 10:00')))}\n"
        "Left Fri 2026-09-04 18:00, before Labor Day; first appointment Thu 2026-09-10 10:30.\n\n"
        f"{table(after)}\n"
        "What is different at high risk.\n\n"
        f"{table(high)}"
    )
    assert text == GOLDEN.read_text(encoding="utf-8")


@given(cases(), nows)
def test_a_plan_is_sorted_sound_and_always_the_same(case: Case, days: int) -> None:
    now = now_of(case, days)
    planned = plan(case, now)
    assert planned == plan(case, now)
    assert [p.due_at for p in planned] == sorted(p.due_at for p in planned)
    keyed(planned)
    for p in planned:
        assert p.opens_at < p.due_at, f"{p.key} has no time at all"
        assert p.opens_at.tzinfo is UTC
        assert p.due_at.tzinfo is UTC
        assert p.cycle == case.cycle


@given(cases(), nows)
def test_high_risk_brings_no_contact_later(case: Case, days: int) -> None:
    now = now_of(case, days)
    usual, high = (keyed(plan(replace(case, risks=r), now)) for r in (frozenset(), HIGH))
    assert usual.keys() == high.keys()
    for name, p in usual.items():
        assert high[name].due_at <= p.due_at


@given(cases(gone=True), nows)
def test_series_follow_without_gap_or_overlap_until_their_end(case: Case, days: int) -> None:
    left_at = case.discharged_at
    assert left_at is not None
    planned = plan(replace(case, lost_at=None), now_of(case, days))
    for rule in (rule for rule in case.protocol.contacts if rule.is_series):
        windows = [p for p in planned if p.key == rule.key]
        assert [p.seq for p in windows] == list(range(1, len(windows) + 1))
        assert rule.until is not None
        assert rule.every is not None
        last = end_of(local_date(left_at, case.zone) + timedelta(seconds=rule.until.seconds), case.zone)
        goes_on = case.finish_at is not None and rule.until == case.protocol.finish
        if not goes_on:
            assert windows[-1].due_at <= last
        seamless = rule.due.dates is not None and rule.every.seconds == 86_400 * (
            rule.due.dates[1] - rule.due.dates[0] + 1
        )
        for one, following in pairwise(windows):
            assert one.due_at == following.opens_at if seamless else one.due_at <= following.opens_at
        if seamless:
            assert windows[-1].due_at == last or goes_on, "the last window ends when the series does"


@pytest.mark.parametrize("zone", ZONES)
def test_dates_end_at_the_midnight_that_closes_them_there(zone: str) -> None:
    found = keyed(plan(left(there("2026-10-30 23:30", zone), zone=zone), there("2026-10-31 00:00", zone)))
    for name, opens, due in (
        ("handoff", "Fri 2026-10-30 23:30", "Sat 2026-10-31 00:00"),
        ("face-to-face", "Sat 2026-10-31 00:00", "Sat 2026-11-07 00:00"),
        ("weekly", "Sat 2026-11-07 00:00", "Sat 2026-11-14 00:00"),
        ("thirty-day-check", "Sat 2026-10-31 00:00", "Mon 2026-11-30 00:00"),
    ):
        p = found[name, 1]
        assert (wall(p.opens_at, zone), wall(p.due_at, zone)) == (opens, due), name


def test_elapsed_windows_are_unmoved_by_daylight_saving() -> None:
    at = there("2026-10-31 18:00")
    found = keyed(plan(left(at), at))
    assert found["first-contact", 1].due_at - at == 24 * HOUR
    assert wall(found["first-contact", 1].due_at) == "Sun 2026-11-01 17:00"
    assert found["safety-net", 1].due_at - at == 72 * HOUR


def test_two_business_days_never_outlast_three_days() -> None:
    """Friday evening before Labor Day: the business days end on Wednesday, the project's 72 hours on Monday."""
    holiday = Calendar(frozenset({date(2026, 9, 7)}))
    friday, tuesday = there("2026-09-04 18:00"), there("2026-09-08 09:00")
    assert wall(keyed(plan(left(friday, HOSPITAL, calendar=holiday), friday))["first-contact", 1].due_at) == (
        "Mon 2026-09-07 18:00"
    )
    assert keyed(plan(left(tuesday, HOSPITAL, calendar=holiday), tuesday))["first-contact", 1].due_at == end_of(
        date(2026, 9, 10), NEW_YORK
    )
    high = keyed(plan(left(tuesday, HOSPITAL, calendar=holiday, risks=HIGH), tuesday))["first-contact", 1]
    assert wall(high.due_at) == "Thu 2026-09-10 09:00"


@pytest.mark.parametrize(
    "status",
    [
        s
        for s in ReferralStatus
        if s not in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS, ReferralStatus.ON_HOLD)
    ],
)
def test_nothing_is_planned_before_the_program_accepts_or_after_the_end(status: ReferralStatus) -> None:
    case = left(there("2026-09-04 18:00"), status=status)
    assert plan(case, there("2026-09-04 18:00")) == []


def test_without_dates_only_meeting_before_leaving_is_planned() -> None:
    assert [p.key for p in plan(a_case(), there("2026-09-01 12:00"))] == ["in-reach"]


def test_some_contacts_are_for_some_people() -> None:
    at = there("2026-09-04 10:00")
    usual = {p.key for p in plan(left(at, JAIL), at)}
    young = {p.key for p in plan(left(at, JAIL, risks=frozenset({RiskFlag.YOUTH})), at)}
    assert young - usual == {"youth-screening", "youth-case-management"}


def test_the_appointment_is_asked_about_once_the_person_left_and_it_lies_ahead() -> None:
    at, appointment = there("2026-09-04 10:00"), there("2026-09-09 10:00")
    assert "after-appointment" not in {p.key for p in plan(a_case(first_appointment_at=appointment), at)}
    assert "after-appointment" not in {p.key for p in plan(left(at, first_appointment_at=at - HOUR), at)}
    p = keyed(plan(left(at, first_appointment_at=appointment), at))["after-appointment", 1]
    assert (p.opens_at, p.due_at) == (appointment + 24 * HOUR, appointment + 48 * HOUR)


# Before leaving


def expected(on: date | None, *, known: str = "2026-09-01 09:00", protocol: Protocol = PSYCHIATRIC) -> Case:
    """Accepted on Tuesday, September 1 at 10; expected to leave on this date at noon."""
    return a_case(
        protocol, accepted_at=there("2026-09-01 10:00"), expected_on=on, date_known_at=there(known) if on else None
    )


def test_meeting_before_leaving_within_two_business_days() -> None:
    p = keyed(plan(expected(date(2026, 9, 11)), there("2026-09-01 10:00")))["in-reach", 1]
    assert (wall(p.opens_at), wall(p.due_at), p.is_compressed) == (
        "Tue 2026-09-01 10:00",
        "Fri 2026-09-04 00:00",
        False,
    )


def test_meeting_before_leaving_is_pressed_when_the_date_is_near() -> None:
    p = keyed(plan(expected(date(2026, 9, 2)), there("2026-09-01 10:00")))["in-reach", 1]
    assert (wall(p.opens_at), wall(p.due_at), p.is_compressed) == ("Tue 2026-09-01 10:00", "Wed 2026-09-02 12:00", True)


def test_a_meeting_that_opens_later_opens_at_once_when_the_date_is_near() -> None:
    raw = PSYCHIATRIC.model_dump(mode="json", exclude_defaults=True)
    raw["contacts"][0]["due"]["opens"] = "PT12H"
    patient = protocol_from(raw)
    opens = {
        on: wall(keyed(plan(expected(on, protocol=patient), there("2026-09-01 10:00")))["in-reach", 1].opens_at)
        for on in (date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 11))
    }
    assert opens == {
        date(2026, 9, 1): "Tue 2026-09-01 10:00",
        date(2026, 9, 2): "Tue 2026-09-01 22:00",
        date(2026, 9, 11): "Tue 2026-09-01 22:00",
    }


def test_a_date_that_has_passed_unrecorded_presses_nothing() -> None:
    p = keyed(plan(expected(date(2026, 8, 31)), there("2026-09-01 10:00")))["in-reach", 1]
    assert (wall(p.due_at), p.is_compressed) == ("Fri 2026-09-04 00:00", False)


def test_the_appointment_check_comes_a_day_before_or_is_pressed() -> None:
    in_time = keyed(plan(expected(date(2026, 9, 11)), there("2026-09-01 10:00")))["appointment-check", 1]
    assert (wall(in_time.due_at), in_time.is_compressed) == ("Thu 2026-09-10 12:00", False)
    near = keyed(plan(expected(date(2026, 9, 2), known="2026-09-01 12:00"), there("2026-09-01 12:00")))
    assert wall(near["appointment-check", 1].due_at) == "Wed 2026-09-02 12:00"
    assert near["appointment-check", 1].is_compressed


def test_the_early_look_at_the_release_packet_is_left_out_when_it_is_too_late_for_it() -> None:
    far = {p.key for p in plan(expected(date(2026, 9, 30), protocol=JAIL), there("2026-09-01 10:00"))}
    near = {p.key for p in plan(expected(date(2026, 9, 10), protocol=JAIL), there("2026-09-01 10:00"))}
    assert far - near == {"release-packet"}
    assert "release-packet-ready" in near


@given(cases(gone=False), nows, nows)
def test_waiting_alone_changes_no_date(case: Case, one: int, other: int) -> None:
    """Whoever asks later gets the same dates: what is overdue is never quietly given more time."""
    early, late = (now_of(case, days) for days in sorted((one, other)))
    assert plan(case, early) == plan(case, late)


def test_who_has_left_is_followed_up_instead() -> None:
    at = there("2026-09-04 10:00")
    assert not {"in-reach", "appointment-check"} & {p.key for p in plan(left(at, expected_on=date(2026, 9, 10)), at)}


# When dates and facts change


@given(cases(), cases(), nows, nows)
def test_replanning_twice_changes_nothing_more(case: Case, other: Case, one: int, two: int) -> None:
    """Whatever changes: dates, zone, risks, lost or found. The second look finds nothing to do, then or later."""
    first = now_of(case, one)
    before = apply(case, replan(case, plan(case, first)))
    moved = replace(
        other, protocol=case.protocol, contacts=before.contacts, cycle=before.cycle, overlays=(UNSCHEDULED, ON_HOLD)
    )
    now = now_of(moved, two)
    after = apply(moved, replan(moved, plan(moved, now)))
    assert replan(after, plan(after, now)).is_empty
    assert replan(after, plan(after, now + 3 * DAY)).is_empty


@given(cases(gone=True), st.integers(-72, 72), nows)
def test_a_corrected_time_moves_what_is_awaited_and_adds_nothing(case: Case, hours: int, days: int) -> None:
    assert case.discharged_at is not None
    start = case.discharged_at
    case = replace(case, first_appointment_at=None, lost_at=None, finish_at=None)
    case = with_contacts(case, plan(case, start))
    later = replace(case, discharged_at=start + hours * HOUR)
    change = replan(later, plan(later, start))
    assert not change.added
    assert not change.removed
    elapsed = {rule.key for rule in case.protocol.contacts if rule.due.within and not rule.due.within.business_days}
    for m in change.moved:
        if m.contact.key in elapsed:
            assert m.due_at - m.contact.due_at == hours * HOUR


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        (ContactState.MET, True),
        (ContactState.MET_LATE, True),
        (ContactState.MISSED, True),
        (ContactState.WAIVED, True),
        (ContactState.CLOSED, True),
        (ContactState.SUPERSEDED, False),
        (ContactState.SUSPENDED, False),
    ],
)
def test_what_was_settled_stays_and_what_was_put_away_is_planned_anew(state: ContactState, stays: bool) -> None:
    at = there("2026-09-04 18:00")
    case = left(at)
    case = marked(with_contacts(case, plan(case, at)), state, [("first-contact", 1)])
    change = replan(case, plan(case, at))
    assert [p.key for p in change.added] == ([] if stays else ["first-contact"])
    assert not change.moved
    assert not change.removed


def test_contacts_of_an_earlier_discharge_are_left_alone() -> None:
    first, again = there("2026-09-04 18:00"), there("2026-09-20 11:00")
    case = with_contacts(left(first), plan(left(first), first))
    second = replace(case, cycle=2, discharged_at=again)
    change = replan(second, plan(second, again))
    assert not change.moved
    assert not change.removed
    assert {p.cycle for p in change.added} == {2}
    assert len(change.added) == len(case.contacts)


def test_a_discharge_that_is_taken_back_takes_its_contacts_along() -> None:
    at = there("2026-09-04 18:00")
    case = with_contacts(left(at), plan(left(at), at))
    back = replace(case, discharged_at=None, status=ReferralStatus.ACCEPTED)
    change = replan(back, plan(back, at))
    assert {c.id for c in change.removed} == {c.id for c in case.contacts}
    assert [p.key for p in change.added] == ["in-reach"]


def test_a_flag_shortens_at_once_and_taking_it_away_lengthens_nothing() -> None:
    """Scenario 41: a flag added at hour 30 turns 72 hours into 48."""
    at = there("2026-09-04 18:00")
    now = at + 30 * HOUR
    case = with_contacts(left(at), plan(left(at), at))
    flagged = replace(case, risks=HIGH)
    change = shorten_only(replan(flagged, plan(flagged, now)))
    assert [(m.contact.key, m.due_at - at) for m in change.moved] == [("safety-net", 48 * HOUR)]
    shorter = replace(apply(flagged, change), risks=frozenset())
    assert shorten_only(replan(shorter, plan(shorter, now))).is_empty


@given(cases(gone=True), risks, risks, nows)
def test_flags_never_lengthen(case: Case, before: frozenset[RiskFlag], after: frozenset[RiskFlag], days: int) -> None:
    now = now_of(case, days)
    case = replace(case, risks=before)
    case = with_contacts(case, plan(case, now))
    flagged = replace(case, risks=after)
    change = shorten_only(replan(flagged, plan(flagged, now)))
    assert all(m.due_at < m.contact.due_at for m in change.moved)
    assert all(c.key.startswith("youth") for c in change.removed)


def test_late_notice_keeps_the_real_times_and_asks_for_no_week_that_has_gone_by() -> None:
    """Heard of 17 days late: one-off contacts are overdue on arrival; nobody can call in a week that is over."""
    at = there("2026-09-04 18:00")
    heard = at + 17 * DAY
    case = left(at, notice_at=heard)
    change = replan(case, plan(case, heard))
    added = keyed(change.added)
    assert added["first-contact", 1].due_at == at + 24 * HOUR
    assert added["face-to-face", 1].due_at < heard
    weeks = [p for p in change.added if p.key == "weekly"]
    assert [p.seq for p in weeks] == list(range(2, 13))
    assert weeks[0].opens_at < heard < weeks[0].due_at


def test_a_week_that_was_planned_and_passed_stays_until_it_is_judged() -> None:
    at = there("2026-09-04 18:00")
    case = with_contacts(left(at), plan(left(at), at))
    assert replan(case, plan(case, at + 60 * DAY)).is_empty


# Going on for longer


def test_an_extended_plan_goes_on_every_week_without_a_gap() -> None:
    at = there("2026-09-04 18:00")
    case = with_contacts(left(at), plan(left(at), at))
    longer = replace(case, finish_at=there("2027-01-31 12:00"))
    change = replan(longer, plan(longer, at + 80 * DAY))
    weeks = [p for p in plan(longer, at) if p.key == "weekly"]
    assert all(one.due_at == following.opens_at for one, following in pairwise(weeks))
    assert wall(weeks[-1].due_at) == "Mon 2027-02-01 00:00"
    assert {p.key for p in change.added} == {"weekly"}
    assert [m.contact.seq for m in change.moved] == [12], "the last week, which day 90 had cut short"


def test_a_plan_is_never_cut_short_by_an_early_end() -> None:
    at = there("2026-09-04 18:00")
    assert plan(left(at, finish_at=at + 40 * DAY), at) == plan(left(at), at)


def test_extending_does_not_bring_back_the_daily_contacts() -> None:
    at = there("2026-09-04 18:00")
    case = left(at, JAIL, finish_at=at + 150 * DAY)
    assert sum(p.key == "daily" for p in plan(case, at)) == 14
    assert max(p.due_at for p in plan(case, at) if p.key == "weekly") == end_of(
        local_date(at + 150 * DAY, NEW_YORK), NEW_YORK
    )


# Lost, and found


def test_a_lost_person_is_looked_for_weekly_then_every_two_weeks_until_day_90() -> None:
    at = there("2026-09-04 18:00")
    lost = at + 9 * DAY
    case = left(at, lost_at=lost)
    planned = plan(case, lost)
    search = [p for p in planned if p.key == LOST_KEY]
    assert [(p.due_at - at).days for p in search] == [16, 23, 30, 44, 58, 72, 86]
    assert all(one.due_at == following.opens_at for one, following in pairwise(search))
    assert "weekly" not in {p.key for p in planned}
    assert search_over_at(case) == at + 90 * DAY


def test_who_is_lost_twice_is_looked_for_twice() -> None:
    at = there("2026-09-04 18:00")
    first, again = at + 9 * DAY, at + 40 * DAY
    case = left(at, lost_at=first)
    case = with_contacts(case, plan(case, first))
    case = marked(case, ContactState.MISSED, [(LOST_KEY, 1), (LOST_KEY, 2)])
    found = replace(case, lost_at=None)
    found = apply(found, replan(found, plan(found, at + 25 * DAY)))
    lost = replace(found, lost_at=again)
    change = replan(lost, plan(lost, again))
    assert [(p.due_at - at).days for p in change.added if p.key == LOST_KEY] == [54, 68, 82]
    assert replan(apply(lost, change), plan(apply(lost, change), again)).is_empty


def test_a_search_after_another_discharge_counts_from_one() -> None:
    first, second = there("2026-09-04 18:00"), there("2026-10-20 18:00")
    case = left(first, lost_at=first + 9 * DAY)
    case = with_contacts(case, plan(case, first + 9 * DAY))
    case = replace(case, cycle=2, discharged_at=second, lost_at=second + 9 * DAY)
    assert min(p.seq for p in plan(case, second) if p.key == LOST_KEY) == 1


@pytest.mark.parametrize(("day", "over"), [(9, 90), (40, 90), (89, 90), (90, 91), (120, 121)])
def test_the_search_ends_on_day_90_and_never_before_it_began(day: int, over: int) -> None:
    at = there("2026-09-04 18:00")
    case = left(at, lost_at=at + day * DAY)
    assert search_over_at(case) == at + over * DAY
    assert search_over_at(left(at)) is None


@given(cases(gone=True))
def test_a_search_is_bounded_and_stays_within_its_time(case: Case) -> None:
    planned = [p for p in plan(case, now_of(case, 0)) if p.key == LOST_KEY]
    over = search_over_at(case)
    assert bool(planned) <= (over is not None)
    assert len(planned) <= 10
    for p in planned:
        assert over is not None
        assert case.lost_at is not None
        assert case.lost_at <= p.opens_at < p.due_at <= over


def test_who_is_found_again_is_called_weekly_from_then_on_not_for_the_weeks_gone_by() -> None:
    """Scenario 47: lost on day 20, found on day 60."""
    at = there("2026-09-04 18:00")
    case = with_contacts(left(at), plan(left(at), at))
    lost = replace(case, lost_at=at + 20 * DAY)
    lost = apply(lost, replan(lost, plan(lost, at + 20 * DAY)))
    found = replace(lost, lost_at=None)
    now = at + 60 * DAY
    change = replan(found, plan(found, now))
    assert change.added
    assert all(p.due_at > now for p in change.added)
    assert {p.key for p in change.added} == {"weekly", "second-month-visit", "closing-meeting"}
    assert all(c.key == LOST_KEY for c in change.removed)


# Unscheduled, and on hold


@pytest.mark.parametrize(
    ("left_at", "due"),
    [
        ("2026-09-04 00:40", "Fri 2026-09-04 08:00"),  # scenario 29: released by the court at night
        ("2026-09-04 05:59", "Fri 2026-09-04 08:00"),
        ("2026-09-04 06:30", "Fri 2026-09-04 08:30"),
        ("2026-09-04 14:00", "Fri 2026-09-04 16:00"),
        ("2026-09-04 18:59", "Fri 2026-09-04 20:59"),
        ("2026-09-04 20:00", "Sat 2026-09-05 08:00"),
    ],
)
def test_the_first_attempt_after_an_unplanned_leaving_comes_within_two_hours_by_day(left_at: str, due: str) -> None:
    at = there(left_at)
    case = left(at, JAIL, is_unscheduled=True, overlays=(UNSCHEDULED, ON_HOLD))
    p = keyed(plan(case, at))["first-attempt", 1]
    assert (p.opens_at, wall(p.due_at)) == (at, due)


def test_who_waits_at_the_gate_an_hour_early_is_in_time() -> None:
    at = there("2026-09-04 10:00")
    p = keyed(plan(left(at, JAIL), at))["gate-pickup", 1]
    assert (wall(p.opens_at), wall(p.due_at)) == ("Fri 2026-09-04 09:00", "Fri 2026-09-04 11:00")


def test_what_lies_on_top_for_unplanned_leaving_only() -> None:
    at = there("2026-09-04 10:00")
    usual = left(at, JAIL, overlays=(UNSCHEDULED, ON_HOLD))
    extra = {p.key for p in plan(replace(usual, is_unscheduled=True), at)} - {p.key for p in plan(usual, at)}
    assert extra == {rule.key for rule in UNSCHEDULED.contacts}


def test_a_hold_asks_for_meeting_where_the_person_is_now() -> None:
    start = there("2026-09-04 18:00")
    holiday = Calendar(frozenset({date(2026, 9, 7)}))
    case = left(
        start - 5 * DAY,
        status=ReferralStatus.ON_HOLD,
        calendar=holiday,
        overlays=(UNSCHEDULED, ON_HOLD),
        holds=(Hold("hold_1", start - 4 * DAY, start - 3 * DAY), Hold("hold_2", start)),
    )
    (p,) = plan_hold(case, start)
    assert (p.key, p.seq, p.opens_at, wall(p.due_at)) == ("hold-in-reach", 2, start, "Thu 2026-09-10 00:00")
    assert plan_hold(left(start), start) == []


# How much was tried


def tried(at: datetime, mode: Mode, outcome: Outcome = Outcome.NO_ANSWER) -> Attempt:
    return Attempt(at, mode, outcome, at)


AT = there("2026-09-04 18:00")
CALL_1, CALL_2 = tried(AT + 24 * HOUR, Mode.CALL), tried(AT + 44 * HOUR, Mode.CALL)
VISIT_2 = tried(AT + 46 * HOUR, Mode.VISIT)


@pytest.mark.parametrize(
    ("tries", "missing"),
    [
        ([], ["3 more attempts", "a visit in person", "another way of reaching them", "an attempt on another day"]),
        ([CALL_1, CALL_1, CALL_1], ["a visit in person", "another way of reaching them", "an attempt on another day"]),
        ([CALL_1, CALL_2, CALL_2], ["a visit in person", "another way of reaching them"]),  # scenario 39
        ([CALL_1, VISIT_2], ["one more attempt"]),
        ([CALL_1, CALL_2, VISIT_2], []),
        ([CALL_1, CALL_2, tried(AT + 46 * HOUR, Mode.VISIT, Outcome.AUTOMATED_REPLY)], [
            "one more attempt", "a visit in person", "another way of reaching them"
        ]),
        ([tried(AT + 23 * HOUR, Mode.VISIT), CALL_1, CALL_2], [
            "one more attempt", "a visit in person", "another way of reaching them"
        ]),  # before the window opened
    ],
)  # fmt: skip
def test_what_is_still_to_be_tried(tries: list[Attempt], missing: list[str]) -> None:
    case = left(AT, attempts=tuple(tries))
    rule = PSYCHIATRIC.rule("safety-net")
    assert rule is not None
    contact = contact_of(keyed(plan(case, AT))["safety-net", 1])
    assert attempts_missing(rule, case, contact) == missing


def test_without_a_phone_visits_alone_are_enough() -> None:
    """Scenario 40: nothing is asked of a phone that is not there."""
    visits = tuple(tried(AT + n * HOUR, Mode.VISIT) for n in (25, 40, 46))
    rule = PSYCHIATRIC.rule("safety-net")
    assert rule is not None
    contact = contact_of(keyed(plan(left(AT), AT))["safety-net", 1])
    assert attempts_missing(rule, left(AT, attempts=visits, has_phone=False), contact) == []
    assert attempts_missing(rule, left(AT, attempts=visits), contact) == ["another way of reaching them"]


# Protocols in seconds, for demonstrations and tests


def test_series_in_seconds() -> None:
    raw = PSYCHIATRIC.model_dump(mode="json", exclude_defaults=True)
    raw["contacts"] = [
        {
            "key": "tick",
            "title": "Tick",
            "due": {"after": "discharge", "opens": "PT2S", "within": "PT10S"},
            "every": "PT10S",
            "until": "PT45S",
            "ladder": "prompt",
        }
    ]
    at = AT
    planned = plan(left(at, protocol_from(raw)), at)
    windows = [((p.opens_at - at).seconds, (p.due_at - at).seconds) for p in planned]
    assert windows == [(2, 10), (12, 20), (22, 30), (32, 40), (42, 45)]


def test_a_day_of_23_hours_holds_one_daily_contact() -> None:
    at = at_local(date(2026, 3, 5), time(10), NEW_YORK)
    daily = [p for p in plan(left(at, JAIL), at) if p.key == "daily"]
    assert [local_date(p.opens_at, NEW_YORK) for p in daily] == [date(2026, 3, 5) + n * DAY for n in range(1, 15)]
    assert [p.due_at - p.opens_at for p in daily].count(23 * HOUR) == 1
    assert all(p.due_at == start_of(local_date(p.opens_at, NEW_YORK) + DAY, NEW_YORK) for p in daily)
