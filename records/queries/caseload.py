"""Who carries how much: people, what is due and late, absences; and what an absence or a handover would move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from domain.errors import NotFound
from domain.matching import find_barriers
from domain.vocabulary import OPEN_STATUSES, ContactState, OfferState, Role
from records.access import Actor
from records.queries.case import CaseRows
from records.queries.matching import candidates_for, limits_of, need_of
from records.queries.protocols import calendar_of, overlays, protocol_of
from records.tables import Absence, Bridger, Contact, Offer, Person, Program, Referral, Staff

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Load:
    """One bridger and what they carry. `away`: the absence in force or the next one."""

    staff: Staff
    bridger: Bridger
    people: int
    limit: int
    offers: int
    due: int
    overdue: int
    away: Absence | None
    cover: str


def list_loads(session: Session, actor: Actor, now: datetime) -> list[Load]:
    """The bridgers this actor supervises (a manager: all of the program), by name, in a bounded number of queries."""
    rows = session.exec(
        select(Staff, Bridger)
        .join(Bridger, col(Bridger.staff_id) == col(Staff.id))
        .where(*_team(actor), col(Staff.is_active))
        .order_by(col(Staff.name), col(Staff.id))
    ).all()
    program = session.get_one(Program, actor.program_id)
    people = _count(session, actor, select(Referral.bridger_id, func.count()), Referral.bridger_id)
    overdue = _count(
        session, actor, select(Referral.bridger_id, func.count()), Referral.bridger_id,
        col(Referral.overdue_since).is_not(None),
    )  # fmt: skip
    due = _count(
        session, actor,
        select(Referral.bridger_id, func.count()).join(Contact, col(Contact.referral_id) == col(Referral.id)),
        Referral.bridger_id, col(Contact.state) == ContactState.PLANNED, col(Contact.due_at) <= now + WEEK,
    )  # fmt: skip
    offers = Counter(
        dict(
            session.exec(
                select(Offer.bridger_id, func.count())
                .where(Offer.program_id == actor.program_id, Offer.state == OfferState.OPEN)
                .group_by(Offer.bridger_id)
            ).all()
        )
    )
    away = _absences(session, actor, now)
    names = dict(session.exec(select(Staff.id, Staff.name).where(Staff.program_id == actor.program_id)).all())
    limit = limits_of(program).caseload
    return [
        Load(
            staff, bridger, people[staff.id], limit if bridger.caseload_limit is None else
            min(bridger.caseload_limit, limit), offers[staff.id], due[staff.id], overdue[staff.id],
            away.get(staff.id), names.get(_cover_of(away.get(staff.id)), ""),
        )
        for staff, bridger in rows
    ]  # fmt: skip


def _cover_of(absence: Absence | None) -> str:
    return absence.cover_id or "" if absence is not None else ""


def _team(actor: Actor) -> list[Any]:
    mine = [Staff.program_id == actor.program_id]
    if Role.MANAGER not in actor.roles:
        mine.append(Staff.supervisor_id == actor.id)
    return mine


def _count(session: Session, actor: Actor, query: Any, column: Any, *more: Any) -> Counter[str]:
    found = session.exec(
        query.where(
            Referral.program_id == actor.program_id,
            col(Referral.bridger_id).is_not(None),
            col(Referral.status).in_(OPEN_STATUSES),
            *more,
        ).group_by(column)
    )
    return Counter(dict(found.all()))


def _absences(session: Session, actor: Actor, now: datetime) -> dict[str, Absence]:
    """The absence of each bridger that is in force or comes first."""
    rows = session.exec(
        select(Absence)
        .where(
            Absence.program_id == actor.program_id,
            col(Absence.ended_at).is_(None),
            or_(col(Absence.until_at).is_(None), col(Absence.until_at) > now),
        )
        .order_by(col(Absence.from_at), col(Absence.id))
    )
    found: dict[str, Absence] = {}
    for row in rows:
        found.setdefault(row.bridger_id, row)
    return found


def get_bridger(session: Session, actor: Actor, bridger_id: str) -> tuple[Staff, Bridger]:
    """A bridger whom this actor supervises. Raises NotFound for everybody else."""
    found = session.exec(
        select(Staff, Bridger)
        .join(Bridger, col(Bridger.staff_id) == col(Staff.id))
        .where(Staff.id == bridger_id, *_team(actor))
    ).first()
    if found is None:
        raise NotFound("That bridger")
    return found[0], found[1]


def list_colleagues(session: Session, actor: Actor, bridger_id: str) -> list[Staff]:
    """The other active bridgers of the program, by name: who may cover or take over."""
    rows = session.exec(
        select(Staff)
        .join(Bridger, col(Bridger.staff_id) == col(Staff.id))
        .where(Staff.program_id == actor.program_id, col(Staff.is_active), Staff.id != bridger_id)
        .order_by(col(Staff.name), col(Staff.id))
    )
    return list(rows)


@dataclass(frozen=True, slots=True)
class Walks:
    """One person whom a bridger walks with, and what is due first."""

    referral: Referral
    person: Person
    contact: Contact | None


def list_walks(session: Session, actor: Actor, bridger_id: str) -> list[Walks]:
    """The people of a bridger's open referrals, whoever needs something first on top."""
    rows = session.exec(
        select(Referral, Person)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(
            Referral.program_id == actor.program_id,
            Referral.bridger_id == bridger_id,
            col(Referral.status).in_(OPEN_STATUSES),
        )
        .order_by(col(Referral.next_at), col(Referral.id))
    ).all()
    contacts = session.exec(
        select(Contact)
        .where(col(Contact.referral_id).in_([r.id for r, _ in rows]), col(Contact.state) == ContactState.PLANNED)
        .order_by(col(Contact.due_at), col(Contact.id))
    )
    first: dict[str, Contact] = {}
    for contact in contacts:
        first.setdefault(contact.referral_id, contact)
    return [Walks(r, p, first.get(r.id)) for r, p in rows]


def stays_because(session: Session, actor: Actor, walks: Iterable[Walks], to_id: str, now: datetime) -> dict[str, str]:
    """Which of these people could not be handed to a bridger, and why, by referral id.

    Only what cannot be set aside counts; a private reason is not told (acceptance scenario 8).
    """
    program, found = session.get_one(Program, actor.program_id), {}
    limits, candidate = limits_of(program), None
    for one in walks:
        rows = CaseRows(
            session, one.referral, one.person, program, protocol_of(session, one.referral.protocol_id),
            calendar_of(program), [], [], overlays(),
        )  # fmt: skip
        if candidate is None:
            candidate = next((c for c in candidates_for(session, rows) if c.id == to_id), None)
            if candidate is None:
                raise NotFound("That bridger")
        barriers = [b for b in find_barriers(need_of(rows), candidate, now, limits) if not b.rule.may_be_overridden]
        if barriers:
            found[one.referral.id] = "" if barriers[0].rule.is_private else barriers[0].sentence
    return found
