"""Acceptance scenarios 66 to 75 and 77: people come and go, things happen twice, machines stop, and the sums agree."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from domain.agenda import next_item
from domain.errors import Conflict, Invalid
from domain.measures.figure import Part
from domain.measures.period import period_between
from domain.protocol import FOLDER
from domain.vocabulary import (
    Channel,
    ClosureReason,
    ConsentStatus,
    ContactState,
    EndReason,
    HoldReason,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    Subject,
)
from records import clock, engine
from records.commands import (
    absences,
    agenda,
    assignments,
    cancelling,
    changes,
    closing,
    messages,
    programs,
    protocols,
    staff,
)
from records.queries.case import load_case
from records.queries.measures import measure
from records.queries.protocol_moves import preview_move
from records.tables import Assignment, Notification, ProtocolVersion, StaffSession
from tests.scenarios.world import NEW_YORK, Journey, World

HOUR = timedelta(hours=1)


def several(world: World, count: int, bridger: str) -> list[Journey]:
    """So many people who walk with one bridger."""
    return [
        world.refer(f"P{'ABCDEFGHIJKLMNOP'[n]} Sample", phones=[f"212-555-01{n:02}"], bridger=bridger)
        for n in range(count)
    ]


def test_66_bridger_on_leave(world: World) -> None:
    """Bridger on leave: open tasks appear in cover’s list that minute; returning reverts future tasks only."""
    ada, bea = world.follow(), world.follow("Bea Sample", phones=["212-555-0124"])
    begins, ends = world.now + 3 * HOUR, world.now + timedelta(days=3)
    world.do(
        "Ben",
        absences.set_absence,
        world.actors["Ben"].id,
        from_at=begins,
        until_at=ends,
        cover_id=world.actors["Ines"].id,
    )
    due = {c.id: c.due_at for c in ada.awaited()}
    world.time_is(begins - timedelta(minutes=1))
    assert ada.bridger == "Ben"
    world.time_is(begins)
    assert (ada.bridger, bea.bridger) == ("Ines", "Ines"), "that minute"
    assert ada.is_seen_by("Ines")
    assert not ada.is_seen_by("Ben")
    assert {c.id: c.due_at for c in ada.awaited()} == due, "no due time moves"
    assert len(world.told("Ines", "absence_cover")) == 1
    assert not [c for c in ada.awaited() if c.key == "introduction"], "a cover is not a change for good"
    ada.log(Mode.CALL, Outcome.REACHED)
    by_ines = ada.contact("first-contact")
    assert by_ines.state is ContactState.MET
    world.time_is(ends)
    assert (ada.bridger, bea.bridger) == ("Ben", "Ben")
    assert ada.contact("first-contact").met_by == by_ines.met_by, "what was done stays the cover's"
    rows = world.look(select(Assignment).where(Assignment.referral_id == ada.id).order_by(col(Assignment.started_at)))
    assert [r.end_reason for r in rows] == [EndReason.COVER, EndReason.COVER_OVER, None]
    assert rows[1].covers_for_id == world.actors["Ben"].id


def test_66b_nobody_covers(world: World) -> None:
    """Away with nobody to cover: the supervisor is told about whoever has something due meanwhile."""
    ada = world.follow()
    resting = world.refer("Bea Sample", phones=["212-555-0124"], bridger="Ben", leaves_in_days=None)
    resting.log(Mode.VISIT, Outcome.REACHED)
    begins = world.now + HOUR
    world.do("Ben", absences.set_absence, world.actors["Ben"].id, from_at=begins, until_at=begins + timedelta(days=2))
    world.time_is(begins)
    [call] = ada.calls(Subject.ASSIGNMENT)
    assert [t["staff_id"] for t in call.told] == [world.actors["supervisor"].id]
    assert resting.calls() == [], "nothing is due for them before the bridger is back"
    with engine.transaction() as session:
        assert absences.keep_absences(session) == 0, "once"
    assert len(ada.calls(Subject.ASSIGNMENT)) == 1
    world.do("supervisor", assignments.assign, ada.id, world.actors["Ines"].id, end_reason=EndReason.COVER)
    assert ada.calls(Subject.ASSIGNMENT, is_open=True) == []


def test_66c_a_cover_with_a_conflict(world: World) -> None:
    """Where a rule stands between a person and the cover, that one person is called about; the others move."""
    ada, bea = world.follow(), world.follow("Bea Sample", phones=["212-555-0124"])
    world.do("supervisor", staff.declare_conflict, ada.id, world.actors["Ines"].id, "Relatives.")
    away = {"from_at": world.now, "until_at": None, "cover_id": world.actors["Ines"].id}
    absence = world.do("supervisor", absences.set_absence, world.actors["Ben"].id, **away)
    assert (ada.bridger, bea.bridger) == ("Ben", "Ines")
    assert ada.calls(Subject.ASSIGNMENT, is_open=True)
    world.do("Ben", absences.end_absence, absence.id)
    assert (ada.bridger, bea.bridger) == ("Ben", "Ben")
    assert ada.calls(Subject.ASSIGNMENT, is_open=True) == [], "the bridger is back"


def test_67_bridger_quits_at_noon(world: World) -> None:
    """Bridger quits at noon: 12 people reassigned, access revoked, each person gets a human introduction task."""
    people = several(world, 12, "Ben")
    world.time_is("2026-11-02 12:00")
    with engine.transaction() as session:
        ben, now = world.actors["Ben"].id, world.now
        session.add(StaffSession(id="s1", staff_id=ben, created_at=now, seen_at=now, ends_at=now + HOUR))
    due = {j.id: {c.id: c.due_at for c in j.awaited()} for j in people}
    moved = world.do("manager", staff.disable_staff, world.actors["Ben"].id, hand_over_to=world.actors["Ines"].id)
    assert sorted(moved) == sorted(j.id for j in people)
    assert world.look(select(StaffSession)) == [], "signed out everywhere"
    for journey in people:
        assert journey.bridger == "Ines"
        assert not journey.is_seen_by("Ben")
        [introduction] = [c for c in journey.awaited() if c.key == "introduction"]
        assert world.wall(introduction.due_at) == "Thu 2026-11-05 00:00", "within two business days"
        assert {c.id: c.due_at for c in journey.awaited() if c.key != "introduction"} == due[journey.id]
    world.check()
    first = people[0]
    first.log(Mode.VISIT, Outcome.REACHED)
    assert first.contact("introduction").state is ContactState.MET
    world.time_is("2026-11-05 00:00")
    assert people[1].contact("introduction").state is ContactState.MISSED
    assert people[1].calls(Subject.CONTACT, about=people[1].contact("introduction").id), "and that is noticed too"


def test_67b_an_introduction_outlives_a_hold_and_a_new_discharge(world: World) -> None:
    """Whoever is readmitted in the same days still gets to know the new bridger."""
    ada = world.follow()
    world.do("supervisor", assignments.assign, ada.id, world.actors["Ines"].id)
    ada.hold(HoldReason.READMITTED)
    assert {c.key for c in ada.awaited()} == {"hold-in-reach", "introduction"}
    world.time_passes(hours=5)
    ada.discharge()
    assert "introduction" in {c.key for c in ada.awaited()}
    world.time_passes(hours=1)
    ada.log(Mode.VISIT, Outcome.REACHED)
    assert ada.contact("introduction").state is ContactState.MET
    world.check()


def test_67c_somebody_who_left_is_asked_no_more(world: World) -> None:
    """An offer to a bridger who leaves is withdrawn at once, and the next is asked."""
    ada = world.refer()
    world.time_passes(minutes=1)
    asked = ada.world_name(ada.offers()[0].bridger_id)
    world.do("manager", staff.disable_staff, world.actors[asked].id)
    assert ada.offers()[0].state is OfferState.WITHDRAWN
    world.time_passes(minutes=1)
    [offer] = [o for o in ada.offers() if o.state is OfferState.OPEN]
    assert offer.bridger_id != world.actors[asked].id


def test_68_bridger_hands_back_after_accepting(world: World) -> None:
    """Bridger declines task after accepting: reassigned without resetting due."""
    ada = world.follow()
    world.time_passes(hours=4)
    due = {c.id: c.due_at for c in ada.awaited()}
    world.do("Ben", assignments.release_bridger, ada.id, EndReason.BRIDGER_ASKED)
    assert ada.bridger is None
    world.time_passes(minutes=1)
    name = ada.accept_offer()
    assert name != "Ben"
    now = {c.id: c.due_at for c in ada.awaited()}
    assert {k: v for k, v in now.items() if k in due} == due
    assert len(now) == len(due) + 1, "and one more: the introduction"


def test_69_bulk_reassignment(world: World) -> None:
    """Manager bulk reassign is atomic/idempotent on retry."""
    people = several(world, 4, "Ben")
    ines, omar = world.actors["Ines"].id, world.actors["Omar"].id
    world.do("supervisor", staff.declare_conflict, people[3].id, omar)
    wanted = {j.id: omar for j in people}
    with pytest.raises(Conflict):
        world.do("manager", assignments.reassign_all, world.actors["Ben"].id, wanted)
    assert {j.bridger for j in people} == {"Ben"}, "all or none"
    wanted[people[3].id] = ines
    world.do("manager", assignments.reassign_all, world.actors["Ben"].id, wanted)
    events = [len(j.events()) for j in people]
    world.do("manager", assignments.reassign_all, world.actors["Ben"].id, wanted)
    assert [j.bridger for j in people] == ["Omar", "Omar", "Omar", "Ines"]
    assert [len(j.events()) for j in people] == events, "the retry changed nothing"
    assert len(world.look(select(Assignment).where(col(Assignment.ended_at).is_(None)))) == 4


def test_70_planner_cancels_after_start(world: World) -> None:
    """Planner cancels after start: cancel_requested; agency refuses because person wants service: stays, planner
    told."""
    ada = world.follow()
    world.do(ada.planner, cancelling.request_cancel, ada.id, "Another program has her.")
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert ada.row.cancel_requested_at == world.now
    world.time_is("2026-11-03 17:00")
    assert ada.calls(Subject.CANCEL), "one business day to decide"
    with pytest.raises(Invalid):
        world.do("supervisor", cancelling.decide_cancel, ada.id, agree=False)
    world.do("supervisor", cancelling.decide_cancel, ada.id, agree=False, note="She wants to go on with us.")
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert ada.row.cancel_requested_at is None
    assert ada.calls(Subject.CANCEL, is_open=True) == []
    assert world.told(ada.planner, "cancel_decision")
    assert ada.events("cancel.refused")[0].data["note"] == "She wants to go on with us."
    bea = world.follow("Bea Sample", phones=["212-555-0124"])
    world.do(bea.planner, cancelling.request_cancel, bea.id, "Moved away.")
    world.do("supervisor", cancelling.decide_cancel, bea.id, agree=True)
    assert (bea.row.status, bea.row.closure_reason) == (ReferralStatus.CANCELLED, ClosureReason.CANCELLED)


def test_71_person_declines(world: World) -> None:
    """Person declines: stop, re-offer date optional, closure `declined_by_person`; not in “missed”."""
    ada = world.follow()
    world.time_passes(hours=1)
    ada.log(Mode.CALL, Outcome.DECLINED, reoffer_note="May be asked again after New Year.")
    row = ada.row
    assert row.closure_reason is ClosureReason.DECLINED
    assert row.closure_note == "May be asked again after New Year."
    assert ada.awaited() == []
    world.time_passes(days=30)
    assert not ada.events("contact.missed")
    assert not ada.calls()
    assert ada.row.next_at is None, "the referrer was told, and nothing waits any more"


def test_72_protocol_edited_while_people_follow_it(world: World) -> None:
    """Protocol edited while 200 workflows run: running ones keep version unless migrated explicitly."""
    running = [world.follow(), *several(world, 12, "Ines")]
    before = {j.id: (j.row.protocol_id, [(c.id, c.due_at) for c in j.contacts()]) for j in running}
    text = (FOLDER / "psychiatric-inpatient.toml").read_text(encoding="utf-8")
    edited = text.replace(
        'due = { after = "discharge", within = "PT24H" }', 'due = { after = "discharge", within = "PT12H" }'
    )
    assert edited != text
    newest = world.do("manager", programs.publish_protocol, edited)
    assert newest.version == 2
    assert {j.id: (j.row.protocol_id, [(c.id, c.due_at) for c in j.contacts()]) for j in running} == before
    late = world.follow("Late Sample", phones=["212-555-0198"], bridger="Omar")
    assert late.row.protocol_id == newest.id
    assert late.contact("first-contact").due_at == world.now + 12 * HOUR
    ada = running[0]
    left_at = ada.row.discharged_at
    assert left_at is not None
    with engine.read_session() as session:
        shown = preview_move(session, world.actors["manager"], newest.id, [ada.id])
    assert [m.contact.key for m in shown.cases[0].move.change.moved] == ["first-contact"]
    assert ada.contact("first-contact").due_at == left_at + 24 * HOUR, "a look changes nothing"
    world.do("manager", protocols.move_cases, newest.id, shown.seen)
    assert ada.contact("first-contact").due_at == left_at + 12 * HOUR
    assert len(ada.events("protocol.moved")) == 1
    assert {j.row.protocol_id for j in running[1:]} == {before[ada.id][0]}
    first = world.look(select(ProtocolVersion).where(ProtocolVersion.key == "psychiatric-inpatient"))[0]
    assert first.text == text, "a published version never changes"


def test_73_down_for_six_hours_over_a_due_time(world: World) -> None:
    """Worker/server down 6 h over a due time: timers fire late but due/KPI use real times; no duplicate escalation on
    replay; SMS sent at most once."""
    ada = world.follow()
    world.time_is(ada.contact("first-contact").due_at - 2 * HOUR)
    before = len(ada.events("contact.reminded"))
    due = ada.contact("first-contact").due_at
    world.nobody_works(hours=6)
    world.keep_appointments()
    contact = ada.contact("first-contact")
    assert (contact.state, contact.missed_at) == (ContactState.MISSED, due), "its real time, not when we noticed"
    [missed] = [e for e in ada.events("contact.missed") if e.subject_id == contact.id]
    assert (missed.at, missed.recorded_at) == (due, world.now)
    ladder = ada.calls(Subject.CONTACT, about=contact.id)
    assert len(ladder) == 1, "no cascade: whoever is told has the full time to answer"
    assert (ladder[0].due_at, ladder[0].raised_at) == (due, world.now)
    assert ladder[0].answer_by == world.now + 4 * HOUR
    assert len(ada.events("contact.reminded")) == before, "nobody is reminded of what has gone by"
    events, told = len(ada.events()), len(ada.messages())
    for _ in range(3):
        with engine.transaction() as session:
            agenda.carry_out(session, ada.id)
    assert (len(ada.events()), len(ada.messages())) == (events, told), "again is nothing"
    email = next(m for m in ada.messages() if m.subject_id == ladder[0].id and m.channel is Channel.EMAIL)
    with engine.transaction() as session:
        assert messages.claim(session, email.id) is not None
    with engine.transaction() as session:
        assert messages.claim(session, email.id) is None, "whoever comes second does not send"
    keys = [m.key for m in world.look(select(Notification))]
    assert len(keys) == len(set(keys))
    world.check()


def test_73b_reminders_that_came_due_while_nobody_worked(world: World) -> None:
    """Two reminders of one contact fell into the gap: the bridger is reminded once, of what is still to come."""
    ada = world.follow()
    first = ada.contact("first-contact")
    world.time_is(first.opens_at + 2 * HOUR)
    clock.set_to(first.due_at - HOUR)
    world.keep_appointments()
    reminded = [m for m in world.told("Ben", "contact_reminder") if m.subject_id == first.id]
    assert len(reminded) == 1
    assert set(ada.contact("first-contact").prompted) == {"50%", "85%"}


def test_74_signal_storm(world: World) -> None:
    """Signal storm: same signal 3×: same state (idempotency key)."""
    ada = world.refer(bridger="Ben")
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_passes(hours=1)
    left_at = world.now

    def thrice(change: object, *more: object) -> None:
        assert callable(change)
        counts = []
        for _ in range(3):
            change(*more)
            counts.append((len(ada.events()), len(ada.messages()), len(ada.contacts())))
        assert counts[0] == counts[1] == counts[2]

    thrice(ada.discharge, left_at)
    world.time_passes(hours=25)
    thrice(world.keep_appointments)
    [call] = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
    thrice(ada.answer, call, "supervisor")
    thrice(ada.hold, HoldReason.READMITTED)
    again_at = world.now
    thrice(ada.discharge, again_at)
    assert ada.row.cycle == 2
    thrice(lambda: world.do("supervisor", changes.record_consent, ada.id, ConsentStatus.GIVEN))
    thrice(lambda: world.do("supervisor", closing.record_death, ada.id) if ada.row.status.is_open else None)
    assert ada.journal_is_whole()


def test_75_a_case_of_fifteen_months(world: World) -> None:
    """15-month case: history bounded (continue-as-new) with nothing lost."""
    ada = world.refer(facility="County Jail", leaves_in_days=90, bridger="Ben")
    ada.log(Mode.VISIT, Outcome.REACHED)
    began = world.now
    while world.now < began + timedelta(days=90):
        world.time_passes(days=10)
        ada.finish_tasks()
    ada.discharge()
    left_at = world.now
    ada.log(Mode.VISIT, Outcome.REACHED)
    world.do("supervisor", closing.extend_plan, ada.id, left_at + timedelta(days=364), "She asks for a year.")
    while world.now < left_at + timedelta(days=364):
        world.time_passes(days=6)
        ada.log(Mode.VISIT, Outcome.REACHED)
    assert world.now - began > timedelta(days=450)
    weekly = [c for c in ada.contacts("weekly") if c.state is ContactState.MET]
    assert len(weekly) >= 49, "a year of weeks, each on record"
    assert len(ada.events("attempt.logged")) == len([e for e in ada.events() if e.event == "attempt.logged"])
    assert ada.journal_is_whole()
    with engine.read_session() as session:
        item = next_item(load_case(session, ada.id).facts())
    assert item is not None
    assert (ada.row.next_at, ada.row.next_item) == (item.at, item.kind), "the records alone say what comes next"


def test_77_dashboard_arithmetic(world: World) -> None:
    """Dashboard arithmetic: each KPI reproducible from event log; excluded cases listed with reason; met_late never in
    numerator."""
    met, late, missed, held = (
        world.follow(f"{name} Sample", phones=[f"212-555-01{n}0"])
        for n, name in enumerate(("Met", "Late", "Miss", "Held"))
    )
    left_at = max(j.row.discharged_at for j in (met, late, missed, held) if j.row.discharged_at)
    world.time_passes(hours=2)
    met.log(Mode.CALL, Outcome.REACHED)
    held.hold(HoldReason.READMITTED)
    world.time_is(left_at + 26 * HOUR)
    late.log(Mode.CALL, Outcome.REACHED)
    world.time_passes(hours=1)

    period = period_between(date(2026, 11, 2), date(2026, 11, 4), NEW_YORK)
    with engine.read_session() as session:
        found = measure(session, world.program_id, period, world.now)
    kept = found.figures["contacts-kept"].by_kind()["first-contact"]
    by_person = {c.referral_id: c for c in kept.cases}
    assert by_person[met.id].part is Part.MET
    assert by_person[late.id].part is Part.LATE
    assert by_person[missed.id].part is Part.NOT
    assert by_person[held.id].part is Part.EXCLUDED
    assert (kept.numerator, kept.denominator) == (1, 3)
    assert kept.excluded == {"Readmitted to hospital": [held.id]}
    for journey in (met, late, missed, held):
        told = {c.id: c.state for c in found.journeys[journey.id].contacts.values()}
        assert told == {c.id: c.state for c in journey.contacts()}, (
            "the journal alone tells what became of each contact"
        )
