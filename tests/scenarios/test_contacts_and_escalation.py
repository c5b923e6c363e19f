"""Acceptance scenarios 35 to 49: what counts as contact, who is told when there was none, and how it is settled."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.errors import Conflict, Invalid, NotAllowed
from domain.vocabulary import (
    Ask,
    ClosureReason,
    ContactState,
    EscalationState,
    Mode,
    Outcome,
    PlaceKind,
    ReferralStatus,
    Resolution,
    RiskFlag,
    Subject,
    WelfareDecision,
)
from records.commands import changes, closing, contacts, escalations
from records.commands.people import Place
from records.engine import read_session
from records.queries.case import load_case
from records.queries.planner import first_reached_at
from records.queries.report import closing_report
from records.tables import Escalation
from tests.scenarios.world import Journey, World, instant

HOUR = timedelta(hours=1)


def climb_to(world: World, journey: Journey, key: str, ask: Ask) -> Escalation:
    """Let nobody answer until the ladder about this contact asks for that; returns the rung."""
    for _ in range(60):
        found = [c for c in journey.calls(Subject.CONTACT, about=journey.contact(key).id) if c.ask is ask]
        if found:
            return found[-1]
        world.time_passes(hours=1)
    raise AssertionError(f"the ladder about {key} never asked: {ask}")


def test_35_met_at_23_h_59_late_at_24_h_01(world: World) -> None:
    """24 h met by live call at 23 h 59 m = met; at 24 h 01 m = met_late, escalation auto-resolved, KPI missed."""
    ada, bea = world.follow(), world.follow("Bea Sample", phones=["212-555-0124"])
    world.time_is(ada.contact("first-contact").due_at - timedelta(minutes=1))
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.contact("first-contact").state is ContactState.MET
    world.time_is(ada.contact("first-contact").due_at + timedelta(minutes=1))
    assert not ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id), "no alarm for what was in time"
    world.time_is(bea.contact("first-contact").due_at + timedelta(minutes=1))
    late = bea.contact("first-contact")
    [call] = bea.calls(Subject.CONTACT, about=late.id)
    assert (late.state, call.state) == (ContactState.MISSED, EscalationState.RAISED)
    bea.log(Mode.CALL, Outcome.REACHED)
    assert bea.contact("first-contact").state is ContactState.MET_LATE
    [call] = bea.calls(Subject.CONTACT, about=late.id)
    assert (call.state, call.resolution) == (EscalationState.RESOLVED, Resolution.REACHED)
    assert call.resolved_by is None, "what happened settled it, nobody had to"
    [met] = [e for e in bea.events("contact.met_late") if e.subject_id == late.id]
    assert met.data["due_at"].startswith("2026-11-03T15:00"), "its real due time stays beside it"
    world.time_passes(hours=9)
    assert len(bea.calls(Subject.CONTACT, about=late.id)) == 1, "the ladder is not climbed any further"


def test_36_voicemail_and_delivered_text(world: World) -> None:
    """Voicemail + delivered text ≠ met; counts as 2 attempts."""
    ada = world.follow()
    world.time_passes(hours=1)
    ada.log(Mode.CALL, Outcome.LEFT_MESSAGE)
    world.time_passes(hours=5)
    ada.log(Mode.TEXT, Outcome.NO_ANSWER)
    assert ada.contact("first-contact").state is ContactState.PLANNED
    world.time_passes(hours=18)
    [call] = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
    assert "2 attempts are on record" in call.why
    world.do("supervisor", escalations.resolve, ada.id, call.id, Resolution.UNABLE_TO_REACH, "Both tries are made.")
    assert ada.calls(Subject.CONTACT, about=call.subject_id)[0].resolution is Resolution.UNABLE_TO_REACH


def test_37_bot_reply_is_no_contact_a_human_exchange_is(world: World) -> None:
    """Bot reply “OK” to automated text ≠ contact; 2-way human exchange = contact."""
    ada = world.follow()
    world.time_passes(hours=1)
    ada.log(Mode.TEXT, Outcome.AUTOMATED_REPLY)
    assert ada.contact("first-contact").state is ContactState.PLANNED
    assert not Outcome.AUTOMATED_REPLY.counts_as_attempt
    ada.log(Mode.TEXT, Outcome.REACHED)
    assert ada.contact("first-contact").state is ContactState.MET


def test_37b_a_letter_never_reaches_anybody(world: World) -> None:
    """A letter is an attempt; whatever was written back, it is no live exchange."""
    ada = world.follow()
    world.time_passes(hours=25)
    ada.log(Mode.LETTER, Outcome.REACHED)
    assert ada.contact("first-contact").state is ContactState.MISSED
    assert ada.calls(Subject.CONTACT, is_open=True), "the call stays open"
    row = ada.row
    with read_session() as session:
        report = closing_report(load_case(session, ada.id))
        assert (report["first_reached_at"], report["times_reached"]) == (None, 1), "the meeting before leaving"
        assert first_reached_at(session, row, world.now) is None, "nor is the referrer told so meanwhile"


def test_38_collateral_says_she_is_fine(world: World) -> None:
    """Collateral says “she’s fine”: attempt + info, not met."""
    ada = world.follow()
    world.time_passes(hours=2)
    with pytest.raises(Invalid, match="information, not a contact"):
        ada.log(Mode.COLLATERAL, Outcome.REACHED)
    with pytest.raises(Invalid, match="information, not a contact"):
        ada.log(Mode.COLLATERAL, Outcome.DECLINED)
    logged = ada.log(Mode.COLLATERAL, Outcome.INFORMATION, note="Her sister says that she is fine.")
    assert logged.met == ()
    assert ada.contact("first-contact").state is ContactState.PLANNED
    world.time_passes(hours=22)
    [call] = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
    assert "One attempt is on record (got information from somebody else)" in call.why


def test_39_three_calls_without_a_visit_are_not_everything(world: World) -> None:
    """Three phone attempts, no in-person: cannot reach “missed-complete”; ladder demands visit."""
    ada = world.follow(risks=[])
    for _ in range(3):
        world.time_passes(hours=23)
        ada.log(Mode.CALL, Outcome.NO_ANSWER)
    world.time_passes(hours=4)
    call = ada.calls(Subject.CONTACT, about=ada.contact("safety-net").id)[0]
    with pytest.raises(Conflict, match="a visit in person") as refusal:
        world.do("supervisor", escalations.resolve, ada.id, call.id, Resolution.UNABLE_TO_REACH, "No answer.")
    assert refusal.value.code == "effort_incomplete"
    with pytest.raises(Conflict, match="a visit in person"):
        world.do("supervisor", contacts.declare_lost, ada.id, "No answer to three calls.")
    assert ada.row.lost_at is None
    ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    world.do("supervisor", escalations.resolve, ada.id, call.id, Resolution.UNABLE_TO_REACH, "Nobody was at home.")
    assert not ada.calls(Subject.CONTACT, about=call.subject_id, is_open=True)


def test_40_no_phone(world: World) -> None:
    """No phone: attempts only via visits/shelter; phone steps not demanded, not counted."""
    shelter = Place(PlaceKind.SHELTER, "Example shelter, 5 Sample Street", "evenings")
    ada = world.follow(phones=[], places=[shelter])
    for _ in range(3):
        world.time_passes(hours=22)
        ada.log(Mode.CALL, Outcome.NO_ANSWER)
    ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    world.time_is(ada.contact("safety-net").due_at)
    call = ada.calls(Subject.CONTACT, about=ada.contact("safety-net").id)[0]
    with pytest.raises(Conflict, match="2 more attempts") as refusal:
        world.do("supervisor", escalations.resolve, ada.id, call.id, Resolution.UNABLE_TO_REACH, "Tried.")
    assert "another way" not in refusal.value.sentence, "without a phone there is no other way to ask for"
    world.time_passes(hours=10)
    ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    world.time_passes(hours=10)
    ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    world.do("clinician", escalations.resolve, ada.id, call.id, Resolution.UNABLE_TO_REACH, "Not at the shelter.")


def test_40b_a_wrong_number_is_not_an_attempt(world: World) -> None:
    """Whoever answers a recycled number is not the person: it counts for nothing, and is not called again."""
    ada = world.follow()
    world.time_passes(hours=1)
    ada.log(Mode.CALL, Outcome.WRONG_NUMBER)
    assert not ada.person.has_phone
    assert ada.events("phone.quarantined")
    world.time_passes(hours=23)
    assert "No attempt is on record" in ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)[0].why


def test_41_high_risk_at_hour_30(world: World) -> None:
    """HR flag added at hour 30: 72 h due becomes 48 h at once; ladder shortens; never lengthens automatically."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(hours=20)
    ada.log(Mode.CALL, Outcome.REACHED)
    world.time_passes(hours=10)
    assert ada.contact("safety-net").due_at == left_at + timedelta(hours=72)
    world.do("supervisor", changes.set_risks, ada.id, [RiskFlag.SUICIDE_RISK])
    assert ada.contact("safety-net").due_at == left_at + timedelta(hours=48)
    world.do("supervisor", changes.set_risks, ada.id, [])
    assert ada.contact("safety-net").due_at == left_at + timedelta(hours=48), "taking the flag away lengthens nothing"
    world.do("supervisor", changes.set_appointment, ada.id, left_at + timedelta(days=5))
    assert ada.contact("safety-net").due_at == left_at + timedelta(hours=48), "nor does the next change of plan"
    world.do("supervisor", changes.set_risks, ada.id, [RiskFlag.OVERDOSE])
    world.time_is(left_at + timedelta(hours=48))
    rungs = ada.calls(Subject.CONTACT, about=ada.contact("safety-net").id)
    assert [r.ask for r in rungs] == [Ask.ANSWER, Ask.LOCATE, Ask.WELFARE_CHECK], "at high risk together, at once"
    assert all(r.raised_at == left_at + timedelta(hours=48) and r.high_risk for r in rungs)


