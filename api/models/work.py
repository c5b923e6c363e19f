"""Offers, contacts, attempts and escalations as the API takes and gives them."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.models.common import Day, Id, In, Instant, Out, Text
from domain.vocabulary import (
    Ask,
    ContactState,
    DeclineReason,
    EscalationState,
    Mode,
    OfferState,
    Outcome,
    Resolution,
    Setting,
    Subject,
    WelfareDecision,
)


class OfferOut(Out):
    """What a bridger needs to decide. The person is named by the first name alone until the offer is accepted."""

    id: Id
    referral_id: Id
    state: OfferState
    made_at: Instant
    answer_by: Instant
    closed_at: Instant | None
    first_name: str
    setting: Setting
    expected_on: Day | None
    discharged_at: Instant | None
    area: str
    language: str
    needs: list[str]
    safety_flags: list[str]
    is_high_risk: bool
    reasons: list[str] = Field(description="why this bridger was asked")


class DeclineIn(In):
    """Why not; no reason is held against anybody."""

    reason: DeclineReason
    note: Text = ""


class ContactOut(Out):
    """One planned follow-up contact: its window and what became of it."""

    id: Id
    referral_id: Id
    key: str
    title: str
    seq: int
    cycle: int
    opens_at: Instant
    due_at: Instant
    work_by: Instant | None
    state: ContactState
    is_overdue: bool
    is_overdue_on_arrival: bool
    met_at: Instant | None
    met_by: Id | None = Field(description="the attempt that met it")
    missed_at: Instant | None
    reason: str


class AttemptIn(In):
    """One try to reach the person. Reached means a live two-way exchange with the person."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"mode": "call", "outcome": "reached", "minutes": 20}]}
    )
    mode: Mode
    outcome: Outcome
    at: Instant | None = Field(None, description="empty: now")
    minutes: int | None = Field(None, ge=0, le=600)
    note: Text = ""
    call_back_at: Instant | None = None
    reoffer_note: Text = Field("", description="with `declined`: when and how to ask again")


class AttemptOut(Out):
    """One try as it was logged."""

    id: Id
    referral_id: Id
    contact_id: Id | None
    at: Instant
    recorded_at: Instant
    recorded_by: str | None
    mode: Mode
    outcome: Outcome
    minutes: int | None
    note: str
    call_back_at: Instant | None
    is_late_entry: bool
    is_retracted: bool
    met: list[str]


class LoggedOut(Out):
    """What logging an attempt did."""

    attempt: AttemptOut
    met: list[str] = Field(description="ids of the contacts it met in time")
    met_late: list[str]
    consequence: str = Field(description="`held`, `closed` or `died` when the whole case changed")
    referral_id: Id
    version: int


class TakeBackIn(In):
    """Why an entry is taken back."""

    why: Text


class WaiveIn(In):
    """Why a contact is let go."""

    reason: Text


class CompleteIn(In):
    """A task was done."""

    note: Text = ""


class ToldOut(Out):
    """Somebody who was told."""

    staff_id: Id
    name: str
    role: str


class EscalationOut(Out):
    """A call for other people: what about, who was told, by when, and what they did."""

    id: Id
    referral_id: Id
    subject: Subject
    subject_id: str
    ask: Ask
    ladder: str
    rung: int
    why: str
    high_risk: bool
    due_at: Instant
    raised_at: Instant
    answer_by: Instant
    act_by: Instant | None
    alerts: int
    state: EscalationState
    told: list[ToldOut]
    owner_id: Id | None
    acknowledged_at: Instant | None
    acknowledged_by: Id | None
    decision: WelfareDecision | None
    decided_at: Instant | None
    resolved_at: Instant | None
    resolved_by: Id | None
    resolution: Resolution | None
    resolution_note: str


class ActIn(In):
    """What was done so far; it stays open."""

    note: Text


class ResolveIn(In):
    """How it was settled, and with what."""

    resolution: Resolution
    note: Text


class DecideIn(In):
    """A clinician's decision about a welfare check."""

    decision: WelfareDecision
    reason: Text
