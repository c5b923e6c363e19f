"""A bridger's work: overdue first, then due, then coming; each with the reason and the time left."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, exists, or_, select

from domain.agenda import SEARCH_WORDS, due_words
from domain.clock import end_of, latest_call, local_date
from domain.plan import is_try, missing_of
from domain.protocol import ContactRule, rule_of
from domain.vocabulary import (
    OPEN_STATUSES,
    ContactState,
    Counts,
    EscalationState,
    Outcome,
    RiskFlag,
    SafetyFlag,
    Subject,
)
from records.access import Actor
from records.queries.protocols import overlays, protocol_of
from records.tables import Attempt, Contact, Escalation, Person, Referral

COMING = timedelta(days=7)
A_DAY = timedelta(hours=25)  # the longest local date
OVERDUE, DUE, COMES = "overdue", "due", "coming"


@dataclass(frozen=True, slots=True)
class Task:
    """One contact to make, as a card shows it."""

    contact: Contact
    referral: Referral
    person: Person
    band: str
    due_at: datetime  # the real due time, never moved
    work_by: datetime  # when to have it done: earlier at night, a few hours after a late notice
    attempts: tuple[Attempt, ...]
    still_to_try: tuple[str, ...]
    needed: int  # how many attempts the protocol asks for before others go on
    why: str  # the rule in words: “Within 24 hours of leaving”
    is_task: bool
    modes: tuple[str, ...]
    is_high_risk: bool
    safety: tuple[str, ...] = ()

    @property
    def last_attempt(self) -> Attempt | None:
        """The latest try."""
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True, slots=True)
class CallBack:
    """The person asked to be called later."""

    at: datetime
    referral: Referral
    person: Person


@dataclass(frozen=True, slots=True)
class Worklist:
    """Everything a bridger has to do, in three bands."""

    overdue: list[Task] = field(default_factory=list)
    due: list[Task] = field(default_factory=list)
    coming: list[Task] = field(default_factory=list)
    call_backs: list[CallBack] = field(default_factory=list)

    @property
    def badge(self) -> int:
        """Overdue and due today: the count on the badge, nothing else."""
        return len(self.overdue) + len(self.due)


def worklist_of(session: Session, actor: Actor, now: datetime, *, bridger_id: str | None = None) -> Worklist:
    """What a bridger (the actor, or one whom the actor supervises) has to do; a deadline never hides anything.

    Overdue: its time passed and it was not met, until it is met, waived or settled. Due: today, where the person is.
    """
    who = bridger_id or actor.id
    rows = session.exec(
        select(Contact, Referral, Person)
        .join(Referral, col(Referral.id) == col(Contact.referral_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(*_of(actor.program_id, who, now + COMING))
        .order_by(col(Contact.due_at), col(Contact.id))
    ).all()
    attempts = _attempts(session, {referral.id for _, referral, _ in rows})
    found = Worklist()
    for contact, referral, person in rows:
        task = _task(session, contact, referral, person, attempts[referral.id], now)
        {OVERDUE: found.overdue, DUE: found.due, COMES: found.coming}[task.band].append(task)
    found.call_backs.extend(_call_backs(session, actor, who, now))
    return found


def _of(program_id: str, bridger_id: str, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """The contacts of a bridger's people that are awaited until then, or were missed and still call somebody."""
    called = exists().where(
        col(Escalation.referral_id) == col(Contact.referral_id),
        col(Escalation.subject_id) == col(Contact.id),
        col(Escalation.subject) == Subject.CONTACT,
        col(Escalation.state) != EscalationState.RESOLVED,
    )
    return (
        col(Referral.program_id) == program_id,
        col(Referral.bridger_id) == bridger_id,
        col(Referral.status).in_(OPEN_STATUSES),
        or_(
            and_(col(Contact.state) == ContactState.PLANNED, col(Contact.due_at) <= until),
            and_(col(Contact.state) == ContactState.MISSED, called),
        ),
    )


