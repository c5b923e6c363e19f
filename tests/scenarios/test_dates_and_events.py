"""Acceptance scenarios 16 to 34: dates that move, and events that arrive as they do."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.errors import IllegalState, NotAllowed
from domain.vocabulary import (
    ClosureReason,
    ContactState,
    Disposition,
    EscalationState,
    HoldReason,
    Mode,
    NotificationState,
    Outcome,
    ReferralStatus,
    Resolution,
    Subject,
)
from records.access import system_actor
from records.commands import absences, closing, discharges, escalations, holds
from tests.scenarios.world import World, instant

HOUR = timedelta(hours=1)


def test_16_discharge_moved_later_three_times(world: World) -> None:
    """Discharge moved later 3 times: timers re-planned 3 times, no duplicate reminders."""
    ada = world.refer(leaves_in_days=3, bridger="Ben")
    check = ada.contact("appointment-check")
    before = check.due_at
    for day in (6, 7, 9):
        world.time_passes(days=1)
        ada.moves_to(date(2026, 11, day))
    assert ada.contact("appointment-check").due_at == before + timedelta(days=4)
    assert len(ada.events("date.moved")) == 3
    moved = [e for e in ada.events("plan.changed") if e.data["why"] == "the expected date moved"]
    assert len(moved) == 3
    assert all(check.id in [m[0] for m in e.data["moved"]] for e in moved), "the same contact moves, no second one"
    world.time_is("2026-11-08 11:59")
    reminded = [(e.subject_id, e.data["prompt"]) for e in ada.events("contact.reminded")]
    assert len(reminded) == len(set(reminded))
    assert [prompt for contact, prompt in reminded if contact == check.id] == ["85%"]
    assert not [e for e in ada.events("contact.missed") if e.subject_id == check.id]
    world.time_is("2026-11-08 12:00")
    assert ada.contact("appointment-check").state is ContactState.MISSED, "missed once, at the last date only"
    assert len(ada.events("contact.missed")) == len({e.subject_id for e in ada.events("contact.missed")})


def test_17_moved_earlier_while_the_bridger_is_off(world: World) -> None:
    """Moved earlier by 2 days while bridger is off: cover alerted, in-reach marked compressed."""
    ada = world.refer(leaves_in_days=3, bridger="Ben")
    world.do(
        "supervisor",
        absences.set_absence,
        world.actors["Ben"].id,
        from_at=world.now + HOUR,
        until_at=world.now + timedelta(days=4),
        cover_id=world.actors["Ines"].id,
    )
    world.time_passes(hours=2)
    assert ada.bridger == "Ines"
    full = ada.contact("in-reach").due_at
    ada.moves_to(date(2026, 11, 3))
    in_reach = ada.contact("in-reach")
    assert in_reach.is_compressed
    assert in_reach.due_at == instant("2026-11-03 12:00") < full
    assert len(world.told("Ines", "date_moved")) == 1
    assert not world.told("Ben", "date_moved")


def test_18_discharge_then_cancelled_an_hour_later(world: World) -> None:
    """A03 then A13 one hour later: clock stopped, contacts superseded, resumes on new A03."""
    ada = world.refer(bridger="Ben")
    ada.log(Mode.VISIT, Outcome.REACHED)
    ada.discharge()
    first = ada.contact("first-contact")
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.contact("first-contact").state is ContactState.MET
    world.time_passes(hours=1)
    ada.cancel_discharge()
    assert ada.row.discharged_at is None
    assert ada.contact("first-contact").state is ContactState.SUPERSEDED
    assert ada.contact("in-reach").state is ContactState.MET, "the meeting on the unit was held, and stays"
    assert {c.key for c in ada.awaited()} == {"appointment-check"}
    world.time_passes(hours=30)
    assert not ada.events("contact.missed"), "the old clock does not run on"
    ada.finish_tasks()
    ada.discharge()
    again = ada.contact("first-contact")
    assert again.id != first.id
    assert again.state is ContactState.PLANNED, "what was said before leaving does not meet what follows leaving"
    assert again.due_at == world.now + timedelta(hours=24)
    assert ada.contact("handoff").state is ContactState.PLANNED
    world.time_passes(hours=24)
    assert ada.contact("first-contact").state is ContactState.MISSED
    assert first.id not in {e.subject_id for e in ada.events("contact.missed")}


def test_18b_a_safety_concern_survives_a_cancelled_discharge(world: World) -> None:
    """A13 settles what the discharge had raised; whoever is called about something else is still called."""
    ada = world.follow()
    concern = world.do("Ben", escalations.raise_concern, ada.id, "Said something that worries me.")
    ada.cancel_discharge()
    assert [c.id for c in ada.calls(Subject.SAFETY, is_open=True)] == [concern.id]


def test_19_duplicate_and_corrected_discharge(world: World) -> None:
    """Duplicate A03: one T0. Same visit, corrected EVN-2: T0 corrected, dues recalculated, audit kept."""
    ada = world.follow()
    left_at = world.now
    events = len(ada.events())
    world.time_passes(minutes=10)
    ada.discharge(left_at)
    assert len(ada.events()) == events
    assert ada.row.discharged_at == left_at
    corrected = left_at - 3 * HOUR
    ada.discharge(corrected)
    assert ada.row.discharged_at == corrected
    assert ada.contact("first-contact").due_at == corrected + timedelta(hours=24)
    assert ada.contact("safety-net").due_at == corrected + timedelta(hours=72)
    [audit] = ada.events("discharge.corrected")
    assert audit.data["before"].startswith("2026-11-02T14:00")
    assert audit.data["after"].startswith("2026-11-02T11:00")
    assert len(ada.events("referral.discharged")) == 1
    assert len([c for c in ada.contacts("first-contact")]) == 1


def test_19b_a_correction_judges_again_what_was_met_and_missed(world: World) -> None:
    """Corrected EVN-2 after the fact: met becomes late, missed becomes awaited again, each by the real time."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(hours=23)
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.contact("first-contact").state is ContactState.MET
    ada.discharge(left_at - 2 * HOUR)
    assert ada.contact("first-contact").state is ContactState.MET_LATE
    bea = world.follow("Bea Sample", phones=["212-555-0124"])
    world.time_passes(hours=25)
    call = bea.calls(Subject.CONTACT, about=bea.contact("first-contact").id)
    assert bea.contact("first-contact").state is ContactState.MISSED
    assert call[0].state is EscalationState.RAISED
    later = world.now - 20 * HOUR
    bea.discharge(later)
    assert bea.contact("first-contact").state is ContactState.PLANNED
    assert bea.contact("first-contact").due_at == later + timedelta(hours=24)
    assert bea.calls(Subject.CONTACT, about=call[0].subject_id)[0].resolution is Resolution.CORRECTED