def test_41b_a_flag_shortens_the_ladder_that_is_being_climbed(world: World) -> None:
    """HR flag added while a call waits for an answer: who must answer has the shorter time, never a longer one."""
    ada = world.follow()
    world.time_passes(hours=25)
    [call] = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
    assert call.answer_by == call.raised_at + 4 * HOUR
    world.do("supervisor", changes.set_risks, ada.id, [RiskFlag.SUICIDE_RISK])
    [call] = ada.calls(Subject.CONTACT, about=call.subject_id)
    assert call.answer_by == call.raised_at + 2 * HOUR
    world.do("supervisor", changes.set_risks, ada.id, [])
    assert ada.calls(Subject.CONTACT, about=call.subject_id)[0].answer_by == call.raised_at + 2 * HOUR


def test_42_unanswered_first_rung(world: World) -> None:
    """L1 not acknowledged in time: L2 automatically; both recorded; acknowledgement late does not cancel L2."""
    ada = world.follow()
    world.time_passes(hours=24)
    [first] = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
    assert [t["role"] for t in first.told] == ["peer_supervisor"]
    world.time_is(first.answer_by)
    first, second = ada.calls(Subject.CONTACT, about=first.subject_id)
    assert {t["role"] for t in second.told} == {"on_call_clinician", "referrer"}
    assert (first.state, second.state) == (EscalationState.RAISED, EscalationState.RAISED)
    world.time_passes(minutes=30)
    ada.answer(first, "supervisor")
    first, second = ada.calls(Subject.CONTACT, about=first.subject_id)
    assert first.state is EscalationState.ACKNOWLEDGED
    assert first.acknowledged_at is not None
    assert first.acknowledged_at > first.answer_by
    assert second.state is EscalationState.RAISED, "still waits for the clinician"
    world.time_is(second.answer_by)
    assert ada.calls(Subject.CONTACT, about=first.subject_id)[-1].ask is Ask.LOCATE


