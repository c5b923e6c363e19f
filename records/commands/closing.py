"""Endings: closed with a reason, died, entered in error, undone; and the report that closes the loop."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from domain.errors import Conflict, Invalid
from domain.vocabulary import (
    Category,
    ClosureReason,
    ContactState,
    EndReason,
    Purpose,
    ReferralStatus,
    Resolution,
    Subject,
)
from records.access import UNDO_DAYS, Actor
from records.commands.assignments import begin_assignment, end_assignment, has_room, withdraw_offers
from records.commands.disclosures import disclose, facility
from records.commands.escalations import call_again, settle_ladder
from records.commands.holds import LEFT_BEFORE
from records.commands.messages import cancel_waiting, tell
from records.commands.person_texts import cancel_texts
from records.commands.planning import end_awaited, replan_case
from records.commands.text import checked_text
from records.commands.work import Work, open_case
from records.queries.people import find_open_referral
from records.queries.report import CLOSING_REPORT, closing_report, list_to_tell
from records.queries.staff import find_active
from records.tables import Referral


def close_referral(session: Session, actor: Actor, referral_id: str, reason: ClosureReason, note: str = "") -> Referral:
    """Close with a reason and what came of it; the referrer is told as far as consent allows.

    Raises Invalid for “the person died”, which has a command of its own, IllegalState when it is over.
    """
    work = open_case(session, actor, referral_id, "close")
    if reason is ClosureReason.DECEASED:
        raise Invalid("use_death", "Record the death instead; it stops every message at once.", field="reason")
    work.require("referral.closed", to=reason.status)
    end_work(work, reason, checked_text(note, "note"))
    work.settle()
    return work.referral


def end_work(work: Work, reason: ClosureReason, note: str, *, at: datetime | None = None) -> None:
    """End a case within a command that is under way: nothing more is awaited, nobody is called any more."""
    referral = work.referral
    hold = work.rows.hold if referral.status is ReferralStatus.ON_HOLD else None
    referral.undo = {
        **referral.undo,
        "status": referral.status.value,
        "bridger_id": referral.bridger_id or "",
        "contacts": ",".join(c.id for c in work.rows.contacts if c.state.is_awaited),
        "hold_id": hold.id if hold is not None else "",
        "calls": ",".join(e.id for e in work.rows.escalations if e.state.is_open),
    }
    end_awaited(work, ContactState.CLOSED, f"closed: {reason.label}")
    settle_ladder(work, Resolution.NOT_NEEDED, note=f"Closed: {reason.label}.", by=_by(work))
    withdraw_offers(work, "the referral closed")
    if hold is not None:
        hold.ended_at, hold.end_note = work.now, "the referral closed"
    end_assignment(work, EndReason.CLOSED, tell_bridger=reason is not ClosureReason.DECEASED)
    referral.unassigned_since = None
    referral.status, referral.closure_reason, referral.closure_note = reason.status, reason, note
    referral.ended_at, referral.closed_by = at or work.now, work.actor_id
    referral.cancel_requested_at = None
    work.record("referral.closed", at=at, reason=reason, note=note, status=reason.status)


def record_death(session: Session, actor: Actor, referral_id: str, died_at: datetime | None = None) -> Referral:
    """The person died: every timer and every message stops at once, and the record closes.

    Messages that wait are cancelled. A supervisor can take it back when it was entered in error.
    """
    work = open_case(session, actor, referral_id, "record_death")
    work.require("person.died")
    when = died_at or work.now
    if when > work.now + timedelta(minutes=5):
        raise Invalid("in_the_future", "This time has not come yet. Check the date.", field="died_at")
    die_work(work, when)
    work.settle()
    return work.referral


def die_work(work: Work, when: datetime) -> None:
    """Record a death within a command that is under way."""
    cancelled = cancel_waiting(work.session, work.referral.id, "the case ended")
    cancelled += cancel_texts(work.session, "the case ended", referral_id=work.referral.id)
    work.rows.person.died_at = when
    end_work(work, ClosureReason.DECEASED, "", at=when)
    work.record("person.died", at=when, messages_cancelled=cancelled)
    program = work.rows.program
    for staff_id in dict.fromkeys((program.supervisor_id, program.manager_id)):
        tell(
            work.session,
            find_active(work.session, staff_id),
            "case_ended",
            key=f"died:{work.referral.id}:{work.referral.version}",
            program_id=program.id,
            referral_id=work.referral.id,
            now=work.now,
        )


def undo_end(session: Session, actor: Actor, referral_id: str, why: str) -> Referral:
    """Take back an end that was entered in error, a death included: timers return to the original dates (scenario 28).

    Raises Conflict when it is not over, was completed long ago, or the person has another open referral.
    """
    work = open_case(session, actor, referral_id, "undo_end")
    referral = work.referral
    text = checked_text(why, "why", required=True)
    if not referral.status.is_over or "status" not in referral.undo or referral.ended_at is None:
        raise Conflict("nothing_to_undo", "There is no end to take back.")
    if work.now - referral.ended_at > timedelta(days=UNDO_DAYS):
        raise Conflict("too_late", f"This ended more than {UNDO_DAYS} days ago. File a new referral; it is linked.")
    if find_open_referral(session, referral.person_id) is not None:
        raise Conflict("already_referred", "This person has another open referral by now. Go on with that one.")
    undo_work(work, text)
    work.settle()
    return referral


def undo_work(work: Work, why: str) -> None:
    """Take back an end within a command that is under way."""
    referral, undo = work.referral, dict(work.referral.undo)
    referral.status = ReferralStatus(undo["status"])
    restored = set(filter(None, undo["contacts"].split(",")))
    for row in work.rows.contacts:
        if row.id in restored and row.state is ContactState.CLOSED:
            row.state, row.reason = ContactState.PLANNED, ""
    was = referral.closure_reason
    referral.ended_at = referral.closure_reason = referral.closed_by = None
    referral.closure_note, referral.reported_at = "", None
    referral.undo = {k: v for k, v in undo.items() if k in LEFT_BEFORE}
    work.rows.person.died_at = None
    for hold in work.rows.holds:
        if hold.id == undo["hold_id"]:
            hold.ended_at, hold.end_note = None, ""
    referral.unassigned_since = work.now if referral.accepted_at else None
    work.record("end.undone", was=was, note=why, contacts=sorted(restored), status=referral.status)
    bridger = find_active(work.session, undo["bridger_id"])
    if bridger is not None:
        over = {} if has_room(work, bridger.id) else _OVER_THE_LIMIT | {"override_by": work.actor_id}
        begin_assignment(work, bridger.id, by=work.actor_id, **over)
    replan_case(work, "the end was taken back")
    call_again(work, undo["calls"].split(","))


_OVER_THE_LIMIT = {"override_reason": "The end was taken back."}
"""Whoever takes an end back answers for it that the bridger has more people than agreed."""


def send_report(work: Work, *, due_at: datetime) -> None:
    """Tell the referrer how it ended, as far as the person agreed; a refusal is recorded too (invariant 6).

    Without consent the referrer still learns that the referral is closed, since they filed it, and nothing else. A
    facility that asked for the same person meanwhile hears the same.
    """
    referral, to_tell = work.referral, list_to_tell(work.session, work.referral)
    content, rows = closing_report(work.rows), []
    for facility_id, _ in to_tell:
        recipient, name = facility(facility_id)
        rows.append(
            disclose(
                work.session,
                referral,
                CLOSING_REPORT,
                recipient,
                Category.STANDING,
                Purpose.COORDINATION,
                now=work.now,
                to=name,
                by=work.actor_id,
                content=content,
            )
        )
    allowed, consent = rows[0].is_allowed, rows[0].consent
    referral.reported_at = work.now
    work.record(
        "report.sent" if allowed else "report.withheld",
        consent=consent,
        due_at=due_at,
        also=[facility_id for facility_id, _ in to_tell[1:]] or None,
    )
    for _, planner_id in to_tell:
        tell(
            work.session,
            find_active(work.session, planner_id),
            "closing_report_ready" if allowed else "referral_closed",
            key=f"report:{referral.id}:{referral.journal_seq}",
            program_id=referral.program_id,
            referral_id=referral.id,
            now=work.now,
        )


def extend_plan(session: Session, actor: Actor, referral_id: str, until: datetime, why: str) -> Referral:
    """Go on for longer than the protocol: weekly contacts continue until then (CTI: up to nine months)."""
    work = open_case(session, actor, referral_id, "close")
    work.require("plan.extended")
    text = checked_text(why, "why", required=True)
    start = work.referral.discharged_at
    if start is None:
        raise Conflict("not_discharged", "The plan begins when the person leaves; there is nothing to extend yet.")
    if not work.now < until <= start + timedelta(days=400):
        raise Invalid("until", "Choose a date after today and within thirteen months of leaving.", field="until")
    work.referral.finish_at = until
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.FINISH, note="The plan was extended.", by=actor.id)
    work.record("plan.extended", until=until, note=text)
    replan_case(work, "the plan was extended")
    work.settle()
    return work.referral


def _by(work: Work) -> str | None:
    return None if work.actor.is_system else work.actor.id
