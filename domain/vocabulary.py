"""Every list of words of the field, each with its meaning and the sets that rules ask about.

The values are stored and travel on interfaces; the labels are what people read.
"""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """A value with a label for people. Members are written `NAME = "value", "Label"`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Word:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value.replace("_", " ").capitalize()
        return member


class Setting(Word):
    """Where the person is leaving from."""

    PSYCHIATRIC_INPATIENT = "psychiatric_inpatient", "Psychiatric inpatient unit"
    EMERGENCY_DEPARTMENT = "emergency_department", "Emergency department"
    GENERAL_HOSPITAL = "general_hospital", "General hospital"
    JAIL = "jail", "Jail"
    PRISON = "prison", "Prison"

    @property
    def is_custody(self) -> bool:
        """Whether leaving is a release from custody."""
        return self in (Setting.JAIL, Setting.PRISON)

    @property
    def leaving(self) -> str:
        """The noun for leaving it."""
        return "release" if self.is_custody else "discharge"


class FacilityKind(Word):
    """What sort of place refers people."""

    HOSPITAL = "hospital", "Hospital"
    EMERGENCY_DEPARTMENT = "emergency_department", "Emergency department"
    JAIL = "jail", "Jail"
    PRISON = "prison", "Prison"


class Role(Word):
    """What a member of staff does. See design §6 for who sees and does what."""

    PLANNER = "planner", "Discharge planner"
    BRIDGER = "bridger", "Peer bridger"
    SUPERVISOR = "supervisor", "Peer supervisor"
    CLINICIAN = "clinician", "On-call clinician"
    MANAGER = "manager", "Program manager"
    ADMIN = "admin", "Administrator"


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


class RiskFlag(Word):
    """Facts that shorten windows and raise the urgency."""

    SUICIDE_RISK = "suicide_risk", "Suicide risk"
    OVERDOSE = "overdose", "Overdose history or risk"
    FIRST_TWO_WEEKS = "recent_release", "Released within two weeks"
    NO_SAFE_PLACE = "no_safe_place", "No safe place to sleep tonight"
    PREGNANT = "pregnant", "Pregnant"
    YOUTH = "youth", "Under 21"

    @property
    def is_high(self) -> bool:
        """Whether the high-risk windows apply (protocols of domain.md (a): suicide risk or overdose)."""
        return self in (RiskFlag.SUICIDE_RISK, RiskFlag.OVERDOSE)


class SafetyFlag(Word):
    """What everybody who goes there or calls must know first."""

    NO_HOME_VISITS = "no_home_visits", "No home visits"
    VISIT_IN_PAIRS = "visit_in_pairs", "Visit in pairs"
    NO_VOICEMAIL = "no_voicemail", "Leave no voicemail"
    DO_NOT_CONTACT_FAMILY = "do_not_contact_family", "Do not contact family"
    SAFETY_PLAN = "safety_plan", "Has a safety plan"
    DOMESTIC_VIOLENCE = "domestic_violence", "Domestic violence: ask if it is safe to talk"


class ConsentStatus(Word):
    """Whether the person agreed to be referred and contacted."""

    GIVEN = "given", "Given"
    PENDING = "pending", "Pending"
    DECLINED = "declined", "Declined"
    REVOKED = "revoked", "Revoked"
    EXPIRED = "expired", "Expired"


class Gender(Word):
    """Gender of a bridger, and what a person may prefer."""

    WOMAN = "woman", "Woman"
    MAN = "man", "Man"
    NONBINARY = "nonbinary", "Non-binary"
    UNSTATED = "unstated", "Not stated"


class Strength(Word):
    """How firm a preference is. A hard one that is not met goes to a supervisor, never silently past."""

    HARD = "hard", "Must have"
    SOFT = "soft", "Would like"


class Mode(Word):
    """How somebody tried to reach the person."""

    CALL = "call", "Phone call"
    VISIT = "visit", "In person"
    VIDEO = "video", "Video"
    TEXT = "text", "Text message"
    LETTER = "letter", "Letter"
    COLLATERAL = "collateral", "Somebody else was asked"

    @property
    def needs_phone(self) -> bool:
        """Impossible without a phone number."""
        return self in (Mode.CALL, Mode.TEXT)


class Outcome(Word):
    """What came of one attempt."""

    REACHED = "reached", "Reached: we talked"
    NO_ANSWER = "no_answer", "No answer"
    LEFT_MESSAGE = "left_message", "Left a message"
    WRONG_NUMBER = "wrong_number", "Wrong number"
    CALL_LATER = "call_later", "Asked me to call later"
    DECLINED = "declined", "Declined"
    IN_HOSPITAL = "in_hospital", "Found in hospital"
    IN_CUSTODY = "in_custody", "Found in custody"
    DIED = "died", "Has died"
    INFORMATION = "information", "Got information from somebody else"
    AUTOMATED_REPLY = "automated_reply", "Automatic reply only"

    @property
    def is_two_way(self) -> bool:
        """A live exchange with the person: the only thing that meets a contact (Medicare TCM, interactive contact)."""
        return self in (Outcome.REACHED, Outcome.DECLINED, Outcome.CALL_LATER)

    @property
    def counts_as_attempt(self) -> bool:
        """Individual communication that the person could answer, counted even when it fails ([40])."""
        return self not in (Outcome.AUTOMATED_REPLY,)


class ContactState(Word):
    """Where one planned contact stands. Open (its window has begun) and overdue are derived, not stored."""

    PLANNED = "planned", "Planned"
    MET = "met", "Met"
    MISSED = "missed", "Missed"
    MET_LATE = "met_late", "Met late"
    WAIVED = "waived", "Waived"
    SUPERSEDED = "superseded", "Replaced by a new plan"
    SUSPENDED = "suspended", "Suspended"
    CLOSED = "closed", "Not needed any more"

    @property
    def is_awaited(self) -> bool:
        """Still expected to happen."""
        return self is ContactState.PLANNED


class Counts(Word):
    """What meets a contact."""

    CONTACT = "contact", "A live two-way exchange with the person"
    ATTEMPT = "attempt", "An attempt"
    TASK = "task", "Done and noted"


class EscalationState(Word):
    """Where a call for other people stands."""

    RAISED = "raised", "Waiting for somebody to take it"
    ACKNOWLEDGED = "acknowledged", "Taken"
    RESOLVED = "resolved", "Resolved"

    @property
    def is_open(self) -> bool:
        """Not settled."""
        return self is not EscalationState.RESOLVED


class Ask(Word):
    """What a rung asks of those it tells."""

    ANSWER = "answer", "Take this and act"
    LOCATE = "locate", "Find where the person is: jail roster, hospitals, shelters, consented contacts"
    WELFARE_CHECK = "welfare_check", "A clinician decides about mobile crisis or a welfare check"
    SIGN_CLOSURE = "sign_closure", "Sign the closure, or keep going"
    DECIDE = "decide", "Decide"


class Subject(Word):
    """What an escalation is about."""

    CONTACT = "contact", "A contact was missed"
    STREAK = "streak", "Several contacts in a row were missed"
    ASSIGNMENT = "assignment", "Nobody has this person"
    ACCEPTANCE = "acceptance", "The referral was not answered in time"
    DATE = "date", "The expected date passed and nobody said what happened"
    HOLD = "hold", "A hold has lasted long"
    CANCEL = "cancel", "A request to cancel waits"
    CONSENT = "consent", "Consent needs attention"
    SAFETY = "safety", "A safety concern"
    LOST = "lost", "The search for the person is over"
    FINISH = "finish", "The plan has run its course"
    RELEASE = "release", "Left unplanned: somebody must go now"


class Resolution(Word):
    """How an escalation was settled."""

    REACHED = "reached", "The person was reached"
    ARRANGED = "arranged", "Arranged"
    FOUND_IN_HOSPITAL = "found_in_hospital", "Found in hospital"
    FOUND_IN_CUSTODY = "found_in_custody", "Found in custody"
    UNABLE_TO_REACH = "unable_to_reach", "Every step was tried, not reached"
    NOT_NEEDED = "not_needed", "Not needed any more"
    CORRECTED = "corrected", "The record was corrected"


class OfferState(Word):
    """Where an offer to a bridger stands."""

    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Not answered in time"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DeclineReason(Word):
    """Why a bridger does not take an offer."""

    NO_ROOM = "no_room", "No room right now"
    TOO_FAR = "too_far", "Too far away"
    AWAY = "away", "Away when it counts"
    KNOW_THE_PERSON = "know_the_person", "I know the person"
    NOT_A_MATCH = "not_a_match", "Not a good match"
    PRIVATE = "private", "I'd rather not say"


class EndReason(Word):
    """Why an assignment ended."""

    REASSIGNED = "reassigned", "Reassigned"
    COVER = "cover", "Covered during an absence"
    COVER_OVER = "cover_over", "The absence is over"
    BRIDGER_ASKED = "bridger_asked", "The bridger asked"
    PERSON_ASKED = "person_asked", "The person asked"
    CONFLICT = "conflict", "A conflict was declared"
    LEFT = "left", "The bridger left the program"
    CLOSED = "closed", "The referral closed"


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


class WelfareDecision(Word):
    """What the clinician decided; least invasive first (Lifeline policy [35])."""

    KEEP_TRYING = "keep_trying", "Keep trying, least invasive first"
    MOBILE_CRISIS = "mobile_crisis", "Send a mobile crisis team"
    WELFARE_CHECK = "welfare_check", "Ask for a welfare check"

    @property
    def needs_outcome(self) -> bool:
        """Somebody was sent: it stays open until it is known that they reached the person."""
        return self is not WelfareDecision.KEEP_TRYING


class Channel(Word):
    """How staff are told."""

    IN_APP = "in_app", "In Footbridge"
    EMAIL = "email", "E-mail"
    SMS = "sms", "Text message"


class NotificationState(Word):
    """Where one message to one recipient stands."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"
    UNCONFIRMED = "unconfirmed", "May or may not have been sent"
    CANCELLED = "cancelled", "Cancelled before sending"


class PhoneKind(Word):
    """Whose number it is."""

    OWN = "own", "The person's own"
    SHARED = "shared", "Shared"
    FACILITY = "facility", "A facility or shelter"


class PlaceKind(Word):
    """Where the person may be found."""

    HOME = "home", "Home"
    SHELTER = "shelter", "Shelter"
    MEAL_SITE = "meal_site", "Meal site"
    OUTSIDE = "outside", "Outside or encampment"
    WORK = "work", "Work"
    REPORTING = "reporting", "Regular appointment"
    OTHER = "other", "Somewhere else"


class Need(Word):
    """What the person says would help."""

    HOUSING = "housing", "Housing"
    MEDICATION = "medication", "Medication"
    IDENTIFICATION = "identification", "Identification papers"
    TRANSPORT = "transport", "Getting around"
    FOOD = "food", "Food"
    HEALTH_CARE = "health_care", "Health care"
    TREATMENT = "treatment", "Treatment"
    BENEFITS = "benefits", "Benefits"
    WORK = "work", "Work or school"
    FAMILY = "family", "Family"
    LEGAL = "legal", "Legal help"
    COMPANY = "company", "Company"
