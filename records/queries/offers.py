"""Offers made to a bridger, with what they need to decide and no more."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlmodel import Session, col, select, tuple_

from domain.vocabulary import OfferState
from records.access import Actor
from records.queries.referrals import After
from records.tables import Offer, Person, Referral


class Offered(NamedTuple):
    """An offer, its referral and the person; who shows it leaves out what the bridger need not know yet."""

    offer: Offer
    referral: Referral
    person: Person


def list_offers(
    session: Session,
    actor: Actor,
    *,
    states: Collection[OfferState] = (OfferState.OPEN,),
    after: After | None = None,
    limit: int = 50,
) -> list[Offered]:
    """Offers made to this bridger, the first to be answered first."""
    query = (
        select(Offer, Referral, Person)
        .join(Referral, col(Referral.id) == col(Offer.referral_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(Offer.bridger_id == actor.id, col(Offer.state).in_(states))
    )
    if after is not None:
        query = query.where(tuple_(col(Offer.answer_by), col(Offer.id)) > tuple_(*after))
    rows = session.exec(query.order_by(col(Offer.answer_by), col(Offer.id)).limit(limit))
    return [Offered(*row) for row in rows]
