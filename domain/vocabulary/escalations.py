"""Calls for other people: about what, what is asked, how they end."""

from __future__ import annotations

from domain.vocabulary.words import Word


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

    @property
    def is_found(self) -> bool:
        """It is known where the person is."""
        return self in (Resolution.REACHED, Resolution.FOUND_IN_HOSPITAL, Resolution.FOUND_IN_CUSTODY)


class WelfareDecision(Word):
    """What the clinician decided; least invasive first (Lifeline policy [35])."""

    KEEP_TRYING = "keep_trying", "Keep trying, least invasive first"
    MOBILE_CRISIS = "mobile_crisis", "Send a mobile crisis team"
    WELFARE_CHECK = "welfare_check", "Ask for a welfare check"

    @property
    def needs_outcome(self) -> bool:
        """Somebody was sent: it stays open until it is known that they reached the person."""
        return self is not WelfareDecision.KEEP_TRYING
