"""“I'm out”: away for some days. First what it means for whom, then the yes."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.once import Once, new_once
from domain.clock import end_of, local_date, start_of
from domain.errors import Invalid
from domain.vocabulary import DeclineReason
from records import clock
from records.commands import absences, offers
from records.queries.bridger_pages import list_absences, list_due_between, list_offers_to
from records.queries.staff import find_active
from records.tables import Absence

router = APIRouter()

LONGEST = timedelta(days=366)


@router.get("/absence")
@requires("ask_reassignment")
def absence_form(request: Request, session: SessionDep, me: Me) -> Response:
    """From when to when; and what is set already."""
    zone, now = me.program.zone, clock.now()
    today = local_date(now, zone).isoformat()
    supervisor = find_active(session, me.staff.supervisor_id or me.program.supervisor_id)
    return page(
        "absence.html",
        request,
        values={"first": today, "last": today, "once": new_once()},
        absences=[_words(a, zone, now) for a in list_absences(session, me.actor, now)],
        supervisor=supervisor.name if supervisor is not None else "",
        zone=zone,
    )


@router.post("/absence")
@requires("ask_reassignment", again=absence_form)
def set_absence(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Show what the absence means; with the yes, keep it."""
    once = Once(session, request, me, form)
    zone, now = me.program.zone, clock.now()
    first, last, confirmed = form.date("first"), form.date("last"), form.yes("confirmed")
    form.check()
    today = local_date(now, zone)
    if first < today:
        raise Invalid("in_the_past", "Choose today or a later day.", field="first")
    if last < first:
        raise Invalid("before_first", "The last day is on or after the first.", field="last")
    if last - first > LONGEST:
        raise Invalid("too_long", "Choose at most a year. Talk to your supervisor about longer times.", field="last")
    start, end = max(start_of(first, zone), now), end_of(last, zone)
    waiting = [o for o in list_offers_to(session, me.actor, now)[0] if start < o.offer.answer_by]
    if not confirmed:
        supervisor = find_active(session, me.staff.supervisor_id or me.program.supervisor_id)
        return page(
            "absence_preview.html",
            request,
            values=form.as_typed(),
            first=first,
            last=last,
            due=list_due_between(session, me.actor, start, end),
            offers=[o.person.called.split()[0] for o in waiting],
            supervisor=supervisor.name if supervisor is not None else "the supervisor on duty",
        )
    if (before := once.answered()) is not None:
        return before
    absences.set_absence(session, me.actor, me.id, from_at=start, until_at=end)
    for one in waiting:
        offers.decline_offer(session, me.actor, one.offer.id, DeclineReason.AWAY)
    return once.go("/today", "It is noted. Rest well.")


@router.post("/absence/{absence_id}/end")
@requires("ask_reassignment")
def end_absence(request: Request, session: SessionDep, me: Me, form: FormDep, absence_id: str) -> Response:
    """Back, or it was a mistake: whoever was covered returns. A second tap changes nothing."""
    form.check()
    absences.end_absence(session, me.actor, absence_id)
    return redirect_after_post(request, "/today", "Good to have you. You can be asked again.")


def _words(row: Absence, zone: str, now: datetime) -> dict[str, object]:
    return {
        "id": row.id,
        "first": row.from_at,
        "last": row.until_at - timedelta(minutes=1) if row.until_at else None,
        "is_now": row.from_at <= now,
        "zone": zone,
    }
