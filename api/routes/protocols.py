"""The program's protocols: the rules of follow-up, in the file that a manager can read."""

from __future__ import annotations

from fastapi import APIRouter
from sqlmodel import Session

from api.access import requires
from api.deps import Me, SessionDep
from api.models.common import Listed, PathId
from api.models.organization import ProtocolOut, ProtocolTextOut
from api.routes.common import API_PREFIX, PROBLEMS
from domain.vocabulary import SystemScope
from records.queries.protocols import protocol_of
from records.queries.staffing import get_protocol, list_protocols
from records.tables import ProtocolVersion

router = APIRouter(prefix=API_PREFIX + "/protocols", tags=["protocols"], responses=PROBLEMS)


@router.get("")
@requires("see_person", systems=SystemScope.REFERRALS_READ)
def list_(session: SessionDep, me: Me) -> Listed[ProtocolOut]:
    """Every published version, by key, the newest first."""
    rows = list_protocols(session, me.actor)
    return Listed(
        items=[_with_settings(session, row, ProtocolOut.model_validate(row)) for row in rows], next_cursor=None
    )


@router.get("/{protocol_id}")
@requires("see_person", systems=SystemScope.REFERRALS_READ)
def get(session: SessionDep, me: Me, protocol_id: PathId) -> ProtocolTextOut:
    """One version as it was published."""
    row = get_protocol(session, me.actor, protocol_id)
    shown = ProtocolTextOut.model_validate(row)
    _with_settings(session, row, shown)
    return shown


def _with_settings(session: Session, row: ProtocolVersion, shown: ProtocolOut) -> ProtocolOut:
    shown.settings = list(protocol_of(session, row.id).settings)
    return shown
