"""The accounting of disclosures: for a person who asks who was told what about them, on a page and as a file."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import Me, SessionDep, page
from api.filters import local_date
from domain.clock import local
from domain.spoken import spoken_time
from domain.spreadsheet import safe_cell
from domain.vocabulary import Purpose
from records import clock
from records.access import person_for
from records.queries.disclosures import Accounted, accounting_of

router = APIRouter()

COLUMNS = ("when", "recipient", "what", "information", "purpose", "result", "reason", "scope", "notice", "consent")


@router.get("/people/{person_id}/disclosures")
@requires("see_accounting")
def accounting(request: Request, session: SessionDep, me: Me, person_id: str) -> Response:
    """Three years back: what was told, what was refused, and to whom under a general consent."""
    person = person_for(session, me.actor, person_id)
    found = accounting_of(session, me.actor, person_id, clock.now())
    return page(
        "disclosures.html",
        request,
        who=person.full_name,
        told=[_shown(one, person.zone) for one in found.told],
        refused=[_shown(one, person.zone) for one in found.refused],
        recipients=[
            {"name": name, "when": _day_and_time(at, person.zone), "covers": covers}
            for name, at, covers in found.recipients
        ],
        download=f"/people/{person_id}/disclosures.csv",
        zone=person.zone,
    )


@router.get("/people/{person_id}/disclosures.csv")
@requires("see_accounting")
def download(request: Request, session: SessionDep, me: Me, person_id: str) -> Response:
    """The same as a file for whoever asked."""
    person = person_for(session, me.actor, person_id)
    found = accounting_of(session, me.actor, person_id, clock.now())
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for one in [*found.told, *found.refused]:
        writer.writerow([safe_cell(cell) for cell in _cells(one, person.zone)])
    return Response(
        file.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="accounting-of-disclosures.csv"'},
    )


def _cells(one: Accounted, zone: str) -> tuple[str, ...]:
    row = one.row
    result = "refused" if not row.is_allowed else "told" if one.is_certain else "may have been told"
    return (
        local(row.sent_at or row.at, zone).isoformat(timespec="minutes"),
        one.recipient,
        row.what,
        row.category.label if row.category is not None else "",
        purpose_words(row.purpose),
        result,
        row.reason,
        row.covers or "",
        row.notice or "",
        row.consent_id or "",
    )


def _shown(one: Accounted, zone: str) -> dict[str, Any]:
    _, recipient, what, information, purpose, result, reason, covers, notice, _ = _cells(one, zone)
    return {
        "when": _day_and_time(one.row.sent_at or one.row.at, zone),
        "recipient": recipient,
        "what": {"text": what[:1].upper() + what[1:], "sub": information},
        "purpose": purpose,
        "result": {"text": result[:1].upper() + result[1:], "sub": reason},
        "covers": {"text": covers or "None needed", "sub": notice},
    }


def _day_and_time(at: datetime, zone: str) -> str:
    """With the year: it reaches back three."""
    return f"{local_date(at, zone)}, {spoken_time(local(at, zone).time())}"


def purpose_words(value: str) -> str:
    """What something was told for, in words; as it stands where it is of before there was a list."""
    return next((purpose.label for purpose in Purpose if purpose.value == value), value)
