"""Many people whose next contact is due at one moment; afterwards, whether each was escalated once, and how late."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from cli.drill.program import make_program
from domain.vocabulary import (
    ConsentStatus,
    ContactState,
    DateCertainty,
    Disposition,
    Mode,
    Outcome,
    RiskFlag,
    Setting,
)
from records import clock, engine
from records.access import Actor, actor_of
from records.commands.assignments import assign
from records.commands.contacts import log_attempt
from records.commands.discharges import record_discharge
from records.commands.people import PersonDetails
from records.commands.referrals import ReferralDetails, file_referral
from records.tables import Contact, Escalation, JournalEntry

CONTACT = "safety-net"
BRIDGERS = 8
_TOGETHER = 25
_SOONEST = 6.0
_AS_LONG_AGAIN = 8  # to record that they left, and to start their workflows


@dataclass(frozen=True, slots=True)
class Kind:
    """Whose safety-net contact is due so long after leaving, by the standard psychiatric protocol."""

    name: str
    due_after: timedelta
    risks: tuple[RiskFlag, ...] = ()


STANDARD = Kind("without high risk", timedelta(hours=72))
HIGH_RISK = Kind("high risk", timedelta(hours=48), (RiskFlag.SUICIDE_RISK,))


@dataclass(frozen=True, slots=True)
class Late:
    """One escalation, and how many seconds after its contact was due it was recorded."""

    referral_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Team:
    """Who acts while the people are brought as far as their deadline."""

    planner: Actor
    supervisor: Actor
    bridgers: list[Actor]


def bring_there(count: int, kinds: Sequence[Kind] = (STANDARD,), *, bridgers: int = BRIDGERS) -> datetime:
    """So many people who left so long before one moment, were met on the day, and wait for the next contact.

    The kinds come in turn. Returns that moment: as soon as the workflows can be asleep, judged by how long the first
    half took.
    """
    began, here = time.monotonic(), clock.now()
    clock.set_to(here - max(kind.due_after for kind in kinds) - timedelta(hours=2))
    team = _team(count, bridgers)
    referral_ids: list[str] = []
    for some in _batched(range(count)):
        with engine.transaction() as session:
            referral_ids += [_refer(session, team, number, here, kinds[number % len(kinds)]) for number in some]
    clock.run_real()
    took = time.monotonic() - began
    due_at = clock.now().replace(microsecond=0) + timedelta(seconds=_SOONEST + _AS_LONG_AGAIN * took)
    for some in _batched(range(count)):
        with engine.transaction() as session:
            for number in some:
                left_at = due_at - kinds[number % len(kinds)].due_after
                _leave(session, team, number, referral_ids[number], left_at)
    clock.run_real()
    return due_at


def _batched(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _TOGETHER):
        yield numbers[start : start + _TOGETHER]


def _team(people: int, bridgers: int) -> Team:
    with engine.transaction() as session:
        made = make_program(session, bridgers=bridgers, accepts_at_once=True)
        made.program.caseload_limit = people  # a few bridgers: the ranking is not what is measured
        return Team(actor_of(made.planner), actor_of(made.boss), [actor_of(staff) for staff in made.team])


def _refer(session: Session, team: Team, number: int, here: datetime, kind: Kind) -> str:
    referral = file_referral(
        session,
        team.planner,
        PersonDetails(given_name="Invented", family_name=f"Bench {number}"),
        ReferralDetails(
            setting=Setting.PSYCHIATRIC_INPATIENT,
            expected_on=(here - kind.due_after).date(),
            certainty=DateCertainty.CONFIRMED,
            consent=ConsentStatus.GIVEN,
            risks=list(kind.risks),
        ),
    )
    assign(session, team.supervisor, referral.id, team.bridgers[number % len(team.bridgers)].id)
    return referral.id


def _leave(session: Session, team: Team, number: int, referral_id: str, left_at: datetime) -> None:
    clock.set_to(left_at)
    record_discharge(session, team.planner, referral_id, left_at, Disposition.HOME)
    clock.set_to(left_at + timedelta(hours=1))
    bridger = team.bridgers[number % len(team.bridgers)]
    log_attempt(session, bridger, referral_id, Mode.VISIT, Outcome.REACHED, minutes=20)


def count_escalated() -> int:
    """How many of the contacts somebody was called about. At high risk three rungs are called at once; one counts."""
    with engine.read_session() as session:
        called = select(func.count()).select_from(Escalation).join(Contact, col(Contact.id) == Escalation.subject_id)
        return session.exec(called.where(Contact.key == CONTACT, Escalation.rung == 0)).one()


def lateness(count: int, due_at: datetime) -> list[Late]:
    """Of every contact. Raises RuntimeError unless each was missed once and escalated once, on its own referral."""
    with engine.read_session() as session:
        missed = session.exec(
            select(Contact.referral_id, Contact.id).where(Contact.key == CONTACT, Contact.state == ContactState.MISSED)
        ).all()
        contacts = {contact for _, contact in missed}
        calls = select(Escalation.referral_id, Escalation.subject_id, Escalation.due_at, Escalation.id)
        raised = [row for row in session.exec(calls.where(Escalation.rung == 0)) if row[1] in contacts]
        events = session.exec(
            select(JournalEntry.event, JournalEntry.stream, JournalEntry.recorded_at, JournalEntry.subject_id).where(
                col(JournalEntry.event).in_(("contact.missed", "escalation.raised"))
            )
        ).all()
    calls_raised = {row[3] for row in raised}
    missed_on = [stream for event, stream, _, about in events if event == "contact.missed" and about in contacts]
    recorded = [(stream, at) for event, stream, at, about in events if about in calls_raised]
    once("contact missed", count, [contact for _, contact in missed])
    once("contact escalated", count, [row[1] for row in raised])
    once("miss in the journal", count, missed_on)
    once("escalation in the journal", count, [stream for stream, _ in recorded])
    if {(row[0], row[1]) for row in raised} != set(missed):
        raise RuntimeError("what was escalated is not what was missed")
    if {row[2] for row in raised} != {due_at}:
        raise RuntimeError("an escalation does not say when its contact was really due")
    return [Late(stream, (at - due_at).total_seconds()) for stream, at in recorded]


def once(what: str, count: int, ids: Sequence[str]) -> None:
    """Raise RuntimeError unless there are `count` of them, all different."""
    if len(ids) != count or len(set(ids)) != count:
        raise RuntimeError(f"{count} times one {what} was expected: there are {len(ids)}, of {len(set(ids))} referrals")
