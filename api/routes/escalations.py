"""Escalations: calls for other people, taken, acted on, settled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import cursors
from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models.common import Cursor, Id, Limit, Listed, PathId
from api.models.work import ActIn, DecideIn, EscalationOut, ResolveIn
from api.routes.common import API_PREFIX, PROBLEMS, one_page
from domain.vocabulary import EscalationState
from records.commands import escalations
from records.queries.escalations import get_escalation, list_escalations, read_escalation

router = APIRouter(prefix=API_PREFIX + "/escalations", tags=["escalations"], responses=PROBLEMS)
OPEN = [EscalationState.RAISED, EscalationState.ACKNOWLEDGED]


@router.get("")
@requires("acknowledge", systems=NEVER)
def list_(
    session: SessionDep,
    me: Me,
    state: Annotated[list[EscalationState], Query()] = OPEN,
    referral_id: Id | None = None,
    mine: Annotated[bool, Query(description="only those that you were told of by name")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Listed[EscalationOut]:
    """Escalations about people whom you may see, the first to be answered first."""
    rows = list_escalations(
        session,
        me.actor,
        states=state,
        referral_id=referral_id,
        only_told=mine,
        after=cursors.decode(cursor),
        limit=limit + 1,
    )
    return one_page(rows, limit, EscalationOut.model_validate, lambda row: (row.answer_by, row.id))


@router.get("/{escalation_id}")
@requires("acknowledge", systems=NEVER)
def get(session: SessionDep, me: Me, escalation_id: PathId) -> EscalationOut:
    """One escalation."""
    return EscalationOut.model_validate(read_escalation(session, me.actor, escalation_id))


@router.post("/{escalation_id}/acknowledge")
@requires("acknowledge", systems=NEVER)
def acknowledge(session: SessionDep, me: Me, escalation_id: PathId) -> EscalationOut:
    """“I have this.” The next rung is not told while it is acted on in time."""
    row = get_escalation(session, me.actor, escalation_id)
    return EscalationOut.model_validate(escalations.acknowledge(session, me.actor, row.referral_id, row.id))


@router.post("/{escalation_id}/act")
@requires("acknowledge", systems=NEVER)
def act(session: SessionDep, me: Me, escalation_id: PathId, body: ActIn) -> EscalationOut:
    """Write down what was done; it stays open."""
    row = get_escalation(session, me.actor, escalation_id)
    return EscalationOut.model_validate(escalations.act(session, me.actor, row.referral_id, row.id, body.note))


@router.post("/{escalation_id}/resolve")
@requires("resolve", systems=NEVER)
def resolve(session: SessionDep, me: Me, escalation_id: PathId, body: ResolveIn) -> EscalationOut:
    """Settle it with what was done; the ladder it belongs to is settled with it."""
    row = get_escalation(session, me.actor, escalation_id)
    settled = escalations.resolve(session, me.actor, row.referral_id, row.id, body.resolution, body.note)
    return EscalationOut.model_validate(settled)


@router.post("/{escalation_id}/decide")
@requires("decide_welfare", systems=NEVER)
def decide(session: SessionDep, me: Me, escalation_id: PathId, body: DecideIn) -> EscalationOut:
    """A clinician decides about mobile crisis or a welfare check."""
    row = get_escalation(session, me.actor, escalation_id)
    decided = escalations.decide_welfare_check(session, me.actor, row.referral_id, row.id, body.decision, body.reason)
    return EscalationOut.model_validate(decided)
