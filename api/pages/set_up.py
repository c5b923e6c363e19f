"""The first start: whoever has the address from the console makes the program and its first administrator."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import auth
from api.access import public
from api.deps import FormDep, SessionDep, page
from domain.errors import NotFound
from records.commands import set_up as commands
from records.commands.passwords import SHORTEST

router = APIRouter()


@router.get("/set-up/{token}")
@public()
def set_up_page(request: Request, session: SessionDep, token: str) -> Response:
    """The form; nothing at all once it was used."""
    if not commands.is_set_up_token(session, token):
        raise NotFound("This address")
    return page(
        "set_up.html",
        request,
        values={"program": "", "zone": "America/New_York", "name": "", "email": ""},
        token=token,
        has_program=commands.has_program(session),
        shortest=SHORTEST,
    )


@router.post("/set-up/{token}")
@public(again=set_up_page, writes=False)
def set_up(request: Request, session: SessionDep, form: FormDep, token: str) -> Response:
    """Make them, and go in. The command opens a transaction of its own: hashing is slow."""
    is_new = not commands.has_program(session)
    program, zone = form.text("program", required=is_new), form.text("zone", limit=60, required=is_new)
    name, email = form.text("name", required=True), form.text("email", required=True)
    password, again = form.secret("password"), form.secret("again")
    if password and again and password != again:
        form.problem("again", "password_differs", "The two are not the same. Type the password again.")
    form.check()
    made = commands.set_up(
        token, program=program, zone=zone, name=name, email=email, password=password,
        agent=request.headers.get("user-agent", ""),
    )  # fmt: skip
    response = RedirectResponse("/staff", status_code=303)
    auth.begin_session(request, response, made)
    return response
