"""Counts that name nobody: for the badges of the navigation and for the metrics."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from domain.vocabulary import OPEN_STATUSES, EscalationState, OfferState
from records import clock
from records.access import Actor, visible
from records.tables import Escalation, Offer, Referral


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is open in this database: referrals, escalations, those that nobody took, and those past their time."""

    referrals: int
    escalations_open: int
    escalations_unanswered: int
    escalations_unanswered_late: int


def open_work(session: Session) -> OpenWork:
    """The counts over every program, for the metrics."""
    referrals = session.exec(select(func.count()).where(col(Referral.status).in_(OPEN_STATUSES))).one()
    raised = col(Escalation.state) == EscalationState.RAISED
    unsettled = session.exec(select(func.count()).where(col(Escalation.state) != EscalationState.RESOLVED)).one()
    unanswered = session.exec(select(func.count()).where(raised)).one()
    late = session.exec(select(func.count()).where(raised, col(Escalation.answer_by) <= clock.now())).one()
    return OpenWork(referrals, unsettled, unanswered, late)


def count_open_offers(session: Session, actor: Actor) -> int:
    """How many offers await this bridger's answer."""
    return session.exec(
        select(func.count()).where(
            Offer.bridger_id == actor.id, Offer.state == OfferState.OPEN, col(Offer.answer_by) > clock.now()
        )
    ).one()


def count_escalations(session: Session, actor: Actor) -> int:
    """How many escalations that nobody took concern people whom this actor may see."""
    seen = select(Referral.id).where(visible(actor), col(Referral.escalated_since).is_not(None))
    return session.exec(
        select(func.count()).where(
            col(Escalation.state) == EscalationState.RAISED, col(Escalation.referral_id).in_(seen)
        )
    ).one()
