"""Referrals as the API takes and gives them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from api.models.common import Clock, Day, Id, In, Instant, Out, Text
from api.models.people import PersonIn
from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    DateCertainty,
    Disposition,
    HoldReason,
    Need,
    ReferralStatus,
    RiskFlag,
    Setting,
)
from records.commands.referrals import ReferralDetails
from records.tables import Referral


def _said(value: Disposition) -> Disposition:
    """A hospital's message may leave it out; whoever writes it down may not."""
    if value is Disposition.NOT_SAID:
        raise ValueError("Say how and where to the person left.")
    return value


Leaving = Annotated[
    Disposition,
    AfterValidator(_said),
    WithJsonSchema({"type": "string", "enum": [d.value for d in Disposition if d is not Disposition.NOT_SAID]}),
]
"""How and where to somebody left, as it can be sent."""


class ReferralFields(In):
    """What is said of a referral beside the person."""

    setting: Setting
    facility_id: Id | None = Field(None, description="a planner's own facility is taken when this is not sent")
    expected_on: Day | None = None
    expected_time: Clock | None = None
    certainty: DateCertainty = DateCertainty.UNKNOWN
    discharged_at: Instant | None = Field(None, description="when the person has left already")
    disposition: Leaving | None = Field(None, description="needed with `discharged_at`, unless it is a draft")
    unit: Text = ""
    legal_status: Text = ""
    risks: list[RiskFlag] = Field([], max_length=20)
    consent: ConsentStatus = ConsentStatus.PENDING
    consent_expires_at: Instant | None = None
    needs: list[Need] = Field([], max_length=20)
    note: Text = ""
    visit_id: Text = Field("", description="the facility's number of this stay")
    first_appointment_at: Instant | None = None
    first_appointment_where: Text = ""

    def details(self) -> ReferralDetails:
        """As the commands take it."""
        return ReferralDetails(**{name: getattr(self, name) for name in ReferralDetails.__dataclass_fields__})


class PreviewIn(ReferralFields):
    """A referral that may be filed; who the person is does not matter."""

    has_phone: bool = Field(True, description="whether any number of the person's can be called")


class ReferralIn(ReferralFields):
    """A referral to file: a new `person`, or the `person_id` of somebody on record."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "setting": "psychiatric_inpatient",
                    "person": {"given_name": "Ada", "family_name": "Sample", "birth_on": "1990-01-01"},
                    "expected_on": "2026-12-01",
                    "certainty": "likely",
                    "consent": "given",
                    "risks": ["suicide_risk"],
                    "needs": ["housing"],
                }
            ]
        },
    )

    person: PersonIn | None = None
    person_id: Id | None = None
    is_draft: bool = False

    @model_validator(mode="after")
    def _one_person(self) -> ReferralIn:
        if (self.person is None) == (self.person_id is None):
            raise ValueError("Say who the person is: either `person` or `person_id`.")
        return self


class ReferralOut(Out):
    """Where a referral stands."""

    id: Id
    number: str = Field(description="the short reference that people say on the phone")
    version: int = Field(description="also the ETag; send it as If-Match")
    status: ReferralStatus
    setting: Setting
    person_id: Id
    facility_id: Id
    planner_id: Id | None
    bridger_id: Id | None
    bridger_name: str = ""
    owner_id: Id | None = Field(description="who is responsible now, by name on the pages")
    protocol_id: Id
    previous_id: Id | None
    source: str
    unit: str
    legal_status: str
    consent: ConsentStatus
    consent_expires_at: Instant | None
    risks: list[RiskFlag]
    needs: list[Need]
    needs_note: str
    withheld: list[str] = Field([], description="fields of which something is left out: no consent covers it")
    visit_id: str
    created_at: Instant
    submitted_at: Instant | None
    promised_by: Instant | None = Field(None, description="by when the program said it would answer")
    accepted_at: Instant | None
    expected_on: Day | None
    expected_time: Clock | None
    date_certainty: DateCertainty
    discharged_at: Instant | None
    disposition: Disposition | None = Field(
        description="`not_said`: a hospital's message did not say; send it to `/discharge`"
    )
    is_unscheduled: bool
    cycle: int
    first_appointment_at: Instant | None
    first_appointment_where: str
    meeting_at: Instant | None
    meeting_where: str
    cancel_requested_at: Instant | None
    ended_at: Instant | None
    closure_reason: ClosureReason | None
    reported_at: Instant | None
    next_at: Instant | None = Field(description="when something must happen next")
    next_item: str = Field(description="what it is; see `GET /referrals/{id}/agenda`")

    @classmethod
    def of(cls, row: Referral, *, bridger_name: str = "") -> ReferralOut:
        """A row as an answer."""
        made = cls.model_validate(row, from_attributes=True)
        made.bridger_name = bridger_name
        return made

    def location(self) -> str:
        """Its address."""
        return f"/api/v1/referrals/{self.id}"


class AcknowledgedOut(Out):
    """Nothing was filed: the program supports this person already, and hears that this facility asked too."""

    code: str = "already_supported"
    detail: str = "The program supports this person already and hears that you asked too. Nothing was filed."


class DischargeIn(In):
    """The person left: when, and where to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"at": "2026-11-26T11:30:00-05:00", "disposition": "home"}]},
    )
    at: Instant
    disposition: Leaving = Field(description="never assumed: what happens next depends on it")
    where: Text = ""