def test_19c_a_contact_before_the_corrected_discharge_is_no_follow_up(world: World) -> None:
    """T0 corrected to later than a talk: the talk stays on record and no longer counts as contact after leaving."""
    ada = world.follow()
    world.time_passes(hours=1)
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.contact("first-contact").state is ContactState.MET
    world.time_passes(hours=2)
    ada.discharge(world.now - HOUR)
    assert ada.contact("first-contact").state is ContactState.PLANNED
    assert ada.contact("first-contact").due_at == world.now + 23 * HOUR


def test_20_discharge_arrives_before_admission(world: World) -> None:
    """Out of order: A03 arrives before A01: consistent state."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(days=5)
    back_at, left_again = left_at + timedelta(days=4), left_at + timedelta(days=4, hours=20)
    ada.discharge(left_again)  # the second stay's discharge comes first ...
    assert ada.row.discharged_at == left_again, "taken as the latest word about when the person left"
    admission = system_actor(world.program_id, "system:fhir")  # ... and then its admission, which is over already
    world.do(admission, holds.put_on_hold, ada.id, HoldReason.READMITTED, since=back_at)
    assert ada.row.status is ReferralStatus.IN_PROGRESS, "the person is out: an admission before that changes nothing"
    assert ada.row.discharged_at == left_again
    assert ada.contact("first-contact").due_at == left_again + timedelta(hours=24)
    assert ada.journal_is_whole()


def test_20b_an_old_discharge_repeated_during_a_readmission(world: World) -> None:
    """Out of order: the first stay's A03 comes again after the A01 of the second: the person stays where they are."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(days=2)
    ada.hold(HoldReason.READMITTED)
    world.time_passes(hours=1)
    ada.discharge(left_at)
    assert ada.row.status is ReferralStatus.ON_HOLD
    assert ada.row.cycle == 1
    assert ada.row.discharged_at == left_at


