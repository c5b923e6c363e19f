"""A planner's own pages: My referrals, and where one of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from sqlmodel import Session
from starlette.responses import RedirectResponse

from api.access import requires
from api.auth import SignedIn
from api.deps import FormDep, Me, SessionDep, page
from api.filters import local, local_date, local_day
from api.pages.planner_words import Move, expected, move_of, promise
from domain.vocabulary import ConsentStatus, Disposition, ReferralStatus
from records import clock
from records.access import referral_for
from records.commands import disclosures
from records.queries.drafts import list_drafts
from records.queries.events import ANSWERS
from records.queries.planner import (
    Show,
    Standing,
    Standings,
    find_standings,
    first_reached_at,
    list_own_staff,
    list_standings,
    standing_of,
)
from records.queries.timeline import Entry, by_day, list_timeline
from records.tables import Draft, Facility, Referral

router = APIRouter()

_TABS: tuple[tuple[Show, str], ...] = (("open", "Open"), ("drafts", "Drafts"), ("closed", "Closed"))
_TOLD_TO_PLANNERS = frozenset(
    {
        "referral.submitted",
        "referral.drafted",
        "referral.accepted",
        "referral.rejected",
        "referral.closed",
        "referral.discharged",
        "referral.transferred",
        "discharge.corrected",
        "discharge.cancelled",
        "date.moved",
        "date.withdrawn",
        "bridger.assigned",
        "appointment.set",
        "meeting.set",
        "consent.recorded",
        "cancel.requested",
        "cancel.agreed",
        "cancel.refused",
        "report.sent",
        "report.withheld",
    }
)
"""What the facility hears of: the steps of its own referral, not what was said between the person and the bridger."""
_THEIR_OWN = frozenset({"note.added", "risks.changed"})
"""What it reads when its own staff wrote it."""


_BARE = {"referral.closed": "The referral was closed.", "report.withheld": "You were told only that it is closed."}


@router.get("/referrals")
@requires("file_referral", writes=True)
def my_referrals(request: Request, session: SessionDep, me: Me, show: str = "open", page_number: int = 1) -> Response:
    """The facility's referrals: unanswered first."""
    chosen: Show = next((tab for tab, _ in _TABS if tab == show), "open")
    now = clock.now()
    found = list_standings(session, me.actor, now, chosen, page_number)
    _account(session, me, found.rows, now)
    return _list(request, session, me, chosen, found)


