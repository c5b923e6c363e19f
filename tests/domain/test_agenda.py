"""The agenda: whatever a case looks like, what comes next is there, once, in order, and always the same."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import agenda as items
from domain.agenda import TITLES, agenda, due_items, next_item, promised_by, prompts, streak_subject, why
from domain.case import Case, Contact, Escalation, Hold, Offer
from domain.clock import may_call
from domain.plan import plan, plan_hold
from domain.vocabulary import (
    OPEN_STATUSES,
    OVER_STATUSES,
    Ask,
    ConsentStatus,
    ContactState,
    EscalationState,
    OfferState,
    ReferralStatus,
    Subject,
)
from tests.domain.cases import BY_SETTING, HANDOVER, HIGH, ON_HOLD, SUBMITTED, UNSCHEDULED, a_case, contact_of, left

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
OVERLAYS = (UNSCHEDULED, ON_HOLD, HANDOVER)
T0 = datetime(2026, 9, 4, 18, 0, tzinfo=UTC)

moments = st.integers(-40 * 86_400, 100 * 86_400).map(lambda n: T0 + n * SECOND)
states = st.sampled_from(ContactState)


@st.composite
def cases(draw: st.DrawFn, *, status: ReferralStatus | None = None) -> Case:
    """Cases of every status, with contacts, calls, offers and holds in whatever state, likely or not."""
    status = status or draw(st.sampled_from(ReferralStatus))
    has_left = draw(st.booleans()) and status is not ReferralStatus.SUBMITTED
    accepted = T0 - draw(st.integers(0, 20 * 86_400)) * SECOND
    facts: dict[str, Any] = {
        "status": status,
        "zone": draw(st.sampled_from(["America/New_York", "America/Los_Angeles", "Asia/Kolkata"])),
        "submitted_at": accepted - draw(st.integers(0, 3 * 86_400)) * SECOND,
        "accepted_at": None if status is ReferralStatus.SUBMITTED else accepted,
        "discharged_at": T0 if has_left else None,
        "expected_on": draw(st.none() | moments.map(lambda at: at.date())),
        "date_known_at": draw(st.none() | moments),
        "risks": draw(st.sampled_from([frozenset(), HIGH])),
        "overlays": OVERLAYS,
        "consent": draw(st.sampled_from(ConsentStatus)),
        "consent_expires_at": draw(st.none() | moments),
        "consent_warned": draw(st.booleans()),
        "cancel_requested_at": draw(st.none() | moments),
        "lost_at": draw(st.none() | st.integers(1, 100).map(lambda n: T0 + n * DAY)) if has_left else None,
        "finish_at": draw(st.none() | st.integers(31, 300).map(lambda n: T0 + n * DAY)) if has_left else None,
        "ended_at": draw(moments) if status.is_over else None,
        "reported_at": draw(st.none() | moments) if status.is_over else None,
    }
    facts |= draw(st.sampled_from([{"assigned_since": accepted}, {"unassigned_since": accepted}]))
    case = a_case(draw(st.sampled_from(BY_SETTING)), **facts)
    if status is ReferralStatus.ON_HOLD:
        case = replace(case, holds=(Hold("hold-1", draw(moments)),))
    known = replace(case, status=ReferralStatus.IN_PROGRESS)
    planned = [*plan(known, T0), *plan_hold(case, T0)]
    drawn = itertools.cycle(draw(st.lists(states, min_size=1, max_size=8)))
    case = replace(case, contacts=tuple(contact_of(p, next(drawn)) for p in planned))
    case = replace(case, offers=tuple(draw(st.lists(offers(), max_size=3))))
    return replace(case, escalations=tuple(draw(calls(case))))


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    made = draw(moments)
    return Offer(
        f"offer-{draw(st.integers(0, 999))}", "bridger-1", draw(st.sampled_from(OfferState)), made, made + HOUR
    )


@st.composite
def calls(draw: st.DrawFn, case: Case) -> list[Escalation]:
    """Ladders climbed to any rung, about anything the case has."""
    about: list[tuple[Subject, str]] = [(s, case.referral_id) for s in Subject]
    about += [(Subject.CONTACT, c.id) for c in case.contacts[:5]] + [(Subject.HOLD, h.id) for h in case.holds]
    found: list[Escalation] = []
    for subject, subject_id in draw(st.lists(st.sampled_from(about), max_size=4, unique=True)):
        is_settled = draw(st.booleans())
        for rung in range(draw(st.integers(1, 3))):
            raised = draw(moments)
            state = EscalationState.RESOLVED if is_settled else draw(st.sampled_from(_UNSETTLED))
            found.append(
                Escalation(
                    id=f"call-{len(found)}",
                    subject=subject,
                    subject_id=subject_id,
                    occurrence=1,
                    ladder="supervisor",
                    rung=rung,
                    ask=Ask.ANSWER,
                    state=state,
                    answer_by=raised + HOUR,
                    act_by=raised + DAY if state is EscalationState.ACKNOWLEDGED else None,
                    raised_at=raised,
                    resolved_at=raised + HOUR if is_settled else None,
                )
            )
    return found


_UNSETTLED = (EscalationState.RAISED, EscalationState.ACKNOWLEDGED)


@given(cases(), moments)
def test_it_is_sorted_deterministic_and_the_next_is_the_first(case: Case, now: datetime) -> None:
    found = agenda(case)
    assert found == sorted(found)
    assert found == agenda(replace(case))
    assert next_item(case) == (found[0] if found else None)
    assert due_items(case, now) == [item for item in found if item.at <= now]
    assert all(item.at.tzinfo is not None and item.title for item in found)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_says_nothing(case: Case, random: Any) -> None:
    contacts, escalations = list(case.contacts), list(case.escalations)
    random.shuffle(contacts)
    random.shuffle(escalations)
    assert agenda(replace(case, contacts=tuple(contacts), escalations=tuple(escalations))) == agenda(case)


@given(st.sampled_from(sorted(OPEN_STATUSES)).flatmap(lambda status: cases(status=status)))
def test_open_means_awaited(case: Case) -> None:
    """Design §5, invariant 1."""
    assert next_item(case) is not None


@given(st.sampled_from(sorted(OVER_STATUSES)).flatmap(lambda status: cases(status=status)))
def test_what_is_over_is_told_once_and_then_nothing(case: Case) -> None:
    kinds = [item.kind for item in agenda(case)]
    untold = case.reported_at is None and case.status is not ReferralStatus.ENTERED_IN_ERROR
    assert kinds == ([items.REPORT] if untold else [])
    assert agenda(replace(case, reported_at=T0)) == []


@given(cases(status=ReferralStatus.DRAFT))
def test_a_draft_awaits_nothing(case: Case) -> None:
    assert agenda(case) == []


@given(cases(status=ReferralStatus.ON_HOLD))
def test_nobody_is_called_about_the_plan_of_somebody_on_hold(case: Case) -> None:
    """Whatever the rows say: a contact of the community plan is neither missed nor reminded of during a hold."""
    by_id = {c.id: c for c in case.contacts}
    for item in agenda(case):
        if item.kind in (items.CONTACT_MISSED, items.REMIND):
            rule = case.rule(by_id[item.subject_id].key)
            assert rule is not None
            assert rule.due.after in ("hold", "handover")
        assert item.kind not in (items.STREAK, items.DATE_CHECK, items.FINISH, items.CLOSE_LOST, items.OFFER)


@given(cases())
def test_each_item_is_there_once(case: Case) -> None:
    count = Counter((item.kind, item.subject_id, item.detail) for item in agenda(case))
    assert not [item for item, times in count.items() if times > 1]


@given(cases(status=ReferralStatus.IN_PROGRESS))
def test_a_contact_is_awaited_until_its_due_time_and_reminded_of_before(case: Case) -> None:
    found = agenda(case)
    missed = {item.subject_id: item.at for item in found if item.kind == items.CONTACT_MISSED}
    awaited = {c.id: c for c in case.contacts if c.state is ContactState.PLANNED}
    assert missed == {contact_id: c.due_at for contact_id, c in awaited.items()}
    for item in found:
        if item.kind == items.REMIND:
            contact = awaited[item.subject_id]
            assert contact.opens_at <= item.at < contact.due_at
            assert item.detail not in contact.prompted
            is_long = contact.due_at - contact.opens_at > 20 * HOUR
            if is_long and item.at > contact.opens_at and item.detail != "warning":
                assert may_call(item.at - SECOND, case.zone), "not at night"


@given(cases(status=ReferralStatus.IN_PROGRESS))
def test_the_highest_open_rung_of_each_ladder_waits_and_no_other(case: Case) -> None:
    waiting = {item.subject_id for item in agenda(case) if item.kind in (items.UNACKNOWLEDGED, items.UNRESOLVED)}
    tops: dict[Any, Escalation] = {}
    for call in case.escalations:
        if call.state.is_open and (call.chain not in tops or call.rung > tops[call.chain].rung):
            tops[call.chain] = call
    assert waiting == {call.id for call in tops.values()}


def with_weekly(*outcomes: ContactState) -> Case:
    """A case with so many weekly contacts, one after the other, in these states."""
    case = left(T0)
    series = tuple(
        Contact(f"weekly-{n}", "weekly", n, 1, T0 + n * 7 * DAY, T0 + (n + 1) * 7 * DAY, state)
        for n, state in enumerate(outcomes, start=1)
    )
    return replace(case, contacts=series)


MET, MISSED, WAITS = ContactState.MET, ContactState.MISSED, ContactState.PLANNED


@pytest.mark.parametrize(
    ("outcomes", "streaks"),
    [
        ((MISSED, WAITS, WAITS), []),
        ((MISSED, MISSED, WAITS), ["weekly:2:1:2"]),
        ((MISSED, MET, MISSED), []),
        ((MISSED, ContactState.MET_LATE, MISSED), []),
        ((MISSED, ContactState.WAIVED, MISSED), ["weekly:2:1:3"]),
        ((MISSED, MISSED, MISSED, MISSED), ["weekly:2:1:2"]),
        ((MISSED, MISSED, MET, MISSED, MISSED), ["weekly:2:1:2", "weekly:2:1:5"]),
    ],
)
def test_a_run_of_misses_is_called_about_once(outcomes: tuple[ContactState, ...], streaks: list[str]) -> None:
    case = with_weekly(*outcomes)
    assert [item.subject_id for item in agenda(case) if item.kind == items.STREAK] == streaks
    for subject_id in streaks:
        raised = Escalation(
            "call-1",
            Subject.STREAK,
            subject_id,
            1,
            "streak",
            0,
            Ask.ANSWER,
            EscalationState.RESOLVED,
            T0,
            resolved_at=T0,
        )
        left_over = [i.subject_id for i in agenda(replace(case, escalations=(raised,))) if i.kind == items.STREAK]
        assert left_over == [s for s in streaks if s != subject_id]
    assert streak_subject("weekly", 2, 1, 3) == "weekly:2:1:3"


def test_a_deadline_that_was_settled_without_effect_comes_again() -> None:
    """The supervisor settled “is the person still there?”, and nobody recorded anything: it is asked again."""
    case = a_case(expected_on=(T0 + DAY).date(), date_known_at=SUBMITTED)
    [first] = [i for i in agenda(case) if i.kind == items.DATE_CHECK]
    call = Escalation(
        "c", Subject.DATE, "ref_1", 1, "supervisor", 0, Ask.ANSWER, EscalationState.RAISED, first.at + HOUR
    )
    asked = replace(case, escalations=(call,))
    assert not [i for i in agenda(asked) if i.kind == items.DATE_CHECK], "while somebody is asked nobody else is"
    settled = replace(call, state=EscalationState.RESOLVED, resolved_at=first.at + 2 * HOUR)
    [again] = [i for i in agenda(replace(case, escalations=(settled,))) if i.kind == items.DATE_CHECK]
    assert again.at == first.at + 2 * HOUR + timedelta(hours=12)


def test_the_end_of_the_plan_waits_for_its_last_contact() -> None:
    case = left(T0)
    case = replace(case, contacts=tuple(contact_of(p) for p in plan(case, T0)))
    [finish] = [i for i in agenda(case) if i.kind == items.FINISH]
    assert finish.at == max(c.due_at for c in case.contacts)
    done = replace(case, contacts=tuple(replace(c, state=MET) for c in case.contacts))
    assert next(i for i in agenda(done) if i.kind == items.FINISH).at == T0 + 90 * DAY


def test_what_was_promised_to_the_referrer() -> None:
    waiting = a_case(status=ReferralStatus.SUBMITTED, accepted_at=None)
    assert promised_by(waiting) == datetime(2026, 9, 2, 21, 0, tzinfo=UTC), "one business day, 5 pm there"
    assert promised_by(a_case()) == datetime(2026, 9, 2, 21, 0, tzinfo=UTC)
    assert promised_by(a_case(assigned_since=T0)) is None
    assert promised_by(left(T0)) is None


def test_who_has_left_already_does_not_wait_for_a_yes_over_a_weekend() -> None:
    friday = datetime(2026, 9, 4, 20, 0, tzinfo=UTC)
    waiting = a_case(status=ReferralStatus.SUBMITTED, accepted_at=None, submitted_at=friday)
    assert promised_by(waiting) == datetime(2026, 9, 7, 21, 0, tzinfo=UTC), "Monday, 5 pm there"
    gone = replace(waiting, discharged_at=friday - DAY, notice_at=friday + HOUR)
    assert promised_by(gone) == friday + 5 * HOUR, "four hours after we heard of it, as a late notice is worked"
    assert [i.at for i in agenda(gone) if i.kind == items.UNACCEPTED] == [friday + 5 * HOUR]
    assert promised_by(replace(gone, notice_at=None)) == friday + 4 * HOUR, "not before it was sent"
    heard_late = replace(gone, notice_at=friday + 30 * DAY)
    assert promised_by(heard_late) == promised_by(waiting), "never later than without"


def test_reminders_of_a_night_come_the_evening_before() -> None:
    rule = a_case().protocol.rule("first-contact")
    assert rule is not None
    opens = datetime(2026, 9, 2, 7, 0, tzinfo=UTC)  # 3 am in New York
    found = dict(prompts(rule, opens, opens + DAY, "America/New_York"))
    assert found == {"50%": opens + 12 * HOUR, "85%": datetime(2026, 9, 3, 1, 0, tzinfo=UTC)}


def test_every_kind_of_item_has_a_title_and_a_handler() -> None:
    from records.commands.agenda import _HANDLERS

    kinds = {
        value for name, value in vars(items).items() if name.isupper() and isinstance(value, str) and value in TITLES
    }
    assert kinds == set(TITLES) == set(_HANDLERS)


@given(cases())
def test_every_item_says_why_and_names_nobody(case: Case) -> None:
    for item in agenda(case):
        assert why(item, case).endswith(".") or item.kind == items.CONTACT_MISSED
        assert case.referral_id not in why(item, case)