def test_21_discharge_without_utc_offset(world: World) -> None:
    """A03 without UTC offset: flagged, facility zone used, uncertainty recorded."""
    ada = world.refer(bridger="Ben")
    record = discharges.record_discharge
    world.do(ada.planner, record, ada.id, world.now - HOUR, Disposition.HOME, has_offset_doubt=True)
    assert ada.row.has_offset_doubt
    [event] = ada.events("referral.discharged")
    assert event.data["offset_doubt"] is True
    ada.discharge(world.now - 2 * HOUR)
    assert not ada.row.has_offset_doubt, "a correction with its offset leaves no doubt"


def test_22_pending_discharge_withdrawn(world: World) -> None:
    """A16 then A25: provisional date withdrawn, no missed task."""
    ada = world.refer(leaves_in_days=None, bridger="Ben")
    ada.log(Mode.VISIT, Outcome.REACHED)
    ada.moves_to(date(2026, 11, 5))
    assert [c.key for c in ada.awaited()] == ["appointment-check"]
    ada.moves_to(None)
    assert ada.awaited() == []
    assert ada.contact("appointment-check").state is ContactState.SUPERSEDED
    world.time_passes(days=6)
    assert not ada.events("contact.missed")
    assert not ada.calls(Subject.CONTACT)
    assert ada.row.next_item == "date_check", "somebody still asks now and then whether there is a date"


def test_23_leave_of_absence_is_no_discharge(world: World) -> None:
    """Leave of absence A21/A22: not a discharge."""
    ada = world.refer(leaves_in_days=10, bridger="Ben")
    with pytest.raises(IllegalState, match="still there"):
        ada.discharge(disposition=Disposition.STILL_PATIENT)
    assert ada.row.discharged_at is None
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert not [c for c in ada.awaited() if c.key == "first-contact"]


@pytest.mark.parametrize("disposition", [Disposition.TRANSFERRED, Disposition.SKILLED_NURSING, Disposition.HOSPICE])
def test_24_transfer_starts_no_community_clock(world: World, disposition: Disposition) -> None:
    """Disposition 65/02 transfer: no community clock; referral follows."""
    ada = world.refer(bridger="Ben")
    ada.discharge(disposition=disposition)
    assert ada.row.discharged_at is None
    assert ada.row.status is ReferralStatus.ON_HOLD
    assert [c.key for c in ada.awaited()] == ["hold-in-reach"], "the bridger meets them where they are now"
    assert ada.bridger == "Ben"
    assert len(world.told("Ben", "hold_started")) == 1
    world.time_passes(days=10)
    ada.discharge()
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert ada.contact("first-contact").due_at == world.now + timedelta(hours=24)


def test_25_into_custody_is_a_hold(world: World) -> None:
    """Disposition 21: P4 custody hold, not “discharged”."""
    ada = world.refer(bridger="Ben")
    ada.discharge(disposition=Disposition.CUSTODY)
    assert ada.row.status is ReferralStatus.ON_HOLD
    assert ada.row.discharged_at is None
    assert not ada.events("referral.discharged")
    hold = ada.events("hold.started")[0]
    assert hold.data["reason"] == HoldReason.IN_CUSTODY.value
    world.time_passes(days=4)
    assert {e.data["key"] for e in ada.events("contact.missed")} <= {"hold-in-reach"}


