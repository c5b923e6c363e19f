"""Who carries how much, one bridger's people, and an absence with its cover."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages import person_view
from api.pages.once import Once, new_once
from domain.clock import end_of, local_date, start_of
from domain.errors import Invalid
from domain.vocabulary import ContactState
from records import clock
from records.access import actor_of
from records.commands import absences
from records.queries.bridger_pages import list_absences, list_due_between
from records.queries.caseload import (
    Load,
    Walks,
    get_bridger,
    list_colleagues,
    list_loads,
    list_walks,
    stays_because,
)
from records.queries.worklist import worklist_of
from records.tables import Absence

router = APIRouter()

LONGEST = timedelta(days=366)
COVERED = "Who covers is told when it begins."
UNCOVERED = "Nobody covers: you are told when it begins, and meanwhile you can say who does."


@router.get("/bridgers")
@requires("assign")
def bridgers(request: Request, session: SessionDep, me: Me) -> Response:
    """Every bridger with people, limit, what is due this week and late, and who is away."""
    now = clock.now()
    loads = list_loads(session, me.actor, now)
    return page(
        "bridgers.html",
        request,
        loads=[_load(one, now) for one in loads],
        people=sum(one.people for one in loads),
        overdue=sum(one.overdue for one in loads),
        zone=me.program.zone,
    )


@router.get("/bridgers/{bridger_id}")
@requires("assign")
def bridger(request: Request, session: SessionDep, me: Me, bridger_id: str) -> Response:
    """One bridger: their people, what is late and due, and when they are away."""
    now = clock.now()
    staff, profile = get_bridger(session, me.actor, bridger_id)
    walks = list_walks(session, me.actor, bridger_id)
    theirs = worklist_of(session, me.actor, now, bridger_id=bridger_id)
    late = {t.referral.id for t in theirs.overdue}
    names = {s.id: s.name for s in list_colleagues(session, me.actor, bridger_id)}
    limit = me.program.caseload_limit
    return page(
        "bridger.html",
        request,
        staff=staff,
        limit=limit if profile.caseload_limit is None else min(limit, profile.caseload_limit),
        is_taking=profile.is_taking_people,
        people=[_person(w, w.referral.id in late) for w in sorted(walks, key=lambda w: w.referral.id not in late)],
        overdue=len(theirs.overdue),
        due=len(theirs.due),
        absences=[_absence(a, names, now) for a in list_absences(session, actor_of(staff), now)],
        zone=me.program.zone,
    )


@router.get("/bridgers/{bridger_id}/absence")
@requires("assign")
def absence_form(request: Request, session: SessionDep, me: Me, bridger_id: str) -> Response:
    """From when to when, and who covers."""
    staff, _ = get_bridger(session, me.actor, bridger_id)
    today = local_date(clock.now(), me.program.zone).isoformat()
    return page(
        "bridger_absence.html",
        request,
        values={"first": today, "last": today, "cover_id": "", "once": new_once()},
        staff=staff,
        covers=_choices(session, me, bridger_id, "Nobody yet"),
    )


@router.post("/bridgers/{bridger_id}/absence")
@requires("assign", again=absence_form)
def set_absence(request: Request, session: SessionDep, me: Me, form: FormDep, bridger_id: str) -> Response:
    """Show who moves and what falls due; with the yes, keep it."""
    once = Once(session, request, me, form)
    zone, now = me.program.zone, clock.now()
    staff, _ = get_bridger(session, me.actor, bridger_id)
    first, last, cover_id = form.date("first"), form.date_or_none("last"), form.text("cover_id")
    confirmed = form.yes("confirmed")
    colleagues = {s.id: s.name for s in list_colleagues(session, me.actor, bridger_id)}
    if cover_id and cover_id not in colleagues:
        form.problem("cover_id", "not_a_choice", "Choose one of these.")
    form.check()
    if first < local_date(now, zone):
        raise Invalid("in_the_past", "Choose today or a later day.", field="first")
    if last is not None and last < first:
        raise Invalid("before_first", "The last day is on or after the first.", field="last")
    if last is not None and last - first > LONGEST:
        raise Invalid("too_long", "Choose at most a year, or leave the last day open.", field="last")
    start, end = max(start_of(first, zone), now), end_of(last, zone) if last is not None else None
    if not confirmed:
        walks = list_walks(session, me.actor, bridger_id)
        stays = stays_because(session, me.actor, walks, cover_id, now) if cover_id else {}
        return page(
            "bridger_absence_preview.html",
            request,
            values=form.as_typed(),
            staff=staff,
            cover=colleagues.get(cover_id, ""),
            first=first,
            last=last,
            begins_now=start <= now,
            moves=[w for w in walks if cover_id and w.referral.id not in stays],
            stays=[(w, stays[w.referral.id]) for w in walks if w.referral.id in stays],
            due=list_due_between(session, actor_of(staff), start, end),
        )
    if (before := once.answered()) is not None:
        return before
    absences.set_absence(session, me.actor, bridger_id, from_at=start, until_at=end, cover_id=cover_id or None)
    return once.go(f"/bridgers/{bridger_id}", "It is noted. " + (COVERED if cover_id else UNCOVERED))


@router.post("/bridgers/{bridger_id}/absences/{absence_id}/end")
@requires("assign")
def end_absence(
    request: Request, session: SessionDep, me: Me, form: FormDep, bridger_id: str, absence_id: str
) -> Response:
    """Back, or it was a mistake: whoever was covered returns. A second tap changes nothing."""
    form.check()
    get_bridger(session, me.actor, bridger_id)
    back = absences.end_absence(session, me.actor, absence_id)
    count = "1 person is" if len(back) == 1 else f"{len(back)} people are"
    said = f"{count} with them again." if back else "The absence is over."
    return redirect_after_post(request, f"/bridgers/{bridger_id}", said)


def _choices(session: SessionDep, me: Me, bridger_id: str, nobody: str) -> list[dict[str, str]]:
    found = list_colleagues(session, me.actor, bridger_id)
    return [{"value": "", "text": nobody}, *({"value": s.id, "text": s.name} for s in found)]


def _load(one: Load, now: datetime) -> dict[str, Any]:
    away = one.away
    return {
        "id": one.staff.id,
        "name": one.staff.name,
        "people": one.people,
        "limit": one.limit,
        "offers": one.offers,
        "due": one.due,
        "overdue": one.overdue,
        "is_full": one.people >= one.limit,
        "is_taking": one.bridger.is_taking_people,
        "is_away": away is not None and away.from_at <= now,
        "away": away,
        "last": away.until_at - timedelta(minutes=1) if away is not None and away.until_at else None,
        "cover": one.cover,
    }


def _absence(row: Absence, names: dict[str, str], now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "first": row.from_at,
        "last": row.until_at - timedelta(minutes=1) if row.until_at else None,
        "is_now": row.from_at <= now,
        "cover": names.get(row.cover_id or "", ""),
    }


def _person(one: Walks, is_late: bool) -> dict[str, Any]:
    contact = one.contact
    return {
        "name": one.person.full_name,
        "href": f"/referrals/{one.referral.id}",
        "tags": person_view.tags(one.referral)[1:],
        "status": one.referral.status.label,
        "what": contact.title if contact is not None and contact.state is ContactState.PLANNED else "",
        "at": contact.due_at if contact is not None else None,
        "since": one.referral.overdue_since if is_late else None,
        "is_late": is_late,
        "zone": one.person.zone,
    }
