"""Escalations about people whom somebody may see."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, select, tuple_

from domain.errors import NotFound
from domain.vocabulary import EscalationState
from records.access import Actor, not_theirs, readable_for, visible
from records.queries.referrals import After
from records.tables import Escalation, EscalationTold, Referral


def list_escalations(
    session: Session,
    actor: Actor,
    *,
    states: Collection[EscalationState] = (EscalationState.RAISED, EscalationState.ACKNOWLEDGED),
    referral_id: str | None = None,
    only_told: bool = False,
    after: After | None = None,
    limit: int = 50,
) -> list[Escalation]:
    """Escalations about people whom this actor may see, the first to be answered first.

    `only_told`: those that this actor was told of by name.
    """
    query = (
        select(Escalation)
        .join(Referral, col(Referral.id) == col(Escalation.referral_id))
        .where(visible(actor), col(Escalation.state).in_(states))
    )
    if referral_id is not None:
        query = query.where(Escalation.referral_id == referral_id)
    if only_told:
        told = select(EscalationTold.escalation_id).where(EscalationTold.staff_id == actor.id)
        query = query.where(col(Escalation.id).in_(told))
    if after is not None:
        query = query.where(tuple_(col(Escalation.answer_by), col(Escalation.id)) > tuple_(*after))
    return list(session.exec(query.order_by(col(Escalation.answer_by), col(Escalation.id)).limit(limit)))


def read_escalation(session: Session, actor: Actor, escalation_id: str) -> Escalation:
    """One escalation, to read: also in the grace of a handover and behind broken glass. Raises NotFound."""
    found = session.get(Escalation, escalation_id)
    if found is None:
        raise NotFound("That escalation")
    try:
        readable_for(session, actor, found.referral_id)
    except NotFound:
        raise NotFound("That escalation") from None
    return found


def get_escalation(session: Session, actor: Actor, escalation_id: str) -> Escalation:
    """One escalation about a person whom this actor may see. Raises NotFound."""
    found = session.exec(
        select(Escalation)
        .join(Referral, col(Referral.id) == col(Escalation.referral_id))
        .where(Escalation.id == escalation_id, visible(actor))
    ).first()
    if found is None:
        lost = session.get(Escalation, escalation_id)
        raise not_theirs(session, actor, lost.referral_id if lost is not None else None, "That escalation")
    return found
