"""Contacts and attempts of people whom somebody may see."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select, tuple_

from domain.vocabulary import ContactState
from records.access import Actor, not_theirs, visible
from records.queries.referrals import After
from records.tables import Attempt, Contact, Referral


def list_contacts(
    session: Session,
    actor: Actor,
    *,
    referral_id: str | None = None,
    bridger_id: str | None = None,
    states: Collection[ContactState] = (),
    due_before: datetime | None = None,
    after: After | None = None,
    limit: int = 50,
) -> list[Contact]:
    """Contacts of people whom this actor may see, soonest due first."""
    query = select(Contact).join(Referral, col(Referral.id) == col(Contact.referral_id)).where(visible(actor))
    if referral_id is not None:
        query = query.where(Contact.referral_id == referral_id)
    if bridger_id is not None:
        query = query.where(Referral.bridger_id == bridger_id)
    if states:
        query = query.where(col(Contact.state).in_(states))
    if due_before is not None:
        query = query.where(col(Contact.due_at) < due_before)
    if after is not None:
        query = query.where(tuple_(col(Contact.due_at), col(Contact.id)) > tuple_(*after))
    return list(session.exec(query.order_by(col(Contact.due_at), col(Contact.id)).limit(limit)))


def get_contact(session: Session, actor: Actor, contact_id: str) -> Contact:
    """One contact of a person whom this actor may see. Raises NotFound."""
    found = session.exec(
        select(Contact)
        .join(Referral, col(Referral.id) == col(Contact.referral_id))
        .where(Contact.id == contact_id, visible(actor))
    ).first()
    if found is None:
        lost = session.get(Contact, contact_id)
        raise not_theirs(session, actor, lost.referral_id if lost is not None else None, "That contact")
    return found


def list_attempts(session: Session, referral: Referral) -> list[Attempt]:
    """Every attempt for a referral in hand, those taken back included, the newest first."""
    rows = select(Attempt).where(Attempt.referral_id == referral.id)
    return list(session.exec(rows.order_by(col(Attempt.at).desc(), col(Attempt.id).desc())))


def get_attempt(session: Session, actor: Actor, attempt_id: str) -> Attempt:
    """One attempt for a person whom this actor may see. Raises NotFound."""
    found = session.exec(
        select(Attempt)
        .join(Referral, col(Referral.id) == col(Attempt.referral_id))
        .where(Attempt.id == attempt_id, visible(actor))
    ).first()
    if found is None:
        lost = session.get(Attempt, attempt_id)
        raise not_theirs(session, actor, lost.referral_id if lost is not None else None, "That attempt")
    return found
