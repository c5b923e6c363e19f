"""Messages from outside: a hospital says that somebody was admitted, transferred or discharged.

The same message twice changes nothing. People are recognized by a number or by the visit, never by name alone: what
only looks alike waits as a draft for a planner's eyes (acceptance scenario 13).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session, and_, col, or_, select

from domain.errors import Conflict, Refusal
from domain.interop.fhir_notifications import Notification, NotificationEvent, read_notification
from domain.vocabulary import (
    OPEN_STATUSES,
    ConsentStatus,
    Disposition,
    FacilityKind,
    HoldReason,
    ReferralStatus,
    Setting,
)
from records import clock
from records.access import Actor, system_actor
from records.commands.closing import record_death
from records.commands.discharges import record_discharge
from records.commands.holds import put_on_hold
from records.commands.people import Identifier, PersonDetails, Phone, normal_number, register_person
from records.commands.programs import add_facility
from records.commands.referrals import ReferralDetails, file_referral
from records.commands.work import open_case
from records.ids import new_id
from records.marks import has_identifier, has_visit, set_visit, visit_key
from records.queries.alike import ALIKE
from records.queries.people import find_duplicates
from records.queries.staff import told_for
from records.tables import Facility, Inbound, Person, PersonIdentifier, Program, Referral

SOURCE = "fhir"
RECORD_NUMBER = "MR"  # HL7 table 0203: medical record number


@dataclass(frozen=True, slots=True)
class Taken:
    """What was done with a message: `recorded`, `drafted`, `held`, `died`, `nothing`; and whether it came before.

    `told` is all that a facility hears of a message that touches no referral of its own."""

    action: str
    sentence: str
    message_id: str
    referral_id: str | None = None
    person_id: str | None = None
    facility_id: str | None = None
    is_repeat: bool = False


def receive_notification(session: Session, actor: Actor, message: object) -> Taken:
    """Take one FHIR notification; actor is whose token sent it: a facility's, or the program's.

    Raises NotificationRefused with a JSON pointer, NotFound, Conflict (another message under the same id).
    """
    actor.require("receive_notifications")
    program = session.get_one(Program, actor.program_id)
    notice = read_notification(message, program.zone)
    fingerprint = hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()
    before = session.exec(
        select(Inbound).where(
            Inbound.program_id == program.id, Inbound.source == SOURCE, Inbound.message_id == notice.message_id
        )
    ).first()
    if before is not None:
        if before.fingerprint != fingerprint:
            raise Conflict("message_id_reused", "Another message came under this id before. Send it under its own.")
        return _for_sender(session, actor, Taken(**{**before.result, "is_repeat": True}))
    taken = _take(session, actor, program, notice)
    session.add(
        Inbound(
            id=new_id("inb"),
            program_id=program.id,
            source=SOURCE,
            message_id=notice.message_id,
            fingerprint=fingerprint,
            body="",  # the message itself holds more than we may keep: the minimum necessary (45 CFR 164.502(b))
            result=asdict(taken),
            received_at=clock.now(),
        )
    )
    session.flush()
    return _for_sender(session, actor, taken)


def _hand(actor: Actor) -> Actor:
    """Who stands in the journal: the system that sent the message; with a person's token, the interface."""
    return system_actor(actor.program_id, "system:fhir" if actor.staff_id is not None else actor.id)


def _for_sender(session: Session, actor: Actor, taken: Taken) -> Taken:
    """What the sender may know: of a referral that another facility filed, and of none, a facility hears the same."""
    referral = session.get(Referral, taken.referral_id) if taken.referral_id else None
    if actor.facility_id is None or (referral is not None and referral.facility_id == actor.facility_id):
        return taken
    return Taken("told", "The program was told.", taken.message_id, is_repeat=taken.is_repeat)


def _take(session: Session, actor: Actor, program: Program, notice: Notification) -> Taken:
    facility = _facility(session, actor, program, notice)
    notice = notice.in_zone(facility.zone)
    referral = _open_referral(session, program.id, facility, notice)
    person_id = referral.person_id if referral else _known_person(session, program.id, facility, notice)
    known: dict[str, Any] = {
        "message_id": notice.message_id,
        "facility_id": facility.id,
        "person_id": person_id,
        "referral_id": referral.id if referral else None,
    }
    hand = _hand(actor)
    if referral is not None and notice.person.is_deceased:
        record_death(session, hand, referral.id, notice.person.deceased_at)
        return Taken("died", "The death was recorded; every reminder and message stopped.", **known)
    if notice.event is NotificationEvent.DISCHARGE:
        return _discharged(session, hand, facility, notice, referral, known)
    if referral is None:
        if notice.event is NotificationEvent.ADMIT and person_id is None:
            _ask_whether_it_is_them(session, hand, facility, notice)
        return Taken("nothing", "Nobody here has an open referral for this person.", **known)
    if notice.event is NotificationEvent.ADMIT:
        return _admitted(session, hand, facility, notice, referral, known)
    return _transferred(session, hand, facility, notice, referral, known)


