"""What may still be read by somebody who does not work with the person any more, or not yet: the grace, and the glass.

A handover, the end of a clearance and a closing end access at once for writing, and after the program's grace for
reading; at once for both when the person asked for somebody else, or a conflict was declared. A clinician or manager
may break the glass: the record opens for some hours, with a reason that the privacy officer sees. Reading gates ask
here when `visible` said no; commands ask only to refuse in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, or_, select

from domain.errors import NotAllowed
from domain.vocabulary import EndReason, Role
from records import clock
from records.tables import Assignment, BrokenGlass, EscalationTold, Program, Referral, Staff

if TYPE_CHECKING:
    from records.access import Actor

READ_ONLY = (
    "You can still read this record, and nothing more: the person is with somebody else now, or the case is over. "
    "Ask whoever has them, or your supervisor, to write it down."
)
GLASS_ONLY = "You opened this record with a reason, to read it. Ask whoever has the person to write it down."


AT_ONCE = (EndReason.CONFLICT, EndReason.PERSON_ASKED)
"""Ends of an assignment after which nothing is read any more: the person does not want it, or must not be known."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """Why a record may be read that is not theirs, and until when."""

    referral: Referral
    until_at: datetime
    glass_id: str = ""


def find_beyond(session: Session, actor: Actor, referral_id: str) -> Beyond | None:
    """Whether this actor may read, and only read, a referral that they do not work with."""
    referral = session.get(Referral, referral_id)
    if referral is None or referral.program_id != actor.program_id or actor.is_system:
        return None
    now = clock.now()
    grace = timedelta(hours=session.get_one(Program, actor.program_id).handover_grace_hours)
    ended = _lost_at(session, actor, referral, now - grace)
    if ended is not None and grace and actor.may("see_person"):
        return Beyond(referral, ended + grace)
    glass = session.exec(
        select(BrokenGlass)
        .where(
            BrokenGlass.staff_id == actor.id, BrokenGlass.referral_id == referral_id, col(BrokenGlass.until_at) > now
        )
        .order_by(col(BrokenGlass.until_at).desc())
    ).first()
    if glass is None or not actor.may("break_glass"):
        return None
    return Beyond(referral, glass.until_at, glass.id)


def _lost_at(session: Session, actor: Actor, referral: Referral, since: datetime) -> datetime | None:
    """When they lost the person, after `since`: as the bridger, the bridger's supervisor, or one who was called."""
    times: list[datetime] = []
    whose: list[Any] = []
    if Role.BRIDGER in actor.roles:
        whose.append(Assignment.bridger_id == actor.id)
    if Role.SUPERVISOR in actor.roles:
        whose.append(col(Assignment.bridger_id).in_(select(Staff.id).where(Staff.supervisor_id == actor.id)))
    if whose:
        ended = select(Assignment).where(
            Assignment.referral_id == referral.id,
            or_(*whose),
            col(Assignment.ended_at) > since,
            col(Assignment.end_reason).not_in(AT_ONCE),
        )
        times += [row.ended_at for row in session.exec(ended) if row.ended_at is not None]
    if actor.roles & {Role.SUPERVISOR, Role.CLINICIAN} and referral.ended_at is not None and referral.ended_at > since:
        told = select(EscalationTold.escalation_id).where(
            EscalationTold.referral_id == referral.id, EscalationTold.staff_id == actor.id
        )
        if session.exec(told).first() is not None:
            times.append(referral.ended_at)
    return max(times, default=None)


def refuse_beyond(session: Session, actor: Actor, referral_id: str) -> None:
    """Say to whoever may read, and not write, that it is so (NotAllowed); for everybody else nothing is there."""
    beyond = find_beyond(session, actor, referral_id)
    if beyond is not None:
        raise NotAllowed("read_only", GLASS_ONLY if beyond.glass_id else READ_ONLY)
