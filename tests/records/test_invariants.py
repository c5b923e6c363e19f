"""What must always hold (design §5), on journeys that nobody wrote: whatever people do, in any order, late or twice.

Each journey is drawn from a seed: commands that may be refused, time that passes with the engine running or not. After
every step the invariants are asked of the records. The seed of a journey that breaks one is in the name of its test.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from domain.errors import Refusal
from domain.protocol import FOLDER
from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    DeclineReason,
    Disposition,
    EndReason,
    HoldReason,
    Mode,
    OfferState,
    Outcome,
    Resolution,
    RiskFlag,
    WelfareDecision,
)
from records import clock, engine
from records.commands import (
    absences,
    assignments,
    cancelling,
    changes,
    closing,
    contacts,
    escalations,
    holds,
    offers,
    programs,
    protocols,
    staff,
)
from records.queries.invariants import broken_invariants
from records.queries.protocol_moves import preview_move, preview_take_back
from records.queries.staffing import get_protocol, list_protocols
from records.tables import Absence, Attempt, Contact, Escalation, ProtocolMove, Referral
from tests.scenarios.world import FACILITIES, World
from tests.support.checked import assert_every_promise_holds
from tests.support.versions import variant

STEPS = 10
TRIES = [Outcome.REACHED, Outcome.NO_ANSWER, Outcome.LEFT_MESSAGE, Outcome.WRONG_NUMBER, Outcome.CALL_LATER]
RARE_TRIES = [Outcome.DECLINED, Outcome.IN_HOSPITAL, Outcome.IN_CUSTODY, Outcome.DIED]
PLACES = [name for name in FACILITIES if name != "State Prison"]

Step = Callable[["Wanderer"], object]


class Wanderer:
    """One person whose transition goes as chance has it."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        pick = self.chance
        left = pick.random() < 0.15
        self.journey = world.refer(
            facility=pick.choice(PLACES),
            leaves_in_days=None if left else pick.choice([None, 0, 1, 3, 9]),
            left_at=clock.now() - timedelta(hours=pick.choice([1, 9, 30])) if left else None,
            risks=pick.choice([[], [], [RiskFlag.SUICIDE_RISK]]),
            consent=pick.choice([ConsentStatus.GIVEN, ConsentStatus.PENDING]),
        )
        self.refused = self.done = 0

    def wander(self) -> None:
        for _ in range(STEPS):
            step = self.chance.choices(list(STEP_WEIGHTS), list(STEP_WEIGHTS.values()))[0]
            try:
                step(self)
                self.done += 1
            except (Refusal, _NothingThere):
                self.refused += 1
            self.look()
        if self.journey.row.status.is_open:
            self.world.do("manager", closing.close_referral, self.journey.id, ClosureReason.TRANSFERRED)
        self.look()
        assert self.journey.row.next_at is None or self.journey.row.next_at > clock.now()
        assert_every_promise_holds()

    def look(self) -> None:
        """The engine has the minute of grace that it is allowed; then everything holds."""
        self.world.keep_appointments()
        with engine.read_session() as session:
            assert broken_invariants(session, self.journey.id, clock.now()) == []

    @property
    def who(self) -> str:
        """Somebody who may: the bridger most often."""
        return self.chance.choice([self.journey.bridger or "supervisor", "supervisor", "manager"])

    def ago(self) -> timedelta:
        return timedelta(minutes=self.chance.choice([0, 0, 0, 40, 600, 2000]))

    def one_of(self, rows: list) -> object:
        if not rows:
            raise _NothingThere
        return self.chance.choice(rows)


class _NothingThere(Exception):
    """A step that has nothing to act on."""


def _time(w: Wanderer) -> None:
    w.world.time_passes(minutes=w.chance.choice([1, 45, 300, 700, 1500]))


def _outage(w: Wanderer) -> None:
    clock.advance(timedelta(hours=w.chance.choice([1, 6, 30])))


def _answer_offer(w: Wanderer) -> None:
    offer = next((o for o in w.journey.offers() if o.state is OfferState.OPEN), None)
    if offer is None:
        raise _NothingThere
    name = w.journey.world_name(offer.bridger_id)
    if w.chance.random() < 0.7:
        w.world.do(name, offers.accept_offer, offer.id)
    else:
        w.world.do(name, offers.decline_offer, offer.id, w.chance.choice(list(DeclineReason)))


def _assign(w: Wanderer) -> None:
    bridger = w.world.actors[w.chance.choice(w.world.bridger_names)].id
    reason = w.chance.choice(["", "The only one near."])
    w.world.do("supervisor", assignments.assign, w.journey.id, bridger, override_reason=reason)


