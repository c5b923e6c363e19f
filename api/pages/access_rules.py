"""A program's rules of access and consent: hours of reading, hours behind broken glass, and who signs for a minor."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from records.commands.programs import LONGEST_GLASS, LONGEST_GRACE, set_access_rules

router = APIRouter()

ALONE, BOTH = "alone", "both"
_SIGNERS = [
    {"value": BOTH, "text": "They and a parent or guardian", "hint": "Choose this when you are not sure."},
    {"value": ALONE, "text": "They alone"},
]


@router.get("/staff/access")
@requires("manage_program")
def access_rules_page(request: Request, session: SessionDep, me: Me) -> Response:
    """The rules as they are."""
    program = me.program
    return page(
        "access_rules.html",
        request,
        values={
            "grace": program.handover_grace_hours,
            "glass": program.break_glass_hours,
            "minors": ALONE if program.minors_sign_alone else BOTH,
        },
        longest_grace=LONGEST_GRACE,
        longest_glass=LONGEST_GLASS,
        signers=_SIGNERS,
    )


@router.post("/staff/access")
@requires("manage_program", again=access_rules_page)
def set_rules(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Other rules, from now on: for every handover of late, for records that are opened, for what is signed."""
    grace, glass = form.number("grace", most=LONGEST_GRACE), form.number("glass", least=1, most=LONGEST_GLASS)
    minors = form.text("minors", limit=10)
    if minors not in (ALONE, BOTH):
        form.problem("minors", "not_a_choice", "Choose one of these.")
    form.check()
    set_access_rules(
        session, me.actor, handover_grace_hours=grace, break_glass_hours=glass, minors_sign_alone=minors == ALONE
    )
    return redirect_after_post(request, "/staff", "Kept. It counts from this minute.")
