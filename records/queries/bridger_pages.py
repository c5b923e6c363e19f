"""What a bridger's own pages ask for beside the worklist: calls told to them, offers, their people, absences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from domain.vocabulary import OPEN_STATUSES, ContactState, EscalationState, OfferState
from records.access import Actor, visible
from records.tables import (
    Absence,
    Assignment,
    Bridger,
    Contact,
    Escalation,
    EscalationTold,
    Hold,
    Offer,
    Person,
    Referral,
    Staff,
)

MOST_PEOPLE = 200
LATELY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class CallToMe:
    """An open escalation that this member of staff was told of."""

    escalation: Escalation
    referral: Referral
    person: Person


def list_calls_to(session: Session, actor: Actor) -> list[CallToMe]:
    """The open escalations told to this actor about people they may see, the one to be answered first on top."""
    rows = session.exec(
        select(Escalation, Referral, Person)
        .join(EscalationTold, col(EscalationTold.escalation_id) == col(Escalation.id))
        .join(Referral, col(Referral.id) == col(Escalation.referral_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(EscalationTold.staff_id == actor.id, col(Escalation.state) != EscalationState.RESOLVED, visible(actor))
        .order_by(col(Escalation.answer_by), col(Escalation.id))
    ).all()
    return [CallToMe(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ToldAbout:
    """Who was told first that a contact was missed, when, and who took it."""

    told: str
    at: datetime
    taker: str


def list_told_about(session: Session, contacts: list[Contact]) -> dict[str, ToldAbout]:
    """The open calls about these contacts, by contact: the newest rung of each."""
    if not contacts:
        return {}
    taker = aliased(Staff)
    rows = session.exec(
        select(Escalation, taker.name)
        .outerjoin(taker, col(taker.id) == col(Escalation.acknowledged_by))
        .where(
            col(Escalation.referral_id).in_({c.referral_id for c in contacts}),
            col(Escalation.subject_id).in_([c.id for c in contacts]),
            col(Escalation.state) != EscalationState.RESOLVED,
        )
        .order_by(col(Escalation.raised_at), col(Escalation.rung))
    ).all()
    return {
        row.subject_id: ToldAbout(" and ".join(p["name"] for p in row.told), row.raised_at, name or "")
        for row, name in rows
    }


@dataclass(frozen=True, slots=True)
class OfferToMe:
    """An offer with what is needed to decide, and no more of the person than that."""

    offer: Offer
    referral: Referral
    person: Person
    first_due_at: datetime | None


def list_offers_to(session: Session, actor: Actor, now: datetime) -> tuple[list[OfferToMe], list[OfferToMe]]:
    """The offers that await this bridger's answer, the most urgent first; and those that ended without it lately."""
    first_due = (
        select(func.min(Contact.due_at))
        .where(Contact.referral_id == Referral.id, Contact.state == ContactState.PLANNED)
        .correlate(Referral)
        .scalar_subquery()
    )
    rows = session.exec(
        select(Offer, Referral, Person, first_due)
        .join(Referral, col(Referral.id) == col(Offer.referral_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(
            Offer.bridger_id == actor.id,
            Offer.program_id == actor.program_id,
            or_(
                col(Offer.state) == OfferState.OPEN,
                col(Offer.state).in_((OfferState.EXPIRED, OfferState.WITHDRAWN))
                & (col(Offer.closed_at) >= now - LATELY),
            ),
        )
        .order_by(col(Offer.answer_by), col(Offer.id))
    ).all()
    found = [OfferToMe(*row) for row in rows]
    waiting = [o for o in found if o.offer.state is OfferState.OPEN and o.offer.answer_by > now]
    return waiting, [o for o in found if o not in waiting]


def caseload_of(session: Session, actor: Actor, limit: int) -> tuple[int, int]:
    """How many people this bridger walks with, and how many at most; `limit` is the program's."""
    count = session.exec(
        select(func.count()).where(col(Assignment.bridger_id) == actor.id, col(Assignment.ended_at).is_(None))
    ).one()
    own = session.exec(select(Bridger.caseload_limit).where(Bridger.staff_id == actor.id)).first()
    return count, min(limit, own or limit)


@dataclass(frozen=True, slots=True)
class MyPerson:
    """One line of “My people”: the person, and the contact that comes first."""

    referral: Referral
    person: Person
    contact: Contact | None
    hold: Hold | None


def list_people(session: Session, actor: Actor, now: datetime, search: str = "") -> list[MyPerson]:
    """The people of open referrals that this actor works with, whoever needs something first on top.

    `search` finds by any part of a name, or by the referral's number. At most `MOST_PEOPLE`.
    """
    query = (
        select(Referral, Person)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(visible(actor), col(Referral.status).in_(OPEN_STATUSES))
        .order_by(col(Referral.next_at).is_(None), col(Referral.next_at), col(Referral.id))
    )
    if search:
        query = query.where(col(Referral.id).in_(_found(session, query, search)))
    rows = session.exec(query.limit(MOST_PEOPLE)).all()
    ids = [referral.id for referral, _ in rows]
    contacts = _first_contacts(session, ids)
    holds = {
        h.referral_id: h
        for h in session.exec(select(Hold).where(col(Hold.referral_id).in_(ids), col(Hold.ended_at).is_(None)))
    }
    found = [MyPerson(r, p, contacts.get(r.id), holds.get(r.id)) for r, p in rows]
    far = now + timedelta(days=10_000)
    return sorted(found, key=lambda m: m.contact.due_at if m.contact else far)


def _found(session: Session, query: Any, search: str) -> list[str]:
    """Which of these referrals the search means. Names are sealed: those of open referrals are few enough to open."""
    asked = search.casefold().split()[:5]
    names = query.with_only_columns(
        Referral.id, Referral.number, Person.given_name, Person.family_name, Person.preferred_name
    )
    found = (
        referral_id
        for referral_id, *held in session.execute(names)
        if all(any(word in one.casefold() for one in held) for word in asked)
    )
    return list(islice(found, MOST_PEOPLE))


def _first_contacts(session: Session, referral_ids: list[str]) -> dict[str, Contact]:
    """The contact that comes first for each: one that is overdue and still calls somebody, or the next awaited."""
    called = select(Escalation.subject_id).where(
        col(Escalation.referral_id).in_(referral_ids), col(Escalation.state) != EscalationState.RESOLVED
    )
    rows = session.exec(
        select(Contact)
        .where(
            col(Contact.referral_id).in_(referral_ids),
            or_(
                col(Contact.state) == ContactState.PLANNED,
                (col(Contact.state) == ContactState.MISSED) & col(Contact.id).in_(called),
            ),
        )
        .order_by(col(Contact.due_at), col(Contact.id))
    ).all()
    found: dict[str, Contact] = {}
    for contact in rows:
        found.setdefault(contact.referral_id, contact)
    return found


def list_absences(session: Session, actor: Actor, now: datetime) -> list[Absence]:
    """This bridger's absences that are not over, soonest first."""
    return list(
        session.exec(
            select(Absence)
            .where(
                Absence.bridger_id == actor.id,
                col(Absence.ended_at).is_(None),
                or_(col(Absence.until_at).is_(None), col(Absence.until_at) > now),
            )
            .order_by(col(Absence.from_at), col(Absence.id))
        )
    )


@dataclass(frozen=True, slots=True)
class DueMeanwhile:
    """What falls due for somebody while their bridger is away."""

    referral: Referral
    person: Person
    contact: Contact


def list_due_between(session: Session, actor: Actor, start: datetime, end: datetime | None) -> list[DueMeanwhile]:
    """The contacts of this bridger's people that fall due in a time, soonest first."""
    query = (
        select(Referral, Person, Contact)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .join(Contact, col(Contact.referral_id) == col(Referral.id))
        .where(
            Referral.bridger_id == actor.id,
            Referral.program_id == actor.program_id,
            col(Contact.state) == ContactState.PLANNED,
            col(Contact.due_at) > start,
        )
        .order_by(col(Contact.due_at), col(Contact.id))
    )
    if end is not None:
        query = query.where(col(Contact.due_at) <= end)
    return [DueMeanwhile(*row) for row in session.exec(query.limit(MOST_PEOPLE)).all()]
