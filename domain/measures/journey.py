"""What the journal says of one transition, as far as the measures ask: events in, facts out.

Each fact carries the time when it happened; what was corrected or taken back is as if it had never been, and what was
waived, suspended or replaced stays with its reason. `tell` may be given a part of a journal, as long as what was left
out cannot change what is asked: `records/queries/measures.py` says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    ContactState,
    HoldReason,
    Mode,
    Outcome,
    Setting,
    Subject,
)


class Event(NamedTuple):
    """One entry of the journal."""

    stream: str
    seq: int
    event: str
    at: datetime
    recorded_at: datetime
    subject_id: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What does not come from the journal: where the person is, and by what figures are compared."""

    referral_id: str
    number: str
    facility: str
    setting: Setting
    language: str
    zone: str
    facility_zone: str


@dataclass(slots=True)
class Departure:
    """The person left, and follow-up began. `cycle` counts them: a readmission leads to another."""

    cycle: int
    at: datetime
    ended_hold: bool = False


class Try(NamedTuple):
    """One attempt that stands."""

    at: datetime
    mode: Mode
    outcome: Outcome


@dataclass(slots=True)
class Planned:
    """One planned contact and what became of it. `ended_at` is when it was taken out, for the reason given."""

    id: str
    key: str
    cycle: int
    due_at: datetime
    state: ContactState = ContactState.PLANNED
    met_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""


@dataclass(slots=True)
class Pause:
    """A time on hold."""

    id: str
    reason: HoldReason
    started_at: datetime


@dataclass(slots=True)
class Call:
    """One rung of an escalation: who was asked is in the journal, here is how it was answered."""

    id: str
    subject: Subject
    about: str
    rung: int
    due_at: datetime
    raised_at: datetime
    answer_by: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    is_settled_by_hand: bool = False


@dataclass(slots=True)
class Journey:
    """One transition as the journal tells it."""

    about: About
    submitted_at: datetime | None = None
    accepted_at: datetime | None = None
    assigned_at: datetime | None = None
    is_rejected: bool = False
    ended_at: datetime | None = None
    closure: ClosureReason | None = None
    told_at: datetime | None = None
    is_withheld: bool = False
    revoked_at: datetime | None = None
    cycle: int = 1
    departures: dict[int, Departure] = field(default_factory=dict)
    tries: dict[str, Try] = field(default_factory=dict)
    contacts: dict[str, Planned] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    zones: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def referral_id(self) -> str:
        """Whose journey it is."""
        return self.about.referral_id

    def zone_at(self, at: datetime) -> str:
        """Where the person was then: who moves later keeps the dates they had (acceptance scenario 52).

        Before the first move on record it is the time zone of the facility.
        """
        if not self.zones:
            return self.about.zone
        return next((zone for since, zone in reversed(self.zones) if since <= at), self.about.facility_zone)


def tell(about: About, events: Iterable[Event]) -> Journey:
    """The journey that these entries of one referral's journal tell, in their order."""
    journey = Journey(about)
    for event in events:
        handler = _HANDLERS.get(event.event)
        if handler is not None:
            handler(journey, event)
    return journey


def _submitted(journey: Journey, event: Event) -> None:
    journey.submitted_at = event.at
    if left := _instant(event.data.get("discharged_at")):
        journey.departures.setdefault(1, Departure(1, left))


def _accepted(journey: Journey, event: Event) -> None:
    journey.accepted_at = event.at


def _assigned(journey: Journey, event: Event) -> None:
    journey.assigned_at = journey.assigned_at or event.at


def _rejected(journey: Journey, event: Event) -> None:
    journey.is_rejected, journey.ended_at = True, event.at
    journey.closure = ClosureReason(event.data["reason"])


def _discharged(journey: Journey, event: Event) -> None:
    if event.data.get("after_hold"):
        return  # the end of the hold, which follows, carries the instant
    journey.departures[journey.cycle] = Departure(journey.cycle, event.at)


