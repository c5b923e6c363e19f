"""The people who sign in, and their absences."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import cursors
from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models.common import Cursor, Limit, Listed, PathId
from api.models.organization import AbsenceIn, AbsenceOut, MovedOut, StaffIn, StaffOut
from api.routes.common import API_PREFIX, PROBLEMS, one_page
from records.commands import absences, staff
from records.queries.staffing import list_staff

router = APIRouter(prefix=API_PREFIX, tags=["staff"], responses=PROBLEMS)


@router.get("/staff")
@requires("manage_staff", systems=NEVER)
def list_(
    session: SessionDep,
    me: Me,
    with_former: Annotated[bool, Query(description="also those who left")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Listed[StaffOut]:
    """The staff of your program, in the order they were added."""
    after = cursors.decode(cursor)
    rows = list_staff(session, me.actor, after_id=after[1] if after else None, limit=limit + 1, with_former=with_former)
    return one_page(rows, limit, StaffOut.model_validate, lambda row: (row.created_at, row.id))


@router.post("/staff", status_code=201)
@requires("manage_staff", systems=NEVER)
def add(session: SessionDep, me: Me, body: StaffIn) -> StaffOut:
    """Add somebody, without a password yet."""
    return StaffOut.model_validate(staff.add_staff(session, me.actor, **body.model_dump()))


@router.post("/staff/{staff_id}/absences", status_code=201)
@requires("set_absence", systems=NEVER)
def set_absence(session: SessionDep, me: Me, staff_id: PathId, body: AbsenceIn) -> AbsenceOut:
    """A bridger is away; with a cover, the people move there once it begins."""
    row = absences.set_absence(
        session, me.actor, staff_id, from_at=body.from_at, until_at=body.until_at, cover_id=body.cover_id
    )
    return AbsenceOut.model_validate(row)


@router.post("/absences/{absence_id}/end")
@requires("set_absence", systems=NEVER)
def end_absence(session: SessionDep, me: Me, absence_id: PathId) -> MovedOut:
    """The bridger is back; the people return with what is still to come."""
    return MovedOut(referral_ids=absences.end_absence(session, me.actor, absence_id))
