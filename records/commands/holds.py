"""Times in which follow-up rests: readmitted, in custody, transferred; and how it goes on."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session

from domain.errors import Conflict, Invalid
from domain.states import REFERRAL
from domain.vocabulary import ContactState, HoldReason, ReferralStatus, Resolution, Subject
from records.access import Actor
from records.commands.assignments import withdraw_offers
from records.commands.escalations import FOLLOW_UP, call_again, settle_ladder
from records.commands.messages import tell
from records.commands.planning import end_awaited, replan_case
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.queries.staff import find_active
from records.tables import Hold, Referral

NOT_HELD = "This is not on hold."
LEFT_BEFORE = ("left_before", "notice_before")
"""What `Referral.undo` keeps of the discharge before the present one, should this one be cancelled."""


def put_on_hold(
    session: Session,
    actor: Actor,
    referral_id: str,
    reason: HoldReason,
    *,
    since: datetime | None = None,
    where: str = "",
    note: str = "",
    return_on: date | None = None,
) -> Referral:
    """Let follow-up rest: awaited contacts are suspended, calls about them are settled, the bridger is told.

    Holding what is on hold changes nothing, nor does word from outside of an admission that ended before the discharge
    on record: messages arrive out of order. Raises IllegalState when it was not accepted or is over, Invalid for a time
    in the future or, from a member of staff, before the discharge.
    """
    work = open_case(session, actor, referral_id, "hold")
    if work.referral.status is ReferralStatus.ON_HOLD:
        return work.referral
    work.require("hold.started")
    since = since or work.now
    if since > work.now + timedelta(minutes=5):
        raise Invalid("in_the_future", "This time has not come yet. Check the date.", field="since")
    if work.referral.discharged_at is not None and since < work.referral.discharged_at:
        if not actor.is_system:
            raise Invalid(
                "before_discharge",
                "The discharge on record is later than this. Correct whichever is wrong.",
                field="since",
            )
        work.record("hold.outdated", at=since, reason=reason, where=where)
        work.settle()
        return work.referral
    hold_work(work, reason, since=since, where=where, note=note, return_on=return_on)
    work.settle()
    return work.referral


def hold_work(
    work: Work,
    reason: HoldReason,
    *,
    since: datetime,
    where: str = "",
    note: str = "",
    return_on: date | None = None,
) -> Hold:
    """Put on hold within a command that is under way."""
    referral = work.referral
    hold = Hold(
        id=new_id("hld"),
        program_id=referral.program_id,
        referral_id=referral.id,
        reason=reason,
        where=checked_text(where, "where", limit=LINE_LENGTH),
        note=checked_text(note, "note"),
        started_at=since,
        recorded_at=work.now,
        return_on=return_on,
    )
    work.rows.holds.append(hold)  # before it is added: the list may only now be read, and would hold it twice
    work.add(hold)
    withdraw_offers(work, "on hold")
    end_awaited(work, ContactState.SUSPENDED, f"on hold: {reason.label}")
    settle_ladder(work, Resolution.NOT_NEEDED, subject=FOLLOW_UP, note=f"On hold: {reason.label}.")
    _restore_missed_since(work, since)
    referral.status = ReferralStatus.ON_HOLD
    work.record("hold.started", at=since, subject_id=hold.id, reason=reason, where=hold.where, note=hold.note)
    replan_case(work, "on hold")
    tell(
        work.session,
        find_active(work.session, referral.bridger_id),
        "hold_started",
        key=f"hold:{hold.id}",
        program_id=referral.program_id,
        referral_id=referral.id,
        now=work.now,
    )
    return hold


def _restore_missed_since(work: Work, since: datetime) -> None:
    """A contact that fell due after the person had gone in was not missed: it is suspended instead (invariant 3)."""
    excused = [c for c in work.rows.contacts if c.state is ContactState.MISSED and c.due_at >= since]
    for row in excused:
        row.state, row.reason = ContactState.SUSPENDED, "fell due during the hold"
    if excused:
        work.record("contacts.excused", contacts=[c.id for c in excused], reason="fell due during the hold")


def resume(
    session: Session, actor: Actor, referral_id: str, *, discharged_at: datetime | None = None, note: str = ""
) -> Referral:
    """Go on after a hold: with the instant of the new discharge every window begins anew; before one, as it was.

    Raises IllegalState when it is not on hold, Invalid for an instant in the future or before the hold.
    """
    work = open_case(session, actor, referral_id, "resume")
    REFERRAL.require("hold.ended", work.referral.status, NOT_HELD)
    resume_work(work, discharged_at=discharged_at, note=checked_text(note, "note"))
    work.settle()
    return work.referral


def resume_work(work: Work, *, discharged_at: datetime | None, note: str = "") -> None:
    """Resume within a command that is under way."""
    referral, hold = work.referral, work.rows.hold
    if hold is None:
        raise Conflict("no_hold", "There is no hold to end.")
    had_left = referral.discharged_at is not None
    if had_left and discharged_at is None:
        raise Invalid(
            "required", "Enter when the person left, so that the follow-up can begin anew.", field="discharged_at"
        )
    if discharged_at is not None:
        if discharged_at > work.now + timedelta(minutes=5):
            raise Invalid("in_the_future", "This time has not come yet. Check the date.", field="discharged_at")
        if discharged_at < hold.started_at:
            raise Invalid(
                "before_hold", "This is before the hold began. To take the hold back, undo it.", field="discharged_at"
            )
    hold.ended_at, hold.end_note = work.now, note
    _close_hold_contacts(work)
    referral.status = ReferralStatus.IN_PROGRESS if referral.bridger_id else ReferralStatus.ACCEPTED
    settle_ladder(work, Resolution.ARRANGED, subject=FOLLOW_UP | {Subject.HOLD}, note="The hold ended.")
    work.record("hold.ended", subject_id=hold.id, discharged_at=discharged_at, note=note)
    if discharged_at is not None:
        referral.undo = _left_before(referral)
        referral.discharged_at, referral.notice_at = discharged_at, work.now
        if had_left:
            referral.cycle += 1
            referral.lost_at = None  # a search ends where the person is found inside
        replan_case(work, "left again", removed=ContactState.CLOSED, removed_reason="left before it was due")
    else:
        _restore_suspended(work)
        replan_case(work, "the hold ended")
    _bring_back(work)


def undo_hold(session: Session, actor: Actor, referral_id: str, why: str) -> Referral:
    """The hold was a mistake (an admission was cancelled, A11): suspended contacts return with their original dates."""
    work = open_case(session, actor, referral_id, "resume")
    REFERRAL.require("hold.undone", work.referral.status, NOT_HELD)
    hold = work.rows.hold
    if hold is None:
        raise Conflict("no_hold", "There is no hold to end.")
    hold.ended_at, hold.end_note = work.now, checked_text(why, "why", required=True)
    _close_hold_contacts(work)
    work.referral.status = ReferralStatus.IN_PROGRESS if work.referral.bridger_id else ReferralStatus.ACCEPTED
    work.record("hold.undone", subject_id=hold.id, note=hold.end_note)
    settle_ladder(work, Resolution.CORRECTED, subject=FOLLOW_UP | {Subject.HOLD}, note="The hold was taken back.")
    _restore_suspended(work)
    replan_case(work, "the hold was taken back")
    call_again(work, {e.id for e in work.rows.escalations if e.resolved_at == hold.recorded_at})
    _bring_back(work)
    work.settle()
    return work.referral


def back_on_hold(work: Work, hold: Hold) -> None:
    """The discharge that had ended this hold was cancelled: the person is where they were, and so is the case."""
    referral = work.referral
    hold.ended_at, hold.end_note = None, ""
    referral.status = ReferralStatus.ON_HOLD
    if "left_before" in referral.undo:
        referral.cycle -= 1
        referral.discharged_at = datetime.fromisoformat(referral.undo["left_before"])
        referral.notice_at = datetime.fromisoformat(referral.undo["notice_before"])
    withdraw_offers(work, "on hold")
    _drop_hold_contacts(work, "the hold goes on")


def _drop_hold_contacts(work: Work, reason: str) -> None:
    """What was closed when this hold seemed over no longer stands for it: the plan asks for it anew."""
    dropped = []
    for row in work.rows.contacts:
        rule = work.rows.rule(row.key)
        is_of_hold = rule is not None and rule.due.after == "hold" and row.seq == len(work.rows.holds)
        if is_of_hold and row.cycle == work.referral.cycle and row.state is ContactState.CLOSED:
            row.state, row.reason = ContactState.SUPERSEDED, reason
            dropped.append(row.id)
    if dropped:
        work.record("contacts.superseded", reason=reason, contacts=dropped)


def _left_before(referral: Referral) -> dict[str, str]:
    if referral.discharged_at is None:
        return {}
    notice = referral.notice_at or referral.discharged_at
    return dict(zip(LEFT_BEFORE, (referral.discharged_at.isoformat(), notice.isoformat()), strict=True))


def _bring_back(work: Work) -> None:
    if work.referral.bridger_id is None:
        work.referral.unassigned_since = work.now


def _close_hold_contacts(work: Work) -> None:
    ended = [c for c in work.rows.contacts if c.state.is_awaited and not work.rows.is_apart(c)]
    for row in ended:
        row.state, row.reason = ContactState.CLOSED, "the hold ended"
    if ended:
        work.record("contacts.closed", reason="the hold ended", contacts=[c.id for c in ended])


def _restore_suspended(work: Work) -> None:
    restored = [c for c in work.rows.contacts if c.state is ContactState.SUSPENDED and c.cycle == work.referral.cycle]
    for row in restored:
        row.state, row.reason = ContactState.PLANNED, ""
    if restored:
        work.record("contacts.restored", contacts=[c.id for c in restored])
