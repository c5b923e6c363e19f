"""Settings, facilities, roles, and what passes between programs and bridgers."""

from __future__ import annotations

from domain.vocabulary.words import Word


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
    PRIVACY = "privacy", "Privacy officer"


class Gender(Word):
    """Gender of a bridger, and what a person may prefer."""

    WOMAN = "woman", "Woman"
    MAN = "man", "Man"
    NONBINARY = "nonbinary", "Non-binary"
    UNSTATED = "unstated", "Not stated"


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
    CLEARANCE_ENDED = "clearance_ended", "The clearance for the facility ended"