def test_26_against_advice_goes_unscheduled_at_once(world: World) -> None:
    """Disposition 07 AMA: P5 immediately, planner notified."""
    ada = world.refer(bridger="Ben")
    ada.discharge(disposition=Disposition.AGAINST_ADVICE, by="supervisor")
    [page] = ada.calls(Subject.RELEASE)
    assert {told["role"] for told in page.told} >= {"peer_supervisor", "on_call_clinician"}
    assert page.answer_by == world.now + timedelta(minutes=15)
    assert ada.contact("first-attempt").due_at == world.now + 2 * HOUR
    assert ada.contact("first-contact").due_at == world.now + 24 * HOUR
    assert world.told(ada.planner, "discharge_recorded"), "the planner hears of it"
    ada.log(Mode.CALL, Outcome.NO_ANSWER)
    assert ada.contact("first-attempt").state is ContactState.MET, "an attempt is what it asks"
    assert ada.calls(Subject.RELEASE)[0].state is EscalationState.RAISED, "an attempt does not answer the page"


def test_26b_a_discharge_corrected_to_against_advice(world: World) -> None:
    """The disposition corrected to 07 later: what is unscheduled begins then, with the real T0."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(hours=1)
    ada.discharge(left_at, Disposition.AGAINST_ADVICE)
    assert ada.row.discharged_at == left_at
    assert len(ada.calls(Subject.RELEASE)) == 1
    assert ada.contact("first-attempt").due_at == left_at + 2 * HOUR


def test_27_expired_stops_everything(world: World) -> None:
    """Expired (20/41): all timers/messages cancelled within seconds, closed `deceased`; queued SMS not sent."""
    ada = world.follow()
    world.time_passes(hours=25)
    waiting = [m for m in ada.messages() if m.state is NotificationState.QUEUED]
    assert waiting, "calls about the missed contact wait to be sent"
    ada.discharge(disposition=Disposition.DIED)
    row = ada.row
    assert (row.status, row.closure_reason) == (ReferralStatus.FAILED, ClosureReason.DECEASED)
    assert ada.person.died_at == world.now
    assert ada.awaited() == []
    assert ada.calls(is_open=True) == []
    ids = {m.id for m in waiting}
    assert {m.state for m in ada.messages() if m.id in ids} == {NotificationState.CANCELLED}
    assert row.next_item == "report"
    assert row.next_at == world.now
    missed = len(ada.events("contact.missed"))
    world.time_passes(days=95)
    assert len(ada.events("contact.missed")) == missed
    assert ada.row.next_at is None
    late = [m.template for m in ada.messages() if m.created_at > world.now - timedelta(days=94)]
    assert late == [], "nobody hears of appointments again"


def test_28_death_entered_in_error(world: World) -> None:
    """Death entered in error: reversible by supervisor, timers restored relative to original T0."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(hours=25)
    [call] = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
    due = {c.key: c.due_at for c in ada.awaited() if c.seq == 1}
    world.do("Ben", closing.record_death, ada.id)
    world.time_passes(hours=3)
    with pytest.raises(NotAllowed, match="You can still read this record"):
        world.do("Ben", closing.undo_end, ada.id, "Wrong person.")  # the bridger no longer sees the case
    with pytest.raises(NotAllowed):
        world.do(ada.planner, closing.undo_end, ada.id, "Wrong person.")
    world.do("supervisor", closing.undo_end, ada.id, "Wrong person.")
    row = ada.row
    assert row.status is ReferralStatus.IN_PROGRESS
    assert row.closure_reason is None
    assert ada.person.died_at is None
    assert row.discharged_at == left_at
    assert ada.bridger == "Ben"
    restored = {c.key: c.due_at for c in ada.awaited() if c.seq == 1}
    assert restored == due
    assert len({c.id for c in ada.contacts("safety-net")}) == 1, "the same contact goes on, no second one"
    again = ada.calls(Subject.CONTACT, about=call.subject_id, is_open=True)
    assert again, "the miss that nobody had answered is called about again"
    world.time_is(left_at + timedelta(hours=72))
    assert ada.contact("safety-net").state is ContactState.MISSED
    assert ada.contact("safety-net").missed_at == left_at + timedelta(hours=72)