def _discharge_corrected(journey: Journey, event: Event) -> None:
    departure = journey.departures.get(journey.cycle)
    if departure is not None:
        departure.at = event.at


def _discharge_cancelled(journey: Journey, event: Event) -> None:
    departure = journey.departures.pop(journey.cycle, None)
    if departure is not None and departure.ended_hold and journey.cycle - 1 in journey.departures:
        journey.cycle -= 1  # the hold that it had ended goes on, after the leaving before it


def _hold_started(journey: Journey, event: Event) -> None:
    journey.pauses[event.subject_id] = Pause(event.subject_id, HoldReason(event.data["reason"]), event.at)


def _hold_ended(journey: Journey, event: Event) -> None:
    if left := _instant(event.data.get("discharged_at")):
        if journey.cycle in journey.departures:
            journey.cycle += 1
        journey.departures[journey.cycle] = Departure(journey.cycle, left, ended_hold=True)


def _hold_undone(journey: Journey, event: Event) -> None:
    journey.pauses.pop(event.subject_id, None)


def _closed(journey: Journey, event: Event) -> None:
    journey.ended_at, journey.closure = event.at, ClosureReason(event.data["reason"])


def _end_undone(journey: Journey, event: Event) -> None:
    journey.ended_at = journey.closure = journey.told_at = None
    journey.is_withheld = False
    _each(journey, event, ContactState.PLANNED)


def _consent(journey: Journey, event: Event) -> None:
    is_taken_back = ConsentStatus(event.data["after"]) in (ConsentStatus.REVOKED, ConsentStatus.DECLINED)
    journey.revoked_at = (journey.revoked_at or event.at) if is_taken_back else None


def _told(journey: Journey, event: Event) -> None:
    journey.told_at, journey.is_withheld = event.at, event.event == "report.withheld"


def _corrected_person(journey: Journey, event: Event) -> None:
    if zone := event.data.get("zone"):
        journey.zones.append((event.at, zone))


def _attempt(journey: Journey, event: Event) -> None:
    data = event.data
    journey.tries[event.subject_id] = Try(event.at, Mode(data["mode"]), Outcome(data["outcome"]))


def _attempt_taken_back(journey: Journey, event: Event) -> None:
    journey.tries.pop(event.subject_id, None)


def _planned(journey: Journey, event: Event) -> None:
    data = event.data
    for contact_id, key, _seq, _opens_at, due_at in data["added"]:
        journey.contacts[contact_id] = Planned(contact_id, key, journey.cycle, datetime.fromisoformat(due_at))
    for contact_id, _before, due_at in data["moved"]:
        if contact := journey.contacts.get(contact_id):
            contact.due_at = datetime.fromisoformat(due_at)
    for contact_id, state in data["ended"]:
        if contact := journey.contacts.get(contact_id):
            is_closed = state == ContactState.CLOSED
            reason = "The person left before it was due" if is_closed else "Replaced by a new plan"
            _end(contact, ContactState(state), event, reason)


def _settled(journey: Journey, event: Event) -> None:
    """A contact was met, met late, missed or waived. The entry says enough to stand alone."""
    data, contact = event.data, journey.contacts.get(event.subject_id)
    if contact is None:
        contact = Planned(event.subject_id, data["key"], data.get("cycle", journey.cycle), event.at)
        journey.contacts[contact.id] = contact
    contact.due_at, contact.state = datetime.fromisoformat(data["due_at"]), ContactState(event.event[8:])
    is_met = contact.state in (ContactState.MET, ContactState.MET_LATE)
    contact.met_at = event.at if is_met else None
    is_waived = contact.state is ContactState.WAIVED
    contact.ended_at, contact.reason = (event.recorded_at, "Waived with a reason") if is_waived else (None, "")


def _reopened(journey: Journey, event: Event) -> None:
    if contact := journey.contacts.get(event.subject_id):
        _restore(contact)


