"""Referrals: filed, accepted or not, edited, moved to another date, asked to be cancelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid, InvalidFields, NotFound, gather
from domain.vocabulary import (
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
from records.access import Actor, referral_for
from records.commands.changes import correct_person
from records.commands.consents import begin_consent
from records.commands.dates import EARLIEST_BACK, check_expected
from records.commands.escalations import settle_ladder
from records.commands.facility_words import keep_words
from records.commands.people import PersonDetails, fill_person, register_person
from records.commands.planning import replan_case
from records.commands.recognition import learn_about, recognize
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.marks import set_visit
from records.queries.case import start_case
from records.queries.people import find_open_referral, get_known_person
from records.queries.protocols import newest_for_setting
from records.queries.staff import find_active
from records.tables import Facility, Person, Program, Referral


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
    in_list: bool = False,
) -> Referral:
    """File a referral for a new person, or for one on record; the program's promise begins to run.

    One person has one open referral at a time: a second is refused (acceptance scenario 12), with the number of the
    first if the same facility filed it; `recognition.join_referral` answers another facility. What is filed `in_list`
    is told of together (`imports`): thousands of notices would drown the one that matters.
    Raises Invalid(Fields), NotFound (facility), Conflict (open referral exists).
    """
    actor.require("file_referral")
    facility = _facility(session, actor, facility_id)
    program = session.get_one(Program, actor.program_id)
    now = clock.now()
    if not as_draft:
        _check_details(details, now, facility.zone)
    if person_id is not None or (person is not None and person.identifiers):
        session.flush()  # what others wrote in this transaction is asked for below
    # Nothing here asks for what is being written, so that all of it is written at once, when the transaction ends.
    with session.no_autoflush:
        previous = None
        if person_id is not None:
            known = get_known_person(session, actor, person_id)
            _refuse_second(session, known, facility.id)
            previous = _latest_of(session, known)
            if person is not None:
                keep_words(session, known, facility.id, person, by=actor.id, now=now)
                learn_about(session, known, person)
        elif person is not None:
            known = register_person(session, program.id, person, zone=facility.zone)
            keep_words(session, known, facility.id, person, by=actor.id, now=now, is_new=True)
        else:
            raise Invalid("required", "Say who the person is.", field="person")
        if not as_draft:
            _require_minimum(known, details)
        referral = Referral(
            id=new_id("ref"),
            program_id=program.id,
            number=_number(),
            person_id=known.id,
            facility_id=facility.id,
            planner_id=actor.staff_id,
            source=source,
            setting=details.setting,
            protocol_id=newest_for_setting(session, program.id, details.setting),
            previous_id=previous,
            created_at=now,
        )
        set_visit(referral, checked_text(details.visit_id, "visit_id", limit=80))
        _fill(referral, details, now)
        work = Work(session, actor, start_case(session, referral, known, program), now)
        begin_consent(work)
        if as_draft:
            work.record("referral.drafted", source=source)
        else:
            _submit(work, in_list=in_list)
        work.settle()
        session.add(referral)
    return referral


def submit_draft(
    session: Session,
    actor: Actor,
    referral_id: str,
    person: PersonDetails | None = None,
    details: ReferralDetails | None = None,
    *,
    person_id: str | None = None,
) -> Referral:
    """Send a draft that waited for a planner, with what the planner added and corrected; for the person whom the
    planner recognized (`person_id`), or the one it came with. Raises Invalid with what is missing, Conflict.
    """
    draft = referral_for(session, actor, referral_id, "file_referral")
    if person_id is not None and draft.status is ReferralStatus.DRAFT:
        recognize(session, actor, draft, get_known_person(session, actor, person_id))
    work = open_case(session, actor, referral_id, "file_referral")
    work.require("referral.submitted")
    _refuse_second(session, work.rows.person, work.referral.facility_id)
    if person is not None:
        facility_id = work.referral.facility_id
        keep_words(session, work.rows.person, facility_id, person, by=actor.id, now=work.now)
    if person is not None and person_id is None:
        correct_person(session, actor, work.referral.person_id, person)
    elif person is not None:
        learn_about(session, work.rows.person, person)
    if details is not None:
        if details.setting is not work.referral.setting:
            work.referral.setting = details.setting
            work.referral.protocol_id = newest_for_setting(session, work.referral.program_id, details.setting)
            work = open_case(session, actor, referral_id, "file_referral")
        _fill(work.referral, details, work.now)
    _check_details(details_of(work.referral), work.now, work.rows.person.zone)
    _require_minimum(work.rows.person, details_of(work.referral))
    work.referral.planner_id = work.referral.planner_id or actor.staff_id
    begin_consent(work)
    _submit(work)
    work.settle()
    return work.referral


def said_about(details: ReferralDetails) -> dict[str, Any]:
    """What a facility said of somebody's leaving, as it is kept when nothing is filed."""
    return {
        "expected_on": details.expected_on,
        "discharged_at": details.discharged_at,
        "risks": [risk.value for risk in details.risks],
        "needs": [need.value for need in details.needs],
        "needs_note": details.note,
    }


def check_filing(person: PersonDetails, details: ReferralDetails, zone: str) -> None:
    """Refuse what filing would refuse, before anything is filed. Raises Invalid, or InvalidFields with all of it."""
    problems: list[Invalid] = []
    said = Person(id="", program_id="", given_name="", family_name="", created_at=clock.now())
    checks: tuple[Callable[[], None], ...] = (
        lambda: fill_person(said, person, zone),
        lambda: _check_details(details, clock.now(), zone),
        lambda: _require_minimum(said, details),
    )
    for check in checks:
        try:
            check()
        except InvalidFields as refusal:
            problems += refusal.problems
        except Invalid as problem:
            problems.append(problem)
    gather(problems)