def test_28b_death_entered_in_error_during_a_hold(world: World) -> None:
    """Taken back, the case is on hold as it was."""
    ada = world.follow()
    world.time_passes(days=3)
    ada.hold(HoldReason.READMITTED)
    world.do("supervisor", closing.record_death, ada.id)
    world.do("supervisor", closing.undo_end, ada.id, "Another person of the same name.")
    assert ada.row.status is ReferralStatus.ON_HOLD
    assert [c.key for c in ada.awaited()] == ["hold-in-reach"]
    world.time_passes(days=1)
    assert not [c for c in ada.calls(Subject.CONTACT, is_open=True)]
    ada.discharge()
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert ada.row.cycle == 2


def test_29_court_release_00_40_notice_09_10(world: World) -> None:
    """Court release 00:40, notice 09:10: overdue-on-arrival, T0=00:40, on-call task now, KPI late."""
    ada = world.refer(facility="County Jail", bridger="Ben", leaves_in_days=20)
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_is("2026-11-04 09:10")
    left_at = instant("2026-11-04 00:40")
    ada.discharge(left_at, Disposition.COURT_RELEASE)
    row = ada.row
    assert row.discharged_at == left_at
    assert row.notice_at == world.now
    gate = ada.contact("gate-pickup")
    assert gate.is_overdue_on_arrival
    assert gate.due_at == left_at + HOUR, "its real due time stays"
    assert gate.work_by == min(left_at + 24 * HOUR, world.now + 4 * HOUR)
    attempt = ada.contact("first-attempt")
    assert attempt.due_at == instant("2026-11-04 08:00")
    assert attempt.is_overdue_on_arrival
    [page] = ada.calls(Subject.RELEASE)
    assert page.raised_at == world.now
    assert page.answer_by == world.now + timedelta(minutes=15)
    assert page.due_at == left_at
    world.keep_appointments()
    missed = {e.data["key"]: e for e in ada.events("contact.missed")}
    assert missed["gate-pickup"].at == left_at + HOUR
    assert missed["gate-pickup"].data["overdue_on_arrival"] is True
    assert missed["gate-pickup"].recorded_at == world.now
    assert ada.contact("first-contact").due_at == left_at + 24 * HOUR
    ada.log(Mode.VISIT, Outcome.REACHED)
    assert ada.contact("gate-pickup").state is ContactState.MET_LATE, "never counted as in time"
    assert ada.contact("first-contact").state is ContactState.MET
    assert ada.calls(Subject.RELEASE, is_open=True) == []


def test_29b_met_at_the_gate_before_the_notice_came(world: World) -> None:
    """The bridger met the person at the gate; notice comes hours later: the meeting counts, nobody is called."""
    ada = world.refer(facility="County Jail", bridger="Ben", leaves_in_days=20)
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_is("2026-11-04 01:00")
    ada.log(Mode.VISIT, Outcome.REACHED, minutes=40)
    world.time_is("2026-11-04 09:10")
    ada.discharge(instant("2026-11-04 00:40"), Disposition.COURT_RELEASE)
    world.keep_appointments()
    assert ada.contact("gate-pickup").state is ContactState.MET
    assert ada.contact("gate-pickup").met_at == instant("2026-11-04 01:00")
    assert ada.contact("first-contact").state is ContactState.MET
    assert not ada.events("contact.missed")
    assert not ada.calls(is_open=True), "somebody is with the person already"


