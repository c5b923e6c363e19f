"""Every table, in the field's terms. Rows are facts; the rules are in `domain/`, the writers in `records/commands/`."""

from records.tables.audit import BrokenGlass, Reading, Seal, SealedStream, StreamHead
from records.tables.consents import ConsentRevocation, ConsentVersion
from records.tables.drafts import Draft
from records.tables.logs import Disclosure, Inbound, JournalEntry, Notification, Outbox
from records.tables.organizations import (
    Absence,
    ApiToken,
    Bridger,
    Facility,
    Idempotency,
    Meta,
    Program,
    ProtocolVersion,
    Staff,
    StaffSession,
)
from records.tables.people import FacilityWords, NotDuplicate, Person, PersonIdentifier
from records.tables.referrals import Assignment, Attempt, Contact, Escalation, EscalationTold, Hold, Offer, Referral
from records.tables.sign_in import (
    AddressTries,
    KeptForm,
    KnownDevice,
    OneTimeLink,
    OutsideIdentity,
    RecoveryCode,
    SecondFactor,
    SignInRules,
    SignInStep,
)
from records.tables.systems import SystemToken
from records.tables.texts import (
    Incident,
    NumberAnswer,
    NumberQuarantine,
    PersonText,
    TextPermission,
    TextReply,
)

__all__ = [
    "Absence",
    "AddressTries",
    "ApiToken",
    "Assignment",
    "Attempt",
    "Bridger",
    "BrokenGlass",
    "ConsentRevocation",
    "ConsentVersion",
    "Contact",
    "Disclosure",
    "Draft",
    "Escalation",
    "EscalationTold",
    "Facility",
    "FacilityWords",
    "Hold",
    "Idempotency",
    "Inbound",
    "Incident",
    "JournalEntry",
    "KeptForm",
    "KnownDevice",
    "Meta",
    "NotDuplicate",
    "Notification",
    "NumberAnswer",
    "NumberQuarantine",
    "Offer",
    "OneTimeLink",
    "Outbox",
    "OutsideIdentity",
    "Person",
    "PersonIdentifier",
    "PersonText",
    "Program",
    "ProtocolVersion",
    "Reading",
    "RecoveryCode",
    "Referral",
    "Seal",
    "SealedStream",
    "SecondFactor",
    "SignInRules",
    "SignInStep",
    "Staff",
    "StaffSession",
    "StreamHead",
    "SystemToken",
    "TextPermission",
    "TextReply",
]
