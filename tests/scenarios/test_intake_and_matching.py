"""Acceptance scenarios 1 to 14: referred, recognized, taken on, matched. The third waits for the law of consent."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from domain.agenda import promised_by
from domain.errors import Conflict, IllegalState, Invalid, InvalidFields, NotFound
from domain.match_facts import PRIVATE_REASON
from domain.vocabulary import (
    Ask,
    ClosureReason,
    ConsentStatus,
    ContactState,
    DeclineReason,
    Disposition,
    EndReason,
    Gender,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    Setting,
    Strength,
    Subject,
)
from records import engine
from records.checking.whole import whole_problems
from records.commands import (
    absences,
    assignments,
    changes,
    closing,
    merging,
    offers,
    people,
    protection,
    recognition,
    referrals,
    staff,
)
from records.commands.people import Identifier, PersonDetails
from records.commands.referrals import ReferralDetails
from records.queries.case import load_case
from records.queries.invariants import broken_invariants
from records.queries.matching import rank_for
from records.queries.people import find_duplicates
from records.tables import Assignment, Program, Referral
from tests.scenarios.world import Journey, World, instant
from tests.support.checked import assert_every_promise_holds


def ranking(world: World, journey: Journey) -> tuple[list[str], dict[str, str]]:
    """Who could be asked, best first; and who could not, with the reason that others may read."""
    with engine.read_session() as session:
        found = rank_for(session, load_case(session, journey.id), world.now)
    ranked = [journey.world_name(r.candidate_id) for r in found.ranked]
    return ranked, {journey.world_name(e.candidate_id): e.reason_for_others for e in found.excluded}


def test_01_happy_psych(world: World) -> None:
    """Happy psych: submit → accept → assign → in-reach → T0 → 24 h → 72 h → day-7 → weekly → day-90 close; referrer
    gets status, date, reason."""
    ada = world.refer(leaves_in_days=2)
    assert ada.row.status is ReferralStatus.ACCEPTED
    world.time_passes(minutes=1)
    name = ada.accept_offer()
    assert (ada.row.status, ada.bridger) == (ReferralStatus.IN_PROGRESS, name)
    ada.log(Mode.VISIT, Outcome.REACHED, minutes=45)
    ada.finish_tasks()
    assert ada.contact("in-reach").state is ContactState.MET
    world.time_is("2026-11-04 14:00")
    ada.discharge()
    left_at = world.now
    ada.log(Mode.VISIT, Outcome.REACHED)
    for key in ("first-contact", "safety-net", "face-to-face"):
        contact = ada.contact(key)
        if contact.state is ContactState.PLANNED:
            world.time_is(contact.opens_at + (contact.due_at - contact.opens_at) / 3)
            ada.log(Mode.VISIT, Outcome.REACHED)
    while weekly := [c for c in ada.awaited() if c.key == "weekly"]:
        world.time_is(max(weekly[0].opens_at + timedelta(hours=34), world.now))
        ada.log(Mode.VISIT, Outcome.REACHED)
    states = {c.key: c.state for c in ada.contacts()}
    assert set(states.values()) == {ContactState.MET}
    assert {"handoff", "first-contact", "safety-net", "face-to-face", "weekly", "closing-meeting"} <= set(states)
    assert ada.calls() == [], "nobody was alarmed"
    world.time_is(left_at + timedelta(days=90))
    [signature] = ada.calls(Subject.FINISH)
    assert signature.ask is Ask.SIGN_CLOSURE
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.SERVICES_RECEIVED, "Has her own people now.")
    world.time_passes(minutes=1)
    row = ada.row
    assert (row.status, row.next_at) == (ReferralStatus.COMPLETED, None)
    [report] = ada.disclosures()
    assert report.is_allowed
    assert report.content["status"] == "completed"
    assert report.content["reason"] == "services_received_completed"
    assert report.content["ended_at"] == row.ended_at.isoformat() if row.ended_at else False
    assert len(world.told(ada.planner, "closing_report_ready")) == 1
    assert ada.journal_is_whole()


def test_02_missing_minimum_data(world: World) -> None:
    """Missing minimum data: submitted without any contact route or consent flag: rejected-for-info with field list,
    clock of referral-to-assignment visible."""
    left_at = world.now - timedelta(hours=1)
    with pytest.raises(InvalidFields) as refusal:
        world.refer(phones=[], left_at=left_at, consent=ConsentStatus.DECLINED)
    assert {problem.field for problem in refusal.value.problems} == {"phones", "consent"}
    draft = world.do(
        "planner at Riverside",
        referrals.file_referral,
        PersonDetails("Ada", "Sample", birth_on=date(1990, 1, 1)),
        ReferralDetails(setting=Setting.PSYCHIATRIC_INPATIENT, discharged_at=left_at, disposition=Disposition.HOME),
        as_draft=True,
    )
    ada = Journey(world, draft.id, "planner at Riverside")
    with pytest.raises(Invalid) as missing:
        world.do(ada.planner, referrals.submit_draft, ada.id)
    assert missing.value.field == "phones"
    assert ada.row.status is ReferralStatus.DRAFT
    assert ada.row.next_at is None, "no clock runs for what was not sent"
    bea = world.refer("Bea Sample", phones=["212-555-0124"])
    with engine.read_session() as session:
        case = load_case(session, bea.id)
        promised = promised_by(case.facts())
    assert world.wall(promised) == "Tue 2026-11-03 17:00", "a bridger by name within one business day"


def test_04_no_capacity(world: World) -> None:
    """No capacity: all bridgers at 15: queued, supervisor sees wait; over-cap assignment needs named override."""
    with engine.read_session() as session:
        assert session.get_one(Program, world.program_id).caseload_limit == 15
    for name in world.bridger_names:
        world.profile(name, caseload_limit=1)
    for index, name in enumerate(world.bridger_names):
        world.refer(f"Person{'ABC'[index]} Sample", phones=[f"212-555-013{index}"], bridger=name)
    ada = world.refer()
    world.time_passes(minutes=1)
    assert ada.bridger is None
    assert ada.row.status is ReferralStatus.ACCEPTED
    assert ada.row.waiting_since == instant("2026-11-02 08:00")
    [call] = ada.calls(Subject.ASSIGNMENT)
    assert [t["role"] for t in call.told] == ["peer_supervisor"]
    assert "3 have no room" in call.why
    with pytest.raises(Conflict) as refusal:
        world.do("supervisor", assignments.assign, ada.id, world.actors["Ben"].id)
    assert refusal.value.code == "override_needed"
    reason = "One of Ben's people moves on this week."
    world.do("supervisor", assignments.assign, ada.id, world.actors["Ben"].id, override_reason=reason)
    [row] = world.look(select(Assignment).where(Assignment.referral_id == ada.id))
    assert (row.override_by, row.override_reason) == (world.actors["supervisor"].id, reason)
    assert ada.calls(Subject.ASSIGNMENT, is_open=True) == []
    world.check()


def test_04b_two_offers_at_once_do_not_break_the_limit(world: World) -> None:
    """Between offer and answer the bridger's caseload filled: the limit still holds."""
    for name in ("Ines", "Omar"):
        world.profile(name, is_taking_people=False)
    ada, bea = world.refer(), world.refer("Bea Sample", phones=["212-555-0124"])
    world.time_passes(minutes=1)
    world.profile("Ben", caseload_limit=1)
    ada.accept_offer()
    with pytest.raises(Conflict) as refusal:
        bea.accept_offer()
    assert refusal.value.code == "caseload_full"


