"""Every list of words of the field, each with its meaning and the sets that rules ask about.

The values are stored and travel on interfaces; the labels are what people read.
"""

from domain.vocabulary.consents import Category, Purpose, RecipientKind, Scope, SignerKind, SigningMethod, TellingWay
from domain.vocabulary.contacts import ContactState, Counts, Mode, Outcome
from domain.vocabulary.escalations import Ask, EscalationState, Resolution, Subject, WelfareDecision
from domain.vocabulary.messages import Channel, NotificationState
from domain.vocabulary.organizations import DeclineReason, EndReason, FacilityKind, Gender, OfferState, Role, Setting
from domain.vocabulary.people import Need, PhoneKind, PlaceKind, RiskFlag, SafetyFlag, Strength
from domain.vocabulary.readings import Unusual
from domain.vocabulary.referrals import (
    OPEN_STATUSES,
    OVER_STATUSES,
    ClosureReason,
    ConsentStatus,
    DateCertainty,
    Disposition,
    HoldReason,
    ReferralStatus,
    ReleaseKind,
)
from domain.vocabulary.systems import SystemScope
from domain.vocabulary.texts import AgreedHow, IncidentKind, ReplyKind, TextKind
from domain.vocabulary.words import Word

__all__ = [
    "OPEN_STATUSES",
    "OVER_STATUSES",
    "AgreedHow",
    "Ask",
    "Category",
    "Channel",
    "ClosureReason",
    "ConsentStatus",
    "ContactState",
    "Counts",
    "DateCertainty",
    "DeclineReason",
    "Disposition",
    "EndReason",
    "EscalationState",
    "FacilityKind",
    "Gender",
    "HoldReason",
    "IncidentKind",
    "Mode",
    "Need",
    "NotificationState",
    "OfferState",
    "Outcome",
    "PhoneKind",
    "PlaceKind",
    "Purpose",
    "RecipientKind",
    "ReferralStatus",
    "ReleaseKind",
    "ReplyKind",
    "Resolution",
    "RiskFlag",
    "Role",
    "SafetyFlag",
    "Scope",
    "Setting",
    "SignerKind",
    "SigningMethod",
    "Strength",
    "Subject",
    "SystemScope",
    "TellingWay",
    "TextKind",
    "Unusual",
    "WelfareDecision",
    "Word",
]