def _contacts_suspended(journey: Journey, event: Event) -> None:
    _each(journey, event, ContactState.SUSPENDED)


def _contacts_superseded(journey: Journey, event: Event) -> None:
    _each(journey, event, ContactState.SUPERSEDED)


def _contacts_closed(journey: Journey, event: Event) -> None:
    _each(journey, event, ContactState.CLOSED)


def _contacts_restored(journey: Journey, event: Event) -> None:
    _each(journey, event, ContactState.PLANNED)


def _contacts_corrected(journey: Journey, event: Event) -> None:
    for contact_id, _was, state, _before, due_at in event.data["contacts"]:
        if contact := journey.contacts.get(contact_id):
            contact.due_at, contact.state = datetime.fromisoformat(due_at), ContactState(state)
            if contact.state is ContactState.SUPERSEDED:
                _end(contact, contact.state, event, "The discharge time was corrected")


def _each(journey: Journey, event: Event, state: ContactState) -> None:
    words = str(event.data.get("reason", "")).removeprefix("on hold: ").removeprefix("closed: ")
    for contact_id in event.data["contacts"]:
        if (contact := journey.contacts.get(contact_id)) is None:
            continue
        if state is ContactState.PLANNED:
            _restore(contact)
        else:
            _end(contact, state, event, words[:1].upper() + words[1:])


def _end(contact: Planned, state: ContactState, event: Event, reason: str) -> None:
    contact.state, contact.ended_at, contact.reason = state, event.recorded_at, reason


def _restore(contact: Planned) -> None:
    contact.state, contact.met_at, contact.ended_at, contact.reason = ContactState.PLANNED, None, None, ""


def _raised(journey: Journey, event: Event) -> None:
    data = event.data
    journey.calls[event.subject_id] = Call(
        event.subject_id,
        Subject(data["subject"]),
        data["about"],
        data["rung"],
        datetime.fromisoformat(data["due_at"]),
        event.at,
        datetime.fromisoformat(data["answer_by"]),
    )


def _acknowledged(journey: Journey, event: Event) -> None:
    if call := journey.calls.get(event.subject_id):
        call.acknowledged_at = call.acknowledged_at or event.at


def _resolved(journey: Journey, event: Event) -> None:
    if call := journey.calls.get(event.subject_id):
        call.resolved_at, call.is_settled_by_hand = event.at, event.data.get("by") is not None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


_HANDLERS = {
    "referral.submitted": _submitted,
    "referral.accepted": _accepted,
    "referral.rejected": _rejected,
    "referral.discharged": _discharged,
    "referral.closed": _closed,
    "discharge.corrected": _discharge_corrected,
    "discharge.cancelled": _discharge_cancelled,
    "bridger.assigned": _assigned,
    "hold.started": _hold_started,
    "hold.ended": _hold_ended,
    "hold.undone": _hold_undone,
    "end.undone": _end_undone,
    "consent.recorded": _consent,
    "report.sent": _told,
    "report.withheld": _told,
    "person.corrected": _corrected_person,
    "attempt.logged": _attempt,
    "attempt.retracted": _attempt_taken_back,
    "plan.changed": _planned,
    "contact.met": _settled,
    "contact.met_late": _settled,
    "contact.missed": _settled,
    "contact.waived": _settled,
    "contact.reopened": _reopened,
    "contacts.suspended": _contacts_suspended,
    "contacts.excused": _contacts_suspended,
    "contacts.closed": _contacts_closed,
    "contacts.superseded": _contacts_superseded,
    "contacts.restored": _contacts_restored,
    "contacts.corrected": _contacts_corrected,
    "escalation.raised": _raised,
    "escalation.acknowledged": _acknowledged,
    "welfare.decided": _acknowledged,
    "escalation.resolved": _resolved,
}

TOLD = frozenset(_HANDLERS)
"""The events that the measures read."""
