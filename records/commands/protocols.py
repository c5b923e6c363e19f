"""Moving a running case to another version of its protocol: looked at first, then done by somebody, never by itself."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from domain.errors import Conflict, NotFound
from domain.plan import Replanned, plan, plan_hold, replan
from domain.protocol import Protocol
from domain.vocabulary import ReferralStatus
from records.access import Actor
from records.commands.planning import replan_case
from records.commands.work import Work, open_case
from records.queries.protocols import protocol_of
from records.tables import ProtocolVersion, Referral


def preview_move(session: Session, actor: Actor, referral_id: str, protocol_id: str) -> Replanned:
    """What the move would change: contacts added, moved and removed. Nothing is written. Raises as the move does."""
    work = open_case(session, actor, referral_id, "manage_program")
    case = replace(work.rows.facts(), protocol=_checked(work, protocol_id))
    is_held = work.referral.status is ReferralStatus.ON_HOLD
    return replan(case, plan_hold(case, work.now) if is_held else plan(case, work.now))


def move_to_version(session: Session, actor: Actor, referral_id: str, protocol_id: str) -> Referral:
    """The case follows this version of its protocol from now on; what was met, missed or waived stays.

    Moving it twice changes nothing. Raises NotFound, IllegalState when it is over, Conflict when it is another protocol
    or the version lacks a ladder that is being climbed.
    """
    work = open_case(session, actor, referral_id, "manage_program")
    protocol = _checked(work, protocol_id)
    before = work.referral.protocol_id
    if before == protocol_id:
        return work.referral
    work.referral.protocol_id, work.rows.protocol = protocol_id, protocol
    work.record("protocol.moved", before=before, after=protocol_id)
    replan_case(work, "it follows another version of its protocol")
    work.settle()
    return work.referral


def _checked(work: Work, protocol_id: str) -> Protocol:
    work.require("protocol.moved")
    version = work.session.get(ProtocolVersion, protocol_id)
    if version is None or version.program_id != work.actor.program_id:
        raise NotFound("That protocol")
    protocol = protocol_of(work.session, protocol_id)
    if protocol.key != work.rows.protocol.key:
        raise Conflict("other_protocol", "A case moves between versions of its own protocol only.")
    for call in work.rows.escalations:
        mine = work.rows.protocol.ladders.get(call.ladder)
        if call.state.is_open and mine is not None and len(protocol.ladders.get(call.ladder, ())) <= call.rung:
            raise Conflict("ladder_missing", "Somebody is being called by a ladder that this version does not have.")
    return protocol
