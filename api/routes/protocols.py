"""The program's protocols: the rules of follow-up, in the file that a manager can read."""

from __future__ import annotations

from fastapi import APIRouter
from sqlmodel import Session

from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models.common import Listed, PathId
from api.models.organization import (
    CaseMoveOut,
    MoveIn,
    MoveOut,
    MovePreviewIn,
    MovePreviewOut,
    ProtocolIn,
    ProtocolOut,
    ProtocolTextOut,
    WindowOut,
)
from api.routes.common import API_PREFIX, PROBLEMS
from domain.case import Contact
from domain.plan import Planned
from domain.vocabulary import SystemScope
from records.commands.programs import publish_protocol
from records.commands.protocols import move_cases, take_back_move
from records.queries.protocol_moves import CaseMove, MovePreview, get_move, preview_move, preview_take_back
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


@router.post("", status_code=201)
@requires("manage_program", systems=NEVER)
def publish(session: SessionDep, me: Me, body: ProtocolIn) -> ProtocolOut:
    """Publish the next version of a protocol. Running cases keep theirs; what is wrong with it is said, all at once."""
    row = publish_protocol(session, me.actor, body.text)
    return _with_settings(session, row, ProtocolOut.model_validate(row))


@router.post("/{protocol_id}/move/preview")
@requires("move_cases", systems=NEVER, writes=False)
def look(session: SessionDep, me: Me, protocol_id: PathId, body: MovePreviewIn) -> MovePreviewOut:
    """What moving these running cases to this version would change. Nothing is written."""
    return _preview(preview_move(session, me.actor, protocol_id, body.referral_ids), protocol_id)


@router.post("/{protocol_id}/move", status_code=201)
@requires("move_cases", systems=NEVER)
def move(session: SessionDep, me: Me, protocol_id: PathId, body: MoveIn) -> MoveOut:
    """Move all of them, exactly as the preview showed it (`seen`), or none: 409 says what has changed since."""
    made = move_cases(session, me.actor, protocol_id, body.seen, looked_at=body.looked_at)
    return _made(session, me, made.id)


@router.get("/moves/{move_id}")
@requires("move_cases", systems=NEVER)
def get_made(session: SessionDep, me: Me, move_id: PathId) -> MoveOut:
    """A move that was made, and how many of its cases went back."""
    return _made(session, me, move_id)


@router.get("/moves/{move_id}/take-back")
@requires("move_cases", systems=NEVER)
def look_back(session: SessionDep, me: Me, move_id: PathId) -> MovePreviewOut:
    """What taking it back would change, and which cases cannot go back, each with its reason."""
    shown = preview_take_back(session, me.actor, move_id)
    return _preview(shown, shown.protocol.id)


@router.post("/moves/{move_id}/take-back")
@requires("move_cases", systems=NEVER)
def take_back(session: SessionDep, me: Me, move_id: PathId, body: MoveIn) -> MoveOut:
    """Take a move back, exactly as the preview showed it, within seven days."""
    take_back_move(session, me.actor, move_id, body.seen, looked_at=body.looked_at)
    return _made(session, me, move_id)


def _made(session: Session, me: Me, move_id: str) -> MoveOut:
    made = get_move(session, me.actor, move_id)
    return MoveOut(
        id=made.row.id,
        protocol_id=made.row.protocol_id,
        made_at=made.row.made_at,
        undone_at=made.row.undone_at,
        cases=made.cases,
        undone=made.undone,
    )


def _preview(shown: MovePreview, protocol_id: str) -> MovePreviewOut:
    return MovePreviewOut(
        protocol_id=protocol_id,
        cases=[_case(one) for one in shown.cases],
        told=list(shown.told),
        seen=shown.seen,
        looked_at=shown.at,
    )


def _case(one: CaseMove) -> CaseMoveOut:
    move = one.move
    return CaseMoveOut(
        referral_id=one.referral.id,
        number=one.referral.number,
        before=one.before,
        appears=[_appears(p) for p in move.change.added],
        disappears=[_there(c) for c in move.change.removed],
        moves=[
            WindowOut(key=m.contact.key, seq=m.contact.seq, due_at=m.contact.due_at, after=m.due_at)
            for m in move.change.moved
        ],
        not_asked_for=[_appears(p) for p in move.gone_by],
        stays_on_record=[_there(c) for c in move.kept],
        calls_settled=len({(call.subject, call.subject_id) for call in move.settled}),
        due_at_once=[item.kind for item in move.overdue],
        called=list(one.called),
        stays=move.stays,
    )


def _appears(planned: Planned) -> WindowOut:
    return WindowOut(key=planned.key, seq=planned.seq, due_at=None, after=planned.due_at)


def _there(contact: Contact) -> WindowOut:
    return WindowOut(key=contact.key, seq=contact.seq, due_at=contact.due_at, after=None)


def _with_settings(session: Session, row: ProtocolVersion, shown: ProtocolOut) -> ProtocolOut:
    shown.settings = list(protocol_of(session, row.id).settings)
    return shown
