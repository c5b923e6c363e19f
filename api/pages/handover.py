"""Everybody of one bridger to others: who takes whom, what stands against it, one yes for all of them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.pages.once import Once, new_once
from records import clock
from records.commands import assignments
from records.queries.caseload import get_bridger, list_colleagues, list_loads, list_walks, stays_because

router = APIRouter()

HERE = "/bridgers/{bridger_id}/hand-over"


@router.get(HERE)
@requires("assign")
def hand_over_form(request: Request, session: SessionDep, me: Me, bridger_id: str, to: str = "") -> Response:
    """Who takes whom. With one colleague chosen for all, everybody whom no rule keeps from it is set to them."""
    staff, _ = get_bridger(session, me.actor, bridger_id)
    now = clock.now()
    walks, colleagues = list_walks(session, me.actor, bridger_id), list_colleagues(session, me.actor, bridger_id)
    loads = {load.staff.id: load for load in list_loads(session, me.actor, now)}
    chosen = next((c for c in colleagues if c.id == to), None)
    stays = stays_because(session, me.actor, walks, chosen.id, now) if chosen is not None else {}
    options = [{"value": "", "text": f"Stays with {staff.first_name or staff.name}"}]
    for one in colleagues:
        load = loads.get(one.id)
        room = f", {load.people} of {load.limit}" if load is not None else ""
        options.append({"value": one.id, "text": f"{one.name}{room}"})
    values = {f"to_{w.referral.id}": chosen.id if chosen and w.referral.id not in stays else "" for w in walks}
    return page(
        "hand_over.html",
        request,
        values=values | {"once": new_once()},
        staff=staff,
        walks=[(w, stays.get(w.referral.id)) for w in walks],
        options=options,
        to=chosen.id if chosen is not None else "",
        chosen=chosen.name if chosen is not None else "",
        everybody=[{"value": "", "text": "Choose"}, *options[1:]],
    )


@router.post(HERE)
@requires("assign", again=hand_over_form)
def hand_over(request: Request, session: SessionDep, me: Me, form: FormDep, bridger_id: str) -> Response:
    """All of them or none. Whoever is with the named bridger already stays there."""
    once = Once(session, request, me, form)
    get_bridger(session, me.actor, bridger_id)
    allowed = {c.id for c in list_colleagues(session, me.actor, bridger_id)}
    wanted: dict[str, str] = {}
    for walk in list_walks(session, me.actor, bridger_id):
        name = f"to_{walk.referral.id}"
        to = form.text(name)
        if to and to not in allowed:
            form.problem(name, "not_a_choice", "Choose one of these.")
        elif to:
            wanted[walk.referral.id] = to
    form.also_asked(*(name for name in form.as_typed() if name.startswith("to_")))
    form.check()
    if (before := once.answered()) is not None:
        return before
    moved = assignments.reassign_all(session, me.actor, bridger_id, wanted)
    count = "1 person is" if len(moved) == 1 else f"{len(moved)} people are"
    said = f"{count} with somebody else now. Everybody was told." if moved else "Nobody was handed over."
    return once.go(f"/bridgers/{bridger_id}", said, "done" if moved else "note")
