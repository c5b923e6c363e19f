"""Open calls for other people, a person's together: whose answer is awaited first stands on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case
from sqlmodel import Session, col, func, select

from domain.vocabulary import Ask, EscalationState, Role, Subject
from records.access import Actor, visible
from records.queries.staff import names_of
from records.tables import Escalation, EscalationTold, Facility, Person, Referral

PAGE = 20
RAISED = EscalationState.RAISED


@dataclass(frozen=True, slots=True)
class Climb:
    """One ladder being climbed: its rungs so far, the first one first."""

    rungs: tuple[Escalation, ...]

    @property
    def top(self) -> Escalation:
        """The highest rung: the one that is awaited now."""
        return self.rungs[-1]

    def answerable_by(self, actor: Actor) -> Escalation | None:
        """The highest rung that this actor may answer; None when they were not told of any."""
        if actor.roles & {Role.SUPERVISOR, Role.MANAGER}:
            return self.top
        return next((r for r in reversed(self.rungs) if is_told(r, actor.id)), None)


@dataclass(frozen=True, slots=True)
class CallsAbout:
    """Every open call about one person."""

    referral: Referral
    person: Person
    facility: str
    climbs: tuple[Climb, ...]


@dataclass(frozen=True, slots=True)
class OpenCalls:
    """One page of them, how many people in all, and the names of everybody who took one."""

    people: list[CallsAbout]
    count: int
    names: dict[str, str]


def is_told(row: Escalation, staff_id: str) -> bool:
    """Whether somebody was told of this rung."""
    return any(one["staff_id"] == staff_id for one in row.told)


def list_open_calls(session: Session, actor: Actor, *, limit: int = PAGE, offset: int = 0) -> OpenCalls:
    """The people whom somebody was called about: a concern for their safety that nobody took yet, then what I am asked
    and have not taken, then what nobody took, then what I took; within each the gravest and the soonest."""
    condition = visible(actor) & col(Referral.escalated_since).is_not(None)
    count = session.exec(select(func.count()).select_from(Referral).where(condition)).one()
    is_open, is_mine = col(Escalation.state) == RAISED, col(EscalationTold.staff_id).is_not(None)
    is_unsafe = col(Escalation.subject) == Subject.SAFETY
    whose: Any = func.min(case((is_open & is_unsafe, 0), (is_open & is_mine, 1), (is_open, 2), (is_mine, 3), else_=4))
    grave: Any = func.min(
        case((is_unsafe, 0), (col(Escalation.ask) == Ask.WELFARE_CHECK, 1),
             (col(Escalation.high_risk), 2), else_=3)
    )  # fmt: skip
    soonest: Any = func.min(func.coalesce(Escalation.act_by, Escalation.answer_by))
    told_me = (col(EscalationTold.escalation_id) == col(Escalation.id)) & (col(EscalationTold.staff_id) == actor.id)
    ids = session.exec(
        select(Escalation.referral_id)
        .join(Referral, col(Referral.id) == col(Escalation.referral_id))
        .outerjoin(EscalationTold, told_me)
        .where(condition, col(Escalation.state) != EscalationState.RESOLVED)
        .group_by(col(Escalation.referral_id))
        .order_by(whose, grave, soonest, col(Escalation.referral_id))
        .limit(limit)
        .offset(offset)
    ).all()
    people = _about(session, list(ids))
    takers = {r.acknowledged_by for one in people for climb in one.climbs for r in climb.rungs}
    owners = {one.referral.owner_id for one in people}
    return OpenCalls(people, count, names_of(session, takers | owners))


def _about(session: Session, referral_ids: list[str]) -> list[CallsAbout]:
    if not referral_ids:
        return []
    rows = session.exec(
        select(Referral, Person, Facility.name)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .join(Facility, col(Facility.id) == col(Referral.facility_id))
        .where(col(Referral.id).in_(referral_ids))
    ).all()
    calls = session.exec(
        select(Escalation).where(
            col(Escalation.referral_id).in_(referral_ids), col(Escalation.state) != EscalationState.RESOLVED
        )
    ).all()
    found = [
        CallsAbout(referral, person, facility, climbs_of([c for c in calls if c.referral_id == referral.id]))
        for referral, person, facility in rows
    ]
    return sorted(found, key=lambda one: referral_ids.index(one.referral.id))


def climbs_of(calls: list[Escalation]) -> tuple[Climb, ...]:
    """The rungs gathered by ladder: the gravest and soonest first."""
    chains: dict[tuple[str, str, int], list[Escalation]] = {}
    for call in sorted(calls, key=lambda e: e.rung):
        chains.setdefault((call.subject.value, call.subject_id, call.occurrence), []).append(call)
    climbs = [Climb(tuple(rungs)) for rungs in chains.values()]
    return tuple(sorted(climbs, key=lambda c: (c.top.state is not RAISED, gravity(c.top), c.top.answer_by, c.top.id)))


def gravity(row: Escalation) -> int:
    """How grave a call is, 0 the gravest: safety, a welfare check, high risk, the rest."""
    if row.subject is Subject.SAFETY:
        return 0
    if row.ask is Ask.WELFARE_CHECK:
        return 1
    return 2 if row.high_risk else 3