class DischargeCancelIn(In):
    """The person did not leave after all."""

    note: Text = ""


class ExpectedDischargeIn(In):
    """The expected date moved, became known, or was withdrawn (null)."""

    expected_on: Day | None
    expected_time: Clock | None = None
    certainty: DateCertainty = DateCertainty.LIKELY


class HoldIn(In):
    """Follow-up rests."""

    reason: HoldReason
    since: Instant | None = Field(None, description="empty: now")
    where: Text = ""
    note: Text = ""
    return_on: Day | None = None


class ResumeIn(In):
    """Follow-up goes on: with the instant of a new discharge every window begins anew."""

    discharged_at: Instant | None = None
    note: Text = ""


class CancelIn(In):
    """A planner asks to cancel."""

    reason: Text


class CancelDecisionIn(In):
    """The program's answer to a request to cancel."""

    agree: bool
    note: Text = ""


class CloseIn(In):
    """It is over."""

    reason: ClosureReason
    note: Text = ""


class RejectIn(In):
    """The program does not take the person on."""

    reason: ClosureReason
    note: Text = Field(description="why, and where else to ask")


class CandidateOut(Out):
    """A peer bridger who could have this person."""

    bridger_id: Id
    name: str
    caseload: int = Field(description="people supported now")
    open_offers: int
    caseload_limit: int
    is_current: bool = Field(description="has this person now")


class RankedOut(CandidateOut):
    """One who fits."""

    score: int = Field(description="0 to 100")
    reasons_for: list[str]
    reasons_against: list[str]


class ExcludedOut(CandidateOut):
    """One against whom a rule stands."""

    reasons: list[str]
    may_be_overridden: bool = Field(description="whether `override_reason` is enough to assign all the same")


class CandidatesOut(Out):
    """Every bridger of the program: those who fit, best first, and those who do not."""

    ranked: list[RankedOut]
    excluded: list[ExcludedOut]
    notes: list[str] = Field(description="what holds for whoever it will be")


class AssignIn(In):
    """Assign by hand."""

    bridger_id: Id = Field(description="one of `GET /referrals/{id}/candidates`")
    override_reason: Text = Field("", description="why all the same, when something stands against this bridger")


class NoteIn(In):
    """A line for the timeline."""

    note: Text
    about_use: bool = Field(False, description="it is about substance use: withheld without a consent that covers it")


class RisksIn(In):
    """The risk flags as they are now; together they replace the former ones."""

    risks: list[RiskFlag] = Field(max_length=20)


class ConsentIn(In):
    """The person agreed, declined, or took it back."""

    status: ConsentStatus
    expires_at: Instant | None = None


class AppointmentIn(In):
    """The first appointment after leaving; null takes it away."""

    at: Instant | None
    where: Text = ""


class AgendaItemOut(Out):
    """Something that happens at `at` unless it is done before."""

    at: Instant
    kind: str
    title: str
    why: str
    subject_id: str


class AgendaOut(Out):
    """What must happen next, soonest first."""

    items: list[AgendaItemOut]


class PreviewItemOut(Out):
    """One thing that would be done. A series is one item: `count` times until `until`."""

    at: Instant
    kind: str
    title: str
    why: str
    stage: str = Field(description="`program`, `before` or `after` leaving, `end`")
    who: str
    count: int
    every: str
    until: Instant | None


class PreviewOut(Out):
    """What would happen, and when, if this referral were filed now."""

    promised_by: Instant | None = Field(description="by when the program answers, or names a bridger")
    accepts_at_once: bool
    assumed_leaving: Instant | None = Field(description="from when contacts are counted; null: no date is known")
    is_high_risk: bool
    protocol_title: str
    zone: str
    items: list[PreviewItemOut]


class TimelineEntryOut(Out):
    """One line of the timeline."""

    at: Instant
    logged_at: Instant
    by: str
    event: str
    sentence: str
    details: list[dict[str, str]]
    is_late_entry: bool
    subject_id: str