def test_30_gate_release_with_no_bridger_on_call(world: World) -> None:
    """Gate release with no bridger on call: cover ladder; unacknowledged page reaches manager."""
    for name in world.bridger_names:
        world.profile(name, is_taking_people=False)
    ada = world.refer(facility="County Jail", leaves_in_days=20)
    world.time_is("2026-11-04 00:40")
    ada.discharge(disposition=Disposition.COURT_RELEASE)
    [page] = ada.calls(Subject.RELEASE)
    assert ada.bridger is None
    assert {t["staff_id"] for t in page.told} == {world.actors["supervisor"].id, world.actors["clinician"].id}
    world.time_passes(minutes=15)
    second = ada.calls(Subject.RELEASE)[1]
    assert [t["staff_id"] for t in second.told] == [world.actors["manager"].id]
    world.time_passes(minutes=15)
    assert ada.calls(Subject.RELEASE)[1].alerts == 2, "at the top it is told again, never dropped"
    ada.answer(ada.calls(Subject.RELEASE)[1], "manager")
    told = len(world.told("manager", "escalation_again"))
    world.time_passes(hours=1)
    mine = ada.calls(Subject.RELEASE)[1].id
    assert len([m for m in world.told("manager", "escalation_again") if m.subject_id == mine]) <= told


def test_31_readmission_on_day_5(world: World) -> None:
    """Readmission on day 5: pending contacts suspended; no 72 h/7-day miss raised; new T0 on next A03; old window
    excluded from KPI with reason."""
    ada = world.follow()
    world.time_passes(hours=2)
    ada.log(Mode.CALL, Outcome.REACHED)
    world.time_passes(days=2)
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_is("2026-11-07 10:00")
    ada.hold(HoldReason.READMITTED)
    suspended = [c for c in ada.contacts() if c.state is ContactState.SUSPENDED]
    assert {"second-month-visit", "weekly", "closing-meeting"} <= {c.key for c in suspended}
    assert all(c.reason == "on hold: Readmitted to hospital" for c in suspended)
    assert [c.key for c in ada.awaited()] == ["hold-in-reach"]
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_passes(days=20)
    assert not ada.events("contact.missed")
    assert not ada.calls(Subject.CONTACT)
    ada.discharge()
    assert ada.row.cycle == 2
    assert ada.row.discharged_at == world.now
    fresh = ada.contact("first-contact")
    assert (fresh.cycle, fresh.state, fresh.due_at) == (2, ContactState.PLANNED, world.now + 24 * HOUR)
    old = [c for c in ada.contacts("closing-meeting") if c.cycle == 1]
    assert [c.state for c in old] == [ContactState.SUSPENDED], "kept with its reason, not deleted"


def test_31b_readmission_heard_of_after_a_contact_fell_due(world: World) -> None:
    """Readmitted on day 2, heard of on day 4: the 72-hour miss is taken back, since the person was inside."""
    ada = world.follow()
    world.time_passes(hours=2)
    ada.log(Mode.CALL, Outcome.REACHED)
    world.time_passes(days=4)
    [call] = ada.calls(Subject.CONTACT, about=ada.contact("safety-net").id)[:1]
    assert call.state is EscalationState.RAISED
    ada.hold(HoldReason.READMITTED, since=instant("2026-11-04 10:00"))
    assert ada.contact("safety-net").state is ContactState.SUSPENDED
    assert ada.contact("safety-net").reason == "fell due during the hold"
    assert ada.calls(Subject.CONTACT, is_open=True) == []
    assert ada.events("contacts.excused")