def test_04c_room_for_nobody_is_no_room(world: World) -> None:
    """The limit becomes none at all while somebody is asked."""
    for name in ("Ines", "Omar"):
        world.profile(name, is_taking_people=False)
    ada = world.refer()
    world.time_passes(minutes=1)
    world.profile("Ben", caseload_limit=0)
    with pytest.raises(Conflict) as refusal:
        ada.accept_offer()
    assert refusal.value.code == "caseload_full"


def test_04d_a_limit_lowered_below_the_load_breaks_nothing(world: World) -> None:
    """Ben keeps whom he has; nobody comes to him any more but by name."""
    world.follow(), world.follow("Bea Sample", phones=["212-555-0124"])
    world.time_passes(minutes=1)
    world.profile("Ben", caseload_limit=1)
    world.time_passes(minutes=1)
    world.profile("Ben", caseload_limit=1, gender=Gender.MAN)
    world.time_passes(minutes=1)
    assert_every_promise_holds()

    with engine.transaction() as session:  # behind the commands’ back, which ask for a reason
        row = session.exec(select(Assignment).where(col(Assignment.ended_at).is_(None))).first()
        assert row is not None
        row.started_at = world.now - timedelta(seconds=90)
        session.flush()
        said = "a bridger has 2 people without an override, above the limit of 1"
        assert (8, said) in whole_problems(session.connection()), "the limit stood at one when the second came"
        row.started_at = world.now
        session.flush()
        assert f"8: {said}" in broken_invariants(session, row.referral_id, world.now)
        session.rollback()


