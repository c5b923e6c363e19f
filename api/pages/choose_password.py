"""Choosing one's password by a link that is good once, and asking for such a link at the door."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse

from api import auth
from api.access import public
from api.deps import FormDep, SessionDep, page
from api.pages.second_step import ask_for_it
from domain.errors import NotFound
from records.commands import links
from records.commands.passwords import SHORTEST
from records.commands.second_factor import SecondStep

router = APIRouter()


@router.get("/sign-in/forgotten")
@public()
def forgotten_page(request: Request, session: SessionDep) -> Response:
    """Where to send a link."""
    return page("forgotten.html", request, values={"email": ""}, is_asked=False)


@router.post("/sign-in/forgotten")
@public(again=forgotten_page, writes=False)
def forgotten(request: Request, form: FormDep) -> Response:
    """Send a link, once the same answer has gone out as to an address that nobody has."""
    email = form.text("email", required=True)
    form.check()
    response = page("forgotten.html", request, values={"email": ""}, is_asked=True)
    response.background = BackgroundTask(links.ask_for_link, email)
    return response


@router.get("/choose-password/{token}")
@public()
def choose_page(request: Request, session: SessionDep, token: str) -> Response:
    """The form. Looking at it uses nothing up: mail programs look at links before people do."""
    found = links.find_link(session, token)
    if found is None:
        return page("link_over.html", request, status=404)
    link, staff = found
    return page(
        "choose_password.html",
        request,
        token=token,
        email=staff.email,
        is_new=link.is_invitation and not staff.password_hash,
        shortest=SHORTEST,
    )


@router.post("/choose-password/{token}")
@public(again=choose_page, writes=False)
def choose(request: Request, form: FormDep, token: str) -> Response:
    """Take the password and go in. The command opens transactions of its own: hashing is slow."""
    password, again = form.secret("password"), form.secret("again")
    if password and again and password != again:
        form.problem("again", "password_differs", "The two are not the same. Type the password again.")
    form.also_asked("username")
    form.check()
    try:
        session_token = links.choose_password(token, password, request.headers.get("user-agent", ""))
    except SecondStep as needed:
        return ask_for_it(request, needed.token, "/")
    except NotFound:
        return page("link_over.html", request, status=404)
    response = RedirectResponse("/", status_code=303)
    auth.begin_session(request, response, session_token)
    return response
