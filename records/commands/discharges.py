"""The instant at which follow-up begins: recorded, corrected, withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from domain.errors import IllegalState, Invalid
from domain.vocabulary import ContactState, Disposition, HoldReason, ReferralStatus, Resolution, Subject
from records.access import Actor
from records.commands.closing import die_work
from records.commands.escalations import raise_ladder, settle_ladder
from records.commands.holds import hold_work, resume_work
from records.commands.messages import tell
from records.commands.planning import correct_windows, replan_case
from records.commands.work import Work, open_case
from records.queries.staff import find_active
from records.tables import Referral

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
    disposition: Disposition = Disposition.HOME,
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
    if disposition is Disposition.STILL_PATIENT:
        raise IllegalState("The person is still there, so there is no discharge to record.", state=disposition)
    if disposition is Disposition.DIED:
        work.require_open()
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
    if referral.status is ReferralStatus.ON_HOLD:
        referral.disposition, referral.is_unscheduled = disposition, disposition.is_unscheduled
        work.record("referral.discharged", at=at, disposition=disposition, after_hold=True)
        resume_work(work, discharged_at=at)
        _tell_left(work)
        return
    work.require_status(
        ReferralStatus.DRAFT, ReferralStatus.SUBMITTED, ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS
    )
    if referral.discharged_at is not None:
        _correct(work, at, disposition)
        return
    referral.discharged_at, referral.notice_at, referral.disposition = at, work.now, disposition
    referral.is_unscheduled, referral.has_offset_doubt = disposition.is_unscheduled, has_offset_doubt
    work.record(
        "referral.discharged",
        at=at,
        disposition=disposition,
        late_by_minutes=max(round((work.now - at).total_seconds() / 60), 0),
        offset_doubt=has_offset_doubt or None,
        expected_on=referral.expected_on,
    )
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.DATE, note="The discharge was recorded.")
    replan_case(work, "the person left", removed=ContactState.CLOSED, removed_reason="left before it was due")
    if referral.status is ReferralStatus.DRAFT:
        return
    _tell_left(work)
    if referral.is_unscheduled:
        raise_ladder(
            work,
            Subject.RELEASE,
            f"{referral.id}:{referral.cycle}",
            "page",
            due_at=at,
            why=f"Left unplanned ({disposition.label.lower()}): somebody must reach the person now.",
        )


def _correct(work: Work, at: datetime, disposition: Disposition) -> None:
    referral = work.referral
    if referral.discharged_at == at and referral.disposition is disposition:
        return
    before = referral.discharged_at
    referral.discharged_at, referral.disposition = at, disposition
    referral.is_unscheduled = referral.is_unscheduled or disposition.is_unscheduled
    work.record("discharge.corrected", at=at, before=before, after=at, disposition=disposition)
    if before != at:
        correct_windows(work, "the discharge time was corrected")


def cancel_discharge(session: Session, actor: Actor, referral_id: str, why: str = "") -> Referral:
    """The person did not leave after all (A13): the clock is stopped and rewound, its contacts are superseded.

    A meeting that was held before stays. Raises IllegalState when there is no discharge.
    """
    work = open_case(session, actor, referral_id, "cancel_discharge")
    referral = work.referral
    if referral.discharged_at is None:
        raise IllegalState("No discharge is on record.", state=referral.status)
    work.require_open()
    before = referral.discharged_at
    referral.discharged_at = referral.notice_at = referral.disposition = None
    referral.is_unscheduled = False
    referral.date_known_at = work.now
    for row in work.rows.contacts:
        if row.cycle == referral.cycle and row.state in (ContactState.CLOSED, ContactState.MISSED):
            row.state, row.reason = ContactState.SUPERSEDED, "the discharge was cancelled"
    settle_ladder(work, Resolution.CORRECTED, note="The discharge was cancelled.")
    work.record("discharge.cancelled", before=before, note=why)
    replan_case(work, "the discharge was cancelled")
    _tell_left(work)
    work.settle()
    return referral


def _elsewhere(work: Work, at: datetime, disposition: Disposition, where: str) -> Referral:
    """Into custody, another facility, nursing or hospice: no community clock, the referral follows."""
    referral = work.referral
    if referral.status is ReferralStatus.ON_HOLD:
        work.record("referral.transferred", at=at, disposition=disposition, where=where)
        work.settle()
        return referral
    work.require_status(ReferralStatus.SUBMITTED, ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS)
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
    referral = work.referral
    tell(
        work.session,
        find_active(work.session, referral.bridger_id),
        "discharge_recorded",
        key=f"discharge:{referral.id}:{referral.journal_seq}",
        program_id=referral.program_id,
        referral_id=referral.id,
        now=work.now,
    )
