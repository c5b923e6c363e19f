"""Escalations about people whom somebody may see."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, select, tuple_

from domain.errors import NotFound
from domain.vocabulary import EscalationState
from records.access import Actor, visible
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


def get_escalation(session: Session, actor: Actor, escalation_id: str) -> Escalation:
    """One escalation about a person whom this actor may see. Raises NotFound."""
    found = session.exec(
        select(Escalation)
        .join(Referral, col(Referral.id) == col(Escalation.referral_id))
        .where(Escalation.id == escalation_id, visible(actor))
    ).first()
    if found is None:
        raise NotFound("That escalation")
    return found
