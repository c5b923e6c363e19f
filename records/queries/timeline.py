"""A case's journal as people read it, in a bounded number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from domain import timeline
from domain.contact import LATE_ENTRY
from domain.sensitivity import open_facts
from records import clock
from records.queries.staff import SYSTEM_ID, names_of
from records.tables import Contact, JournalEntry, Person, Referral, Staff, SystemToken


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; the fields are what the timeline component shows. `seq` leads to older ones.

    What happened `times` times, the first at `first_at`, stands where it happened last."""

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
    times: int = 1
    first_at: datetime | None = None


HIDDEN = frozenset({"record.viewed"})
"""Events that are audit, not story."""
REPEATED = frozenset({"escalation.repeated", "offers.exhausted"})
"""Events that come again every few hours while nobody does anything: each of the same subject is one line, or nothing
else would have room."""


def list_timeline(
    session: Session,
    referral: Referral,
    *,
    limit: int = 200,
    before_seq: int | None = None,
    is_withheld: bool = False,
) -> list[Entry]:
    """The newest lines first. The caller has passed the gate: this asks only for a referral in hand.

    With `is_withheld`, without what concerns substance use.
    """
    repeated = _list_repeated(session, referral)
    event, seq = col(JournalEntry.event), col(JournalEntry.seq)
    query = select(JournalEntry).where(
        JournalEntry.stream == referral.id,
        event.not_in(HIDDEN),
        or_(event.not_in(REPEATED), seq.in_(repeated.keys())),
    )
    if before_seq is not None:
        query = query.where(JournalEntry.seq < before_seq)
    rows = list(session.exec(query.order_by(seq.desc()).limit(limit)))
    names = names_for(session, referral, rows)
    facts = open_facts_of(session, rows) if is_withheld else {}
    entries = [entry_of(row, names, facts.get(row.seq)) for row in rows]
    return [
        replace(entry, times=repeated[entry.seq][0], first_at=repeated[entry.seq][1])
        if entry.seq in repeated
        else entry
        for entry in entries
    ]


def _list_repeated(session: Session, referral: Referral) -> dict[int, tuple[int, datetime]]:
    """By the latest of each that comes again: how often, and when first."""
    seq, at = func.max(col(JournalEntry.seq)), func.min(col(JournalEntry.at))
    found = session.exec(
        select(seq, func.count(), at)
        .where(JournalEntry.stream == referral.id, col(JournalEntry.event).in_(REPEATED))
        .group_by(col(JournalEntry.event), col(JournalEntry.subject_id))
    )
    return {latest: (times, first) for latest, times, first in found}


def by_day(entries: Iterable[Entry]) -> list[Entry]:
    """The lines in the order in which things happened, the latest first: what was heard late stands on its own day."""
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def open_facts_of(session: Session, rows: Sequence[JournalEntry]) -> dict[int, dict[str, Any]]:
    """The facts of these entries without what concerns substance use, by their place in the journal."""
    writers = {row.actor for row in rows if row.event == "note.added"}
    outside = set(
        session.exec(select(Staff.id).where(col(Staff.id).in_(writers), col(Staff.facility_id).is_not(None))).all()
    )
    if any(writer.startswith(SYSTEM_ID) for writer in writers):
        of_facilities = col(SystemToken.id).in_(writers) & col(SystemToken.facility_id).is_not(None)
        outside |= set(session.exec(select(SystemToken.id).where(of_facilities)).all())
    return {row.seq: open_facts(row.event, row.data, is_of_facility=row.actor in outside) for row in rows}


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


def entry_of(row: JournalEntry, names: timeline.Names, facts: Mapping[str, Any] | None = None) -> Entry:
    """One journal entry as a line of the timeline; with `facts`, those instead of its own."""
    data = row.data if facts is None else facts
    late = row.recorded_at - row.at > (LATE_ENTRY if row.event == "attempt.logged" else timedelta(days=3650))
    return Entry(
        seq=row.seq,
        at=row.at,
        by=names.staff.get(row.actor, "Footbridge"),
        sentence=timeline.sentence(row.event, data, row.subject_id, names),
        kind=timeline.kind(row.event, data),
        event=row.event,
        subject_id=row.subject_id,
        is_late_entry=late,
        logged_at=row.recorded_at,
        details=timeline.details(row.event, data, names),
    )
