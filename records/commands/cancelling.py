"""A planner asks to cancel, and the program answers."""

from __future__ import annotations

from sqlmodel import Session

from domain.errors import Conflict
from domain.vocabulary import (
    ClosureReason,
    ReferralStatus,
    Resolution,
    Subject,
)
from records.access import Actor
from records.commands.closing import end_work
from records.commands.escalations import settle_ladder
from records.commands.text import checked_text
from records.commands.work import open_case
from records.queries.staff import find_active
from records.tables import Referral


def request_cancel(session: Session, actor: Actor, referral_id: str, reason: str) -> Referral:
    """The planner asks to cancel. Before the program began it is done at once; afterwards the program answers.

    Raises IllegalState when it is over. (A handshake: one business day.)
    """
    work = open_case(session, actor, referral_id, "request_cancel")
    text = checked_text(reason, "reason", required=True)
    referral = work.referral
    if referral.status in (ReferralStatus.DRAFT, ReferralStatus.SUBMITTED):
        end_work(work, ClosureReason.CANCELLED, text)
        work.settle()
        return referral
    work.require("cancel.requested")
    if referral.cancel_requested_at is not None:
        return referral
    referral.cancel_requested_at, referral.cancel_reason = work.now, text
    work.record("cancel.requested", reason=text)
    supervisor = find_active(session, work.rows.program.supervisor_id)
    work.tell(supervisor, "cancel_requested", f"cancel:{referral.version}")
    work.settle()
    return referral


def decide_cancel(session: Session, actor: Actor, referral_id: str, *, agree: bool, note: str = "") -> Referral:
    """The program answers a request to cancel: agreed, or refused because the person wants it (scenario 70)."""
    work = open_case(session, actor, referral_id, "decide_cancel")
    referral = work.referral
    if referral.cancel_requested_at is None:
        raise Conflict("no_request", "Nobody has asked to cancel this referral, or it was answered.")
    text = checked_text(note, "note", required=not agree)
    referral.cancel_requested_at = None
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.CANCEL, note="Answered.", by=actor.id)
    work.record("cancel.agreed" if agree else "cancel.refused", note=text)
    if agree:
        end_work(work, ClosureReason.CANCELLED, text or referral.cancel_reason)
    planner = find_active(session, referral.planner_id)
    work.tell(planner, "cancel_decision", f"cancel-answer:{referral.version}")
    work.settle()
    return referral