def test_42b_without_consent_the_referrer_is_not_told(world: World) -> None:
    """The referrer stands on the second rung only as far as consent covers it; that they were not told is recorded."""
    from domain.vocabulary import ConsentStatus

    ada = world.follow(consent=ConsentStatus.PENDING)
    world.time_passes(hours=28)
    second = ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)[1]
    assert {t["role"] for t in second.told} == {"on_call_clinician"}
    assert [e.subject_id for e in ada.events("disclosure.withheld")] == [second.id]
    assert not world.told(ada.planner, "referrer_told")


def test_43_welfare_check(world: World) -> None:
    """Welfare check: only clinician can order; needs reason; stays open until outcome entered; no outcome in 2 h:
    re-alert."""
    ada = world.follow()
    call = climb_to(world, ada, "first-contact", Ask.WELFARE_CHECK)
    order = (escalations.decide_welfare_check, ada.id, call.id, WelfareDecision.WELFARE_CHECK)
    for who in ("supervisor", "manager", "Ben"):
        with pytest.raises(NotAllowed):
            world.do(who, *order, "I am worried.")
    with pytest.raises(Invalid):
        world.do("clinician", *order, "  ")
    with pytest.raises(NotAllowed, match="clinician decides"):
        world.do("supervisor", escalations.resolve, ada.id, call.id, Resolution.NOT_NEEDED, "No need.")
    world.do("clinician", *order, "No sign of life for two days, and a plan was mentioned.")
    ordered_at = world.now
    world.time_passes(hours=2)
    mine = [m for m in world.told("clinician", "escalation_again") if m.subject_id == call.id]
    assert len(mine) == 1, "no outcome in two hours: told again"
    assert mine[0].created_at == ordered_at + 2 * HOUR
    again = next(c for c in ada.calls() if c.id == call.id)
    assert again.state is EscalationState.ACKNOWLEDGED
    world.time_passes(hours=2)
    assert len([m for m in world.told("clinician", "escalation_again") if m.subject_id == call.id]) == 2
    world.do("clinician", escalations.resolve, ada.id, call.id, Resolution.REACHED, "The team spoke with her at home.")
    assert not ada.calls(Subject.CONTACT, about=call.subject_id, is_open=True)


