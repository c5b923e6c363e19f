"""The tokens with which hospitals' and jails' own systems come: the list, a new one shown once, the end of one."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api import auth
from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.once import FIELD, new_once
from domain.vocabulary import SystemScope
from records.commands import sign_in, systems
from records.commands.idempotency import claim_key, keep_answer
from records.engine import transaction
from records.queries.staff_pages import list_facilities
from records.queries.systems import ListedToken, get_token, list_tokens
from records.tables import Facility

router = APIRouter()

HERE = "/systems"
PROGRAM = "program"
DAYS = (30, 90, 180, 365)
HINTS = {
    SystemScope.REFERRALS_READ: "For a hospital's or jail's system: those that it filed.",
    SystemScope.REFERRALS_WRITE: "Also dates, discharges, notes and holds. Never a person's consent.",
    SystemScope.FHIR_RECEIVE: "From a hospital's interface engine.",
    SystemScope.RELEASES_IMPORT: "From a jail's management system, every night for instance.",
    SystemScope.EVENTS_READ: "To keep another system in step.",
    SystemScope.MEASURES_READ: "For the program's own reports only.",
}
SHOWN_BEFORE = (
    "That token was made already, and is not shown again. If nobody wrote it down, revoke it and make another."
)


@router.get(HERE)
@requires("manage_systems")
def system_list(request: Request, session: SessionDep, me: Me, show: str = "") -> Response:
    """Every token that opens something, the one that ends first on top; with `show=all` those that are over, too."""
    tokens = list_tokens(session, me.actor, with_over=True)
    shown = [one for one in tokens if show == "all" or not one.is_over]
    return page(
        "systems.html",
        request,
        lines=[_line(one, me) for one in shown],
        shows_all=show == "all",
        over=sum(one.is_over for one in tokens),
        zone=me.zone,
    )


@router.get(f"{HERE}/new")
@requires("manage_systems")
def new_form(request: Request, session: SessionDep, me: Me) -> Response:
    """What it is called, whose it is, what it may do, for how long."""
    return page(
        "system_new.html",
        request,
        values={"name": "", "whose": "", "scopes": [], "days": str(systems.USUAL_DAYS)},
        once=new_once(),
        owners=[{"value": "", "text": "Choose whose it is"}]
        + [{"value": f.id, "text": f.name} for f in list_facilities(session, me.actor)]
        + [{"value": PROGRAM, "text": f"{me.program.name}: the whole program"}],
        scopes=[{"value": scope.value, "text": scope.label, "hint": HINTS[scope]} for scope in SystemScope],
        days=[{"value": str(days), "text": f"{days} days"} for days in DAYS],
    )


@router.post(f"{HERE}/new")
@requires("manage_systems", again=new_form, writes=False)
def make(request: Request, me: Me, form: FormDep) -> Response:
    """Make it, once the password was given again: an open browser is no way to a key. It stands on the answer, this
    once; the same form sent again leads to the list."""
    name, whose = form.text("name", limit=200), form.text("whose", limit=60)
    scopes = form.words("scopes", SystemScope)
    days = form.number("days", least=1, most=systems.LONGEST_DAYS)
    current, once = form.secret("current"), form.text(FIELD, limit=40)
    for field, value, said in (
        ("name", name, "Say what the system is called, such as Riverside EHR."),
        ("whose", whose, "Choose whose it is."),
        ("scopes", scopes, "Choose at least one."),
    ):
        if not value:
            form.problem(field, "required", said)
    form.check()
    sign_in.prove_password(me.id, current, auth.source_of(request))
    key = hashlib.sha256(repr((me.id, HERE, once, name, whose, sorted(scopes), days)).encode()).hexdigest()
    with transaction() as own:  # of its own: the password was compared before it, holding nothing
        if once and claim_key(own, key, "") is not None:
            return redirect_after_post(request, HERE, SHOWN_BEFORE, "note")
        row, token = systems.create_system_token(
            own, me.actor, name=name, scopes=scopes, days=days, facility_id=None if whose == PROGRAM else whose
        )
        if once:
            keep_answer(own, key, "", 303, {})
        owner = _whose(own, me, row.facility_id)
    return page("system_made.html", request, token=token, row=row, whose=owner, zone=me.zone)


@router.get(f"{HERE}/{{system_id}}/revoke")
@requires("manage_systems")
def revoke_form(request: Request, session: SessionDep, me: Me, system_id: str) -> Response:
    """What revoking it means."""
    row = get_token(session, me.actor, system_id)
    return page(
        "system_revoke.html", request, row=row, whose=_whose(session, me, row.facility_id), zone=me.zone, values={}
    )


@router.post(f"{HERE}/{{system_id}}/revoke")
@requires("manage_systems")
def revoke(request: Request, session: SessionDep, me: Me, form: FormDep, system_id: str) -> Response:
    """From its next request on it opens nothing."""
    form.check()
    systems.revoke_system_token(session, me.actor, system_id)
    return redirect_after_post(request, HERE, "It is revoked, and opens nothing from now on.")


def _whose(session: Session, me: Me, facility_id: str | None) -> str:
    return session.get_one(Facility, facility_id).name if facility_id else f"{me.program.name}, the whole program"


def _line(one: ListedToken, me: Me) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "name": row.name,
        "whose": one.facility or f"{me.program.name}, the whole program",
        "may": [SystemScope(scope).label for scope in row.scopes],
        "maker": one.maker or "the terminal",
        "row": row,
        "is_over": one.is_over,
        "tags": list(_tags(one)),
    }


def _tags(one: ListedToken) -> list[tuple[str, str]]:
    """What somebody should look at, in words and tone."""
    if one.row.revoked_at is not None:
        return [("Revoked", "neutral")]
    if one.is_over:
        return [("Expired", "neutral")]
    tags = []
    if one.ends_soon:
        days = int(one.days_left)
        tags.append((f"Ends in {days} {'day' if days == 1 else 'days'}" if days else "Ends today", "stop"))
    if one.row.used_at is None:
        tags.append(("Never used", "wait"))
    if one.maker_has_left:
        tags.append(("Its maker has left: is it still needed?", "wait"))
    return tags
