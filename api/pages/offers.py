"""Offers: what a bridger needs to decide, and the answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import due_time, local, local_date
from domain.languages import language_name
from domain.sensitivity import open_values
from domain.vocabulary import DateCertainty, DeclineReason, Need, OfferState, RiskFlag, SafetyFlag, Strength
from records import clock
from records.commands import offers
from records.queries.bridger_pages import OfferToMe, caseload_of, list_offers_to

router = APIRouter()

NEEDED_TO_DECIDE = (SafetyFlag.VISIT_IN_PAIRS, SafetyFlag.NO_HOME_VISITS)
"""The safety flags that may decide whether somebody can take a person; the others wait until they have."""
WELCOME = "Thank you. They are on your list now, and whoever referred them learns your name. Here is what comes first."


@router.get("/offers")
@requires("answer_offer")
def list_offers(request: Request, session: SessionDep, me: Me) -> Response:
    """Who is offered, with what is needed to decide and no more of the person than that."""
    waiting, ended = list_offers_to(session, me.actor, clock.now())
    count, limit = caseload_of(session, me.actor, me.program.caseload_limit)
    return page(
        "offers.html",
        request,
        waiting=[offer_view(o) for o in waiting],
        ended=[{"first_name": _first_name(o), "what": _how_it_ended(o), "at": o.offer.closed_at or o.offer.answer_by}
               for o in ended],
        count=count,
        limit=limit,
        zone=me.program.zone,
    )  # fmt: skip


def offer_view(one: OfferToMe) -> dict[str, Any]:
    """One offer as the card shows it: a first name, and no more."""
    referral, person, zone = one.referral, one.person, one.person.zone
    if referral.discharged_at is not None:
        leaves = f"Left {local(referral.discharged_at, zone)}"
    elif referral.expected_on is not None:
        sure = referral.date_certainty
        certainty = "" if sure is DateCertainty.CONFIRMED else f" ({_lower(sure.label)})"
        leaves = f"Expected to leave {local_date(referral.expected_on)}{certainty}"
    else:
        leaves = "No date yet"
    facts = []
    if one.first_due_at is not None:
        facts.append({"term": "First thing due", "text": due_time(one.first_due_at, zone)})
    if person.bridger_gender is not None:
        firm = "must" if person.bridger_gender_strength is Strength.HARD else "if possible"
        facts.append({"term": "Asks for", "text": f"{person.bridger_gender.label} ({firm})"})
    if needs := open_values("needs", referral.needs):  # whoever is only asked need not know more
        facts.append({"term": "Would help", "text": ", ".join(Need(n).label for n in needs)})
    if any(RiskFlag(risk).is_high for risk in referral.risks):
        facts.append({"term": "Pace", "text": "Closer follow-up, shorter times"})
    flags = [SafetyFlag(f) for f in person.safety_flags]
    language = language_name(person.language)
    return {
        "id": one.offer.id,
        "first_name": _first_name(one),
        "answer_by_at": one.offer.answer_by,
        "setting": referral.setting.label,
        "leaves": leaves,
        "area": person.area or "Not known yet",
        "language": f"{language}, with an interpreter" if person.needs_interpreter else language,
        "facts": facts,
        "match": one.offer.reasons,
        "safety": [{"text": f"{f.label}."} for f in flags if f in NEEDED_TO_DECIDE],
        "accept_action": f"/offers/{one.offer.id}/accept",
        "decline_href": f"/offers/{one.offer.id}/decline",
        "zone": zone,
    }


def _first_name(one: OfferToMe) -> str:
    return one.person.called.split()[0]


def _how_it_ended(one: OfferToMe) -> str:
    if one.offer.state is OfferState.WITHDRAWN:
        return "Somebody else walks with them now, or it rests"
    return "The time to answer passed; the next bridger was asked"


@router.post("/offers/{offer_id}/accept")
@requires("answer_offer", again=list_offers)
def accept(request: Request, session: SessionDep, me: Me, form: FormDep, offer_id: str) -> Response:
    """Take the person; a second tap changes nothing."""
    form.check()
    row = offers.accept_offer(session, me.actor, offer_id)
    return redirect_after_post(request, f"/referrals/{row.referral_id}", WELCOME)


@router.get("/offers/{offer_id}/decline")
@requires("answer_offer")
def decline_form(request: Request, session: SessionDep, me: Me, offer_id: str) -> Response:
    """Why not, in one tap; “I'd rather not say” is a reason too."""
    waiting, ended = list_offers_to(session, me.actor, clock.now())
    one = next((o for o in (*waiting, *ended) if o.offer.id == offer_id), None)
    if one is None or one not in waiting:
        return redirect_after_post(request, "/offers", "This offer was answered, or its time has passed.", "note")
    reasons = list(DeclineReason)
    return page("offer_decline.html", request, first_name=_first_name(one), offer_id=offer_id, reasons=reasons)


@router.post("/offers/{offer_id}/decline")
@requires("answer_offer", again=list_offers)
def decline(request: Request, session: SessionDep, me: Me, form: FormDep, offer_id: str) -> Response:
    """Do not take the person; the next bridger is asked at once."""
    reason = form.word("reason", DeclineReason)
    form.check()
    offers.decline_offer(session, me.actor, offer_id, reason)
    return redirect_after_post(request, "/offers", "Thank you for saying so. The next bridger is being asked now.")


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
