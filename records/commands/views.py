"""Reading a person's record is journalled too: who opened it, and when."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from domain.errors import NotFound
from records import clock, journal
from records.access import Actor, visible
from records.tables import JournalEntry, Referral

ONE_LOOK = timedelta(minutes=15)
"""Opening the same record again within this time is the same look (project choice): one line, not twenty."""


def note_viewed(session: Session, actor: Actor, referral_id: str) -> None:
    """Note that this actor opened the record. Raises NotFound when it is not theirs to see."""
    referral = session.exec(
        select(Referral)
        .where(Referral.id == referral_id, visible(actor))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if referral is None:
        raise NotFound("That referral")
    looked = session.exec(
        select(JournalEntry.id).where(
            JournalEntry.stream == referral_id,
            JournalEntry.event == "record.viewed",
            JournalEntry.actor == actor.id,
            col(JournalEntry.at) > clock.now() - ONE_LOOK,
        )
    ).first()
    if looked is None:
        journal.append(session, referral, "record.viewed", actor=actor.id)
        session.flush()
