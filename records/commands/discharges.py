"""The instant at which follow-up begins: recorded, corrected, withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from domain.contact import is_contact
from domain.errors import IllegalState, Invalid
from domain.vocabulary import ContactState, Disposition, HoldReason, ReferralStatus, Resolution, Subject
from records.access import Actor
from records.commands.closing import die_work
from records.commands.escalations import FOLLOW_UP, raise_ladder, settle_ladder
from records.commands.holds import back_on_hold, hold_work, resume_work
from records.commands.messages import tell
from records.commands.planning import correct_windows, replan_case, supersede_follow_up
from records.commands.work import Work, open_case
from records.queries.staff import find_active
from records.tables import Hold, Referral

FARTHEST_BACK = timedelta(days=365)
_HELD_BY = {
    Disposition.CUSTODY: HoldReason.IN_CUSTODY,
    Disposition.TRANSFERRED: HoldReason.TRANSFERRED,
    Disposition.SKILLED_NURSING: HoldReason.TRANSFERRED,
    Disposition.HOSPICE: HoldReason.TRANSFERRED,
}


def record_discharge(
    session: Session,
    actor: Actor,
    referral_id: str,
    at: datetime,
    disposition: Disposition,
    *,
    where: str = "",
    has_offset_doubt: bool = False,
) -> Referral:
    """The person left: where to decides what follows. The community starts the clocks at the real instant, known late
    or not; custody and transfers put the case on hold; a death ends it.

    The same instant twice changes nothing; another one is a correction. Raises Invalid, IllegalState.
    """
    work = open_case(session, actor, referral_id, "record_discharge")
    _check(at, work.now, is_message=actor.is_system)
    if disposition is Disposition.NOT_SAID and not actor.is_system:
        raise Invalid("required", "Say how and where to the person left.", field="disposition")
    if disposition is Disposition.STILL_PATIENT:
        raise IllegalState("The person is still there, so there is no discharge to record.", state=disposition)
    if disposition is Disposition.DIED:
        work.require("person.died")
        die_work(work, at)
        work.settle()
        return work.referral
    if disposition in _HELD_BY:
        return _elsewhere(work, at, disposition, where)
    _left(work, at, disposition, has_offset_doubt)
    work.settle()
    return work.referral


def _left(work: Work, at: datetime, disposition: Disposition, has_offset_doubt: bool) -> None:
    referral = work.referral
    work.require("referral.discharged")
    hold = work.rows.hold if referral.status is ReferralStatus.ON_HOLD else None
    is_old_news = hold is not None and at < hold.started_at
    if referral.discharged_at is not None and (hold is None or is_old_news):
        _correct(work, at, disposition, has_offset_doubt)
        return
    referral.disposition, referral.is_unscheduled = disposition, disposition.is_unscheduled
    referral.has_offset_doubt = has_offset_doubt
    work.record(
        "referral.discharged",
        at=at,
        disposition=disposition,
        late_by_minutes=max(round((work.now - at).total_seconds() / 60), 0),
        offset_doubt=has_offset_doubt or None,
        expected_on=referral.expected_on,
        after_hold=hold is not None or None,
    )
    if hold is not None:
        resume_work(work, discharged_at=at)
    else:
        referral.discharged_at, referral.notice_at = at, work.now
        settle_ladder(work, Resolution.ARRANGED, subject=Subject.DATE, note="The discharge was recorded.")
        replan_case(work, "the person left", removed=ContactState.CLOSED, removed_reason="left before it was due")
    if referral.status is ReferralStatus.DRAFT:
        return
    _tell_left(work)
    _page_when_unscheduled(work)


def _page_when_unscheduled(work: Work) -> None:
    """Nobody planned it: somebody must go now, unless somebody is with the person already."""
    referral = work.referral
    left_at, disposition = referral.discharged_at, referral.disposition
    if not referral.is_unscheduled or left_at is None or disposition is None or referral.accepted_at is None:
        return
    if any(a.at >= left_at and is_contact(a.mode, a.outcome) for a in work.rows.attempts):
        return
    raise_ladder(
        work,
        Subject.RELEASE,
        f"{referral.id}:{referral.cycle}",
        "page",
        due_at=left_at,
        why=f"Left unplanned ({disposition.label.lower()}): somebody must reach the person now.",
    )


def _correct(work: Work, at: datetime, disposition: Disposition, has_offset_doubt: bool) -> None:
    """The same leaving told again: the same facts change nothing, others correct the record. Who does not say how the
    person left takes back nothing that was said."""
    referral = work.referral
    if disposition is Disposition.NOT_SAID:
        disposition = referral.disposition or disposition
    if referral.discharged_at == at and referral.disposition is disposition:
        return
    before, was_unscheduled = referral.discharged_at, referral.is_unscheduled
    referral.discharged_at, referral.disposition = at, disposition
    referral.has_offset_doubt = has_offset_doubt
    referral.is_unscheduled = was_unscheduled or disposition.is_unscheduled
    work.record("discharge.corrected", at=at, before=before, after=at, disposition=disposition)
    if before != at:
        correct_windows(work, "the discharge time was corrected")
    if referral.is_unscheduled and not was_unscheduled:
        replan_case(work, "the person left unplanned")
        _tell_left(work)
        _page_when_unscheduled(work)


def cancel_discharge(session: Session, actor: Actor, referral_id: str, why: str = "") -> Referral:
    """The person did not leave after all (A13): the clock is stopped and rewound, its contacts are superseded.

    A meeting that was held before stays, and so do calls about something else. When the discharge had ended a hold, the
    hold goes on. Raises IllegalState when there is no discharge.
    """
    work = open_case(session, actor, referral_id, "cancel_discharge")
    referral = work.referral
    if referral.discharged_at is None or referral.status is ReferralStatus.ON_HOLD:
        raise IllegalState("No discharge is on record.", state=referral.status)
    work.require("discharge.cancelled")
    before, ended = referral.discharged_at, _hold_ended_by_it(work)
    work.record("discharge.cancelled", before=before, note=why)
    settle_ladder(work, Resolution.CORRECTED, subject=FOLLOW_UP, note="The discharge was cancelled.")
    supersede_follow_up(work, "the discharge was cancelled")
    referral.discharged_at = referral.notice_at = referral.disposition = referral.lost_at = None
    referral.is_unscheduled = referral.has_offset_doubt = False
    referral.date_known_at = work.now
    if ended is not None:
        back_on_hold(work, ended)
    replan_case(work, "the discharge was cancelled")
    _tell_left(work)
    work.settle()
    return referral


def _hold_ended_by_it(work: Work) -> Hold | None:
    """The hold that ended when this discharge was heard of, if one did."""
    return next((h for h in work.rows.holds if h.ended_at is not None and h.ended_at == work.referral.notice_at), None)


def _elsewhere(work: Work, at: datetime, disposition: Disposition, where: str) -> Referral:
    """Into custody, another facility, nursing or hospice: no community clock, the referral follows."""
    referral = work.referral
    if referral.status is ReferralStatus.ON_HOLD:
        work.record("referral.transferred", at=at, disposition=disposition, where=where)
        work.settle()
        return referral
    work.require("referral.transferred")
    if referral.status is ReferralStatus.SUBMITTED:
        from records.commands.referrals import accept_work

        accept_work(work, by="system")
    work.record("referral.transferred", at=at, disposition=disposition, where=where)
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.DATE, note="The person went elsewhere.")
    hold_work(work, _HELD_BY[disposition], since=at, where=where)
    work.settle()
    return referral


def _check(at: datetime, now: datetime, *, is_message: bool) -> None:
    if at > now + timedelta(minutes=5):
        raise Invalid("in_the_future", "This time has not come yet. Move the expected date instead.", field="at")
    if now - at > FARTHEST_BACK and not is_message:
        raise Invalid("too_long_ago", "This is more than a year ago. Check the year.", field="at")


def _tell_left(work: Work) -> None:
    """The bridger hears of it, and the planner when it was unplanned and somebody else said so."""
    referral = work.referral
    told = [referral.bridger_id]
    if referral.is_unscheduled and referral.planner_id != work.actor_id:
        told.append(referral.planner_id)
    for staff_id in told:
        tell(
            work.session,
            find_active(work.session, staff_id),
            "discharge_recorded",
            key=f"discharge:{referral.id}:{referral.journal_seq}",
            program_id=referral.program_id,
            referral_id=referral.id,
            now=work.now,
        )
