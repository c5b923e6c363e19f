"""A case's journal as people read it, in a bounded number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from domain import timeline
from domain.contact import LATE_ENTRY
from records import clock
from records.queries.staff import names_of
from records.tables import Contact, JournalEntry, Person, Referral


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; the fields are what the timeline component shows. `seq` leads to older ones."""

    seq: int
    at: datetime
    by: str
    sentence: str
    kind: str
    event: str
    subject_id: str
    is_late_entry: bool
    logged_at: datetime
    details: list[dict[str, str]]


HIDDEN = frozenset({"record.viewed"})
"""Events that are audit, not story."""


def list_timeline(
    session: Session, referral: Referral, *, limit: int = 200, before_seq: int | None = None
) -> list[Entry]:
    """The newest lines first. The caller has passed the gate: this asks only for a referral in hand."""
    query = select(JournalEntry).where(JournalEntry.stream == referral.id, col(JournalEntry.event).not_in(HIDDEN))
    if before_seq is not None:
        query = query.where(JournalEntry.seq < before_seq)
    rows = list(session.exec(query.order_by(col(JournalEntry.seq).desc()).limit(limit)))
    names = names_for(session, referral, rows)
    return [entry_of(row, names) for row in rows]


def names_for(session: Session, referral: Referral, rows: list[JournalEntry]) -> timeline.Names:
    """The names of the staff and contacts that these lines speak of."""
    staff_ids: set[str | None] = {row.actor for row in rows}
    for row in rows:
        staff_ids.update((row.data.get("bridger"), row.data.get("covers_for"), *row.data.get("told", [])))
    titles = session.exec(select(Contact.id, Contact.title).where(Contact.referral_id == referral.id)).all()
    zone = session.exec(select(Person.zone).where(Person.id == referral.person_id)).one()
    return timeline.Names(
        staff=names_of(session, staff_ids),
        contacts=dict(titles),
        zone=zone,
        now=clock.now(),
        leaving=referral.setting.leaving,
    )


def entry_of(row: JournalEntry, names: timeline.Names) -> Entry:
    """One journal entry as a line of the timeline."""
    late = row.recorded_at - row.at > (LATE_ENTRY if row.event == "attempt.logged" else timedelta(days=3650))
    return Entry(
        seq=row.seq,
        at=row.at,
        by=names.staff.get(row.actor, "Footbridge"),
        sentence=timeline.sentence(row.event, row.data, row.subject_id, names),
        kind=timeline.kind(row.event, row.data),
        event=row.event,
        subject_id=row.subject_id,
        is_late_entry=late,
        logged_at=row.recorded_at,
        details=timeline.details(row.event, row.data, names),
    )