def _submit(work: Work, *, in_list: bool = False) -> None:
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
    elif not in_list or referral.discharged_at is not None:
        supervisor = find_active(work.session, program.supervisor_id)
        work.tell(supervisor, "referral_filed", "filed")


def accept_referral(session: Session, actor: Actor, referral_id: str) -> Referral:
    """The program takes the person on; a bridger is sought at once. Accepting twice changes nothing."""
    work = open_case(session, actor, referral_id, "accept_referral")
    if work.referral.status in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS):
        return work.referral
    work.require("referral.accepted")
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
    work.tell(find_active(work.session, referral.planner_id), "referral_accepted", "accepted")


def reject_referral(session: Session, actor: Actor, referral_id: str, reason: ClosureReason, note: str) -> Referral:
    """The program does not take the person on, and says why and where else to ask."""
    work = open_case(session, actor, referral_id, "accept_referral")
    work.require("referral.rejected")
    text = checked_text(note, "note", required=True)
    referral = work.referral
    referral.status, referral.closure_reason, referral.closure_note = ReferralStatus.REJECTED, reason, text
    referral.ended_at, referral.closed_by = work.now, actor.id
    work.record("referral.rejected", reason=reason, note=text)
    settle_ladder(work, Resolution.ARRANGED, note="The program answered.", by=actor.id)
    work.tell(find_active(session, referral.planner_id), "referral_rejected", "rejected")
    work.settle()
    return referral


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
    referral.fill(
        expected_on=details.expected_on,
        expected_time=details.expected_time,
        date_certainty=details.certainty if details.expected_on else DateCertainty.UNKNOWN,
        date_known_at=now if details.expected_on else None,
        discharged_at=details.discharged_at,
        disposition=details.disposition,
        unit=checked_text(details.unit, "unit", limit=LINE_LENGTH),
        legal_status=checked_text(details.legal_status, "legal_status", limit=LINE_LENGTH),
        risks=[risk.value for risk in dict.fromkeys(details.risks)],
        needs=[need.value for need in dict.fromkeys(details.needs)],
        needs_note=checked_text(details.note, "note"),
        consent=details.consent,
        consent_expires_at=details.consent_expires_at,
        first_appointment_at=details.first_appointment_at,
        first_appointment_where=checked_text(
            details.first_appointment_where, "first_appointment_where", limit=LINE_LENGTH
        ),
    )


def _check_details(details: ReferralDetails, now: datetime, zone: str) -> None:
    check_expected(details.expected_on if details.discharged_at is None else None, now, zone)
    if details.discharged_at is not None:
        if details.discharged_at > now + timedelta(minutes=5):
            raise Invalid(
                "in_the_future", "This time has not come yet. Give an expected date instead.", field="discharged_at"
            )
        if now - details.discharged_at > EARLIEST_BACK:
            raise Invalid("too_long_ago", "This is more than a year ago. Check the year.", field="discharged_at")
        if details.disposition is not None and not details.disposition.starts_community_clock:
            raise Invalid("disposition", "A referral is for somebody who goes into the community.", field="disposition")


def _require_minimum(person: Person, details: ReferralDetails) -> None:
    """The least that a program can act on: a way to find the person (acceptance scenario 2)."""
    problems = []
    if details.consent is ConsentStatus.DECLINED:
        sentence = "The person declined. A referral needs their yes, or “pending”."
        problems.append(Invalid("consent_declined", sentence, field="consent"))
    is_inside = details.discharged_at is None
    if not is_inside and not person.phones and not person.places:
        sentence = "Add a phone number or a place where the person can be found."
        problems.append(Invalid("no_way_to_find", sentence, field="phones"))
    if not is_inside and details.disposition in (
        None,
        Disposition.NOT_SAID,
    ):  # what happens next depends on it, so it is never guessed
        problems.append(Invalid("required", "Say how and where to the person left.", field="disposition"))
    if is_inside and details.expected_on is None and details.certainty is not DateCertainty.UNKNOWN:
        sentence = "Enter the expected date, or say that it is not known yet."
        problems.append(Invalid("required", sentence, field="expected_on"))
    gather(problems)


def _facility(session: Session, actor: Actor, facility_id: str | None) -> Facility:
    wanted = facility_id or actor.facility_id
    facility = session.get(Facility, wanted) if wanted else None
    if facility is None or facility.program_id != actor.program_id or not facility.is_active:
        raise NotFound("That facility")
    if actor.facility_id is not None and facility.id != actor.facility_id:
        raise NotFound("That facility")
    return facility


def _latest_of(session: Session, person: Person) -> str | None:
    """The id of the person's latest referral so far."""
    latest = select(Referral.id).where(Referral.person_id == person.id).order_by(col(Referral.created_at).desc())
    return session.exec(latest.limit(1)).first()


def _refuse_second(session: Session, person: Person, facility_id: str) -> None:
    """Raise Conflict when the person has an open referral, with its number only for the facility that filed it. The
    person stays locked until the transaction ends: two planners who file in the same moment would each find none."""
    session.exec(select(Person.id).where(Person.id == person.id).with_for_update()).one()
    open_one = find_open_referral(session, person.id)
    if open_one is None:
        return
    if open_one.facility_id == facility_id:
        said = f"There is an open referral for this person already: {open_one.number}. Nothing was filed a second time."
    else:
        said = "The program supports this person already. Nothing was filed a second time."
    raise Conflict("already_referred", said)


def _number() -> str:
    """The short reference: nothing in it tells anything."""
    letters = new_id("").upper()
    return f"{letters[-10:-5]}-{letters[-5:]}"
