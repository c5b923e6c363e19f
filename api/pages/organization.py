"""Signing in with the organization's own account: there and back."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import auth, oidc, refusals
from api.access import public, requires
from api.deps import FormDep, Me, SessionDep, redirect_after_post
from api.pages.second_step import ask_for_it
from domain.errors import NotAllowed, NotFound
from records.commands.outside_identity import forget_account, sign_in_as
from records.commands.second_factor import SecondStep

router = APIRouter()


@router.post("/staff/{staff_id}/forget-account")
@requires("manage_staff")
def forget(request: Request, session: SessionDep, me: Me, form: FormDep, staff_id: str) -> Response:
    """A colleague has another account at the organization now."""
    form.check()
    forget_account(session, me.actor, staff_id)
    said = "Forgotten, and signed out everywhere. The next account with their verified e-mail address is theirs."
    return redirect_after_post(request, f"/staff/{staff_id}", said)


@router.get("/sign-in/organization")
@public(writes=False)
def to_the_organization(request: Request, next: str = "") -> Response:
    """On to the provider; a link and not a form, since our policy lets forms go to us alone."""
    if not oidc.is_offered():
        raise NotFound("This page")
    try:
        address, begun = oidc.begin(auth.safe_return(next))
    except NotAllowed as refusal:
        return redirect_after_post(request, "/sign-in", refusal.sentence, "problem")
    response = RedirectResponse(address, status_code=303)
    auth.set_cookie(request, response, "organization", begun, seconds=oidc.BEGUN_SECONDS)
    return response


@router.get(oidc.BACK)
@public(writes=False)
def back_from_the_organization(request: Request, state: str = "", code: str = "") -> Response:
    """Back again: check what the provider says, and go on to where one was."""
    if not oidc.is_offered():
        raise NotFound("This page")
    begun = request.cookies.get(auth.cookie_name(request, "organization"), "")
    try:
        account, onward = oidc.finish(begun, state[:200], code[:2000])
        token = sign_in_as(account, request.headers.get("user-agent", ""))
        response: Response = RedirectResponse(auth.safe_return(onward), status_code=303)
        auth.begin_session(request, response, token)
    except SecondStep as needed:
        response = ask_for_it(request, needed.token, auth.safe_return(onward))
    except NotAllowed as refusal:
        refusals.note(request, refusal.status, refusal.code)
        response = redirect_after_post(request, "/sign-in", refusal.sentence, "problem")
    auth.drop_cookie(request, response, "organization")
    return response
