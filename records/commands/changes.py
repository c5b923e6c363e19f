"""What changes on a referral while it runs: dates, risks, appointments, consent, notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, or_, select

from domain.errors import Conflict, IllegalState, Invalid
from domain.sensitivity import hides
from domain.vocabulary import (
    OPEN_STATUSES,
    ConsentStatus,
    DateCertainty,
    Resolution,
    RiskFlag,
    Subject,
)
from records import clock
from records.access import UNDO_DAYS, Actor, person_for, visible
from records.commands.consents import answer_work, check_expiry
from records.commands.dates import LATEST_AHEAD, check_expected
from records.commands.escalations import hurry, settle_ladder
from records.commands.facility_words import correct_words
from records.commands.people import PersonDetails, add_identifiers, fill_person
from records.commands.person_texts import remind_of_meeting
from records.commands.planning import replan_case
from records.commands.protection import refuse_protected_address
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import SETTLED, Work, open_case
from records.queries.case import load_case
from records.queries.consents import is_withheld
from records.queries.own_risks import own_risks
from records.queries.staff import find_active
from records.tables import Person, Referral


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
    work.require("date.moved")
    referral = work.referral
    if referral.discharged_at is not None:
        raise IllegalState("The person has left already. Correct the discharge instead.", state="discharged")
    check_expected(expected_on, work.now, work.rows.person.zone)
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
        work.tell(bridger, "date_moved", f"date:{referral.version}")
    work.settle()
    return referral


def set_risks(session: Session, actor: Actor, referral_id: str, risks: Sequence[RiskFlag]) -> Referral:
    """Set the risk flags. A high-risk flag shortens windows at once; taking one away lengthens none (scenario 41)."""
    work = open_case(session, actor, referral_id, "edit_referral")
    work.require("risks.changed")
    before, after = list(work.referral.risks), [risk.value for risk in dict.fromkeys(risks)]
    unseen: list[str] = []
    if actor.facility_id is not None:
        own = own_risks(session, [work.referral])[referral_id]
        unseen = [risk for risk in before if risk not in own]
    elif is_withheld(session, work.referral, work.now):
        unseen = [risk for risk in before if hides("risks", [risk])]
    after += [risk for risk in unseen if risk not in after]  # what is not seen stays
    if set(before) == set(after):
        return work.referral
    work.referral.risks = after
    work.record(
        "risks.changed",
        before=[risk for risk in before if risk not in unseen],
        after=[risk for risk in after if risk not in unseen],
    )  # what somebody changed of what they saw: whoever reads what they wrote reads no more than they knew
    replan_case(work, "risk flags changed", only_shorten=True)
    hurry(work)
    work.settle()
    return work.referral


def set_appointment(session: Session, actor: Actor, referral_id: str, at: datetime | None, where: str = "") -> Referral:
    """The first appointment after leaving: when and where. The check after it is planned from it."""
    work = open_case(session, actor, referral_id, "set_appointment")
    work.require("appointment.set")
    if at is not None and abs(at - work.now) > LATEST_AHEAD:
        raise Invalid("too_far", "Check the year of the appointment.", field="at")
    work.referral.first_appointment_at = at
    work.referral.first_appointment_where = checked_text(where, "where", limit=LINE_LENGTH)
    work.record("appointment.set", when=at)
    replan_case(work, "the first appointment changed")
    work.settle()
    return work.referral


def set_meeting(session: Session, actor: Actor, referral_id: str, at: datetime | None, where: str = "") -> Referral:
    """When and where the bridger and the person meet first; printed on the handoff card.

    Raises Conflict when a protective order names the place.
    """
    work = open_case(session, actor, referral_id, "set_appointment")
    work.require("meeting.set")
    if at is not None and abs(at - work.now) > LATEST_AHEAD:
        raise Invalid("too_far", "Check the year of the meeting.", field="at")
    place = checked_text(where, "where", limit=LINE_LENGTH)
    refuse_protected_address(work.rows.person, place)
    work.referral.meeting_at, work.referral.meeting_where = at, place
    work.record("meeting.set", when=at)
    remind_of_meeting(session, work.referral, work.rows.person, work.now)
    work.settle()
    return work.referral


def record_consent(
    session: Session, actor: Actor, referral_id: str, status: ConsentStatus, *, expires_at: datetime | None = None
) -> Referral:
    """The person agreed, declined or took back that they are referred and contacted, and the referrer is told."""
    work = open_case(session, actor, referral_id, "record_consent")
    work.require("consent.recorded")
    if status is ConsentStatus.EXPIRED:
        raise Invalid("status", "A consent ends by its date. Say what the person answered.", field="status")
    check_expiry(expires_at, work.now)
    referral = work.referral
    if (referral.consent, referral.consent_expires_at) == (status, expires_at):
        return referral
    answer_work(work, status, expires_at=expires_at)
    work.settle()
    return referral


def add_note(session: Session, actor: Actor, referral_id: str, note: str, *, about_use: bool = False) -> Referral:
    """Write a note into the timeline: also a late entry after the end, while that can be taken back.

    `about_use`: it is about substance use, and so withheld as everything is that concerns it.
    """
    work = open_case(session, actor, referral_id, "add_note")
    work.require_not_settled()
    work.record("note.added", note=checked_text(note, "note", required=True), about_use=about_use or None)
    work.settle()
    return work.referral


def correct_person(session: Session, actor: Actor, person_id: str, details: PersonDetails) -> Person:
    """Correct what is known of a person. A new time zone moves future dates of open referrals, not past ones.
    Somebody of a facility corrects what the facility said; what others know stays.

    Raises Conflict when everything that the actor sees of them ended long ago.
    """
    actor.require("edit_person")
    person = person_for(session, actor, person_id)
    _require_not_settled(session, actor, person)
    before = (person.zone, person.area)
    if actor.facility_id is not None:
        correct_words(session, person, actor.facility_id, details, by=actor.id, now=clock.now())
    else:
        fill_person(person, details, person.zone)
    add_identifiers(session, person, details.identifiers)
    session.flush()
    _after_person_changed(session, actor, person, moved=before[0] != person.zone)
    return person


def _require_not_settled(session: Session, actor: Actor, person: Person) -> None:
    since = clock.now() - timedelta(days=UNDO_DAYS)
    lately = or_(col(Referral.ended_at).is_(None), col(Referral.ended_at) >= since)
    if session.exec(select(Referral.id).where(Referral.person_id == person.id, visible(actor), lately)).first() is None:
        raise Conflict("too_late", SETTLED)


def _after_person_changed(session: Session, actor: Actor, person: Person, *, moved: bool) -> None:
    """What a corrected person means for their open referrals: new dates where the time zone moved, a line in each."""
    open_ids = session.exec(
        select(Referral.id).where(Referral.person_id == person.id, col(Referral.status).in_(OPEN_STATUSES))
    ).all()
    for referral_id in open_ids:
        # One of them may be another facility's: the correction counts there too, and tells its maker nothing of it.
        work = Work(session, actor, load_case(session, referral_id, lock=True), clock.now())
        work.record("person.corrected", zone=person.zone if moved else None)
        if moved:
            replan_case(work, "the person moved to another time zone")
        work.settle()