def test_43b_sending_somebody_is_not_an_outcome(world: World) -> None:
    """A welfare check that was ordered is not settled by whoever is on another rung, nor swept away by a note."""
    ada = world.follow()
    call = climb_to(world, ada, "first-contact", Ask.WELFARE_CHECK)
    first = ada.calls(Subject.CONTACT, about=call.subject_id)[0]
    with pytest.raises(NotAllowed, match="clinician decides"):
        world.do("supervisor", escalations.resolve, ada.id, first.id, Resolution.NOT_NEEDED, "Never mind.")
    assert ada.calls(Subject.CONTACT, about=call.subject_id, is_open=True)


def test_44_safety_concern_at_any_hour(world: World) -> None:
    """Bridger presses “safety concern”: clinician + 988 guidance now, regardless of schedule/quiet hours."""
    ada = world.follow()
    world.time_is("2026-11-03 02:30")
    concern = world.do("Ben", escalations.raise_concern, ada.id, "She said that she does not want to wake up.")
    assert concern.raised_at == world.now
    assert [t["staff_id"] for t in concern.told] == [world.actors["clinician"].id]
    assert concern.answer_by == world.now + timedelta(minutes=15)
    urgent = [m for m in ada.messages() if m.subject_id == concern.id and m.staff_id == world.actors["clinician"].id]
    assert {m.channel.value for m in urgent} >= {"in_app", "email"}
    assert all(m.not_before == world.now for m in urgent), "nothing waits for the morning"
    world.time_passes(minutes=15)
    second = ada.calls(Subject.SAFETY)[1]
    assert {t["role"] for t in second.told} == {"peer_supervisor", "program_manager"}
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.calls(Subject.SAFETY, is_open=True), "a talk does not settle a safety concern; a person does"


def test_45_two_weekly_misses_in_a_row(world: World) -> None:
    """Two weekly misses in a row: L1+L2; contact in week 3 clears streak."""
    ada = world.follow()
    for key in ("first-contact", "safety-net"):
        world.time_is(ada.contact(key).opens_at + 2 * HOUR)
        ada.log(Mode.VISIT, Outcome.REACHED)
    world.time_is(ada.contact("weekly", 1).due_at)
    assert ada.calls(Subject.STREAK) == []
    world.time_is(ada.contact("weekly", 2).due_at)
    first, second = ada.calls(Subject.STREAK)
    assert first.raised_at == second.raised_at == ada.contact("weekly", 2).due_at
    assert [t["role"] for t in first.told] == ["peer_supervisor"]
    assert [t["role"] for t in second.told] == ["on_call_clinician"]
    world.time_passes(days=2)
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.contact("weekly", 3).state is ContactState.MET
    assert ada.calls(Subject.STREAK, is_open=True) == []
    assert {c.resolution for c in ada.calls(Subject.STREAK)} == {Resolution.REACHED}
    raised = len(ada.calls(Subject.STREAK))
    world.time_is(ada.contact("weekly", 4).due_at)
    assert len(ada.calls(Subject.STREAK)) == raised, "the count begins anew"
    world.time_is(ada.contact("weekly", 5).due_at)
    assert len(ada.calls(Subject.STREAK)) == raised + 2


def lose(world: World) -> Journey:
    """Somebody who was never reached, every step tried, and for whom the search has begun."""
    ada = world.follow()
    for _ in range(2):
        world.time_passes(hours=20)
        ada.log(Mode.CALL, Outcome.NO_ANSWER)
        ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    climb_to(world, ada, "safety-net", Ask.WELFARE_CHECK)
    ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    decision = [c for c in ada.calls(Subject.CONTACT, is_open=True) if c.ask is Ask.WELFARE_CHECK]
    for call in decision:
        world.do(
            "clinician", escalations.decide_welfare_check, ada.id, call.id, WelfareDecision.KEEP_TRYING, "No danger."
        )
    world.do("supervisor", contacts.declare_lost, ada.id, "Every step was tried.")
    return ada


