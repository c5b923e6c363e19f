"""Release lists, sent by a jail's own system."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException

from api.access import requires
from api.deps import Me
from api.models.common import Id
from api.models.organization import ImportOut, ImportRowOut
from api.receiving import Received, receive
from api.routes.common import API_PREFIX, PROBLEMS
from domain.errors import Invalid
from domain.vocabulary import SystemScope
from records.commands.imports import import_releases
from records.engine import Slices, transaction

router = APIRouter(prefix=API_PREFIX + "/imports", tags=["imports"], responses=PROBLEMS)

MOST_ROWS = 5_000
"""Of one list, whose sender waits for the report."""
_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.post("", status_code=201, openapi_extra=_BODY, responses={415: {"description": "Send it as text/csv"}})
@requires("import_releases", writes=False, systems=SystemScope.RELEASES_IMPORT)
def take(me: Me, sent: Annotated[Received, Depends(receive)], facility_id: Id | None = None) -> ImportOut:
    """Take a release list as CSV, up to 5,000 rows; the columns are those of the page. Safe to send again: what is
    known already is not filed twice, and a list that broke off goes on. A program's token says whose list it is."""
    if not sent.body:
        raise HTTPException(415, "Send the list as text/csv.")
    if me.actor.facility_id is None and facility_id is None:
        raise Invalid("required", "Say whose list this is.", field="facility_id")
    with transaction() as own:  # of its own, a slice at a time: nobody else waits for the whole list
        slices = Slices(own)
        report = import_releases(
            own,
            me.actor,
            sent.body,
            facility_id=facility_id,
            most=MOST_ROWS,
            progress=lambda _done, _rows: slices.end_if_long(),
        )
    if report.problems:
        raise Invalid("list_refused", " ".join(report.problems[:3]), field="")
    return ImportOut(id=report.id, counts=report.counts, rows=[ImportRowOut.model_validate(row) for row in report.rows])
