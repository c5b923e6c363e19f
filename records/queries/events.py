"""The journal as a feed: what happened after a given entry, as far as somebody may see it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, or_, select, true

from domain.vocabulary import Role
from records import clock
from records.access import Actor, visible
from records.tables import JournalEntry, Referral, Staff, SystemToken

SETTLED_AFTER = timedelta(seconds=2)
"""On PostgreSQL an entry may be committed after one with a higher id: whoever reads on from an id would miss it. So the
feed shows what is a little older, real time."""
_REFERRERS = (
    "referral.", "date.", "discharge.", "consent.", "cancel.", "appointment.", "meeting.", "risks.", "report.",
    "bridger.assigned", "bridger.ended", "person.corrected", "end.",
)  # fmt: skip


ANSWERS = frozenset(
    {"referral.submitted", "referral.drafted", "referral.accepted", "referral.rejected", "bridger.assigned",
     "consent.recorded", "cancel.requested", "cancel.agreed", "cancel.refused", "report.withheld"}
)  # fmt: skip
"""What a facility hears of without the person's consent: how its own request is answered."""


def shown_to(actor: Actor) -> ColumnElement[bool]:
    """Which events an actor may read of a referral that they may see (design §6).

    A planner reads how the referral stands, not what passes between the bridger and the person, nor which risks the
    program's people set. Who looked is for managers.
    """
    if actor.is_system or Role.MANAGER in actor.roles:
        return true()
    if actor.roles & {Role.BRIDGER, Role.SUPERVISOR, Role.CLINICIAN}:
        return col(JournalEntry.event) != "record.viewed"
    status = or_(*(col(JournalEntry.event).startswith(prefix) for prefix in _REFERRERS))
    own = select(Staff.id).where(Staff.facility_id == (actor.facility_id or ""))
    systems = select(SystemToken.id).where(SystemToken.facility_id == (actor.facility_id or ""))
    theirs = or_(col(JournalEntry.actor).in_(own), col(JournalEntry.actor).in_(systems))
    status = and_(status, or_(~col(JournalEntry.event).startswith("risks."), theirs))
    return or_(status, and_(col(JournalEntry.event) == "note.added", col(JournalEntry.actor) == actor.id))


def list_events(session: Session, actor: Actor, *, after_id: int = 0, limit: int = 50) -> list[JournalEntry]:
    """The entries after `after_id` about referrals that this actor may see, oldest first."""
    seen = select(Referral.id).where(visible(actor))
    rows = session.exec(
        select(JournalEntry)
        .where(
            col(JournalEntry.id) > after_id,
            JournalEntry.program_id == actor.program_id,
            col(JournalEntry.recorded_at) <= clock.now() - SETTLED_AFTER * clock.speed(),
            col(JournalEntry.stream).in_(seen),
            shown_to(actor),
        )
        .order_by(col(JournalEntry.id))
        .limit(limit)
    )
    return list(rows)


def list_story(
    session: Session,
    actor: Actor,
    referral: Referral,
    *,
    before_seq: int | None = None,
    limit: int = 50,
    is_told: bool = True,
) -> list[JournalEntry]:
    """What this actor may read of the journal of a referral in hand, the newest first; who looked is left out.

    Without `is_told` only how a facility's own request is answered.
    """
    query = select(JournalEntry).where(
        JournalEntry.stream == referral.id, shown_to(actor), JournalEntry.event != "record.viewed"
    )
    if not is_told:
        query = query.where(col(JournalEntry.event).in_(ANSWERS))
    if before_seq is not None:
        query = query.where(JournalEntry.seq < before_seq)
    return list(session.exec(query.order_by(col(JournalEntry.seq).desc()).limit(limit)))
