"""Who signs in: the list, somebody new who is invited, somebody who leaves, and who is on duty."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.decision_form import options
from domain.errors import Invalid
from domain.vocabulary import Role
from records.commands import links, programs
from records.commands import staff as staff_commands
from records.commands.outside_identity import list_accounts
from records.commands.people import normal_number
from records.queries.staff_pages import (
    Member,
    count_people_of,
    duties_of,
    get_member,
    list_facilities,
    list_members,
)
from records.settings import get_settings
from records.tables import SecondFactor

router = APIRouter()


@router.get("/staff")
@requires("manage_staff")
def staff_list(request: Request, session: SessionDep, me: Me, show: str = "") -> Response:
    """Everybody who signs in, by name; with `show=all` those who left, too."""
    members = list_members(session, me.actor, with_former=show == "all")
    return page(
        "staff.html",
        request,
        members=[_line(one, me) for one in members],
        shows_all=show == "all",
        sees_outbox=me.may("see_outbox"),
        duties=[
            {"name": name, "label": label, "value": value,
             "options": _who(members, role)}
            for name, label, role, value in (
                ("supervisor_id", "Supervisor on duty", Role.SUPERVISOR, me.program.supervisor_id),
                ("clinician_id", "On-call clinician", Role.CLINICIAN, me.program.clinician_id),
                ("manager_id", "Program manager", Role.MANAGER, me.program.manager_id),
            )
        ],
    )  # fmt: skip


@router.post("/staff/on-duty")
@requires("manage_program", again=staff_list)
def set_on_duty(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Who is asked when no other supervisor is known, who is on call, and the manager."""
    names = ("supervisor_id", "clinician_id", "manager_id")
    wanted = {name: form.text(name) or None for name in names}
    form.check()
    needed = dict(zip(names, (Role.SUPERVISOR, Role.CLINICIAN, Role.MANAGER), strict=True))
    for name, staff_id in wanted.items():
        if staff_id is not None and not get_member(session, me.actor, staff_id)[0].has(needed[name]):
            raise Invalid("not_a_choice", "Choose one of these.", field=name)
    programs.set_people_in_charge(session, me.actor, **wanted)
    return redirect_after_post(request, "/staff", "From now on they are told.")


@router.get("/staff/new")
@requires("manage_staff")
def new_form(request: Request, session: SessionDep, me: Me) -> Response:
    """Somebody new."""
    members = list_members(session, me.actor, with_former=False)
    return page(
        "staff_new.html",
        request,
        values={"name": "", "first_name": "", "email": "", "phone": "", "roles": [], "facility_id": "",
                "supervisor_id": ""},
        roles=options(Role)[1:],
        facilities=[{"value": "", "text": "None"}]
        + [{"value": f.id, "text": f.name} for f in list_facilities(session, me.actor)],
        supervisors=[{"value": "", "text": "None"}, *_who(members, Role.SUPERVISOR)[1:]],
    )  # fmt: skip


@router.post("/staff/new")
@requires("manage_staff", again=new_form)
def add(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Add somebody; a link to choose their password goes to them. Sent again, the address is taken."""
    name, first_name = form.text("name", required=True), form.text("first_name")
    email, phone = form.text("email", required=True), form.text("phone", limit=40)
    roles = form.words("roles", Role)
    facility_id, supervisor_id = form.text("facility_id"), form.text("supervisor_id")
    if not roles:
        form.problem("roles", "required", "Choose at least one.")
    form.check()
    number = normal_number(phone, "phone") if phone else ""
    if supervisor_id:
        get_member(session, me.actor, supervisor_id)
    row = staff_commands.add_staff(
        session, me.actor, email=email, name=name, roles=roles, first_name=first_name, phone=number,
        facility_id=facility_id or None, supervisor_id=supervisor_id or None,
    )  # fmt: skip
    links.invite(session, me.actor, row.id, by_email=True)
    return page("staff_invited.html", request, staff=row, address="")


@router.post("/staff/{staff_id}/link")
@requires("manage_staff")
def new_link(request: Request, session: SessionDep, me: Me, form: FormDep, staff_id: str) -> Response:
    """A link to choose a password: by e-mail, or shown this once to be handed over."""
    is_shown = form.text("how", limit=10) == "show"
    form.check()
    row, _ = get_member(session, me.actor, staff_id)
    token = links.invite(session, me.actor, row.id, by_email=not is_shown)
    address = links.address_of(get_settings().base_url(), token) if is_shown else ""
    return page("staff_invited.html", request, staff=row, address=address)


@router.get("/staff/{staff_id}")
@requires("manage_staff")
def member(request: Request, session: SessionDep, me: Me, staff_id: str) -> Response:
    """One member of staff: what can be done about their access."""
    row, profile = get_member(session, me.actor, staff_id)
    bridgers = [m for m in list_members(session, me.actor, with_former=False) if m.staff.has(Role.BRIDGER)]
    return page(
        "staff_member.html",
        request,
        values={"hand_over_to": ""},
        staff=row,
        roles=[Role(r).label for r in row.roles],
        duties=duties_of(me.program, row.id),
        people=count_people_of(session, row.id) if profile is not None else 0,
        has_second_factor=(factor := session.get(SecondFactor, row.id)) is not None and factor.confirmed_at is not None,
        has_account=bool(list_accounts(session, row.id)),
        is_me=row.id == me.id,
        is_bridger=profile is not None,
        others=[{"value": "", "text": "Whoever fits best: each is sought anew"}]
        + [{"value": m.staff.id, "text": f"{m.staff.name}, {m.people} people"} for m in bridgers
           if m.staff.id != row.id],
    )  # fmt: skip


@router.post("/staff/{staff_id}/disable")
@requires("manage_staff", again=member)
def disable(request: Request, session: SessionDep, me: Me, form: FormDep, staff_id: str) -> Response:
    """Somebody leaves: no access from this moment, and nobody is left alone."""
    to = form.text("hand_over_to")
    form.check()
    row, _ = get_member(session, me.actor, staff_id)
    if to and get_member(session, me.actor, to)[1] is None:
        raise Invalid("not_a_choice", "Choose one of these.", field="hand_over_to")
    moved = staff_commands.disable_staff(session, me.actor, staff_id, hand_over_to=to or None) if row.is_active else []
    count = "1 person goes" if len(moved) == 1 else f"{len(moved)} people go"
    said = f"Signed out everywhere, for good. {count} on with somebody else." if moved else "Signed out, for good."
    return redirect_after_post(request, "/staff", said)


def _line(one: Member, me: Me) -> dict[str, Any]:
    return {
        "id": one.staff.id,
        "name": one.staff.name,
        "email": one.staff.email,
        "roles": ", ".join(Role(r).label for r in one.staff.roles),
        "place": one.facility or (f"Team of {one.supervisor}" if one.supervisor else ""),
        "people": one.people,
        "is_active": one.staff.is_active,
        "has_password": bool(one.staff.password_hash),
        "duties": duties_of(me.program, one.staff.id),
    }


def _who(members: list[Member], role: Role) -> list[dict[str, str]]:
    found = [m.staff for m in members if m.staff.is_active and m.staff.has(role)]
    return [{"value": "", "text": "Nobody named"}, *({"value": s.id, "text": s.name} for s in found)]