def test_32_cancelled_admission_restores_what_was_due(world: World) -> None:
    """A11 cancels that admission: suspension undone, due restored."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(hours=26)
    missed = ada.contact("first-contact")
    assert missed.state is ContactState.MISSED
    due = {(c.key, c.seq): (c.id, c.due_at) for c in ada.awaited()}
    ada.hold(HoldReason.READMITTED)
    assert not ada.calls(Subject.CONTACT, is_open=True)
    world.time_passes(hours=3)
    world.do(ada.planner, holds.undo_hold, ada.id, "Admitted by mistake.")
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert ada.row.discharged_at == left_at
    assert ada.row.cycle == 1
    assert {(c.key, c.seq): (c.id, c.due_at) for c in ada.awaited()} == due
    open_calls = ada.calls(Subject.CONTACT, is_open=True)
    assert missed.id in {c.subject_id for c in open_calls}, "what nobody had answered before is called about again"


@pytest.mark.parametrize("had_left", [True, False])
def test_a_hold_that_goes_on_asks_for_the_meeting_from_then(world: World, had_left: bool) -> None:
    """A discharge that had ended a hold is cancelled days later: nobody could meet them inside meanwhile."""
    ada = world.follow() if had_left else world.refer(bridger="Ben", leaves_in_days=20)
    world.time_passes(days=1)
    ada.hold(HoldReason.READMITTED)
    world.time_passes(hours=5)
    ada.discharge()
    assert "hold-in-reach" not in {c.key for c in ada.awaited()}
    world.time_passes(days=6)
    ada.cancel_discharge()
    assert ada.row.status is ReferralStatus.ON_HOLD
    [meeting] = ada.awaited()
    assert meeting.key == "hold-in-reach"
    assert meeting.opens_at == world.now
    assert meeting.due_at > world.now + timedelta(days=1), "two business days from now, not from the first day"
    if not had_left:
        ada.moves_to((world.now + timedelta(days=10)).date())
        assert [(c.id, c.due_at) for c in ada.awaited()] == [(meeting.id, meeting.due_at)], "and it stays there"
    world.time_is(meeting.due_at)
    assert ada.contact("hold-in-reach").state is ContactState.MISSED, "it is awaited in earnest"


def test_a_meeting_of_a_hold_that_is_still_to_come_keeps_its_time(world: World) -> None:
    """The discharge is cancelled within the hour: the meeting inside is due as before."""
    ada = world.follow()
    world.time_passes(days=1)
    ada.hold(HoldReason.READMITTED)
    due = ada.contact("hold-in-reach").due_at
    ada.discharge()
    world.time_passes(minutes=30)
    ada.cancel_discharge()
    assert [(c.key, c.due_at) for c in ada.awaited()] == [("hold-in-reach", due)]


def test_33_found_in_jail_means_no_welfare_check(world: World) -> None:
    """Re-arrest found in roster at L3: no welfare check; on_hold."""
    ada = world.follow()
    world.time_passes(hours=24 + 4 + 8)
    locate = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)[-1]
    assert locate.ask.value == "locate"
    ada.log(Mode.COLLATERAL, Outcome.IN_CUSTODY, note="On the county roster.")
    assert ada.row.status is ReferralStatus.ON_HOLD
    assert ada.calls(is_open=True) == []
    world.time_passes(days=1)
    assert not [c for c in ada.calls() if c.ask.value == "welfare_check"]
    assert [c.key for c in ada.awaited()] == ["hold-in-reach"]


def test_34_long_custody_is_reviewed_by_a_human(world: World) -> None:
    """Long custody review at 90 days: human decision, not auto-close."""
    ada = world.follow()
    world.time_passes(days=1)
    ada.hold(HoldReason.IN_CUSTODY)
    began = world.now
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_is(began + timedelta(days=30))
    [review] = ada.calls(Subject.HOLD)
    assert review.ask.value == "decide"
    world.do("supervisor", escalations.resolve, ada.id, review.id, Resolution.ARRANGED, "Keep waiting.")
    world.time_is(began + timedelta(days=90))
    second = ada.calls(Subject.HOLD, is_open=True)
    assert len(second) == 1
    assert second[0].raised_at == began + timedelta(days=90)
    world.time_passes(days=30)
    assert ada.row.status is ReferralStatus.ON_HOLD, "nothing closes by itself"
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.INCARCERATED_LONG, "Eight more months.")
    assert ada.row.status is ReferralStatus.FAILED
    with pytest.raises(IllegalState):
        world.do("supervisor", holds.resume, ada.id)
