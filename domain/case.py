"""A case: everything about one person's transition that the rules need, as plain frozen facts.

The records load it; the agenda, the plan and the measures read it. It names nobody: ids only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from domain.clock import Calendar, at_local
from domain.protocol import ContactRule, Protocol, Rung, rule_of, rungs_of
from domain.vocabulary import (
    Ask,
    ConsentStatus,
    ContactState,
    EscalationState,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    RiskFlag,
    Subject,
)


@dataclass(frozen=True, slots=True)
class Contact:
    """One planned contact. `cycle` counts the discharges of this transition, `seq` the contacts of a series."""

    id: str
    key: str
    seq: int
    cycle: int
    opens_at: datetime
    due_at: datetime
    state: ContactState = ContactState.PLANNED
    prompted: frozenset[str] = frozenset()
    met_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to reach the person."""

    at: datetime
    mode: Mode
    outcome: Outcome
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Escalation:
    """One rung that was raised. Rungs with the same `chain` belong to one ladder being climbed."""

    id: str
    subject: Subject
    subject_id: str
    occurrence: int
    ladder: str
    rung: int
    ask: Ask
    state: EscalationState
    answer_by: datetime
    act_by: datetime | None = None
    raised_at: datetime | None = None
    resolved_at: datetime | None = None
    alerts: int = 1

    @property
    def chain(self) -> tuple[Subject, str, int]:
        """What tells one climb of a ladder from another."""
        return (self.subject, self.subject_id, self.occurrence)


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of this person to one bridger."""

    id: str
    bridger_id: str
    state: OfferState
    made_at: datetime
    answer_by: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A time in which follow-up rests."""

    id: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The facts of one transition at one moment."""

    referral_id: str
    status: ReferralStatus
    protocol: Protocol
    zone: str
    calendar: Calendar
    submitted_at: datetime
    cycle: int = 1
    accepted_at: datetime | None = None
    expected_on: date | None = None
    expected_time: time | None = None
    date_known_at: datetime | None = None
    discharged_at: datetime | None = None
    notice_at: datetime | None = None
    is_unscheduled: bool = False
    risks: frozenset[RiskFlag] = frozenset()
    has_phone: bool = True
    first_appointment_at: datetime | None = None
    assigned_since: datetime | None = None
    unassigned_since: datetime | None = None
    offers_exhausted_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    consent: ConsentStatus = ConsentStatus.GIVEN
    consent_expires_at: datetime | None = None
    consent_warned: bool = False
    lost_at: datetime | None = None
    finish_at: datetime | None = None
    ended_at: datetime | None = None
    reported_at: datetime | None = None
    contacts: tuple[Contact, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    offers: tuple[Offer, ...] = ()
    holds: tuple[Hold, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    overlays: tuple[Protocol, ...] = ()

    def rule(self, key: str) -> ContactRule | None:
        """The rule of a contact: from the protocol, or from one that lies on top (unscheduled, on hold)."""
        return self.protocol.rule(key) or rule_of(self.overlays, key)

    def rungs(self, ladder: str) -> tuple[Rung, ...]:
        """The rungs of a ladder by its name. Raises LookupError when no protocol of the case has it."""
        return rungs_of((self.protocol, *self.overlays), ladder)

    @property
    def is_high_risk(self) -> bool:
        """Whether the shorter windows apply."""
        return any(risk.is_high for risk in self.risks)

    @property
    def expected_at(self) -> datetime | None:
        """The expected instant; a date without a time is taken as noon there."""
        if self.expected_on is None:
            return None
        return at_local(self.expected_on, self.expected_time or time(12), self.zone)

    @property
    def hold(self) -> Hold | None:
        """The hold in force."""
        return next((h for h in self.holds if h.ended_at is None), None)

    @property
    def open_offer(self) -> Offer | None:
        """The one offer that awaits an answer."""
        return next((o for o in self.offers if o.state is OfferState.OPEN), None)

    def last_resolved(self, subject: Subject, subject_id: str) -> Escalation | None:
        """The latest settled escalation about this."""
        settled = [
            e
            for e in self.escalations
            if e.subject is subject and e.subject_id == subject_id and e.state is EscalationState.RESOLVED
        ]
        return max(settled, key=lambda e: e.resolved_at or e.answer_by, default=None)

    def is_escalated(self, subject: Subject, subject_id: str) -> bool:
        """Whether somebody is being called about this right now."""
        return any(e.subject is subject and e.subject_id == subject_id and e.state.is_open for e in self.escalations)
