"""Which risks a facility wrote itself: of those that the program's people set it hears nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlmodel import Session, col, func, select

from records.tables import JournalEntry, Referral, Staff, SystemToken


def own_risks(session: Session, referrals: Iterable[Referral]) -> dict[str, set[str]]:
    """For each of these referrals the risks that its facility ever wrote: when filing, or by staff or systems later."""
    facility_of = {row.id: row.facility_id for row in referrals}
    entries = session.exec(
        select(JournalEntry, func.coalesce(Staff.facility_id, SystemToken.facility_id))
        .outerjoin(Staff, col(Staff.id) == col(JournalEntry.actor))
        .outerjoin(SystemToken, col(SystemToken.id) == col(JournalEntry.actor))
        .where(
            col(JournalEntry.stream).in_(facility_of),
            col(JournalEntry.event).in_(("referral.submitted", "risks.changed")),
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for entry, writes_for in entries:
        if entry.event == "referral.submitted":
            found[entry.stream] |= set(entry.data.get("risks") or ())
        elif writes_for is not None and writes_for == facility_of[entry.stream]:
            found[entry.stream] |= set(entry.data.get("after") or ())
    return found