@router.post("/referrals")
@requires("file_referral")
def search(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """By name: never in an address, so it is sent as a form."""
    name = form.text("name", limit=100)
    form.check()
    if not name:
        return RedirectResponse("/referrals", status_code=303)
    now = clock.now()
    found = find_standings(session, me.actor, now, name)
    _account(session, me, found, now)
    return page(
        "referrals.html",
        request,
        values={"name": name},
        is_search=True,
        rows=[_row(one, now) for one in found],
        tabs=[],
    )


def _account(session: Session, me: SignedIn, rows: Sequence[Standing], now: datetime) -> None:
    """What a list tells of how somebody is, is told to the facility: it goes into the accounting."""
    told = [one.referral for one in rows if one.is_told and one.next_contact is not None]
    if me.actor.facility_id is not None:
        disclosures.show_standing(session, told, me.actor.facility_id, by=me.id, now=now)


def _list(request: Request, session: Session, me: SignedIn, chosen: Show, found: Standings) -> Response:
    now = clock.now()
    waiting = list_drafts(session, me.actor)
    counts = found.counts | {"drafts": found.counts["drafts"] + len([d for d in waiting if d.id.startswith("drf_")])}
    began = {draft.id for draft in waiting}
    here = f"/referrals?show={chosen}"
    return page(
        "referrals.html",
        request,
        rows=[_row(one, now) for one in found.rows],
        drafts=[_draft(d, me) for d in waiting if d.id.startswith("drf_")] if chosen == "drafts" else [],
        began=began,
        chosen=chosen,
        tabs=[
            {"href": f"/referrals?show={tab}", "label": label, "count": counts[tab], "is_here": tab == chosen}
            for tab, label in _TABS
        ],
        newer=f"{here}&page_number={found.page - 1}" if found.page > 1 else None,
        older=f"{here}&page_number={found.page + 1}" if found.page < found.pages else None,
        page_number=found.page,
        pages=found.pages,
    )


def _draft(draft: Draft, me: SignedIn) -> dict[str, Any]:
    """A form that was begun: by its names if there are any yet."""
    said = {name: (values or [""])[-1] for name, values in draft.fields.items()}
    name = " ".join(filter(None, (said.get("given_name", "").strip(), said.get("family_name", "").strip())))
    return {
        "id": draft.id,
        "name": name or "No name yet",
        "at": draft.updated_at,
        "zone": me.zone,
        "is_mine": draft.staff_id == me.id,
    }


def _row(standing: Standing, now: Any) -> dict[str, Any]:
    return {"standing": standing, "move": move_of(standing, now), "expected": expected(standing)}


@router.get("/referrals/{referral_id}/filed")
@requires("file_referral")
def filed(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The receipt: what was promised, to keep or to print."""
    referral = referral_for(session, me.actor, referral_id)
    if referral.status is ReferralStatus.DRAFT:
        return RedirectResponse(f"/referrals/new?draft={referral_id}", status_code=303)
    now = clock.now()
    standing = standing_of(session, me.actor, now, referral)
    return page(
        "referral_filed.html",
        request,
        standing=standing,
        promise=promise(standing, me.program.name),
        expected=expected(standing),
        facility=session.get_one(Facility, referral.facility_id),
        program=me.program,
        zone=standing.person.zone,
    )


def show_for_planner(request: Request, session: Session, me: SignedIn, referral_id: str) -> Response:
    """One referral as its planner sees it. The caller has noted that the record was opened. Raises NotFound."""
    referral = referral_for(session, me.actor, referral_id)
    if referral.status is ReferralStatus.DRAFT:
        return RedirectResponse(f"/referrals/new?draft={referral_id}", status_code=303)
    now = clock.now()
    shown = disclosures.show_standing(session, [referral], me.actor.facility_id or "", by=me.id, now=now)[referral.id]
    standing = standing_of(session, me.actor, now, referral)
    move = move_of(standing, now)
    reached = first_reached_at(session, referral, now)
    return page(
        "referral_planner.html",
        request,
        standing=standing,
        move=move,
        asks_how_left=_asks_how_left(referral),
        promise=promise(standing, me.program.name) if not move.is_late else None,
        strip=_strip(standing, move, reached),
        facts=_facts(session, standing, reached),
        actions=_actions(standing, move),
        entries=_told(session, standing),
        disclosed=disclosures.accompanying(shown),
        base=f"/referrals/{referral_id}",
        program=me.program,
        zone=standing.person.zone,
    )


def _asks_how_left(referral: Referral) -> bool:
    """A message said that the person left and not how: their planner may know."""
    is_held = referral.status is ReferralStatus.ON_HOLD
    return referral.disposition is Disposition.NOT_SAID and referral.status.is_open and not is_held


State = Literal["done", "current", "late", "coming"]


def _strip(standing: Standing, move: Move, reached: Any) -> list[dict[str, str]]:
    """The way across as far as the facility sees it."""
    referral, zone = standing.referral, standing.person.zone
    left = "Released" if referral.setting.is_custody else "Left"
    date = f"expected {local_day(referral.expected_on)}" if referral.expected_on else "no date yet"
    steps: list[tuple[str, Any, str]] = [
        ("Filed", referral.submitted_at, ""),
        ("Accepted", referral.accepted_at, f"by {local(standing.promised_by, zone)}" if standing.promised_by else ""),
        ("Bridger named", referral.assigned_since if referral.bridger_id or referral.status.is_over else None, ""),
        (left, referral.discharged_at, date),
    ]
    if standing.is_told:
        steps.append(("First contact", reached, ""))
    steps.append(("Closed", referral.ended_at, ""))
    if referral.status.is_over:
        steps = [step for step in steps if step[1] is not None]
    shown: list[dict[str, str]] = []
    is_found = False
    for label, at, hint in steps:
        state: State = "done" if at is not None else "coming"
        if at is None and not is_found:
            is_found = True
            state = "late" if move.is_late else "current"
        shown.append({"label": label, "state": state, "when": local_day(at, zone) if at is not None else hint})
    return shown


def _facts(session: Session, standing: Standing, reached: Any) -> list[dict[str, Any]]:
    referral, zone = standing.referral, standing.person.zone
    facility = session.get_one(Facility, referral.facility_id)
    consent = referral.consent.label
    if referral.consent is ConsentStatus.GIVEN and referral.consent_expires_at is not None:
        consent += f", until {local_date(referral.consent_expires_at, zone)}"
    rows: list[dict[str, Any]] = [{"term": "Leaving", "text": expected(standing)}]
    if standing.bridger or referral.status.is_open:
        rows.insert(0, {"term": "Bridger", "text": standing.bridger or "Not named yet"})
    if referral.disposition is not None:
        rows.append({"term": "How and where to", "text": referral.disposition.label})
    rows.append({"term": "Consent", "text": consent})
    if referral.discharged_at is not None:
        told = "Told once the person has agreed to it"
        made = f"Yes, {local(reached, zone)}" if reached is not None else "Not yet"
        rows.append({"term": "First contact made", "text": made if standing.is_told else told})
    if referral.first_appointment_at is not None:
        where = f", {referral.first_appointment_where}" if referral.first_appointment_where else ""
        rows.append({"term": "First appointment", "text": local(referral.first_appointment_at, zone) + where})
    if referral.meeting_at is not None or referral.meeting_where:
        when = local(referral.meeting_at, zone) if referral.meeting_at is not None else ""
        rows.append({"term": "They meet", "text": ", ".join(filter(None, (when, referral.meeting_where)))})
    unit = f", {referral.unit}" if referral.unit else ""
    rows.append({"term": "From", "text": f"{facility.name}, {referral.setting.label.lower()}{unit}"})
    if standing.planner:
        rows.append({"term": "Referred by", "text": standing.planner})
    return rows


def _actions(standing: Standing, move: Move) -> list[dict[str, Any]]:
    """What a planner can do from here, what is most needed first."""
    referral = standing.referral
    leaving = referral.setting.leaving
    is_open, has_left = referral.status.is_open, referral.discharged_at is not None
    is_held = referral.status is ReferralStatus.ON_HOLD
    works = is_open and referral.status is not ReferralStatus.SUBMITTED
    offered: list[tuple[bool, str, str, str]] = [
        (is_open and (not has_left or is_held), f"Record the {leaving}", "When, how and where to", "discharge"),
        (is_open and not has_left, "Move the date", "What hangs on it moves too", "date"),
        (is_open and referral.consent is not ConsentStatus.GIVEN, "Record consent", "Given, declined", "consent"),
        (works, "Handoff card", "For the person: who comes, when and where", "handoff"),
        (is_open, "First appointment", "When and where", "appointment"),
        (is_open, "Add a note", "The bridger reads it", "note"),
        (is_open, "How to reach them", "Correct a number, add a place", "reach"),
        (is_open, "Risks", "They make the first steps sooner", "risks"),
        (is_open and referral.consent is ConsentStatus.GIVEN, "Consent", "Ended, changed, taken back", "consent"),
        (
            referral.status is not ReferralStatus.DRAFT,
            "What they agreed to",
            "To whom, until when; sign, take back",
            "consents",
        ),
        (is_open and has_left and not is_held, f"Correct the {leaving}", "Another time, another way", "discharge"),
        (is_open and has_left and not is_held, "They did not leave", f"Cancel the {leaving}", "discharge/cancel"),
        (is_open and referral.cancel_requested_at is None, "Ask to cancel", "The program answers", "ask-to-cancel"),
        (referral.status.is_over, "Closing report", "How it ended, as far as they agreed", "report"),
        (not is_open, "Print the receipt", "What was promised when it was filed", "filed"),
    ]
    found = [{"label": label, "hint": hint, "href": path} for is_offered, label, hint, path in offered if is_offered]
    return [one | {"is_first": index == 0 and move.whose == "Your move"} for index, one in enumerate(found)]


def _told(session: Session, standing: Standing) -> list[Entry]:
    """What happened, as far as it is the facility's: its steps, and notes by its own staff."""
    referral = standing.referral
    own = list_own_staff(session, referral.facility_id)
    entries = by_day(list_timeline(session, referral))
    if not standing.is_told:
        entries = [replace(e, sentence=_BARE[e.event], details=[]) if e.event in _BARE else e for e in entries]
        entries = [e for e in entries if e.event in ANSWERS | _BARE.keys() or e.by in own]
    return [
        replace(entry, sentence="A peer bridger was named.") if entry.event == "bridger.assigned" else entry
        for entry in entries
        if entry.event in _TOLD_TO_PLANNERS or (entry.event in _THEIR_OWN and entry.by in own)
    ]