def test_04e_an_end_that_is_taken_back_is_an_override_by_name(world: World) -> None:
    """Meanwhile somebody else came to Ben, who has room for one."""
    ada = world.follow()
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.DECLINED)
    world.profile("Ben", caseload_limit=1)
    world.follow("Bea Sample", phones=["212-555-0124"])
    world.do("supervisor", closing.undo_end, ada.id, "The wrong person.")
    of_ada = select(Assignment).where(Assignment.referral_id == ada.id).order_by(col(Assignment.started_at))
    *_, row = world.look(of_ada)
    assert (row.bridger_id, row.override_by) == (world.actors["Ben"].id, world.actors["supervisor"].id)
    assert row.override_reason == "The end was taken back."


def test_05_supervisor_ratio(world: World) -> None:
    """Supervisor ratio: 9th peer under one supervisor refused (1:8)."""
    for name in ("Dot", "Eli", "Fay", "Gus", "Hal"):
        world.hire_bridger(name)
    with pytest.raises(Conflict, match="8 bridgers") as refusal:
        world.hire_bridger("Ida")
    assert refusal.value.code == "supervisor_full"


def test_06_hard_language_preference(world: World) -> None:
    """Hard language preference unmet: not silently assigned; L1."""
    world.profile("Ines", languages=["en", "es"], caseload_limit=0)
    ada = world.refer(person={"language": "es", "language_strength": Strength.HARD})
    world.time_passes(minutes=1)
    assert ada.offers() == []
    [call] = ada.calls(Subject.ASSIGNMENT)
    assert [t["staff_id"] for t in call.told] == [world.actors["supervisor"].id]
    assert "2 do not speak the language asked for" in call.why
    world.profile("Ines", languages=["en", "es"])
    world.time_passes(hours=5)
    [offer] = ada.offers()
    assert offer.bridger_id == world.actors["Ines"].id, "asked again as soon as somebody can"


def test_07_soft_gender_preference(world: World) -> None:
    """Gender preference soft: ranked, reason stored."""
    world.profile("Ines", gender=Gender.WOMAN)
    world.profile("Ben", gender=Gender.MAN)
    ada = world.refer(person={"bridger_gender": Gender.WOMAN, "bridger_gender_strength": Strength.SOFT})
    world.time_passes(minutes=1)
    ranked, _ = ranking(world, ada)
    assert ranked[0] == "Ines"
    assert set(ranked) == {"Ben", "Ines", "Omar"}, "the others stay on the list"
    [offer] = ada.offers()
    assert offer.bridger_id == world.actors["Ines"].id
    assert "Is a woman, as the person would like." in offer.reasons
    made = ada.events("offer.made")[0]
    assert "Is a woman, as the person would like." in made.data["reasons"]


def test_08_conflict(world: World) -> None:
    """Conflict: declared “incarcerated together”: excluded from candidates, reason hidden from others."""
    ada = world.refer(bridger="Ben")
    world.do("Ben", staff.declare_conflict, ada.id, world.actors["Ben"].id, "We were inside together.")
    assert ada.bridger is None
    ranked, excluded = ranking(world, ada)
    assert "Ben" not in ranked
    assert excluded["Ben"] == PRIVATE_REASON
    world.time_passes(minutes=1)
    assert all(o.bridger_id != world.actors["Ben"].id for o in ada.offers())
    with pytest.raises(Conflict) as refusal:
        world.do("supervisor", assignments.assign, ada.id, world.actors["Ben"].id, override_reason="Please.")
    assert refusal.value.code == "match_blocked"
    assert "inside" not in refusal.value.sentence
    told = [e.data for e in ada.events()]
    assert "inside together" not in str(told), "the reason is in nobody's timeline"
    assert ada.is_seen_by("Ben") is False