def _discharge(w: Wanderer) -> None:
    how = w.chance.choice([Disposition.HOME] * 4 + list(Disposition))
    w.journey.discharge(clock.now() - w.ago(), how)


def _log(w: Wanderer) -> None:
    outcome = w.chance.choice(TRIES * 6 + RARE_TRIES)
    mode = w.chance.choice([Mode.CALL, Mode.VISIT, Mode.TEXT, Mode.COLLATERAL])
    w.journey.log(mode, outcome, by=w.who, at=clock.now() - w.ago())


def _take_back(w: Wanderer) -> None:
    rows = w.world.look(select(Attempt).where(Attempt.referral_id == w.journey.id))
    attempt = w.one_of(rows)
    assert isinstance(attempt, Attempt)
    w.world.do("supervisor", contacts.take_back_attempt, w.journey.id, attempt.id, "Entered by mistake.")


def _waive(w: Wanderer) -> None:
    contact = w.one_of(w.journey.contacts())
    assert isinstance(contact, Contact)
    w.world.do("supervisor", contacts.waive_contact, w.journey.id, contact.id, "By the person's wish.")


def _call(w: Wanderer) -> Escalation:
    call = w.one_of(w.journey.calls(is_open=True))
    assert isinstance(call, Escalation)
    return call


def _take_call(w: Wanderer) -> None:
    w.journey.answer(_call(w), w.chance.choice(["supervisor", "clinician", "manager"]))


def _settle(w: Wanderer) -> None:
    how = w.chance.choice(list(Resolution))
    w.world.do(
        w.chance.choice(["supervisor", "clinician"]), escalations.resolve, w.journey.id, _call(w).id, how, "Done."
    )


def _decide(w: Wanderer) -> None:
    how = w.chance.choice(list(WelfareDecision))
    w.world.do("clinician", escalations.decide_welfare_check, w.journey.id, _call(w).id, how, "As it looks.")


def _away(w: Wanderer) -> None:
    away, cover = w.chance.sample(w.world.bridger_names, 2)
    w.world.do(
        "supervisor",
        absences.set_absence,
        w.world.actors[away].id,
        from_at=clock.now() + timedelta(hours=w.chance.choice([0, 5])),
        until_at=clock.now() + timedelta(hours=w.chance.choice([20, 90])),
        cover_id=w.chance.choice([None, w.world.actors[cover].id]),
    )


def _back(w: Wanderer) -> None:
    absence = w.one_of(w.world.look(select(Absence)))
    assert isinstance(absence, Absence)
    w.world.do("supervisor", absences.end_absence, absence.id)


def _conflict(w: Wanderer) -> None:
    bridger = w.world.actors[w.chance.choice(w.world.bridger_names)].id
    w.world.do("supervisor", staff.declare_conflict, w.journey.id, bridger)


def _move_version(w: Wanderer) -> None:
    """The manager publishes another version, or takes one that is there, and moves the case to it."""
    manager, own = w.world.actors["manager"], w.journey.row.protocol_id
    with engine.read_session() as session:
        mine = get_protocol(session, manager, own)
        others = [row.id for row in list_protocols(session, manager) if row.key == mine.key and row.id != own]
    if not others or w.chance.random() < 0.5:
        text = variant((FOLDER / f"{mine.key}.toml").read_text(encoding="utf-8"), w.chance)
        others = [w.world.do("manager", programs.publish_protocol, text).id]
    target = w.chance.choice(others)
    with w.world.transaction() as session:
        shown = preview_move(session, manager, target, [w.journey.id])
    w.world.do("manager", protocols.move_cases, target, shown.seen)


def _take_move_back(w: Wanderer) -> None:
    made = w.one_of(w.world.look(select(ProtocolMove)))
    assert isinstance(made, ProtocolMove)
    with w.world.transaction() as session:
        shown = preview_take_back(session, w.world.actors["manager"], made.id)
    w.world.do("manager", protocols.take_back_move, made.id, shown.seen)


def _decide_cancel(w: Wanderer) -> None:
    w.world.do("supervisor", cancelling.decide_cancel, w.journey.id, agree=w.chance.random() < 0.3, note="So be it.")


