"""Break glass: a record that is not theirs, opened with a reason, for a clinician or manager who must see it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from records.commands import glass

router = APIRouter()


@router.get("/break-glass")
@requires("break_glass")
def break_glass_form(request: Request, session: SessionDep, me: Me) -> Response:
    """The number that somebody gave on the phone, and why."""
    return page("break_glass.html", request, values={"number": "", "reason": ""}, hours=me.program.break_glass_hours)


@router.post("/break-glass")
@requires("break_glass", again=break_glass_form)
def break_glass(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Open it. Who, what and why stay on record, and the privacy officer is shown them."""
    number, reason = form.text("number", limit=40, required=True), form.area("reason", limit=500, required=True)
    form.check()
    row = glass.break_glass(session, me.actor, number, reason)
    said = "The record is open to you, to read. Your reason is on record."
    return redirect_after_post(request, f"/referrals/{row.referral_id}", said, "note")
