"""Everybody who signs in, and what leaving would move: for those who manage staff, without a case record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from domain.errors import NotFound
from domain.vocabulary import OPEN_STATUSES, Role
from records.access import Actor
from records.tables import Bridger, Facility, Program, Referral, Staff


@dataclass(frozen=True, slots=True)
class Member:
    """One member of staff, with the names of their facility and supervisor, and how many people they walk with."""

    staff: Staff
    facility: str
    supervisor: str
    people: int


def list_members(session: Session, actor: Actor, *, with_former: bool) -> list[Member]:
    """The staff of the actor's program, by name."""
    rows = session.exec(
        select(Staff, Facility.name)
        .outerjoin(Facility, col(Facility.id) == col(Staff.facility_id))
        .where(Staff.program_id == actor.program_id)
        .order_by(col(Staff.name), col(Staff.id))
    ).all()
    names = {staff.id: staff.name for staff, _ in rows}
    people = Counter(
        dict(
            session.exec(
                select(Referral.bridger_id, func.count())
                .where(
                    Referral.program_id == actor.program_id,
                    col(Referral.bridger_id).is_not(None),
                    col(Referral.status).in_(OPEN_STATUSES),
                )
                .group_by(col(Referral.bridger_id))
            ).all()
        )
    )
    return [
        Member(staff, facility or "", names.get(staff.supervisor_id or "", ""), people[staff.id])
        for staff, facility in rows
        if with_former or staff.is_active
    ]


def get_member(session: Session, actor: Actor, staff_id: str) -> tuple[Staff, Bridger | None]:
    """A member of staff of the actor's program, and their profile when they are a bridger. Raises NotFound."""
    staff = session.get(Staff, staff_id)
    if staff is None or staff.program_id != actor.program_id:
        raise NotFound("That member of staff")
    return staff, session.get(Bridger, staff_id) if staff.has(Role.BRIDGER) else None


def count_people_of(session: Session, staff_id: str) -> int:
    """How many people a bridger walks with now."""
    return session.exec(select(func.count()).where(Referral.bridger_id == staff_id)).one()


def list_facilities(session: Session, actor: Actor) -> list[Facility]:
    """The facilities of the actor's program, by name."""
    rows = session.exec(select(Facility).where(Facility.program_id == actor.program_id).order_by(col(Facility.name)))
    return list(rows)


def duties_of(program: Program, staff_id: str) -> list[str]:
    """For what a program asks somebody when nobody else is known."""
    duties = {
        "Supervisor on duty": program.supervisor_id,
        "On-call clinician": program.clinician_id,
        "Program manager": program.manager_id,
    }
    return [duty for duty, who in duties.items() if who == staff_id]
