"""Where a referral stands, how people leave, why follow-up rests or ends."""

from __future__ import annotations

from domain.vocabulary.words import Word


class ReferralStatus(Word):
    """Where a referral stands."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for the program to accept"
    ACCEPTED = "accepted", "Accepted"
    IN_PROGRESS = "in_progress", "In progress"
    ON_HOLD = "on_hold", "On hold"
    COMPLETED = "completed", "Completed"
    REJECTED = "rejected", "Not accepted"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Ended without completing"
    ENTERED_IN_ERROR = "entered_in_error", "Entered in error"

    @property
    def is_open(self) -> bool:
        """Somebody still waits for something: submitted, accepted, in progress or on hold."""
        return self in OPEN_STATUSES

    @property
    def is_over(self) -> bool:
        """Nothing more will happen, except telling the referrer."""
        return self in OVER_STATUSES


OPEN_STATUSES = frozenset(
    {ReferralStatus.SUBMITTED, ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS, ReferralStatus.ON_HOLD}
)


OVER_STATUSES = frozenset(
    {
        ReferralStatus.COMPLETED,
        ReferralStatus.REJECTED,
        ReferralStatus.CANCELLED,
        ReferralStatus.FAILED,
        ReferralStatus.ENTERED_IN_ERROR,
    }
)


class DateCertainty(Word):
    """How sure the facility is of an expected date."""

    CONFIRMED = "confirmed", "Confirmed"
    LIKELY = "likely", "Likely"
    GUESS = "guess", "A guess"
    UNKNOWN = "unknown", "Not known yet"


class Disposition(Word):
    """How and where to somebody left (after UB-04 patient discharge status codes)."""

    HOME = "home", "Home or community"
    SHELTER = "shelter", "Shelter or no fixed address"
    PLANNED_RELEASE = "planned_release", "Planned release"
    COURT_RELEASE = "court_release", "Released by the court, unplanned"
    AGAINST_ADVICE = "against_advice", "Left against medical advice"
    ELOPED = "eloped", "Left without being seen"
    TRANSFERRED = "transferred", "Transferred to another facility"
    SKILLED_NURSING = "skilled_nursing", "Nursing or rehabilitation facility"
    HOSPICE = "hospice", "Hospice"
    CUSTODY = "custody", "Into custody"
    DIED = "died", "Died"
    STILL_PATIENT = "still_patient", "Still there"
    NOT_SAID = "not_said", "How was not said"
    """A message of a discharge left it out. Follow-up begins and the planner is asked; nobody may choose this."""

    @property
    def starts_community_clock(self) -> bool:
        """Whether the person is now in the community and follow-up windows begin."""
        return self in _COMMUNITY

    @property
    def is_unscheduled(self) -> bool:
        """Nobody planned this leaving: the unscheduled protocol applies on top."""
        return self in (Disposition.COURT_RELEASE, Disposition.AGAINST_ADVICE, Disposition.ELOPED)


_COMMUNITY = frozenset(
    {
        Disposition.HOME,
        Disposition.SHELTER,
        Disposition.PLANNED_RELEASE,
        Disposition.COURT_RELEASE,
        Disposition.AGAINST_ADVICE,
        Disposition.ELOPED,
        Disposition.NOT_SAID,
    }
)


class ReleaseKind(Word):
    """Why a jail or prison lets somebody go, as its release list says (docs/release-list.md)."""

    PLANNED = "planned", "Planned release"
    SENTENCE_SERVED = "sentence_served", "Sentence served"
    COURT = "court", "Released by the court"
    BAIL = "bail", "Released on bail or bond"
    TRANSFER = "transfer", "Transferred to another facility"

    @property
    def disposition(self) -> Disposition:
        """The same as a disposition. Bail comes unplanned, as a release by the court does."""
        if self is ReleaseKind.TRANSFER:
            return Disposition.TRANSFERRED
        if self in (ReleaseKind.COURT, ReleaseKind.BAIL):
            return Disposition.COURT_RELEASE
        return Disposition.PLANNED_RELEASE


class ConsentStatus(Word):
    """Whether the person agreed to be referred and contacted."""

    GIVEN = "given", "Given"
    PENDING = "pending", "Pending"
    DECLINED = "declined", "Declined"
    REVOKED = "revoked", "Revoked"
    EXPIRED = "expired", "Expired"


class HoldReason(Word):
    """Why follow-up rests."""

    READMITTED = "readmitted", "Readmitted to hospital"
    IN_CUSTODY = "in_custody", "In custody"
    TRANSFERRED = "transferred", "Transferred to another facility"
    AWAY = "away", "Away by the person's wish"


class ClosureReason(Word):
    """Why a referral ended."""

    SERVICES_RECEIVED = "services_received_completed", "Services received, completed"
    TRANSFERRED = "transferred_other_program", "Transferred to another program"
    DECLINED = "declined_by_person", "The person chose not to take part"
    CONSENT_REVOKED = "consent_revoked", "Consent was revoked"
    NO_CONSENT = "no_consent", "Consent was not given"
    UNABLE_TO_REACH = "unable_to_reach", "The person could not be reached"
    NOT_ELIGIBLE = "not_eligible", "Not eligible"
    NO_CAPACITY = "no_capacity", "No capacity"
    OUT_OF_AREA = "out_of_area", "Out of area"
    READMITTED_LONG = "readmitted_long_term", "Readmitted for a long time"
    INCARCERATED_LONG = "incarcerated_long_term", "Incarcerated for a long time"
    DECEASED = "deceased", "The person died"
    DUPLICATE = "duplicate", "Duplicate of another referral"
    ENTERED_IN_ERROR = "entered_in_error", "Entered in error"
    SAFETY_CONFLICT = "safety_conflict", "A conflict of safety"
    CANCELLED = "cancelled_by_referrer", "Cancelled by the referrer"

    @property
    def status(self) -> ReferralStatus:
        """The status that a closure for this reason leads to."""
        if self in (ClosureReason.SERVICES_RECEIVED, ClosureReason.TRANSFERRED):
            return ReferralStatus.COMPLETED
        if self is ClosureReason.ENTERED_IN_ERROR:
            return ReferralStatus.ENTERED_IN_ERROR
        if self in (ClosureReason.CANCELLED, ClosureReason.DUPLICATE, ClosureReason.DECLINED):
            return ReferralStatus.CANCELLED
        return ReferralStatus.FAILED