def tasks_of(session: Session, referral: Referral, person: Person, now: datetime) -> list[Task]:
    """The awaited and overdue contacts of one person, soonest first."""
    rows = session.exec(
        select(Contact)
        .where(
            Contact.referral_id == referral.id,
            col(Contact.state).in_((ContactState.PLANNED, ContactState.MISSED)),
        )
        .order_by(col(Contact.due_at), col(Contact.id))
    ).all()
    attempts = _attempts(session, {referral.id})[referral.id]
    return [_task(session, contact, referral, person, attempts, now) for contact in rows]


def _task(
    session: Session, contact: Contact, referral: Referral, person: Person, tries: list[Attempt], now: datetime
) -> Task:
    rule = rule_for(session, referral, contact.key)
    is_high_risk = any(RiskFlag(risk).is_high for risk in referral.risks)
    mine = [a for a in tries if is_try(a, contact.opens_at)]
    by_night = contact.due_at - contact.opens_at > timedelta(hours=12)
    return Task(
        contact=contact,
        referral=referral,
        person=person,
        band=_band(contact.state, contact.opens_at, contact.due_at, person.zone, now),
        due_at=contact.due_at,
        work_by=contact.work_by or (latest_call(contact.due_at, person.zone) if by_night else contact.due_at),
        attempts=tuple(mine),
        still_to_try=tuple(missing_of(rule, mine, person.has_phone, person.zone)) if rule is not None else (),
        needed=rule.needs.attempts if rule is not None else 1,
        why=due_words(rule, is_high_risk=is_high_risk) if rule is not None else SEARCH_WORDS,
        is_task=rule is not None and rule.counts is Counts.TASK,
        modes=tuple(mode.value for mode in rule.modes) if rule is not None else (),
        is_high_risk=is_high_risk,
        safety=tuple(SafetyFlag(flag).label for flag in person.safety_flags),
    )


def _band(state: str, opens_at: datetime, due_at: datetime, zone: str, now: datetime) -> str:
    if due_at <= now or state == ContactState.MISSED:
        return OVERDUE
    if due_at <= end_of(local_date(now, zone), zone) and opens_at <= now:
        return DUE
    return COMES


def count_to_do(session: Session, actor: Actor, now: datetime) -> int:
    """What is overdue or due today for this bridger: the figure on the badge, in one query without the rest."""
    rows = session.exec(
        select(Contact.state, Contact.opens_at, Contact.due_at, Person.zone)
        .join(Referral, col(Referral.id) == col(Contact.referral_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(*_of(actor.program_id, actor.id, now + A_DAY))
    ).all()
    return sum(_band(*row, now) != COMES for row in rows)


def rule_for(session: Session, referral: Referral, key: str) -> ContactRule | None:
    """The rule behind a contact."""
    return rule_of((protocol_of(session, referral.protocol_id), *overlays()), key)


def _attempts(session: Session, referral_ids: set[str]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = defaultdict(list)
    if referral_ids:
        rows = session.exec(
            select(Attempt)
            .where(col(Attempt.referral_id).in_(referral_ids), col(Attempt.is_retracted).is_(False))
            .order_by(col(Attempt.at))
        )
        for row in rows:
            found[row.referral_id].append(row)
    return found


def _call_backs(session: Session, actor: Actor, bridger_id: str, now: datetime) -> list[CallBack]:
    """Who asked to be called later and was not tried since, at that time or with success before it."""
    later: Any = aliased(Attempt)
    was_tried = exists().where(
        later.referral_id == col(Attempt.referral_id),
        later.recorded_at > col(Attempt.recorded_at),
        later.is_retracted.is_(False),
        or_(later.at >= col(Attempt.call_back_at), later.outcome.in_([o for o in Outcome if o.is_two_way])),
    )
    rows = session.exec(
        select(Attempt, Referral, Person)
        .join(Referral, col(Referral.id) == col(Attempt.referral_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(
            Referral.program_id == actor.program_id,
            Referral.bridger_id == bridger_id,
            col(Referral.status).in_(OPEN_STATUSES),
            Attempt.outcome == Outcome.CALL_LATER,
            col(Attempt.call_back_at) >= now - timedelta(days=2),
            col(Attempt.is_retracted).is_(False),
            ~was_tried,
        )
        .order_by(col(Attempt.call_back_at))
    ).all()
    return [CallBack(a.call_back_at, referral, person) for a, referral, person in rows if a.call_back_at is not None]
