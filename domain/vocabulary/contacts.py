"""How somebody tried to reach the person, what came of it, where a contact stands."""

from __future__ import annotations

from domain.vocabulary.words import Word


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
    def is_found_inside(self) -> bool:
        """Where the person is became known: follow-up rests, and somebody meets them there."""
        return self in (Outcome.IN_HOSPITAL, Outcome.IN_CUSTODY)

    @property
    def counts_as_attempt(self) -> bool:
        """Individual communication that the person could answer, counted even when it fails ([40])."""
        return self not in (Outcome.AUTOMATED_REPLY, Outcome.WRONG_NUMBER)


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
