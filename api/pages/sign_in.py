"""Signing in and out, and going on to where one was."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session
from starlette.responses import RedirectResponse

from api import auth, oidc
from api.access import public, signed_in
from api.deps import FormDep, Me, SessionDep, page
from api.pages.second_step import ask_for_it
from api.rendering import Flash
from domain.vocabulary import Role
from records.commands import sign_in as commands
from records.commands.second_factor import SecondStep
from records.queries.staff import list_demonstration_staff
from records.settings import get_settings

router = APIRouter()

ENDED = Flash("note", "You were signed out because nothing happened for a while. Sign in to go on where you were.")


@router.get("/sign-in")
@public()
def sign_in_page(request: Request, session: SessionDep, next: str = "") -> Response:
    """The form, with a word on why somebody who was signed in must do so again."""
    had_ended = auth.cookie_name(request, "ended") in request.cookies
    request.state.flash = [ENDED] if had_ended else []
    response = _form(request, session, next)
    if had_ended:
        auth.drop_cookie(request, response, "ended")
    return response


@router.post("/sign-in")
@public(again=sign_in_page, writes=False)
def sign_in(request: Request, form: FormDep) -> Response:
    """Check the password and go on to where one was. The command opens transactions of its own: comparing is slow."""
    email, password = form.text("email", required=True), form.secret("password")
    onward = auth.safe_return(form.text("next", limit=500))
    form.check()
    try:
        token = commands.sign_in(email, password, request.headers.get("user-agent", ""), auth.source_of(request))
    except SecondStep as needed:
        return ask_for_it(request, needed.token, onward)
    response = RedirectResponse(onward, status_code=303)
    auth.begin_session(request, response, token)
    return response


def _form(request: Request, session: Session, onward: str) -> Response:
    """The page; the password is never filled in again."""
    typed = request.state.typed.as_typed() if hasattr(request.state, "typed") else {}
    next_path = auth.safe_return(str(typed.get("next", onward)))
    return page(
        "sign_in.html",
        request,
        email=typed.get("email", ""),
        next_path=next_path if next_path != "/" else "",
        organization=get_settings().oidc_label if oidc.is_offered() else "",
        organization_href=f"/sign-in/organization{auth.next_query(next_path)}",
        **_demonstration(session),
    )


@router.post("/sign-out")
@public()
def sign_out(request: Request, session: SessionDep) -> Response:
    """End this browser's session, also when it had ended already."""
    token = auth.session_token(request)
    if token:
        commands.sign_out(session, token)
    response = RedirectResponse("/sign-in", status_code=303)
    auth.drop_cookie(request, response, "session")
    return response


@router.post("/sign-out-everywhere")
@signed_in()
def sign_out_everywhere(request: Request, session: SessionDep, me: Me) -> Response:
    """End every session of whoever asks, on every device."""
    commands.sign_out_everywhere(session, me.id)
    response = RedirectResponse("/sign-in", status_code=303)
    auth.drop_cookie(request, response, "session")
    return response


def _demonstration(session: Session) -> dict[str, Any]:
    """Whom to try it as; nobody in production."""
    if get_settings().environment != "demonstration":
        return {}
    people = [
        {"email": staff.email, "does": ", ".join(Role(role).label.lower() for role in staff.roles)}
        for staff in list_demonstration_staff(session)
    ]
    return {"demonstration_users": people}