def test_09_person_asks_for_another_bridger(world: World) -> None:
    """Person asks for another bridger: re-match, no reason needed, no gap in timers."""
    ada = world.follow()
    world.time_passes(hours=2)
    due = {c.id: c.due_at for c in ada.awaited()}
    world.do("supervisor", assignments.release_bridger, ada.id, EndReason.PERSON_ASKED)
    assert {c.id: c.due_at for c in ada.awaited()} == due
    world.time_passes(minutes=1)
    [offer] = [o for o in ada.offers() if o.state is OfferState.OPEN]
    assert offer.bridger_id != world.actors["Ben"].id
    assert not ada.is_seen_by("Ben"), "access ends with the assignment"
    world.time_is(ada.contact("first-contact").due_at)
    assert ada.contact("first-contact").state is ContactState.MISSED, "the clock ran on, and somebody was told"
    assert ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id)


def test_10_protective_order(world: World) -> None:
    """Protective order names bridger's household: match blocked and visit to that address blocked."""
    ada = world.refer(bridger="Ben")
    world.do(
        "supervisor",
        protection.record_protective_order,
        ada.id,
        bridger_id=world.actors["Ben"].id,
        address="12 Sample Street",
        note="County court, until 2028.",
    )
    assert ada.bridger is None, "the two are parted at once"
    ranked, excluded = ranking(world, ada)
    assert "Ben" not in ranked
    assert excluded["Ben"] == PRIVATE_REASON
    with pytest.raises(Conflict) as refusal:
        world.do("supervisor", assignments.assign, ada.id, world.actors["Ben"].id, override_reason="Only today.")
    assert refusal.value.code == "match_blocked"
    with pytest.raises(Conflict) as blocked:
        world.do("supervisor", changes.set_meeting, ada.id, world.now + timedelta(days=1), "at 12  sample street, rear")
    assert blocked.value.code == "protective_order"
    world.do("supervisor", changes.set_meeting, ada.id, world.now + timedelta(days=1), "Main library, front desk")
    assert ada.row.meeting_where == "Main library, front desk"


def test_11_no_clearance(world: World) -> None:
    """No jail clearance: cannot be given in-reach at that facility; cover peer used."""
    prison = world.facilities["State Prison"]
    world.profile("Ben", clearances=[(prison, date(2026, 11, 20))])
    world.profile("Ines", clearances=[(prison, date(2027, 12, 31))])
    ada = world.refer(facility="State Prison", leaves_in_days=60)
    ranked, excluded = ranking(world, ada)
    assert ranked == ["Ines"]
    assert excluded["Omar"] == "Has no clearance to enter the facility."
    assert "ends on Nov 20, 2026" in excluded["Ben"]
    with pytest.raises(Conflict) as refusal:
        world.do("supervisor", assignments.assign, ada.id, world.actors["Omar"].id, override_reason="No one else.")
    assert refusal.value.code == "match_blocked"
    world.time_passes(minutes=1)
    assert ada.accept_offer() == "Ines"


def test_11b_away_on_the_days_of_the_meeting_on_the_unit(world: World) -> None:
    """Back before she leaves, and not free all the same: whoever can meet her on the unit is asked first."""
    back = world.now + timedelta(days=3)
    world.do("Ben", absences.set_absence, world.actors["Ben"].id, from_at=world.now, until_at=back)
    ada = world.refer(leaves_in_days=6)
    ranked, excluded = ranking(world, ada)
    assert ranked[-1] == "Ben"
    assert "Ben" not in excluded
    with engine.read_session() as session:
        found = rank_for(session, load_case(session, ada.id), world.now)
    assert any("cannot meet them before they leave" in said for said in found.ranked[-1].reasons_against)


