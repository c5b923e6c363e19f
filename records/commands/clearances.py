"""When a clearance to enter a facility ends: whom the bridger was to meet inside goes on with somebody else."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, select

from domain.clock import local
from domain.vocabulary import OPEN_STATUSES, EndReason
from records import clock
from records.commands.assignments import end_assignment
from records.commands.work import open_for_timer
from records.tables import Assignment, Bridger, Facility, Referral


def keep_clearances(session: Session) -> int:
    """What the clock does: whoever's clearance has ended does not go on with people who are still inside.

    Returns how many people are sought another bridger for. Doing it twice changes nothing; somebody who was assigned
    by hand in spite of it stays.
    """
    rows = session.exec(
        select(Referral.id, Facility, Bridger)
        .join(Facility, col(Facility.id) == col(Referral.facility_id))
        .join(Bridger, col(Bridger.staff_id) == col(Referral.bridger_id))
        .where(
            Facility.needs_clearance,
            col(Referral.status).in_(OPEN_STATUSES),
            col(Referral.discharged_at).is_(None),
        )
    ).all()
    return sum(
        _release(session, referral_id)
        for referral_id, facility, bridger in rows
        if _has_ended(bridger, facility, local(clock.now(), facility.zone).date())
    )


def release_inside(session: Session, bridger_id: str, facility_ids: set[str]) -> int:
    """A clearance was taken away by hand: at once, the same as when it ends."""
    inside = select(Referral.id).where(
        Referral.bridger_id == bridger_id,
        col(Referral.facility_id).in_(facility_ids),
        col(Referral.status).in_(OPEN_STATUSES),
        col(Referral.discharged_at).is_(None),
    )
    return sum(_release(session, referral_id) for referral_id in session.exec(inside).all())


def _has_ended(bridger: Bridger, facility: Facility, today: date) -> bool:
    ends = [c.get("until", "") for c in bridger.clearances if c["facility_id"] == facility.id]
    return bool(ends) and all(until and date.fromisoformat(until) < today for until in ends)


def _release(session: Session, referral_id: str) -> bool:
    work = open_for_timer(session, referral_id)
    by_hand = select(Assignment.override_by).where(
        Assignment.referral_id == referral_id, col(Assignment.ended_at).is_(None)
    )
    if session.exec(by_hand).first() is not None:
        return False
    if end_assignment(work, EndReason.CLEARANCE_ENDED) is None:
        return False
    work.settle()
    return True