def test_46_lost_to_contact(world: World) -> None:
    """Lost to contact: cadence weekly → fortnightly → close at day 90 with supervisor signature; re-referral reopens
    linked history."""
    ada = lose(world)
    left_at, lost_at = ada.row.discharged_at, ada.row.lost_at
    assert left_at is not None
    assert lost_at is not None
    assert not [c for c in ada.awaited() if c.key == "weekly"], "the usual rhythm rests"
    search = ada.contacts("search")
    steps = [(c.due_at - c.opens_at).days for c in search]
    assert steps[0] == 7
    assert steps[-1] == 14
    assert steps == sorted(steps), "weekly first, then every two weeks"
    assert all(c.due_at <= left_at + timedelta(days=90) for c in search)
    assert all(c.due_at <= left_at + timedelta(days=30) for c, step in zip(search, steps, strict=True) if step == 7)
    ada.log(Mode.VISIT, Outcome.NO_ANSWER)
    assert ada.contact("search", 1).state is ContactState.MET, "in the search an attempt is what is asked"
    world.time_is(left_at + timedelta(days=90))
    [signature] = ada.calls(Subject.LOST)
    assert signature.ask is Ask.SIGN_CLOSURE
    world.time_passes(days=3)
    assert ada.row.status is ReferralStatus.IN_PROGRESS, "it is closed by somebody, not by a timer"
    with pytest.raises(NotAllowed):
        world.do("Ben", closing.close_referral, ada.id, ClosureReason.UNABLE_TO_REACH, "")
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.UNABLE_TO_REACH, "Ninety days, not found.")
    assert ada.row.closed_by == world.actors["supervisor"].id
    world.time_passes(days=60)
    again = world.refer(person_id=ada.row.person_id)
    assert again.row.previous_id == ada.id
    assert again.row.person_id == ada.row.person_id
    world.time_passes(minutes=1)
    [offer] = again.offers()
    assert again.world_name(offer.bridger_id) == "Ben", "who has walked with the person is asked first"


def test_47_appears_on_day_60(world: World) -> None:
    """Person appears on day 60 after “lost”: resumes, old escalation closed."""
    ada = lose(world)
    left_at = ada.row.discharged_at
    assert left_at is not None
    world.time_is(left_at + timedelta(days=60))
    assert ada.calls(is_open=True), "the search itself has been missed"
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.row.lost_at is None
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    assert ada.calls(Subject.CONTACT, is_open=True) == []
    assert ada.calls(Subject.LOST, is_open=True) == []
    assert not [c for c in ada.awaited() if c.key == "search"]
    weekly = [c for c in ada.awaited() if c.key == "weekly"]
    assert weekly, "the plan goes on"
    assert all(c.due_at > world.now for c in weekly), "and asks for nothing that has gone by"


def test_48_waiver_call_me_monthly(world: World) -> None:
    """Waiver: person asks “call me monthly”: schedule changed with reason; KPI excludes by rule, not by deletion."""
    ada = world.follow()
    world.time_is("2026-11-12 10:00")
    ada.log(Mode.VISIT, Outcome.REACHED)
    before = ada.contacts("weekly")
    with pytest.raises(NotAllowed):
        world.do("Ben", contacts.change_rhythm, ada.id, "weekly", 28, "She asks for a call a month.")
    with pytest.raises(Invalid):
        world.do("supervisor", contacts.change_rhythm, ada.id, "weekly", 28, " ")
    waived = world.do("supervisor", contacts.change_rhythm, ada.id, "weekly", 28, "She asks for a call a month.")
    after = ada.contacts("weekly")
    assert len(after) == len(before), "nothing is deleted"
    gone = [c for c in after if c.state is ContactState.WAIVED]
    assert len(gone) == waived > 0
    assert {c.reason for c in gone} == {"She asks for a call a month."}
    kept = [c.due_at for c in after if c.state is ContactState.PLANNED]
    assert all(b - a >= timedelta(days=28) for a, b in pairwise(kept))
    world.time_passes(days=14)
    assert not [e for e in ada.events("contact.missed") if e.data["key"] == "weekly"]
    world.do("supervisor", changes.set_risks, ada.id, [RiskFlag.NO_SAFE_PLACE])
    world.do("supervisor", changes.set_appointment, ada.id, world.now + timedelta(days=3))
    assert len([c for c in ada.contacts("weekly") if c.state is ContactState.WAIVED]) == waived, "a new plan keeps it"


