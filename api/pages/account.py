"""One's own account: who one is here, another password, and an end to being signed in elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api import auth
from api.access import signed_in
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from domain.vocabulary import Role
from records.commands import sign_in as commands
from records.commands.passwords import SHORTEST
from records.queries.staff import names_of
from records.tables import Facility, SecondFactor

router = APIRouter()


@router.get("/account")
@signed_in()
def account(request: Request, session: SessionDep, me: Me) -> Response:
    """Who is signed in, and what they may change themselves."""
    facility = session.get(Facility, me.staff.facility_id) if me.staff.facility_id else None
    supervisor = names_of(session, {me.staff.supervisor_id}) if me.staff.supervisor_id else {}
    facts = [
        {"term": "E-mail", "text": me.staff.email},
        {"term": "Does", "text": ", ".join(Role(role).label for role in me.roles)},
        {"term": "Works for", "text": facility.name if facility is not None else me.program.name},
        *({"term": "Supervisor", "text": name} for name in supervisor.values()),
    ]
    factor = session.get(SecondFactor, me.id)
    return page(
        "account.html",
        request,
        facts=facts,
        shortest=SHORTEST,
        has_second_factor=factor is not None and factor.confirmed_at is not None,
    )


@router.post("/account/password")
@signed_in(again=account, writes=False)
def change_password(request: Request, me: Me, form: FormDep) -> Response:
    """Another password. The command opens transactions of its own: comparing is slow."""
    current, password, again = form.secret("current"), form.secret("password"), form.secret("again")
    if password and again and password != again:
        form.problem("again", "password_differs", "The two are not the same. Type the new password again.")
    form.check()
    token = auth.session_token(request) or ""
    commands.change_own_password(me.id, token, current, password, auth.source_of(request))
    return redirect_after_post(request, "/account", "Your password is changed. You were signed out everywhere else.")
