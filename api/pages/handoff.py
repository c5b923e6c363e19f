"""The handoff card: one page for the person's pocket. It names neither an illness nor where they come from."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import Me, SessionDep, page
from records import clock
from records.access import referral_for
from records.commands import disclosures
from records.tables import Person, Staff

router = APIRouter()


@router.get("/referrals/{referral_id}/handoff")
@requires("print_handoff", writes=True)
def handoff(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Who comes, when and where, which number to call, and 988."""
    referral = referral_for(session, me.actor, referral_id)
    disclosures.hand_to_person(session, referral, "handoff card", by=me.id, now=clock.now())
    person = session.get_one(Person, referral.person_id)
    bridger = session.get(Staff, referral.bridger_id) if referral.bridger_id else None
    return page(
        "referral_handoff.html",
        request,
        called=person.called,
        bridger=bridger.first_name if bridger is not None else "",
        phone=(bridger.phone if bridger is not None else "") or me.program.phone,
        program=me.program.neutral_name,
        row=referral,
        zone=person.zone,
        base=f"/referrals/{referral_id}",
        may_set=me.may("set_appointment") and referral.status.is_open,
    )
