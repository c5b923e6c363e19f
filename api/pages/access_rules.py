"""How long somebody may still read what is not theirs any more, and how long broken glass stays open."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from records.commands.programs import LONGEST_GLASS, LONGEST_GRACE, set_access_rules

router = APIRouter()


@router.get("/staff/access")
@requires("manage_program")
def access_rules_page(request: Request, session: SessionDep, me: Me) -> Response:
    """The hours as they are."""
    return page(
        "access_rules.html",
        request,
        values={"grace": me.program.handover_grace_hours, "glass": me.program.break_glass_hours},
        longest_grace=LONGEST_GRACE,
        longest_glass=LONGEST_GLASS,
    )


@router.post("/staff/access")
@requires("manage_program", again=access_rules_page)
def set_rules(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Other hours, from now on: for every handover of late, and for records that are opened from now on."""
    grace, glass = form.number("grace", most=LONGEST_GRACE), form.number("glass", least=1, most=LONGEST_GLASS)
    form.check()
    set_access_rules(session, me.actor, handover_grace_hours=grace, break_glass_hours=glass)
    return redirect_after_post(request, "/staff", "Kept. It counts from this minute.")
