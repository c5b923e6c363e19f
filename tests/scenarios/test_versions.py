"""Acceptance scenario 72 at length: running cases moved to another version of their protocol, and moved back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from domain.errors import Conflict, NotAllowed, NotFound
from domain.moving import STAYS_BUSY, STAYS_OTHER, STAYS_OVER, STAYS_THERE
from domain.protocol import FOLDER
from domain.vocabulary import ClosureReason, ContactState, Mode, Outcome, Resolution, Role, Subject
from records import engine
from records.access import Actor, actor_of, system_actor
from records.commands import changes, closing, programs, protocols, staff
from records.queries.protocol_moves import (
    MovePreview,
    count_followers,
    get_move,
    list_movable,
    list_moves,
    preview_move,
    preview_take_back,
)
from records.tables import ProtocolMove, ProtocolVersion
from tests.scenarios.world import Journey, World
from tests.support.versions import with_extra_check, without

HOUR = timedelta(hours=1)
TEXT = (FOLDER / "psychiatric-inpatient.toml").read_text(encoding="utf-8")
SOONER = TEXT.replace('{ after = "discharge", within = "PT24H" }', '{ after = "discharge", within = "PT12H" }')


def publish(world: World, text: str) -> ProtocolVersion:
    row: ProtocolVersion = world.do("manager", programs.publish_protocol, text)
    return row


def look(world: World, version: ProtocolVersion, *journeys: Journey) -> MovePreview:
    with engine.read_session() as session:
        return preview_move(session, world.actors["manager"], version.id, [one.id for one in journeys])


def move(world: World, version: ProtocolVersion, *journeys: Journey) -> ProtocolMove:
    made: ProtocolMove = world.do("manager", protocols.move_cases, version.id, look(world, version, *journeys).seen)
    world.keep_appointments()
    return made


def look_back(world: World, made: ProtocolMove) -> MovePreview:
    with engine.read_session() as session:
        return preview_take_back(session, world.actors["manager"], made.id)


def take_back(world: World, made: ProtocolMove) -> None:
    world.do("manager", protocols.take_back_move, made.id, look_back(world, made).seen)
    world.keep_appointments()


def plan_of(journey: Journey) -> list[tuple[object, ...]]:
    """What is awaited or on record, and what counts of it."""
    counts = (c for c in journey.contacts() if c.state is not ContactState.SUPERSEDED)
    return [(c.key, c.seq, c.opens_at, c.due_at, c.state, c.title) for c in counts]


def test_72b_what_the_version_asks_for_too_late_is_not_asked_for(world: World) -> None:
    """A new contact whose time is over before the move: nobody could meet it, so nobody is called about it."""
    ada = world.follow()
    ada.log()
    world.time_passes(hours=40)
    version = publish(world, with_extra_check(TEXT))
    shown = look(world, version, ada).cases[0].move
    assert [p.key for p in shown.gone_by] == ["extra-check"]
    assert shown.overdue == ()
    calls = len(ada.calls())
    move(world, version, ada)
    assert (ada.contact("extra-check").state, len(ada.calls())) == (ContactState.SUPERSEDED, calls)
    assert "its time was over" in ada.contact("extra-check").reason
    world.do(ada.planner, changes.set_appointment, ada.id, world.now + 40 * HOUR)
    assert ada.contact("extra-check").state is ContactState.SUPERSEDED, "nor later, when the plan changes again"


def test_72c_what_is_on_record_counts_by_the_new_version(world: World) -> None:
    """Somebody who was reached has had the new contact, too, when it would have met it."""
    ada = world.follow()
    world.time_passes(hours=3)
    ada.log()
    version = publish(world, with_extra_check(TEXT))
    shown = look(world, version, ada).cases[0].move
    assert shown.credited == {"extra-check:1"}
    assert shown.kept == (), "what was met keeps the window that it has by this version, too"
    move(world, version, ada)
    assert ada.contact("extra-check").state is ContactState.MET


def test_72d_a_shorter_window_that_has_passed_calls_at_once(world: World) -> None:
    ada = world.follow()
    world.time_passes(hours=13)
    version = publish(world, SOONER)
    shown = look(world, version, ada)
    assert [i.kind for i in shown.cases[0].move.overdue] == ["contact_missed"]
    assert shown.cases[0].called == ("Supervisor Example",)
    move(world, version, ada)
    first = ada.contact("first-contact")
    assert (first.state, first.due_at) == (ContactState.MISSED, world.now - HOUR)
    assert [call.rung for call in ada.calls(Subject.CONTACT, about=first.id)] == [0]


def test_72e_a_call_about_what_is_not_asked_for_any_more_is_settled(world: World) -> None:
    ada = world.follow()
    world.time_passes(hours=25)
    missed = ada.contact("first-contact")
    assert ada.calls(Subject.CONTACT, about=missed.id, is_open=True)
    made = move(world, publish(world, without(TEXT, "first-contact")), ada)
    calls = ada.calls(Subject.CONTACT, about=missed.id)
    assert {call.resolution for call in calls} == {Resolution.NOT_NEEDED}
    assert "does not ask for this" in calls[0].resolution_note
    assert ada.contact("first-contact").state is ContactState.MISSED, "it stays on record"
    take_back(world, made)
    again = ada.calls(Subject.CONTACT, about=missed.id, is_open=True)
    assert [(call.rung, call.due_at) for call in again] == [(0, missed.due_at)], "the call goes on, from its first rung"


def test_72f_taken_back_the_plan_is_as_it_was(world: World) -> None:
    """Contacts dropped and new, windows moved, some of it missed meanwhile: as if nobody had moved the case."""
    ada, bea = world.follow(), world.follow("Bea Sample", phones=["212-555-0124"])
    world.time_passes(hours=13)
    before = plan_of(ada)
    version = publish(world, with_extra_check(without(SOONER, "safety-net")))
    made = move(world, version, ada, bea)
    assert {one.row.protocol_id for one in (ada, bea)} == {version.id}
    assert ada.contact("first-contact").state is ContactState.MISSED
    world.time_passes(hours=6)
    take_back(world, made)
    by_both = "handoff"  # the day of leaving is over meanwhile, by both versions
    assert [one for one in plan_of(ada) if one[0] != by_both] == [one for one in before if one[0] != by_both]
    assert not ada.calls(Subject.CONTACT, about=ada.contact("first-contact").id, is_open=True)
    assert len(world.told("Ben", "plans_moved")) == 2, "once there, once back, however many people it concerns"
    world.time_passes(hours=60)
    assert ada.contact("first-contact").state is ContactState.MISSED, "the old window passed, as it would have"


def test_72g_a_contact_dropped_and_overdue_when_it_comes_back_is_missed(world: World) -> None:
    ada = world.follow()
    dropped = ada.contact("first-contact")
    made = move(world, publish(world, without(TEXT, "first-contact")), ada)
    world.time_passes(hours=30)
    assert not ada.calls(Subject.CONTACT, about=dropped.id)
    take_back(world, made)
    back = ada.contact("first-contact")
    assert (back.state, back.due_at) == (ContactState.MISSED, dropped.due_at), "nobody decided to let it go"
    assert ada.calls(Subject.CONTACT, about=back.id, is_open=True)


def test_72h_which_cases_stay_and_why(world: World) -> None:
    ada, bea, jim = (
        world.follow(),
        world.follow("Bea Sample", phones=["212-555-0124"]),
        world.follow("Jim Sample", phones=["212-555-0125"], facility="County Jail"),
    )
    world.time_passes(hours=40)
    assert max(c.rung for c in ada.calls(is_open=True)) >= 2
    world.do("manager", closing.close_referral, bea.id, ClosureReason.TRANSFERRED)
    short = TEXT
    for rung in ("locate", "welfare_check"):
        found = short.index(f'[[ladders.contact-missed]]\nask = "{rung}"')
        short = short[:found] + short[short.index("[[ladders", found + 5) :]
    version = publish(world, short)
    why = {one.referral.id: one.move.stays for one in look(world, version, ada, bea, jim).cases}
    assert why == {ada.id: STAYS_BUSY, bea.id: STAYS_OVER, jim.id: STAYS_OTHER}
    assert look(world, version, ada, bea, jim).seen == {}
    with pytest.raises(Conflict, match="Nothing was changed"):
        world.do("manager", protocols.move_cases, version.id, {ada.id: "as if it could"})
    late = world.follow("Late Sample", phones=["212-555-0126"], bridger="Omar")
    assert look(world, version, late).cases[0].move.stays == STAYS_THERE


def test_72i_who_worked_under_the_version_stays_and_is_told_so(world: World) -> None:
    ada, bea = world.follow(), world.follow("Bea Sample", phones=["212-555-0124"])
    made = move(world, publish(world, SOONER), ada, bea)
    world.time_passes(hours=1)
    ada.log(Mode.CALL, Outcome.NO_ANSWER)
    shown = look_back(world, made)
    assert [(one.referral.id, one.move.stays) for one in shown.staying] == [
        (ada.id, "Since it was moved, an attempt was logged or taken back.")
    ]
    take_back(world, made)
    assert (ada.row.protocol_id, bea.row.protocol_id != made.protocol_id) == (made.protocol_id, True)
    events = len(bea.events())
    world.do("manager", protocols.take_back_move, made.id, {})
    assert len(bea.events()) == events, "twice is once"


def test_72j_after_a_week_a_move_stays(world: World) -> None:
    ada = world.follow()
    made = move(world, publish(world, TEXT + "\n# the same rules\n"), ada)
    assert look_back(world, made).seen
    world.time_passes(days=7, minutes=1)
    with pytest.raises(Conflict, match="7 days"):
        world.do("manager", protocols.take_back_move, made.id, look_back(world, made).seen)


@pytest.mark.parametrize("who", ["supervisor", "admin", "Ben", "clinician"])
def test_72k_nobody_but_the_manager_moves_cases(world: World, who: str) -> None:
    ada = world.follow()
    version = publish(world, SOONER)
    seen = look(world, version, ada).seen
    with pytest.raises(NotAllowed):
        world.do(who, protocols.move_cases, version.id, seen)


def test_72l_all_of_a_move_or_nothing(world: World) -> None:
    """One case of many changed since the look: the others do not move either, and the sentence says what changed."""
    people = [world.follow(f"P{n} Sample", phones=[f"212-555-01{n:02}"]) for n in range(6)]
    version = publish(world, SOONER)
    shown = look(world, version, *people)
    people[3].log(Mode.VISIT, Outcome.REACHED)
    before = [one.row.version for one in people]
    with pytest.raises(Conflict, match=f"{people[3].row.number}: a contact was met"):
        world.do("manager", protocols.move_cases, version.id, shown.seen, looked_at=shown.at)
    assert [one.row.version for one in people] == before
    assert world.look(select(ProtocolMove)) == []


def manager_of_another_program() -> tuple[Actor, ProtocolVersion]:
    """Them, and their newest version of the protocol that the world's cases follow."""
    with engine.transaction() as session:
        other = programs.create_program(session, "Other Bridges")
        hand = system_actor(other.id)
        row = staff.add_staff(session, hand, email="m@other.example", name="Mo Other", roles=[Role.MANAGER])
        return actor_of(row), programs.publish_protocol(session, actor_of(row), TEXT + "\n# theirs\n")