def _discharged(
    session: Session,
    hand: Actor,
    facility: Facility,
    notice: Notification,
    referral: Referral | None,
    known: dict[str, Any],
) -> Taken:
    assert notice.ended_at is not None
    disposition = notice.disposition or Disposition.NOT_SAID
    if referral is not None:
        left = referral.discharged_at
        if left is not None and notice.ended_at < left and not _is_same_visit(referral, notice):
            return Taken("nothing", "A later discharge is on record already.", **known)
        if left is not None and notice.started_at is not None and notice.started_at > left:
            _rest_during(session, hand, referral, notice, facility)
        record_discharge(
            session,
            hand,
            referral.id,
            notice.ended_at,
            disposition,
            where=facility.name,
            has_offset_doubt=notice.is_offset_missing,
        )
        set_visit(referral, referral.visit_id or notice.visit_id)
        return Taken("recorded", "The discharge was recorded on the open referral.", **known)
    draft = session.exec(
        select(Referral).where(has_visit(hand.program_id, notice.visit_id), Referral.status == ReferralStatus.DRAFT)
    ).first()
    if draft is not None and not disposition.starts_community_clock:
        return Taken("nothing", f"The draft stays as it is: {disposition.label.lower()}.", **known)
    if draft is not None:
        record_discharge(session, hand, draft.id, notice.ended_at, disposition)
        return Taken("drafted", "The draft that waits for a planner was updated.", **{**known, "referral_id": draft.id})
    if not disposition.starts_community_clock:
        return Taken("nothing", f"Nobody to follow up: {disposition.label.lower()}.", **known)
    return _draft(session, hand, facility, notice, disposition, known)


def _rest_during(session: Session, hand: Actor, referral: Referral, notice: Notification, facility: Facility) -> None:
    """Another stay than the one that the referral began with, and nobody told of the admission: follow-up rested."""
    set_visit(referral, notice.visit_id)
    if referral.status in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS):
        since = notice.started_at or clock.now()
        put_on_hold(session, hand, referral.id, HoldReason.READMITTED, since=since, where=facility.name)


def _draft(
    session: Session,
    hand: Actor,
    facility: Facility,
    notice: Notification,
    disposition: Disposition,
    known: dict[str, Any],
) -> Taken:
    person_id = known["person_id"]
    if person_id is None:
        person_id = register_person(session, hand.program_id, _details(notice), zone=facility.zone).id
    draft = file_referral(
        session,
        hand,
        None,
        ReferralDetails(
            setting=_setting(facility, notice),
            discharged_at=notice.ended_at,
            disposition=disposition,
            consent=ConsentStatus.PENDING,
            visit_id=notice.visit_id,
        ),
        facility_id=facility.id,
        person_id=person_id,
        source=SOURCE,
        as_draft=True,
    )
    draft.has_offset_doubt = notice.is_offset_missing
    return Taken(
        "drafted",
        "No open referral: a draft waits for a planner.",
        **{**known, "referral_id": draft.id, "person_id": person_id},
    )


def _admitted(
    session: Session, hand: Actor, facility: Facility, notice: Notification, referral: Referral, known: dict[str, Any]
) -> Taken:
    """Back in hospital during follow-up: it rests. An admission from before the discharge says nothing new."""
    since = notice.started_at or notice.sent_at or clock.now()
    if referral.status not in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS):
        return Taken("nothing", f"The referral is {referral.status.label.lower()} already.", **known)
    if referral.discharged_at is None or since <= referral.discharged_at:
        return Taken("nothing", "This admission is the stay that the referral is about.", **known)
    put_on_hold(session, hand, referral.id, HoldReason.READMITTED, since=min(since, clock.now()), where=facility.name)
    return Taken("held", "Readmitted: the follow-up rests and the bridger was told.", **known)


def _ask_whether_it_is_them(session: Session, hand: Actor, facility: Facility, notice: Notification) -> None:
    """Somebody of the same name and birth date is in follow-up, and would be missed and called about while inside.

    The sender hears nothing of it: whether the program knows somebody of that name is not theirs to learn.
    """
    alike = find_duplicates(
        session,
        hand.program_id,
        given_name=notice.person.given,
        family_name=notice.person.family,
        birth_on=notice.person.birth_on,
    )
    for likeness in alike:
        if likeness.open_referral_id is None or likeness.score < ALIKE:
            continue
        work = open_case(session, hand, likeness.open_referral_id, "hold")
        since = notice.started_at or notice.sent_at or work.now
        left = work.referral.discharged_at
        if work.referral.status is not ReferralStatus.IN_PROGRESS or left is None or since <= left:
            continue
        work.record("admission.suspected", at=min(since, work.now), where=facility.name)
        told = visit_key(hand.program_id, notice.visit_id) if notice.visit_id else notice.message_id
        for _, staff in told_for(session, work.rows, ("peer_supervisor",)):
            work.tell(staff, "admission_suspected", told)
        work.settle()


