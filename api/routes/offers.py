"""Offers: what a bridger is asked, and the answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import cursors
from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models.common import Cursor, Done, Limit, Listed, PathId
from api.models.work import DeclineIn, OfferOut
from api.routes.common import API_PREFIX, PROBLEMS, done, one_page
from domain.sensitivity import open_values
from domain.vocabulary import OfferState, RiskFlag
from records.commands import offers
from records.queries.offers import Offered, list_offers
from records.tables import Referral

router = APIRouter(prefix=API_PREFIX + "/offers", tags=["offers"], responses=PROBLEMS)


@router.get("")
@requires("answer_offer", systems=NEVER)
def list_(
    session: SessionDep,
    me: Me,
    state: Annotated[list[OfferState], Query()] = [OfferState.OPEN],  # noqa: B006
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Listed[OfferOut]:
    """The offers made to you, the first to be answered first."""
    rows = list_offers(session, me.actor, states=state, after=cursors.decode(cursor), limit=limit + 1)
    return one_page(rows, limit, _shown, lambda row: (row.offer.answer_by, row.offer.id))


@router.post("/{offer_id}/accept")
@requires("answer_offer", systems=NEVER)
def accept(session: SessionDep, me: Me, offer_id: PathId) -> Done:
    """Take the person. Sent twice, nothing more happens; once it is over, whoever comes second is told so (409)."""
    offer = offers.accept_offer(session, me.actor, offer_id)
    return done(session.get_one(Referral, offer.referral_id))


@router.post("/{offer_id}/decline")
@requires("answer_offer", systems=NEVER)
def decline(session: SessionDep, me: Me, offer_id: PathId, body: DeclineIn) -> Done:
    """Do not take the person; the next bridger is asked at once."""
    offer = offers.decline_offer(session, me.actor, offer_id, body.reason, body.note)
    return done(session.get_one(Referral, offer.referral_id))


def _shown(row: Offered) -> OfferOut:
    offer, referral, person = row
    return OfferOut(
        id=offer.id,
        referral_id=offer.referral_id,
        state=offer.state,
        made_at=offer.made_at,
        answer_by=offer.answer_by,
        closed_at=offer.closed_at,
        first_name=person.called,
        setting=referral.setting,
        expected_on=referral.expected_on,
        discharged_at=referral.discharged_at,
        area=person.area,
        language=person.language,
        needs=open_values("needs", referral.needs),
        safety_flags=list(person.safety_flags),
        is_high_risk=any(RiskFlag(risk).is_high for risk in referral.risks),
        reasons=list(offer.reasons),
    )