def test_12_duplicate(world: World) -> None:
    """Duplicate: ED and inpatient refer the same person within 2 h: one active episode, both referrers acknowledged."""
    numbered = {"identifiers": [Identifier("state-id", "S-100")]}
    first = world.refer(facility="Riverside ED", person=numbered, bridger="Ines")
    assert world.told("planner at Riverside ED", "referral_accepted")
    world.time_passes(hours=2)
    with engine.read_session() as session:
        [likely] = find_duplicates(
            session, world.program_id, given_name="Ada", family_name="Sampel", birth_on=date(1990, 1, 1)
        )
    assert likely.open_referral_id == first.id, "shown while the second planner types"
    with pytest.raises(Conflict) as refusal:
        world.refer(facility="Riverside", person_id=likely.person.id)
    assert refusal.value.code == "already_referred"
    assert first.row.number not in refusal.value.sentence, "the number is the first facility's"
    second = "planner at Riverside"
    joined = world.do(second, recognition.join_referral, likely.person.id)
    world.do(second, recognition.join_referral, likely.person.id)
    assert joined.id == first.id
    assert len(first.events("referral.joined")) == 1
    assert first.events("referral.joined")[0].actor == world.actors[second].id
    assert len(world.told("supervisor", "referral_joined")) == 1, "and the program hears of it"
    with pytest.raises(Conflict):
        world.refer(facility="Riverside", person=numbered)  # not recognized: the number shows who it is
    assert [j.id for j in world.journeys] == [first.id]
    assert len(world.look(select(Assignment))) == 1, "one bridger, one series of contacts"
    assert len(world.look(select(Referral))) == 1


@pytest.mark.parametrize(
    ("consent", "heard"),
    [(ConsentStatus.GIVEN, "closing_report_ready"), (ConsentStatus.REVOKED, "referral_closed")],
)
def test_12b_both_facilities_hear_how_it_ended(world: World, consent: ConsentStatus, heard: str) -> None:
    """The second facility that asked is told what the first is told, and no more."""
    ada = world.refer(facility="Riverside ED", bridger="Ines")
    first, second = "planner at Riverside ED", "planner at Riverside"
    for _ in range(2):
        world.do(second, recognition.join_referral, ada.row.person_id)
    world.do("supervisor", changes.record_consent, ada.id, consent)
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.OUT_OF_AREA)
    world.time_passes(minutes=1)
    for planner in (first, second):
        assert [m.template for m in world.told(planner) if m.template in ENDED] == [heard]
    reports = {d.recipient: d for d in ada.disclosures()}
    facilities = [f"facility:{world.actors[planner].facility_id}" for planner in (first, second)]
    assert list(reports) == facilities
    assert reports[facilities[0]].content == reports[facilities[1]].content
    assert {d.is_allowed for d in reports.values()} == {consent is ConsentStatus.GIVEN}
    assert len(ada.events("report.sent") + ada.events("report.withheld")) == 1


ENDED = ("closing_report_ready", "referral_closed")


def test_13_false_duplicate(world: World) -> None:
    """False duplicate: same name/DOB different people: not merged without human confirm; unmerge restores both
    histories."""
    ada = world.refer()
    world.time_passes(minutes=5)
    other = world.refer(facility="General", phones=["212-555-0199"])
    assert ada.row.person_id != other.row.person_id, "nothing merges by itself"
    events = (len(ada.events()), len(other.events()))
    keep, gone = ada.row.person_id, other.row.person_id
    world.do("supervisor", merging.merge_people, keep, gone)
    assert other.row.person_id == keep
    open_now = [j for j in (ada, other) if j.row.status.is_open]
    assert open_now == [ada], "one person, one open referral: the one filed first goes on"
    assert other.row.closure_reason is ClosureReason.DUPLICATE
    world.time_passes(minutes=1)
    assert world.told(other.planner, "closing_report_ready"), "and the second referrer is answered"
    world.do("supervisor", merging.unmerge_people, gone)
    assert other.row.person_id == gone
    assert ada.row.person_id == keep
    assert other.row.status is ReferralStatus.ACCEPTED, "restored as it was"
    assert other.row.closure_reason is None
    assert len(ada.events()) >= events[0]
    assert len(other.events()) >= events[1]
    assert ada.journal_is_whole()
    assert other.journal_is_whole()
    world.do("supervisor", people.say_not_duplicate, keep, gone)
    with engine.read_session() as session:
        again = find_duplicates(
            session,
            world.program_id,
            given_name="Ada",
            family_name="Sample",
            birth_on=date(1990, 1, 1),
            exclude_id=keep,
        )
    assert again == [], "somebody looked: they are not suggested to each other again"