def _transferred(
    session: Session, hand: Actor, facility: Facility, notice: Notification, referral: Referral, known: dict[str, Any]
) -> Taken:
    if referral.discharged_at is not None or facility.id == referral.facility_id or not referral.status.is_open:
        return Taken("nothing", "A transfer within the stay changes nothing.", **known)
    at = notice.started_at or notice.sent_at or clock.now()
    record_discharge(session, hand, referral.id, min(at, clock.now()), Disposition.TRANSFERRED, where=facility.name)
    return Taken("held", "Transferred: the referral follows and waits.", **known)


def _facility(session: Session, actor: Actor, program: Program, notice: Notification) -> Facility:
    """Whose message it is: a facility's own token speaks for it; else found by number or name, or created."""
    if actor.facility_id is not None:
        return session.get_one(Facility, actor.facility_id)
    numbers = {(i.system, i.value) for i in notice.facility.identifiers}
    name = notice.facility.name.strip().casefold()
    for facility in session.exec(select(Facility).where(Facility.program_id == program.id).order_by(col(Facility.id))):
        if any((i.get("system", ""), i.get("value", "")) in numbers for i in facility.identifiers):
            return facility
        if name and facility.name.strip().casefold() == name:
            return facility
    setting = notice.setting_hint or Setting.GENERAL_HOSPITAL
    return add_facility(
        session,
        _hand(actor),
        notice.facility.name or "A facility without a name",
        FacilityKind.HOSPITAL,
        setting,
        identifiers=[{"system": i.system, "value": i.value} for i in notice.facility.identifiers],
    )


def _open_referral(session: Session, program_id: str, facility: Facility, notice: Notification) -> Referral | None:
    """By the visit, as the facility's system writes it or as a planner typed it; else by the person."""
    typed = and_(col(Referral.facility_id) == facility.id, has_visit(program_id, _number(notice.visit_id)))
    by_visit = session.exec(
        select(Referral).where(
            or_(has_visit(program_id, notice.visit_id), typed),
            col(Referral.status).in_(OPEN_STATUSES),
        )
    ).first()
    if by_visit is not None:
        return by_visit
    person_id = _known_person(session, program_id, facility, notice)
    if person_id is None:
        return None
    return session.exec(
        select(Referral)
        .where(Referral.person_id == person_id, col(Referral.status).in_(OPEN_STATUSES))
        .order_by(col(Referral.created_at).desc())
    ).first()


def _is_same_visit(referral: Referral, notice: Notification) -> bool:
    return referral.visit_id in (notice.visit_id, _number(notice.visit_id))


def _number(visit_id: str) -> str:
    """A visit number without its system."""
    return visit_id.rpartition("|")[2]


def _known_person(session: Session, program_id: str, facility: Facility, notice: Notification) -> str | None:
    """The person with one of these numbers. A record number that a planner typed counts for this facility alone."""
    for identifier in notice.person.identifiers:
        systems = [identifier.system]
        if identifier.type == RECORD_NUMBER:
            systems.append(f"mrn:{facility.id}")
        found = session.exec(
            select(PersonIdentifier.person_id).where(
                has_identifier(program_id, [identifier.value]), col(PersonIdentifier.system).in_(systems)
            )
        ).first()
        if found is not None:
            person = session.get(Person, found)
            return person.merged_into_id or person.id if person else None
    return None


def _details(notice: Notification) -> PersonDetails:
    phones = []
    for number in notice.person.phones:
        try:
            phones.append(Phone(normal_number(number, "phones")))
        except Refusal:
            continue  # a number that cannot be called is of no use; the draft shows that none is there
    address = notice.person.address
    return PersonDetails(
        given_name=notice.person.given,
        family_name=notice.person.family,
        birth_on=notice.person.birth_on,
        gender=notice.person.gender,
        language=notice.person.language or "en",
        area=address.postal_code[:20] if address else "",
        phones=phones,
        identifiers=[Identifier(i.system, i.value, i.type) for i in notice.person.identifiers],
    )


def _setting(facility: Facility, notice: Notification) -> Setting:
    return facility.setting if facility.setting else notice.setting_hint or Setting.GENERAL_HOSPITAL
