"""Da Vinci Unsolicited Notifications (FHIR R4 message bundles): somebody was admitted, transferred or discharged.

Only what following up needs is taken. Social security, license and passport numbers, diagnoses, coverage and
clinicians are left where they are: the minimum necessary (45 CFR 164.502(b)).
Source: HL7/davinci-alerts at commit e85cd53.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.clock import local_date
from domain.interop.dispositions import disposition_of
from domain.interop.fhir_bundle import Bundle, codings
from domain.interop.fhir_people import FacilityFacts, PersonFacts, read_facility, read_identifiers, read_person
from domain.interop.moments import Moment, read_moment
from domain.interop.reading import (
    MessageIncomplete,
    MessageMalformed,
    MessageUnsupported,
    Node,
    ReferenceUnresolved,
    read_message,
)
from domain.vocabulary import Disposition, Setting, Word

EVENT_SYSTEM = "http://hl7.org/fhir/us/davinci-alerts/CodeSystem/notification-event"


class NotificationEvent(Word):
    """What happened. The values are ours; the guide writes `notification-` before them."""

    ADMIT = "admit", "Admitted"
    TRANSFER = "transfer", "Transferred"
    DISCHARGE = "discharge", "Discharged"


@dataclass(frozen=True, slots=True)
class Notification:
    """One notice.

    `message_id` is the key against doubles, `visit_id` the same for all notices of one stay. `setting_hint` is what
    `Encounter.class` lets us guess; what the facility is known to be goes first. `disposition` is None when it was not
    sent or its code (`disposition_code`) is not known to us: then a person decides.
    """

    message_id: str
    event: NotificationEvent
    person: PersonFacts
    facility: FacilityFacts
    visit_id: str
    started: Moment | None
    ended: Moment | None
    disposition: Disposition | None
    disposition_code: str
    setting_hint: Setting | None
    sent_at: datetime | None

    @property
    def started_at(self) -> datetime | None:
        """When the stay began."""
        return self.started.at if self.started else None

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; always there in a discharge, never in an admission."""
        return self.ended.at if self.ended else None

    @property
    def is_offset_missing(self) -> bool:
        """Whether a time came without its UTC offset, so that a zone was assumed."""
        return any(m.is_offset_missing for m in (self.started, self.ended) if m)

    def in_zone(self, zone: str) -> Notification:
        """The same notice with its assumed times read in the zone of the facility, once that is known."""
        return replace(
            self,
            started=self.started.in_zone(zone) if self.started else None,
            ended=self.ended.in_zone(zone) if self.ended else None,
        )


def read_notification(message: object, zone: str) -> Notification:
    """Translate a parsed message. `zone` (IANA name) is assumed for times sent without an offset.

    Raises one of the `NotificationRefused` tree (`domain.interop.reading`), with a JSON pointer.
    """
    bundle = Bundle(read_message(message))
    header = bundle.header()
    event = _event(header)
    encounter = _encounter(bundle, header)
    patient = bundle.get(encounter.get("subject"), encounter, "Patient")
    started, ended = _period(encounter, event, zone)
    person = read_person(patient, zone)
    if person.birth_on and started and person.birth_on > local_date(started.at, zone):
        raise MessageMalformed("The birth date is after the stay began.", f"{patient.pointer}/birthDate")
    disposition, code = _disposition(encounter)
    return Notification(
        message_id=_message_id(bundle.root, header),
        event=event,
        person=person,
        facility=read_facility(bundle, header, encounter),
        visit_id=_visit_id(encounter),
        started=started,
        ended=ended,
        disposition=disposition,
        disposition_code=code,
        setting_hint=_setting_hint(encounter),
        sent_at=_sent_at(bundle.root, zone),
    )


def _event(header: Node) -> NotificationEvent:
    coding = header.get("eventCoding")
    code = coding.get("code")
    if coding.find_text("system") != EVENT_SYSTEM:
        raise MessageUnsupported("The event is not from the Da Vinci list of notification events.", coding.pointer)
    for event in NotificationEvent:
        if code.text() == f"notification-{event}":
            return event
    raise MessageUnsupported("Only admissions, transfers and discharges are taken.", code.pointer)


def _encounter(bundle: Bundle, header: Node) -> Node:
    focus = list(header.each("focus"))
    if not focus:
        raise MessageIncomplete(
            "The message says nothing about which stay it is: 'focus' is missing.", "/entry/0/resource/focus"
        )
    if len(focus) > 1:
        raise ReferenceUnresolved("A notification is about one stay; this one has several.", f"{header.pointer}/focus")
    encounter = bundle.get(focus[0], header, "Encounter")
    status = encounter.get("status")
    if status.text() in ("planned", "onleave", "cancelled", "entered-in-error"):
        raise MessageUnsupported(
            "The stay is planned, on leave, cancelled or entered in error: that starts and ends nothing.",
            status.pointer,
        )
    return encounter


def _period(encounter: Node, event: NotificationEvent, zone: str) -> tuple[Moment | None, Moment | None]:
    period = encounter.find("period")
    start = period.find("start") if period else None
    end = period.find("end") if period else None
    started = read_moment(start, zone) if start else None
    # While somebody is still there, `end` is a plan at best (FHIR R4, Period.end).
    ended = read_moment(end, zone) if end and event is not NotificationEvent.ADMIT else None
    if event is NotificationEvent.DISCHARGE and ended is None:
        raise MessageIncomplete("A discharge needs the time it happened.", f"{encounter.pointer}/period/end")
    if started and ended and ended.at < started.at and not (started.is_offset_missing or ended.is_offset_missing):
        raise MessageMalformed("The stay ends before it begins.", f"{encounter.pointer}/period")
    return started, ended


def _disposition(encounter: Node) -> tuple[Disposition | None, str]:
    stay = encounter.find("hospitalization")
    codes = [c.find_text("code") for c in codings(stay.find("dischargeDisposition") if stay else None)]
    known = [(disposition_of(code), code) for code in codes if disposition_of(code)]
    return known[0] if known else (None, next((code for code in codes if code), ""))


def _message_id(root: Node, header: Node) -> str:
    identifier = root.find("identifier")
    found = identifier.find_text("value") if identifier else ""
    if found and identifier:
        return "|".join(filter(None, (identifier.find_text("system"), found)))
    found = header.find_text("id", 64) or root.find_text("id", 64)
    if not found:
        raise MessageIncomplete(
            "The message has no identifier, so a double could not be told from a new one.", "/identifier"
        )
    return found


def _visit_id(encounter: Node) -> str:
    identifiers = read_identifiers(encounter)
    visit = next((i for i in identifiers if i.type == "VN"), identifiers[0] if identifiers else None)
    found = visit.key if visit else encounter.find_text("id", 64)
    if not found:
        raise MessageIncomplete("The stay has no visit number.", f"{encounter.pointer}/identifier")
    return found


_SETTINGS = {"EMER": Setting.EMERGENCY_DEPARTMENT} | dict.fromkeys(
    ("IMP", "ACUTE", "NONAC", "OBSENC", "SS"), Setting.GENERAL_HOSPITAL
)


def _setting_hint(encounter: Node) -> Setting | None:
    kind = encounter.find("class")
    return _SETTINGS.get(kind.find_text("code").upper()) if kind else None


def _sent_at(root: Node, zone: str) -> datetime | None:
    stamp = root.find("timestamp")
    return read_moment(stamp, zone).at if stamp else None
