"""Referrals: filed, accepted or not, edited, moved to another date, asked to be cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, select

from domain.agenda import promised_by
from domain.clock import local_date
from domain.errors import Conflict, IllegalState, Invalid, NotFound
from domain.vocabulary import (
    OPEN_STATUSES,
    ClosureReason,
    ConsentStatus,
    DateCertainty,
    Disposition,
    Need,
    ReferralStatus,
    Resolution,
    RiskFlag,
    Setting,
    Subject,
)
from records import clock
from records.access import Actor
from records.commands.escalations import settle_ladder
from records.commands.messages import tell
from records.commands.people import PersonDetails, correct_person, register_person
from records.commands.planning import replan_case
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.queries.case import start_case
from records.queries.protocols import newest_for_setting
from records.queries.staff import find_active
from records.tables import Facility, Person, Program, Referral, Staff

EARLIEST_BACK = timedelta(days=365)
LATEST_AHEAD = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class ReferralDetails:
    """What a planner says of a referral, beside the person."""

    setting: Setting
    expected_on: date | None = None
    expected_time: time | None = None
    certainty: DateCertainty = DateCertainty.UNKNOWN
    discharged_at: datetime | None = None
    disposition: Disposition | None = None
    unit: str = ""
    legal_status: str = ""
    risks: Sequence[RiskFlag] = ()
    consent: ConsentStatus = ConsentStatus.PENDING
    consent_expires_at: datetime | None = None
    needs: Sequence[Need] = ()
    note: str = ""
    visit_id: str = ""
    first_appointment_at: datetime | None = None
    first_appointment_where: str = ""


def file_referral(
    session: Session,
    actor: Actor,
    person: PersonDetails | None,
    details: ReferralDetails,
    *,
    facility_id: str | None = None,
    person_id: str | None = None,
    source: str = "page",
    as_draft: bool = False,
) -> Referral:
    """File a referral for a new person, or for one on record; the program's promise begins to run.

    One person has one open referral at a time: a second is refused with the first one's id (acceptance scenario 12).
    Raises Invalid(Fields), NotFound (facility), Conflict (open referral exists).
    """
    actor.require("file_referral")
    facility = _facility(session, actor, facility_id)
    program = session.get_one(Program, actor.program_id)
    now = clock.now()
    if not as_draft:
        _check_details(details, now, facility.zone)
    if person_id is not None:
        known = _known_person(session, actor, person_id)
        if person is not None and actor.may("edit_person"):
            known = correct_person(session, actor, person_id, person)
        _refuse_second(session, known)
    elif person is not None:
        known = register_person(session, program.id, person, zone=facility.zone)
    else:
        raise Invalid("required", "Say who the person is.", field="person")
    if not as_draft:
        _require_minimum(known, details)
    previous = session.exec(
        select(Referral.id).where(Referral.person_id == known.id).order_by(col(Referral.created_at).desc()).limit(1)
    ).first()
    referral = Referral(
        id=new_id("ref"),
        program_id=program.id,
        number=_number(),
        person_id=known.id,
        facility_id=facility.id,
        planner_id=None if actor.is_system else actor.id,
        source=source,
        setting=details.setting,
        protocol_id=newest_for_setting(session, program.id, details.setting).id,
        previous_id=previous,
        created_at=now,
        visit_id=checked_text(details.visit_id, "visit_id", limit=80),
    )
    _fill(referral, details, now)
    session.add(referral)
    session.flush()
    work = Work(session, actor, start_case(session, referral, known, program), now)
    if as_draft:
        work.record("referral.drafted", source=source)
        work.settle()
        return referral
    _submit(work)
    work.settle()
    return referral


def submit_draft(session: Session, actor: Actor, referral_id: str) -> Referral:
    """Send a draft that waited for a planner. Raises Invalid with what is missing."""
    work = open_case(session, actor, referral_id, "file_referral")
    work.require_status(ReferralStatus.DRAFT)
    _refuse_second(session, work.rows.person)
    _check_details(details_of(work.referral), work.now, work.rows.person.zone)
    _require_minimum(work.rows.person, details_of(work.referral))
    work.referral.planner_id = work.referral.planner_id or (None if actor.is_system else actor.id)
    _submit(work)
    work.settle()
    return work.referral


def _submit(work: Work) -> None:
    referral, program = work.referral, work.rows.program
    referral.status, referral.submitted_at = ReferralStatus.SUBMITTED, work.now
    if referral.discharged_at is not None:
        referral.notice_at = work.now
    work.record(
        "referral.submitted",
        setting=referral.setting,
        facility=referral.facility_id,
        expected_on=referral.expected_on,
        discharged_at=referral.discharged_at,
        consent=referral.consent,
        risks=list(referral.risks),
        previous=referral.previous_id,
    )
    if program.accepts_at_once and referral.consent is not ConsentStatus.DECLINED:
        accept_work(work, by="system")
    else:
        supervisor = find_active(work.session, program.supervisor_id)
        _tell(work, supervisor, "referral_filed", "filed")


def accept_referral(session: Session, actor: Actor, referral_id: str) -> Referral:
    """The program takes the person on; a bridger is sought at once. Accepting twice changes nothing."""
    work = open_case(session, actor, referral_id, "accept_referral")
    if work.referral.status in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS):
        return work.referral
    work.require_status(ReferralStatus.SUBMITTED)
    accept_work(work, by=actor.id)
    work.settle()
    return work.referral


def accept_work(work: Work, *, by: str) -> None:
    """Accept within a command that is under way."""
    referral = work.referral
    referral.status, referral.accepted_at, referral.accepted_by = ReferralStatus.ACCEPTED, work.now, by
    referral.unassigned_since = work.now
    work.record("referral.accepted", by=by)
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.ACCEPTANCE, note="The program accepted.")
    if referral.discharged_at is not None and referral.disposition is not None:
        referral.is_unscheduled = referral.disposition.is_unscheduled
    replan_case(work, "the program accepted")
    _tell(work, find_active(work.session, referral.planner_id), "referral_accepted", "accepted")


def reject_referral(session: Session, actor: Actor, referral_id: str, reason: ClosureReason, note: str) -> Referral:
    """The program does not take the person on, and says why and where else to ask."""
    work = open_case(session, actor, referral_id, "accept_referral")
    work.require_status(ReferralStatus.SUBMITTED)
    text = checked_text(note, "note", required=True)
    referral = work.referral
    referral.status, referral.closure_reason, referral.closure_note = ReferralStatus.REJECTED, reason, text
    referral.ended_at, referral.closed_by = work.now, actor.id
    work.record("referral.rejected", reason=reason, note=text)
    settle_ladder(work, Resolution.ARRANGED, note="The program answered.", by=actor.id)
    _tell(work, find_active(session, referral.planner_id), "referral_rejected", "rejected")
    work.settle()
    return referral


def move_expected_discharge(
    session: Session,
    actor: Actor,
    referral_id: str,
    expected_on: date | None,
    *,
    expected_time: time | None = None,
    certainty: DateCertainty = DateCertainty.LIKELY,
) -> Referral:
    """The expected date moved, became known or was withdrawn (None): what hangs on it is planned anew.

    Raises IllegalState when the person has left already.
    """
    work = open_case(session, actor, referral_id, "move_date")
    work.require_status(
        ReferralStatus.DRAFT,
        ReferralStatus.SUBMITTED,
        ReferralStatus.ACCEPTED,
        ReferralStatus.IN_PROGRESS,
        ReferralStatus.ON_HOLD,
    )
    referral = work.referral
    if referral.discharged_at is not None:
        raise IllegalState("The person has left already. Correct the discharge instead.", state="discharged")
    _check_expected(expected_on, work.now, work.rows.person.zone)
    if expected_on is None:
        certainty, expected_time = DateCertainty.UNKNOWN, None
    same = (referral.expected_on, referral.expected_time) == (expected_on, expected_time)
    if same and referral.date_certainty is certainty:
        return referral
    before = referral.expected_on
    referral.expected_on, referral.expected_time, referral.date_certainty = expected_on, expected_time, certainty
    referral.date_known_at = work.now
    work.record(
        "date.moved" if expected_on else "date.withdrawn",
        before=before,
        after=expected_on,
        time=expected_time,
        certainty=certainty,
    )
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.DATE, note="There is a new date.", by=actor.id)
    if not same:
        replan_case(work, "the expected date moved")
        bridger = find_active(session, referral.bridger_id)
        _tell(work, bridger, "date_moved", f"date:{referral.version}")
    work.settle()
    return referral


def set_risks(session: Session, actor: Actor, referral_id: str, risks: Sequence[RiskFlag]) -> Referral:
    """Set the risk flags. A high-risk flag shortens windows at once; taking one away lengthens none (scenario 41)."""
    work = open_case(session, actor, referral_id, "edit_referral")
    work.require_status(ReferralStatus.DRAFT, *OPEN_STATUSES)
    before, after = list(work.referral.risks), [risk.value for risk in dict.fromkeys(risks)]
    if set(before) == set(after):
        return work.referral
    work.referral.risks = after
    work.record("risks.changed", before=before, after=after)
    replan_case(work, "risk flags changed", only_shorten=True)
    work.settle()
    return work.referral


def set_appointment(session: Session, actor: Actor, referral_id: str, at: datetime | None, where: str = "") -> Referral:
    """The first appointment after leaving: when and where. The check after it is planned from it."""
    work = open_case(session, actor, referral_id, "set_appointment")
    work.require_status(ReferralStatus.DRAFT, *OPEN_STATUSES)
    if at is not None and abs(at - work.now) > LATEST_AHEAD:
        raise Invalid("too_far", "Check the year of the appointment.", field="at")
    work.referral.first_appointment_at = at
    work.referral.first_appointment_where = checked_text(where, "where", limit=LINE_LENGTH)
    work.record("appointment.set", when=at)
    replan_case(work, "the first appointment changed")
    work.settle()
    return work.referral


def set_meeting(session: Session, actor: Actor, referral_id: str, at: datetime | None, where: str = "") -> Referral:
    """When and where the bridger and the person meet first; printed on the handoff card."""
    work = open_case(session, actor, referral_id, "set_appointment")
    work.require_open()
    if at is not None and abs(at - work.now) > LATEST_AHEAD:
        raise Invalid("too_far", "Check the year of the meeting.", field="at")
    work.referral.meeting_at = at
    work.referral.meeting_where = checked_text(where, "where", limit=LINE_LENGTH)
    work.record("meeting.set", when=at)
    work.settle()
    return work.referral


def record_consent(
    session: Session, actor: Actor, referral_id: str, status: ConsentStatus, *, expires_at: datetime | None = None
) -> Referral:
    """The person agreed, declined or took back that they are referred and contacted, and the referrer is told."""
    work = open_case(session, actor, referral_id, "record_consent")
    work.require_status(ReferralStatus.DRAFT, *OPEN_STATUSES)
    if expires_at is not None and expires_at <= work.now:
        raise Invalid("expired", "This consent would have ended already. Check the date.", field="expires_at")
    referral = work.referral
    before = referral.consent
    referral.consent, referral.consent_expires_at, referral.consent_warned_at = status, expires_at, None
    work.record("consent.recorded", before=before, after=status, expires_at=expires_at)
    if status is not ConsentStatus.PENDING:
        settle_ladder(work, Resolution.ARRANGED, subject=Subject.CONSENT, note="Consent was recorded.", by=actor.id)
    work.settle()
    return referral


def add_note(session: Session, actor: Actor, referral_id: str, note: str) -> Referral:
    """Write a note into the timeline."""
    work = open_case(session, actor, referral_id, "add_note")
    work.record("note.added", note=checked_text(note, "note", required=True))
    work.settle()
    return work.referral


def request_cancel(session: Session, actor: Actor, referral_id: str, reason: str) -> Referral:
    """The planner asks to cancel. Before the program began it is done at once; afterwards the program answers.

    Raises IllegalState when it is over. (A handshake: one business day.)
    """
    work = open_case(session, actor, referral_id, "request_cancel")
    text = checked_text(reason, "reason", required=True)
    referral = work.referral
    if referral.status in (ReferralStatus.DRAFT, ReferralStatus.SUBMITTED):
        from records.commands.closing import end_work

        end_work(work, ClosureReason.CANCELLED, text)
        work.settle()
        return referral
    work.require_open()
    if referral.cancel_requested_at is not None:
        return referral
    referral.cancel_requested_at, referral.cancel_reason = work.now, text
    work.record("cancel.requested", reason=text)
    supervisor = find_active(session, work.rows.program.supervisor_id)
    _tell(work, supervisor, "cancel_requested", f"cancel:{referral.version}")
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
        from records.commands.closing import end_work

        end_work(work, ClosureReason.CANCELLED, text or referral.cancel_reason)
    planner = find_active(session, referral.planner_id)
    _tell(work, planner, "cancel_decision", f"cancel-answer:{referral.version}")
    work.settle()
    return referral


def after_person_changed(session: Session, actor: Actor, person: Person, *, moved: bool) -> None:
    """What a corrected person means for their open referrals: new dates where the time zone moved, a line in each."""
    open_ids = session.exec(
        select(Referral.id).where(Referral.person_id == person.id, col(Referral.status).in_(OPEN_STATUSES))
    ).all()
    for referral_id in open_ids:
        work = open_case(session, actor, referral_id, "see_person")
        work.record("person.corrected", zone=person.zone if moved else None)
        if moved:
            replan_case(work, "the person moved to another time zone")
        work.settle()


def promise_of(work: Work) -> datetime | None:
    """By when the program said it would answer, for the page after filing."""
    return promised_by(work.rows.facts())


def details_of(referral: Referral) -> ReferralDetails:
    """A stored referral as the details it was filed with."""
    return ReferralDetails(
        setting=referral.setting,
        expected_on=referral.expected_on,
        expected_time=referral.expected_time,
        certainty=referral.date_certainty,
        discharged_at=referral.discharged_at,
        disposition=referral.disposition,
        consent=referral.consent,
    )


def _fill(referral: Referral, details: ReferralDetails, now: datetime) -> None:
    referral.expected_on, referral.expected_time = details.expected_on, details.expected_time
    referral.date_certainty = details.certainty if details.expected_on else DateCertainty.UNKNOWN
    referral.date_known_at = now if details.expected_on else None
    referral.discharged_at, referral.disposition = details.discharged_at, details.disposition
    referral.unit = checked_text(details.unit, "unit", limit=LINE_LENGTH)
    referral.legal_status = checked_text(details.legal_status, "legal_status", limit=LINE_LENGTH)
    referral.risks = [risk.value for risk in dict.fromkeys(details.risks)]
    referral.needs = [need.value for need in dict.fromkeys(details.needs)]
    referral.needs_note = checked_text(details.note, "note")
    referral.consent, referral.consent_expires_at = details.consent, details.consent_expires_at
    referral.first_appointment_at = details.first_appointment_at
    referral.first_appointment_where = checked_text(
        details.first_appointment_where, "first_appointment_where", limit=LINE_LENGTH
    )


def _check_details(details: ReferralDetails, now: datetime, zone: str) -> None:
    _check_expected(details.expected_on if details.discharged_at is None else None, now, zone)
    if details.discharged_at is not None:
        if details.discharged_at > now + timedelta(minutes=5):
            raise Invalid(
                "in_the_future", "This time has not come yet. Give an expected date instead.", field="discharged_at"
            )
        if now - details.discharged_at > EARLIEST_BACK:
            raise Invalid("too_long_ago", "This is more than a year ago. Check the year.", field="discharged_at")
        if details.disposition is not None and not details.disposition.starts_community_clock:
            raise Invalid("disposition", "A referral is for somebody who goes into the community.", field="disposition")


def _check_expected(expected_on: date | None, now: datetime, zone: str) -> None:
    if expected_on is None:
        return
    today = local_date(now, zone)
    if expected_on < today:
        raise Invalid(
            "date_passed", "This date has passed. If the person has left, record that instead.", field="expected_on"
        )
    if expected_on - today > LATEST_AHEAD:
        raise Invalid("date_too_far", "This date is more than two years ahead. Check the year.", field="expected_on")


def _require_minimum(person: Person, details: ReferralDetails) -> None:
    """The least that a program can act on: a way to find the person (acceptance scenario 2)."""
    if details.consent is ConsentStatus.DECLINED:
        raise Invalid(
            "consent_declined", "The person declined. A referral needs their yes, or “pending”.", field="consent"
        )
    is_inside = details.discharged_at is None
    if not is_inside and not person.phones and not person.places:
        raise Invalid("no_way_to_find", "Add a phone number or a place where the person can be found.", field="phones")
    if is_inside and details.expected_on is None and details.certainty is not DateCertainty.UNKNOWN:
        raise Invalid("required", "Enter the expected date, or say that it is not known yet.", field="expected_on")


def _facility(session: Session, actor: Actor, facility_id: str | None) -> Facility:
    wanted = facility_id or actor.facility_id
    facility = session.get(Facility, wanted) if wanted else None
    if facility is None or facility.program_id != actor.program_id or not facility.is_active:
        raise NotFound("That facility")
    if actor.facility_id is not None and facility.id != actor.facility_id:
        raise NotFound("That facility")
    return facility


def _known_person(session: Session, actor: Actor, person_id: str) -> Person:
    """A person on record whom a planner recognized: within the program, followed to the record it was merged into."""
    person = session.get(Person, person_id)
    if person is not None and person.merged_into_id:
        person = session.get(Person, person.merged_into_id)
    if person is None or person.program_id != actor.program_id:
        raise NotFound("That person")
    return person


def _refuse_second(session: Session, person: Person) -> None:
    open_one = session.exec(
        select(Referral).where(Referral.person_id == person.id, col(Referral.status).in_(OPEN_STATUSES))
    ).first()
    if open_one is not None:
        raise Conflict(
            "already_referred",
            f"There is an open referral for this person already ({open_one.number}). "
            "The program has heard of your request.",
        )


def _number() -> str:
    """The short reference: nothing in it tells anything."""
    letters = new_id("").upper()
    return f"{letters[-10:-5]}-{letters[-5:]}"


def _tell(work: Work, staff: Staff | None, template: str, key: str) -> None:
    tell(
        work.session,
        staff,
        template,
        key=f"{template}:{work.referral.id}:{key}",
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        subject_id=work.referral.id,
        now=work.now,
    )
