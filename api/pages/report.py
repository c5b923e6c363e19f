"""The closing report: how it ended, as far as the person agreed that the facility hears it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import Me, SessionDep, page
from api.filters import local
from domain.vocabulary import ClosureReason, ReferralStatus
from records import clock
from records.commands import disclosures
from records.queries.report import find_report, referral_with_report
from records.tables import Person

router = APIRouter()

_DATES = (
    ("submitted_at", "Filed"),
    ("accepted_at", "Accepted"),
    ("discharged_at", "Left"),
    ("first_reached_at", "First reached"),
    ("ended_at", "Closed"),
)
_COUNTS = (
    ("contacts_met", "Contacts kept in time"),
    ("contacts_met_late", "Contacts kept late"),
    ("contacts_missed", "Contacts missed"),
    ("times_reached", "Times they talked"),
)


@router.get("/referrals/{referral_id}/report")
@requires("see_report", writes=True)
def report(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """What was sent, word for word; nothing is added afterwards. Withheld, it says only that it is closed."""
    referral = referral_with_report(session, me.actor, referral_id)
    person, base = session.get_one(Person, referral.person_id), f"/referrals/{referral_id}"
    sent = find_report(session, referral, me.actor.facility_id)
    is_told, with_it = sent is not None and sent.is_allowed, None
    if me.actor.facility_id is not None and is_told:  # shown again: asked again
        shown = disclosures.show_standing(session, [referral], me.actor.facility_id, by=me.id, now=clock.now())
        is_told, with_it = shown[referral.id].is_allowed, disclosures.accompanying(shown[referral.id])
    return page(
        "referral_report.html",
        request,
        row=referral,
        who=person.full_name,
        back="/referrals" if referral.facility_id != me.actor.facility_id and me.actor.facility_id else base,
        zone=person.zone,
        is_over=referral.status.is_over,
        is_on_its_way=referral.status.is_over and sent is None,
        facts=_facts(sent.content, person.zone) if sent is not None and is_told else [],
        outcome=_outcome(sent.content) if sent is not None and is_told else "",
        disclosed=with_it,
        sent_at=sent.at if sent is not None else None,
    )


def _outcome(content: dict[str, Any]) -> str:
    if content.get("reason"):
        return ClosureReason(content["reason"]).label
    return ReferralStatus(content["status"]).label


def _facts(content: dict[str, Any], zone: str) -> list[dict[str, str]]:
    found = [
        {"term": term, "text": local(datetime.fromisoformat(content[key]), zone)}
        for key, term in _DATES
        if content.get(key)
    ]
    return found + [{"term": term, "text": str(content[key])} for key, term in _COUNTS if key in content]
