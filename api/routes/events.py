"""The journal as a feed: poll it to keep another system in step."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import col, select

from api import outward
from api.access import requires
from api.deps import Me, SessionDep
from api.models.common import Limit
from api.models.organization import EventOut, EventsOut
from api.routes.common import API_PREFIX, PROBLEMS
from domain.vocabulary import SystemScope
from records.queries.events import ANSWERS, list_events
from records.queries.timeline import open_facts_of
from records.tables import Referral

router = APIRouter(prefix=API_PREFIX + "/events", tags=["events"], responses=PROBLEMS)


@router.get("")
@requires("see_person", writes=True, systems=SystemScope.EVENTS_READ)
def list_(
    request: Request,
    session: SessionDep,
    me: Me,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="`last_id` of the answer before")] = 0,
    limit: Limit = 50,
) -> EventsOut:
    """What happened after an entry, about the referrals that you may see, oldest first; seconds late, none missed."""
    rows = list_events(session, me.actor, after_id=after, limit=limit)
    referrals = session.exec(select(Referral).where(col(Referral.id).in_({row.stream for row in rows}))).all()
    more = {row.stream for row in rows if row.event not in ANSWERS}
    told = outward.told(request, session, me, [one for one in referrals if one.id in more])
    withheld = outward.withheld(session, me, referrals)
    facts = {
        (stream, seq): data
        for stream in withheld
        for seq, data in open_facts_of(session, [row for row in rows if row.stream == stream]).items()
    }
    items = [
        EventOut(
            id=row.id or 0,
            referral_id=row.stream,
            seq=row.seq,
            event=row.event,
            at=row.at,
            recorded_at=row.recorded_at,
            actor=row.actor,
            subject_id=row.subject_id,
            data=facts.get((row.stream, row.seq), row.data),
        )
        for row in rows
        if row.event in ANSWERS or row.stream in told
    ]
    return EventsOut(items=items, last_id=rows[-1].id or after if rows else after)
