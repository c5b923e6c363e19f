"""The second step on one's own account, the roles that need it, and somebody's lost phone."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api import auth
from api.access import requires, signed_in
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.decision_form import options
from api.pages.second_step import set_up_of
from domain.vocabulary import Role
from records.commands import own_second_factor as commands
from records.commands import second_factor as steps
from records.commands.second_factor import Awaited
from records.queries.staff_pages import get_member
from records.tables import SecondFactor

router = APIRouter()

HERE = "/account/second-step"


@router.get(HERE)
@signed_in()
def second_factor_page(request: Request, session: SessionDep, me: Me) -> Response:
    """Whether there is one, and what can be done about it."""
    factor = session.get(SecondFactor, me.id)
    is_set = factor is not None and factor.confirmed_at is not None
    return page(
        "second_factor.html",
        request,
        is_set=is_set,
        is_required=steps.is_required(session, me.staff),
        codes_left=steps.count_codes(session, me.id),
    )


@router.post(f"{HERE}/begin")
@signed_in(again=second_factor_page, writes=False)
def begin(request: Request, me: Me, form: FormDep) -> Response:
    """Make a secret for an app, once the password was given again."""
    current = form.secret("current")
    form.check()
    commands.begin_set_up(me.id, current, auth.source_of(request))
    return redirect_after_post(request, f"{HERE}/set-up")


@router.get(f"{HERE}/set-up")
@signed_in()
def set_up_page(request: Request, session: SessionDep, me: Me) -> Response:
    """The square picture, and the field for the first code."""
    factor = session.get(SecondFactor, me.id)
    if factor is None or factor.confirmed_at is not None:
        return redirect_after_post(request, HERE)
    return page("second_factor_set_up.html", request, **set_up_of(Awaited(me.staff, factor)))


@router.post(f"{HERE}/set-up")
@signed_in(again=set_up_page, writes=False)
def confirm(request: Request, me: Me, form: FormDep) -> Response:
    """The app shows the right code: from now on it is asked for. The recovery codes stand on the answer, this once."""
    code = form.text("code", limit=40, required=True)
    form.check()
    codes = commands.confirm_set_up(me.id, auth.session_token(request) or "", code)
    return page("recovery_codes.html", request, codes=codes, onward="/account", onward_label="Your account")


@router.post(f"{HERE}/codes")
@signed_in(again=second_factor_page, writes=False)
def new_codes(request: Request, me: Me, form: FormDep) -> Response:
    """Ten new recovery codes; the earlier ones end."""
    current = form.secret("current")
    form.check()
    codes = commands.renew_codes(me.id, current, auth.source_of(request))
    return page("recovery_codes.html", request, codes=codes, onward="/account", onward_label="Your account")


@router.post(f"{HERE}/remove")
@signed_in(again=second_factor_page, writes=False)
def remove(request: Request, me: Me, form: FormDep) -> Response:
    """By a password alone again."""
    current = form.secret("current")
    form.check()
    commands.remove(me.id, auth.session_token(request) or "", current, auth.source_of(request))
    return redirect_after_post(request, HERE, "The second step is taken away. You sign in by your password alone.")


@router.post("/staff/{staff_id}/second-step")
@requires("manage_staff")
def reset(request: Request, session: SessionDep, me: Me, form: FormDep, staff_id: str) -> Response:
    """Somebody lost their phone and their codes."""
    form.check()
    get_member(session, me.actor, staff_id)
    commands.reset_second_factor(session, me.actor, staff_id)
    return redirect_after_post(
        request, f"/staff/{staff_id}", "The second step is taken away. They were signed out everywhere, and are told."
    )


@router.get("/staff/second-step")
@requires("manage_program")
def rules_page(request: Request, session: SessionDep, me: Me) -> Response:
    """Who may not sign in by a password alone."""
    return page(
        "second_factor_rules.html",
        request,
        values={"roles": steps.required_roles(session, me.program.id)},
        roles=options(Role)[1:],
    )


@router.post("/staff/second-step")
@requires("manage_program", again=rules_page)
def set_rules(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Name the roles."""
    roles = form.words("roles", Role)
    form.check()
    commands.ask_second_factor_of(session, me.actor, roles)
    return redirect_after_post(request, "/staff", "Whom it concerns sets up the second step at their next sign-in.")