def test_72m_another_programs_versions_cases_and_moves_are_not_there(world: World) -> None:
    ada = world.follow()
    version = publish(world, SOONER)
    other, theirs = manager_of_another_program()
    seen = look(world, version, ada).seen
    with engine.read_session() as session:
        assert list_moves(session, other) == []
        assert count_followers(session, other) == {}
        assert list_movable(session, other, theirs.id) == ([], 0)
        with pytest.raises(NotFound, match="One of these cases"):
            preview_move(session, other, theirs.id, [ada.id])
        with pytest.raises(NotFound, match="That protocol"):
            preview_move(session, other, version.id, [ada.id])
    for protocol_id in (theirs.id, version.id):
        with pytest.raises(NotFound):
            world.do(other, protocols.move_cases, protocol_id, seen)
    made = move(world, version, ada)
    back = look_back(world, made).seen
    with engine.read_session() as session:
        assert list_moves(session, other) == []
        for ask in (get_move, preview_take_back):
            with pytest.raises(NotFound, match="That move"):
                ask(session, other, made.id)
    with pytest.raises(NotFound, match="That move"):
        world.do(other, protocols.take_back_move, made.id, back)
    assert ada.row.protocol_id == version.id
    take_back(world, made)
    with pytest.raises(NotFound, match="That move"):
        world.do(other, protocols.take_back_move, made.id, {})
