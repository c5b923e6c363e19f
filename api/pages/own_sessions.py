"""Where somebody is signed in, for themselves to see and to end."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import auth
from api.access import requires, signed_in
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from domain.devices import device_in_words
from domain.errors import Conflict
from records.commands import sessions, sign_in
from records.queries.staff_pages import get_member

router = APIRouter()

HERE = "/account/sessions"


@router.get(HERE)
@signed_in()
def own_sessions(request: Request, session: SessionDep, me: Me) -> Response:
    """Every browser in which they are signed in, the latest first."""
    token = auth.session_token(request) or ""
    rows = sessions.list_sessions(session, me.id)
    return page(
        "own_sessions.html",
        request,
        values={"ended": ""},
        zone=me.zone,
        here=next((_line(row) for row in rows if sessions.is_of(row, token)), None),
        elsewhere=[_line(row) for row in rows if not sessions.is_of(row, token)],
    )


@router.post(HERE)
@signed_in(again=own_sessions, writes=False)
def end_one(request: Request, me: Me, form: FormDep) -> Response:
    """End one of them, once the password was given again: whoever finds a browser open shuts nobody out with it."""
    ended, current = form.text("ended", limit=80), form.secret("current")
    if not ended:
        form.problem("ended", "required", "Choose one of these.")
    form.check()
    if not sign_in.end_own_session(me.id, ended, current, auth.source_of(request)):
        raise Conflict("session_over", "This one has ended already.")
    if sessions.is_named(auth.session_token(request) or "", ended):
        return RedirectResponse("/sign-in", status_code=303)
    return redirect_after_post(request, HERE, "It is signed out.")


@router.post("/staff/{staff_id}/sign-out")
@requires("manage_staff")
def sign_out_member(request: Request, session: SessionDep, me: Me, form: FormDep, staff_id: str) -> Response:
    """Somebody lost their phone and called: they are signed out everywhere, and may sign in again."""
    form.check()
    row, _ = get_member(session, me.actor, staff_id)
    sessions.sign_out_colleague(session, me.actor, row.id)
    return redirect_after_post(request, f"/staff/{staff_id}", "They are signed out everywhere. They may sign in again.")


def _line(row: sessions.Signed) -> dict[str, object]:
    return {"value": row.name, "text": device_in_words(row.agent), "seen_at": row.seen_at, "since_at": row.created_at}
