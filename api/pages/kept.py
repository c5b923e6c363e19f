"""Staying signed in, being signed off after a while, and going on with what was typed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse, RedirectResponse

from api import auth
from api.access import signed_in
from api.deps import FormDep, Me, SessionDep, page
from api.kept_forms import HERE, PATH_FIELD, SIGNED_OFF, route_of, worth_keeping
from api.receiving import Received
from api.serving import show_again, shown_again
from domain.errors import Refusal
from records.commands import kept_forms, sign_in

router = APIRouter()

ENDED_SECONDS = 60


class NotSentYet(Refusal):
    """The form comes back as it was left; nothing is wrong with it."""

    status = 200


@router.post("/account/stay")
@signed_in()
def stay(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Somebody is still there: being asked is what notes it."""
    form.check()
    if request.headers.get("accept") == "text/plain":
        return PlainTextResponse("yes")
    return RedirectResponse("/", status_code=303)


@router.post(SIGNED_OFF)
@signed_in()
def signed_off(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Nobody was there for a while: keep what stands in the form, end the session, and say where to go on."""
    path, sent = form.text(PATH_FIELD, limit=500), form.as_sent()
    form.check()
    typed = worth_keeping(request, path, sent)
    form_id = kept_forms.keep_form(session, me.staff, path, typed) if typed else ""
    sign_in.sign_out(session, auth.session_token(request) or "", why="idle")
    came_from = auth.safe_return(request.headers.get("x-page", ""))
    response = PlainTextResponse(f"/sign-in{auth.next_query(f'{HERE}/{form_id}' if form_id else came_from)}")
    auth.drop_cookie(request, response, "session")
    auth.set_cookie(request, response, "ended", "yes", seconds=ENDED_SECONDS)
    return response


@router.get(HERE + "/{form_id}")
@signed_in()
def go_on(request: Request, session: SessionDep, me: Me, form_id: str) -> Response:
    """The same form with what was typed; for somebody else, and later, their first page."""
    found = kept_forms.find_kept(session, me.id, form_id)
    matched = route_of(request, found[0]) if found is not None else None
    if found is None or matched is None:
        return RedirectResponse("/", status_code=303)
    (path, fields), (route, values) = found, matched
    again = shown_again(route.endpoint)
    if again is not None:
        kept = NotSentYet(
            "kept", "You were signed out before this was sent. Nothing is lost: look at it, then send it."
        )
        return show_again(again, request, Received(fields=fields), dict(values), kept)
    hidden = [(name, value) for name, values_ in fields.items() for value in values_]
    return page("kept.html", request, action=path, hidden=hidden)
