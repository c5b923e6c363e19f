"""Referrals and everything that hangs on one: offers, assignments, contacts, attempts, escalations, holds."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from domain.vocabulary import (
    Ask,
    ClosureReason,
    ConsentStatus,
    ContactState,
    DateCertainty,
    DeclineReason,
    Disposition,
    EndReason,
    EscalationState,
    HoldReason,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    Resolution,
    Setting,
    Subject,
    WelfareDecision,
)
from records.tables.columns import document, instant, points_to, words
from records.tables.row import Row
from records.tables.sealed import sealed, sealed_document


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Referral(Row, table=True):
    """A request that the program support a person, and where the transition stands."""

    __table_args__ = (
        _partial("ix_referral_next", "next_at", where="next_at IS NOT NULL"),
        _partial("ix_referral_untold", "untold_since", where="untold_since IS NOT NULL"),
        Index("ix_referral_status", "program_id", "status", "submitted_at"),
        _partial("ix_referral_waiting", "program_id", "waiting_since", where="waiting_since IS NOT NULL"),
        _partial("ix_referral_leaving", "program_id", "leaving_at", where="leaving_at IS NOT NULL"),
        _partial("ix_referral_first_days", "program_id", "first_days_until", where="first_days_until IS NOT NULL"),
        _partial("ix_referral_overdue", "program_id", "overdue_since", where="overdue_since IS NOT NULL"),
        _partial(
            "ix_referral_escalated", "program_id", "escalated_rank", "escalated_by", where="escalated_since IS NOT NULL"
        ),
        _partial("ix_referral_hold", "program_id", "held_since", where="held_since IS NOT NULL"),
        Index("ix_referral_facility", "facility_id", "submitted_at"),
    )

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    number: str = Field(unique=True)  # the short reference that people say on the phone; names nobody
    person_id: str = points_to("person.id", index=True)
    facility_id: str = points_to("facility.id")
    planner_id: str | None = Field(default=None, index=True)
    source: str = "page"  # page, api, fhir, csv
    setting: Setting = words(Setting)
    unit: str = sealed("referral.unit", default="")
    legal_status: str = sealed("referral.legal_status", default="")
    protocol_id: str = ""
    status: ReferralStatus = words(ReferralStatus, default=ReferralStatus.DRAFT)
    consent: ConsentStatus = words(ConsentStatus, default=ConsentStatus.PENDING)
    consent_expires_at: datetime | None = instant()
    consent_warned_at: datetime | None = instant()
    risks: list[str] = document(list)
    needs: list[str] = document(list)
    needs_note: str = sealed("referral.needs_note", default="")
    visit_id: str = sealed("referral.visit_id", default="")
    visit_mark: str | None = Field(default=None, index=True)  # `records.marks.set_visit`
    previous_id: str | None = Field(default=None, index=True)
    created_at: datetime = instant(nullable=False)
    submitted_at: datetime | None = instant()
    accepted_at: datetime | None = instant()
    accepted_by: str | None = None
    expected_on: date | None = None
    expected_time: time | None = None
    date_certainty: DateCertainty = words(DateCertainty, default=DateCertainty.UNKNOWN)
    date_known_at: datetime | None = instant()
    discharged_at: datetime | None = instant()
    notice_at: datetime | None = instant()
    disposition: Disposition | None = words(Disposition, default=None)
    has_offset_doubt: bool = False  # the notice came without a UTC offset: the facility's zone was taken
    is_unscheduled: bool = False
    cycle: int = 1
    first_appointment_at: datetime | None = instant()
    first_appointment_where: str = sealed("referral.first_appointment_where", default="")
    meeting_at: datetime | None = instant()
    meeting_where: str = sealed("referral.meeting_where", default="")
    bridger_id: str | None = Field(default=None, index=True)
    assigned_since: datetime | None = instant()
    unassigned_since: datetime | None = instant()
    offers_exhausted_at: datetime | None = instant()
    owner_id: str | None = None
    cancel_requested_at: datetime | None = instant()
    cancel_reason: str = sealed("referral.cancel_reason", default="")
    lost_at: datetime | None = instant()
    finish_at: datetime | None = instant()
    ended_at: datetime | None = instant()
    closure_reason: ClosureReason | None = words(ClosureReason, default=None)
    closure_note: str = sealed("referral.closure_note", default="")
    closed_by: str | None = None
    reported_at: datetime | None = instant()
    undo: dict[str, str] = sealed_document(
        "referral.undo", dict
    )  # what to restore when a death or an end was entered in error
    version: int = 0
    next_at: datetime | None = instant()
    next_item: str = ""
    untold_since: datetime | None = instant()
    journal_seq: int = 0
    journal_head: str = ""
    journal_proof: str = ""  # of the two before, under the secret key: nobody else cuts the end off unseen
    waiting_since: datetime | None = instant()  # the columns of the board, kept by `settle`
    leaving_at: datetime | None = instant()
    first_days_until: datetime | None = instant()
    overdue_since: datetime | None = instant()
    escalated_since: datetime | None = instant()
    escalated_rank: int | None = None  # what nobody took first, then the gravest
    escalated_by: datetime | None = instant()  # by when somebody must answer or act
    held_since: datetime | None = instant()


class Offer(Row, table=True):
    """This person, offered to one bridger until a time."""

    __table_args__ = (Index("ix_offer_bridger", "bridger_id", "state"),)

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id", index=True)
    bridger_id: str
    state: OfferState = words(OfferState, default=OfferState.OPEN)
    made_at: datetime = instant(nullable=False)
    answer_by: datetime = instant(nullable=False)
    closed_at: datetime | None = instant()
    decline_reason: DeclineReason | None = words(DeclineReason, default=None)
    decline_note: str = sealed("offer.decline_note", default="")
    score: float = 0
    reasons: list[str] = document(list)


class Assignment(Row, table=True):
    """A bridger walks with this person. One open at a time (design §5, invariant 8)."""

    __table_args__ = (
        Index(
            "ux_assignment_open",
            "referral_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        _partial("ix_assignment_bridger", "bridger_id", where="ended_at IS NULL"),
        _partial("ix_assignment_ended", "bridger_id", "ended_at", where="ended_at IS NOT NULL"),
    )

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id", index=True)
    bridger_id: str
    started_at: datetime = instant(nullable=False)
    ended_at: datetime | None = instant()
    end_reason: EndReason | None = words(EndReason, default=None)
    assigned_by: str | None = None
    override_by: str | None = None
    override_reason: str = sealed("assignment.override_reason", default="")
    covers_for_id: str | None = None  # the bridger who is away


class Contact(Row, table=True):
    """One planned follow-up contact: its window and what became of it."""

    __table_args__ = (
        UniqueConstraint("referral_id", "cycle", "key", "seq", "revision"),
        Index("ix_contact_due", "program_id", "due_at"),
    )

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id")
    key: str
    seq: int = 1
    cycle: int = 1
    revision: int = 0
    title: str
    opens_at: datetime = instant(nullable=False)
    due_at: datetime = instant(nullable=False)
    is_compressed: bool = False
    is_overdue_on_arrival: bool = False
    work_by: datetime | None = instant()
    state: ContactState = words(ContactState, default=ContactState.PLANNED)
    prompted: list[str] = document(list)
    met_at: datetime | None = instant()
    met_by: str | None = None  # the attempt that met it
    missed_at: datetime | None = instant()
    reason: str = sealed("contact.reason", default="")  # why it was waived, closed or superseded


class Attempt(Row, table=True):
    """One try to reach the person, or a task done. Never changed; a mistake is taken back by a journalled command."""

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id", index=True)
    contact_id: str | None = None
    at: datetime = instant(nullable=False)
    recorded_at: datetime = instant(nullable=False)
    recorded_by: str | None = None
    mode: Mode = words(Mode)
    outcome: Outcome = words(Outcome)
    minutes: int | None = None
    note: str = sealed("attempt.note", default="")
    call_back_at: datetime | None = instant()
    is_late_entry: bool = False
    is_retracted: bool = False
    met: list[str] = document(list)  # ids of the contacts that it met


class Escalation(Row, table=True):
    """A rung that was raised: who was told, what is asked, by when, and what they did."""

    __table_args__ = (
        UniqueConstraint("referral_id", "subject", "subject_id", "occurrence", "rung"),
        Index("ix_escalation_state", "state", "program_id"),
    )

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id", index=True)
    subject: Subject = words(Subject)
    subject_id: str
    occurrence: int = 1
    ladder: str
    rung: int = 0
    ask: Ask = words(Ask)
    told: list[dict[str, str]] = document(list)  # staff_id, name, role
    owner_id: str | None = None  # the person who is to answer, by name
    why: str = ""
    high_risk: bool = False
    due_at: datetime = instant(nullable=False)  # when it really fell due
    raised_at: datetime = instant(nullable=False)
    answer_by: datetime = instant(nullable=False)
    alerts: int = 1
    state: EscalationState = words(EscalationState, default=EscalationState.RAISED)
    acknowledged_at: datetime | None = instant()
    acknowledged_by: str | None = None
    act_by: datetime | None = instant()
    decision: WelfareDecision | None = words(WelfareDecision, default=None)
    decided_at: datetime | None = instant()
    resolved_at: datetime | None = instant()
    resolved_by: str | None = None  # None: the system, because of what happened
    resolution: Resolution | None = words(Resolution, default=None)
    resolution_note: str = sealed("escalation.resolution_note", default="")


class EscalationTold(Row, table=True):
    """Who was told of an escalation: their right to see the person, and their list of calls."""

    __tablename__ = "escalation_told"
    __table_args__ = (Index("ix_told_staff", "staff_id", "referral_id"),)

    escalation_id: str = points_to("escalation.id", primary_key=True)
    staff_id: str = Field(primary_key=True)
    referral_id: str


class Hold(Row, table=True):
    """A time in which follow-up rests: in hospital, in custody, transferred."""

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id", index=True)
    reason: HoldReason = words(HoldReason)
    where: str = sealed("hold.where", default="")
    note: str = sealed("hold.note", default="")
    started_at: datetime = instant(nullable=False)
    recorded_at: datetime = instant(nullable=False)
    ended_at: datetime | None = instant()
    end_note: str = sealed("hold.end_note", default="")
    return_on: date | None = None
