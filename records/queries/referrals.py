"""Lists of referrals that somebody may see, a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select, tuple_

from domain.vocabulary import ReferralStatus
from records.access import Actor, visible
from records.tables import Referral

After = tuple[datetime, str]
"""Where the page before ended: the sort key and the id of its last row."""


def list_referrals(
    session: Session,
    actor: Actor,
    *,
    statuses: Collection[ReferralStatus] = (),
    facility_id: str | None = None,
    bridger_id: str | None = None,
    person_id: str | None = None,
    after: After | None = None,
    limit: int = 50,
) -> list[Referral]:
    """Referrals that this actor may see, the newest first."""
    query = select(Referral).where(visible(actor))
    if statuses:
        query = query.where(col(Referral.status).in_(statuses))
    for column, wanted in (
        (Referral.facility_id, facility_id),
        (Referral.bridger_id, bridger_id),
        (Referral.person_id, person_id),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if after is not None:
        query = query.where(tuple_(col(Referral.created_at), col(Referral.id)) < tuple_(*after))
    rows = session.exec(query.order_by(col(Referral.created_at).desc(), col(Referral.id).desc()).limit(limit))
    return list(rows)
