"""Who is who among staff, and who is to be told."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from domain.vocabulary import Role
from records import clock
from records.queries.case import CaseRows
from records.queries.consents import covers_telling
from records.tables import Staff, SystemToken

SYSTEM_ID = "sys_"
"""How the ids of systems' tokens begin."""


def find_active(session: Session, staff_id: str | None) -> Staff | None:
    """A member of staff who can act now, or None."""
    staff = session.get(Staff, staff_id) if staff_id else None
    return staff if staff is not None and staff.is_active else None


def supervisor_of(session: Session, rows: CaseRows) -> Staff | None:
    """The supervisor of the assigned bridger, or else the program's."""
    bridger = find_active(session, rows.referral.bridger_id)
    return find_active(session, bridger.supervisor_id if bridger else None) or find_active(
        session, rows.program.supervisor_id
    )


def list_with_role(session: Session, program_id: str, role: Role) -> list[Staff]:
    """Everybody of a program who has this role and can act now."""
    rows = session.exec(select(Staff).where(Staff.program_id == program_id, col(Staff.is_active)).order_by(Staff.id))
    return [staff for staff in rows if staff.has(role)]


def told_for(session: Session, rows: CaseRows, roles: Iterable[str]) -> list[tuple[str, Staff]]:
    """The people behind the roles of a rung, by name; never empty while the program has anybody active.

    The referrer is told only as far as consent covers it (design §3); whoever is not there is replaced by the next in
    charge.
    """
    found: list[tuple[str, Staff]] = []
    for role in roles:
        staff: Staff | None = None
        if role == "bridger":
            staff = find_active(session, rows.referral.bridger_id)
        elif role == "peer_supervisor":
            staff = supervisor_of(session, rows)
        elif role == "on_call_clinician":
            staff = find_active(session, rows.program.clinician_id)
        elif role == "program_manager":
            staff = find_active(session, rows.program.manager_id)
        elif role == "referrer":
            if covers_telling(session, rows.referral, clock.now()):
                staff = find_active(session, rows.referral.planner_id)
        if staff is not None and all(staff.id != s.id for _, s in found):
            found.append((role, staff))
    if not any(role != "referrer" for role, _ in found):
        fallback = _in_charge(session, rows)
        if fallback is not None and all(fallback.id != s.id for _, s in found):
            found.insert(0, ("in_charge", fallback))
    return found


def _in_charge(session: Session, rows: CaseRows) -> Staff | None:
    program = rows.program
    for staff_id in (program.supervisor_id, program.manager_id, program.clinician_id):
        staff = find_active(session, staff_id)
        if staff is not None:
            return staff
    everybody = session.exec(
        select(Staff).where(Staff.program_id == program.id, col(Staff.is_active)).order_by(col(Staff.id))
    )
    return next((s for s in everybody if {"supervisor", "manager", "clinician"} & set(s.roles)), None)


def names_of(session: Session, staff_ids: Iterable[str | None]) -> dict[str, str]:
    """The names of these members of staff by id, in one query; with those of other organizations' systems, in two."""
    wanted = {staff_id for staff_id in staff_ids if staff_id}
    systems = {one for one in wanted if one.startswith(SYSTEM_ID)}
    found: dict[str, str] = {}
    if wanted - systems:
        rows = session.exec(select(Staff.id, Staff.name).where(col(Staff.id).in_(wanted - systems)))
        found = dict(rows.all())
    if systems:
        tokens = session.exec(select(SystemToken).where(col(SystemToken.id).in_(systems)))
        found |= {row.id: row.shown_name for row in tokens}
    return found


def list_demonstration_staff(session: Session) -> list[Staff]:
    """The invented people of a demonstration who may sign in, planners first."""
    rows = session.exec(select(Staff).where(col(Staff.is_demonstration), col(Staff.is_active)))
    faces = list(Role)
    return sorted(rows, key=lambda staff: (min(faces.index(Role(role)) for role in staff.roles), staff.email))
