"""Every table, in the field's terms. Rows are facts; the rules are in `domain/`, the writers in `records/commands/`."""

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
from records.tables.people import NotDuplicate, Person, PersonIdentifier
from records.tables.referrals import Assignment, Attempt, Contact, Escalation, EscalationTold, Hold, Offer, Referral

__all__ = [
    "Absence",
    "ApiToken",
    "Assignment",
    "Attempt",
    "Bridger",
    "ConsentRevocation",
    "ConsentVersion",
    "Contact",
    "Disclosure",
    "Draft",
    "Escalation",
    "EscalationTold",
    "Facility",
    "Hold",
    "Idempotency",
    "Inbound",
    "JournalEntry",
    "Meta",
    "NotDuplicate",
    "Notification",
    "Offer",
    "Outbox",
    "Person",
    "PersonIdentifier",
    "Program",
    "ProtocolVersion",
    "Referral",
    "Staff",
    "StaffSession",
]
