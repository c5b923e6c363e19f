"""Incidents: what may have been told to somebody who should not know, who looks into it, and what was done."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from records.commands import incidents
from records.queries.incidents import get_incident, list_incidents
from records.queries.staff import names_of
from records.tables import Incident, Person, Referral

router = APIRouter()


@router.get("/incidents")
@requires("handle_incidents")
def incident_list(request: Request, session: SessionDep, me: Me) -> Response:
    """The open ones first."""
    rows = list_incidents(session, me.actor)
    names = names_of(session, {row.owner_id for row, _, _ in rows})
    lines = [_line(*one, names) for one in rows]
    return page(
        "incidents.html",
        request,
        waiting=[line for line in lines if not line["is_settled"]],
        settled=[line for line in lines if line["is_settled"]],
        zone=me.program.zone,
    )


def _line(row: Incident, referral: Referral, person: Person, names: dict[str, str]) -> dict[str, Any]:
    count = len(row.text_ids)
    texts = "1 automatic text had gone there" if count == 1 else f"{count} automatic texts had gone there"
    return {
        "href": f"/incidents/{row.id}",
        "what": row.kind.label,
        "who": person.full_name,
        "number": referral.number,
        "texts": texts if count else "No automatic text had gone there",
        "at": row.opened_at,
        "owner": names.get(row.owner_id or "", ""),
        "is_settled": row.resolved_at is not None,
        "resolved_at": row.resolved_at,
    }


@router.get("/incidents/{incident_id}")
@requires("handle_incidents")
def incident(request: Request, session: SessionDep, me: Me, incident_id: str) -> Response:
    """What happened, what had gone there, what came back, and what was done."""
    found = get_incident(session, me.actor, incident_id)
    row = found.incident
    names = names_of(session, {row.owner_id, row.resolved_by})
    return page(
        "incident.html",
        request,
        values={"resolution": ""},
        row=row,
        who=found.person.full_name,
        person_href=f"/referrals/{found.referral.id}" if found.is_theirs else "",
        referral=found.referral,
        texts=[{"kind": one.kind.label, "said": one.said, "at": one.sent_at or one.claimed_at} for one in found.texts],
        reply=found.reply,
        owner=names.get(row.owner_id or "", ""),
        is_mine=row.owner_id == me.id,
        resolved_by=names.get(row.resolved_by or "", "a colleague"),
        zone=me.program.zone,
    )


@router.post("/incidents/{incident_id}/take")
@requires("handle_incidents")
def take(request: Request, session: SessionDep, me: Me, form: FormDep, incident_id: str) -> Response:
    """“I look into this.”"""
    form.check()
    incidents.take_incident(session, me.actor, incident_id)
    return redirect_after_post(request, f"/incidents/{incident_id}", "It is with you.")


@router.post("/incidents/{incident_id}/resolve")
@requires("handle_incidents", again=incident)
def resolve(request: Request, session: SessionDep, me: Me, form: FormDep, incident_id: str) -> Response:
    """It was looked into; what was done stays."""
    said = form.area("resolution", required=True)
    form.check()
    incidents.resolve_incident(session, me.actor, incident_id, said)
    return redirect_after_post(request, f"/incidents/{incident_id}", "Settled. What was done is on record.")