def test_49_retroactive_note(world: World) -> None:
    """Retroactive note: contact on day 2 logged on day 4: counts by contact time, flagged late entry; past-due alert
    annotated not erased; limit on back-dating."""
    ada = world.follow()
    left_at = world.now
    world.time_passes(hours=1)
    ada.log(Mode.CALL, Outcome.REACHED)
    world.time_is(left_at + timedelta(days=4))
    ladder = ada.calls(Subject.CONTACT, about=ada.contact("safety-net").id)
    assert ada.contact("safety-net").state is ContactState.MISSED
    talked_at = left_at + timedelta(days=2)
    logged = ada.log(Mode.VISIT, Outcome.REACHED, at=talked_at)
    assert logged.attempt.is_late_entry
    contact = ada.contact("safety-net")
    assert (contact.state, contact.met_at) == (ContactState.MET, talked_at)
    after = ada.calls(Subject.CONTACT, about=contact.id)
    assert [c.id for c in after] == [c.id for c in ladder], "no rung is erased"
    assert {c.state for c in after} == {EscalationState.RESOLVED}
    assert {c.resolution_note for c in after} == {"The contact was logged late as made in time."}
    assert [e for e in ada.events("contact.missed") if e.subject_id == contact.id], "the miss stays in the journal"
    [met] = [e for e in ada.events("contact.met") if e.subject_id == contact.id]
    assert met.data["was_missed"] is True
    world.time_is(left_at + timedelta(days=12))
    with pytest.raises(Invalid, match="days later") as refusal:
        ada.log(Mode.CALL, Outcome.REACHED, at=left_at + timedelta(days=3))
    assert refusal.value.code == "too_long_ago"
    with pytest.raises(Invalid):
        ada.log(Mode.CALL, Outcome.REACHED, at=world.now + HOUR)


def test_49c_taken_back_after_the_plan_has_gone_on(world: World) -> None:
    """The meeting on the unit was not with them, and they have left since: nobody is asked to hold it any more."""
    ada = world.refer(bridger="Ben")
    entry = ada.log(Mode.VISIT, Outcome.REACHED).attempt
    ada.finish_tasks()
    world.time_passes(hours=1)
    ada.discharge()
    world.do("supervisor", contacts.take_back_attempt, ada.id, entry.id, "It was somebody else.")
    assert ada.contact("in-reach").state is ContactState.CLOSED
    assert ada.contact("in-reach").reason == "what met it was taken back, and the plan has gone on"
    world.time_passes(days=3)
    assert "in-reach" not in {e.data["key"] for e in ada.events("contact.missed")}
    assert not [call for call in ada.calls(Subject.CONTACT) if call.ladder == "before-leaving"]


def test_49b_taken_back_in_a_case_that_is_over(world: World) -> None:
    """An entry logged by mistake is taken back after the end: nothing is awaited again, and both stay on record."""
    ada = world.follow()
    world.time_passes(hours=1)
    entry = ada.log(Mode.CALL, Outcome.REACHED).attempt
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.TRANSFERRED, "To another program.")
    world.do("supervisor", contacts.take_back_attempt, ada.id, entry.id, "It was somebody else.")
    assert ada.contact("first-contact").state is ContactState.CLOSED
    assert ada.awaited() == []
    assert [e.event for e in ada.events("attempt.retracted")] == ["attempt.retracted"]
    world.time_passes(days=3)
    assert instant("2026-11-03 09:00") < world.now
    assert not ada.events("contact.missed")


def test_49d_taken_back_it_is_awaited_and_missed_as_if_it_had_not_been(world: World) -> None:
    """A call entered for the wrong person is taken back: the contact is awaited again, and its miss is told."""
    ada = world.follow()
    world.time_passes(hours=1)
    entry = ada.log(Mode.CALL, Outcome.REACHED).attempt
    assert ada.contact("first-contact").state is ContactState.MET
    world.do("supervisor", contacts.take_back_attempt, ada.id, entry.id, "It was somebody else.")
    assert (ada.contact("first-contact").state, ada.contact("first-contact").met_at) == (ContactState.PLANNED, None)
    world.time_passes(hours=24)
    assert ada.contact("first-contact").state is ContactState.MISSED
    assert ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)
