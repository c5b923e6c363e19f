"""Who walks with the person: assigned, covered, handed over. One bridger at a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select

from domain.errors import Conflict, NotFound
from domain.match_facts import Excluded
from domain.vocabulary import (
    DeclineReason,
    EndReason,
    OfferState,
    ReferralStatus,
    Resolution,
    Role,
    Subject,
    TextKind,
)
from records.access import Actor
from records.commands.escalations import settle_ladder
from records.commands.messages import tell
from records.commands.person_texts import queue_text
from records.commands.planning import plan_introduction
from records.commands.text import checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.queries.matching import rank_for
from records.tables import Assignment, Bridger, Offer, Staff


def has_room(work: Work, bridger_id: str) -> bool:
    """Whether a bridger may get one more person without a named override (design §5, invariant 8)."""
    bridger, limit = work.session.get_one(Bridger, bridger_id), work.rows.program.caseload_limit
    if bridger.caseload_limit is not None:
        limit = min(limit, bridger.caseload_limit)
    return work.session.exec(_LOAD_OF, params={"bridger_id": bridger_id}).one() < limit


_LOAD_OF = select(func.count()).where(
    col(Assignment.bridger_id) == bindparam("bridger_id"), col(Assignment.ended_at).is_(None)
)


def begin_assignment(
    work: Work,
    bridger_id: str,
    *,
    by: str | None,
    override_by: str | None = None,
    override_reason: str = "",
    covers_for_id: str | None = None,
) -> Assignment:
    """Open an assignment; whoever had the person before must be ended first. Due times do not move."""
    row = Assignment(
        id=new_id("asg"),
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        bridger_id=bridger_id,
        started_at=work.now,
        assigned_by=by,
        override_by=override_by,
        override_reason=override_reason,
        covers_for_id=covers_for_id,
    )
    work.rows.assignments.append(row)
    work.add(row)
    referral = work.referral
    referral.bridger_id, referral.assigned_since, referral.unassigned_since = bridger_id, work.now, None
    referral.offers_exhausted_at = None
    if referral.status is ReferralStatus.ACCEPTED:
        referral.status = ReferralStatus.IN_PROGRESS
    work.record(
        "bridger.assigned",
        subject_id=row.id,
        bridger=bridger_id,
        covers_for=covers_for_id,
        override_by=override_by,
        override_reason=override_reason or None,
    )
    if _takes_over(work, bridger_id):
        plan_introduction(work)
    if covers_for_id is None:
        queue_text(
            work.session, referral, work.rows.person, TextKind.INTRODUCTION, key=row.id, now=work.now,
            bridger=bridger_id,
        )  # fmt: skip
    staff = work.session.get(Staff, bridger_id)
    _tell(work, staff, "assignment_made", row.id)
    _tell(work, work.session.get(Staff, referral.planner_id) if referral.planner_id else None, "bridger_named", row.id)
    return row


HANDOVERS = (
    EndReason.REASSIGNED,
    EndReason.BRIDGER_ASKED,
    EndReason.PERSON_ASKED,
    EndReason.CONFLICT,
    EndReason.LEFT,
    EndReason.CLEARANCE_ENDED,
)
"""Ends of an assignment after which the person gets to know somebody else for good: not a cover, not the end of one."""


def _takes_over(work: Work, bridger_id: str) -> bool:
    """Whether somebody else walked with the person before, and this bridger never did."""
    former = [row for row in work.rows.assignments if row.ended_at is not None]
    is_new = all(row.bridger_id != bridger_id for row in former)
    return is_new and bool(former) and former[-1].end_reason in HANDOVERS


def end_assignment(work: Work, reason: EndReason, *, tell_bridger: bool = True) -> Assignment | None:
    """End the open assignment, if there is one; the former bridger no longer sees the person."""
    row = work.rows.assignment
    if row is None:
        return None
    row.ended_at, row.end_reason = work.now, reason
    work.referral.bridger_id = work.referral.assigned_since = None
    work.referral.unassigned_since = work.now
    work.record("bridger.ended", subject_id=row.id, bridger=row.bridger_id, reason=reason)
    if tell_bridger:
        _tell(work, work.session.get(Staff, row.bridger_id), "assignment_ended", row.id)
    return row


def withdraw_offers(work: Work, why: str) -> None:
    """Take back the open offer: the person is assigned otherwise, or the case rests or is over."""
    for row in work.rows.offers:
        if row.state is OfferState.OPEN:
            row.state, row.closed_at = OfferState.WITHDRAWN, work.now
            work.record("offer.withdrawn", subject_id=row.id, bridger=row.bridger_id, why=why)


def assign(
    session: Session,
    actor: Actor,
    referral_id: str,
    bridger_id: str,
    *,
    override_reason: str = "",
    end_reason: EndReason = EndReason.REASSIGNED,
    covers_for_id: str | None = None,
) -> Assignment:
    """Assign by hand. What stands against the bridger needs a reason by name; a private conflict cannot be overridden.

    Raises NotFound (no such bridger), Conflict (a rule stands against it), IllegalState.
    """
    work = open_case(session, actor, referral_id, "assign")
    work.require("bridger.assigned")
    reason = checked_text(override_reason, "override_reason")
    current = work.referral.bridger_id
    ranking = rank_for(session, work.rows, work.now)
    excluded = next((e for e in ranking.excluded if e.candidate_id == bridger_id), None)
    if excluded is None and all(r.candidate_id != bridger_id for r in ranking.ranked):
        raise NotFound("That bridger")
    if current == bridger_id:
        return _current(work)
    if excluded is not None:
        _require_override(excluded, reason)
    withdraw_offers(work, "assigned by hand")
    end_assignment(work, end_reason)
    row = begin_assignment(
        work,
        bridger_id,
        by=actor.id,
        override_by=actor.id if excluded is not None else None,
        override_reason=reason if excluded is not None else "",
        covers_for_id=covers_for_id,
    )
    settle_ladder(
        work,
        Resolution.ARRANGED,
        subject=Subject.ASSIGNMENT,
        subject_id=work.referral.id,
        note="Assigned by hand.",
        by=actor.id,
    )
    work.settle()
    return row


def _require_override(excluded: Excluded, reason: str) -> None:
    if not excluded.may_be_overridden:
        raise Conflict("match_blocked", f"{excluded.reason_for_others} This cannot be set aside.")
    if not reason:
        raise Conflict("override_needed", f"{excluded.reason} To assign all the same, write down why.")


def _current(work: Work) -> Assignment:
    row = work.rows.assignment
    if row is None:
        raise NotFound("That assignment")
    return row


def release_bridger(session: Session, actor: Actor, referral_id: str, reason: EndReason, note: str = "") -> None:
    """The bridger or the person asks for another; no reason is needed, no due time moves (acceptance scenario 9).

    The next bridger is sought at once.
    """
    work = open_case(session, actor, referral_id, "see_person")
    if Role.BRIDGER in actor.roles and reason is EndReason.BRIDGER_ASKED:
        actor.require("ask_reassignment")
    elif not actor.may("assign") and not (reason is EndReason.PERSON_ASKED and Role.BRIDGER in actor.roles):
        actor.require("assign")
    work.require("bridger.ended")
    text = checked_text(note, "note")
    ended = end_assignment(work, reason)
    if ended is None:
        raise Conflict("nobody_assigned", "Nobody is assigned at the moment.")
    if reason in (EndReason.PERSON_ASKED, EndReason.BRIDGER_ASKED, EndReason.CONFLICT):
        declined = Offer(
            id=new_id("off"),
            program_id=work.referral.program_id,
            referral_id=work.referral.id,
            bridger_id=ended.bridger_id,
            state=OfferState.DECLINED,
            made_at=work.now,
            answer_by=work.now,
            closed_at=work.now,
            decline_reason=DeclineReason.PRIVATE,
        )  # so that matching does not ask the same bridger again
        work.add(declined)
        if "offers" in work.rows.__dict__:
            work.rows.offers.append(declined)
    if text:
        work.record("note.added", note=text)
    work.settle()


def reassign_all(
    session: Session, actor: Actor, from_id: str, to: dict[str, str], *, end_reason: EndReason = EndReason.REASSIGNED
) -> Sequence[str]:
    """Hand several people over at once, `{referral id: bridger id}`: all or none (acceptance scenario 69).

    A person who is with the named bridger already stays there, so that a retry changes nothing.
    """
    actor.require("assign")
    done = []
    for referral_id in sorted(to):
        row = assign(
            session, actor, referral_id, to[referral_id], override_reason="handed over together", end_reason=end_reason
        )
        done.append(row.referral_id)
    return done


def _tell(work: Work, staff: Staff | None, template: str, assignment_id: str) -> None:
    tell(
        work.session,
        staff,
        template,
        key=f"{template}:{assignment_id}",
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        subject_id=assignment_id,
        now=work.now,
    )