def test_14_out_of_area(slow_world: World) -> None:
    """Out of area: rejected with redirect or transferred; source stays owner until accepted."""
    world = slow_world
    ada = world.refer(person={"area": "99501"})
    row = ada.row
    assert (row.status, row.planner_id) == (ReferralStatus.SUBMITTED, world.actors[ada.planner].id)
    assert row.bridger_id is None
    assert row.next_item == "unaccepted", "somebody must answer the referrer"
    with pytest.raises(Invalid):
        world.do("supervisor", referrals.reject_referral, ada.id, ClosureReason.OUT_OF_AREA, " ")
    redirect = "Please ask the Example Northern Peers, 907-555-0100."
    world.do("supervisor", referrals.reject_referral, ada.id, ClosureReason.OUT_OF_AREA, redirect)
    row = ada.row
    assert (row.status, row.closure_reason) == (ReferralStatus.REJECTED, ClosureReason.OUT_OF_AREA)
    assert row.closure_note == redirect
    assert world.told(ada.planner, "referral_rejected")
    with pytest.raises(IllegalState):
        world.do("supervisor", referrals.accept_referral, ada.id)


def test_14b_offers_one_after_the_other(world: World) -> None:
    """One bridger is asked at a time; no answer and a no both lead to the next, and the last to the supervisor."""
    ada = world.refer()
    world.time_passes(minutes=1)
    asked = [ada.world_name(ada.offers()[0].bridger_id)]
    offer = ada.offers()[0]
    world.do(asked[0], offers.decline_offer, offer.id, DeclineReason.PRIVATE)
    world.time_passes(minutes=1)
    second = ada.offers()[1]
    assert second.bridger_id != offer.bridger_id
    with pytest.raises(NotFound):
        world.do(asked[0], offers.accept_offer, second.id)
    world.time_is(second.answer_by)
    assert ada.offers()[1].state is OfferState.EXPIRED
    assert len([o for o in ada.offers() if o.state is OfferState.OPEN]) == 1
    with pytest.raises(IllegalState):
        world.do(ada.world_name(second.bridger_id), offers.accept_offer, second.id)
    world.time_is(ada.offers()[2].answer_by)
    assert ada.calls(Subject.ASSIGNMENT)
    assert len({o.bridger_id for o in ada.offers()}) == 3


def test_14c_nobody_answers_the_referrer(slow_world: World) -> None:
    """Submitted and not answered in the promised time: the supervisor, then the manager, is told by name."""
    world = slow_world
    ada = world.refer()
    world.time_is("2026-11-03 17:00")
    [call] = ada.calls(Subject.ACCEPTANCE)
    assert [t["staff_id"] for t in call.told] == [world.actors["supervisor"].id]
    world.time_is(call.answer_by)
    assert [t["staff_id"] for t in ada.calls(Subject.ACCEPTANCE)[1].told] == [world.actors["manager"].id]
    world.do("supervisor", referrals.accept_referral, ada.id)
    assert ada.calls(Subject.ACCEPTANCE, is_open=True) == []
    assert world.told(ada.planner, "referral_accepted")


def test_05b_assigned_by_hand_while_somebody_is_asked(world: World) -> None:
    """A supervisor names a bridger while another is being asked: that offer is taken back, and a yes comes too late."""
    ada = world.refer()
    world.keep_appointments()
    [asked] = ada.offers()
    other = next(name for name in world.bridger_names if world.actors[name].id != asked.bridger_id)
    world.do("supervisor", assignments.assign, ada.id, world.actors[other].id)
    assert [offer.state for offer in ada.offers()] == [OfferState.WITHDRAWN]
    with pytest.raises(IllegalState) as refusal:
        world.do(ada.world_name(asked.bridger_id), offers.accept_offer, asked.id)
    assert refusal.value.code == "offer_over"