STEP_WEIGHTS: dict[Step, float] = {
    _time: 14,
    _outage: 3,
    _answer_offer: 5,
    _assign: 1,
    _discharge: 4,
    lambda w: w.journey.cancel_discharge(): 1,
    lambda w: w.journey.moves_to(
        w.chance.choice([None, clock.now().date() + timedelta(days=w.chance.randint(0, 9))])
    ): 2,
    lambda w: w.journey.hold(w.chance.choice(list(HoldReason)), since=clock.now() - w.ago()): 1,
    lambda w: w.world.do("supervisor", holds.undo_hold, w.journey.id, "A mistake."): 1,
    lambda w: w.world.do("supervisor", holds.resume, w.journey.id, discharged_at=clock.now()): 1,
    _log: 10,
    _take_back: 1,
    lambda w: w.journey.finish_tasks(): 1,
    _waive: 1,
    lambda w: w.world.do("supervisor", contacts.change_rhythm, w.journey.id, "weekly", 28, "As asked."): 0.3,
    lambda w: w.world.do("supervisor", contacts.declare_lost, w.journey.id, "Every step was tried."): 0.5,
    _take_call: 4,
    _settle: 3,
    _decide: 1,
    lambda w: w.world.do("supervisor", escalations.raise_concern, w.journey.id, "Worried."): 0.5,
    lambda w: w.world.do("supervisor", changes.set_risks, w.journey.id, w.chance.choice([[], [RiskFlag.OVERDOSE]])): 1,
    lambda w: w.world.do("supervisor", changes.set_appointment, w.journey.id, clock.now() + timedelta(days=2)): 1,
    lambda w: w.world.do("supervisor", changes.record_consent, w.journey.id, w.chance.choice(list(ConsentStatus))): 0.5,
    lambda w: w.world.do(
        "supervisor", assignments.release_bridger, w.journey.id, w.chance.choice(list(EndReason)[:5])
    ): 0.7,
    _conflict: 0.3,
    _move_version: 2,
    _take_move_back: 1,
    _away: 0.7,
    _back: 0.4,
    lambda w: w.world.do(w.journey.planner, cancelling.request_cancel, w.journey.id, "Elsewhere."): 0.5,
    _decide_cancel: 0.5,
    lambda w: w.world.do("supervisor", closing.close_referral, w.journey.id, ClosureReason.SERVICES_RECEIVED): 0.3,
    lambda w: w.world.do("supervisor", closing.record_death, w.journey.id): 0.2,
    lambda w: w.world.do("supervisor", closing.undo_end, w.journey.id, "A mistake."): 1.5,
    lambda w: w.world.do(
        "supervisor", closing.extend_plan, w.journey.id, clock.now() + timedelta(days=w.chance.randint(1, 200)), "Wish."
    ): 0.3,
}
"""What may happen, and how often beside the rest."""


@pytest.fixture
def world() -> Iterator[World]:
    try:
        yield World()
    finally:
        engine.dispose()
        clock.run_real()


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_the_invariants_hold(world: World, seed: int) -> None:
    """Five people one after the other in one program, who share its bridgers; fifty in all."""
    if seed % 3:
        world.keep_one_session()
    done = 0
    for number in range(5):
        wanderer = Wanderer(world, seed * 100 + number)
        wanderer.wander()
        done += wanderer.done
    assert done > 5 * STEPS / 3, "most of what was tried must have happened, or nothing was tested"


def test_a_broken_record_is_named(world: World) -> None:
    """The checker itself: each invariant, broken by hand behind the commands' back, is told by its number."""
    ada = world.follow()
    world.time_passes(hours=25)

    breaks: dict[str, Callable[[Session], None]] = {
        "1": lambda s: _row(s, Referral, ada.id, owner_id=None),
        "2": lambda s: _row(s, Contact, ada.contact("closing-meeting").id, state="waived"),
        "3": lambda s: _row(s, Contact, ada.contact("first-contact").id, state="met", met_at=clock.now()),
        "5": lambda s: _row(s, Escalation, ada.calls(is_open=True)[0].id, rung=3),
        "8": lambda s: _row(s, Referral, ada.id, bridger_id=None),
        "11": lambda s: _row(s, Referral, ada.id, journal_head="cut"),
    }
    for number, change in breaks.items():
        with engine.database().lock, Session(engine.database().write) as session:
            change(session)
            session.flush()
            told = broken_invariants(session, ada.id, clock.now())
            session.rollback()
        assert number in {line.split(":")[0] for line in told}, f"invariant {number} was broken and nobody said so"


def _row(session: Session, table: type, row_id: str, **values: object) -> None:
    row = session.get(table, row_id)
    for name, value in values.items():
        setattr(row, name, value)
