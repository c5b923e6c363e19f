"""What a consent speaks of: to whom, what, what for, and how it was signed (42 CFR 2.31)."""

from __future__ import annotations

from domain.vocabulary.words import Word


class RecipientKind(Word):
    """Whom something goes to."""

    REFERRER = "referrer", "The facility that referred them"
    TREATING = "treating", "A provider who treats them"
    CONTACT = "contact", "A relative or somebody else, by name"
    ORGANIZATION = "organization", "Another organization, by name"
    JUSTICE = "justice", "Probation, parole or a court, by name"
    PROGRAM = "program", "The program's own people"
    PERSON = "person", "The person"


class Category(Word):
    """What is told."""

    REQUEST = "request", "How the program answers the facility's own request"
    ATTENDANCE = "attendance", "Whether they keep their contacts"
    STANDING = "standing", "That they are referred, and how it stands"
    COORDINATION = "coordination", "What is needed to arrange care"
    CONTACT_DATA = "contact_data", "How and where to reach them"
    SUBSTANCE_USE = "substance_use", "What concerns substance use"
    COUNSELING_NOTES = "counseling_notes", "Notes of substance-use counseling"


class Purpose(Word):
    """What it is told for."""

    SUPPORT = "support", "To support them"
    COORDINATION = "coordination", "To coordinate their care"
    TREATMENT = "treatment", "For treatment, payment and health care operations"
    AT_REQUEST = "at_request", "At their own request"
    MONITORING = "monitoring", "To show that they take part, as the court asks"
    PROCEEDINGS = "proceedings", "For proceedings against them"


class Scope(Word):
    """One thing that a person can agree to."""

    REFERRED = "referred", "Being referred and contacted"
    SHARE_BACK = "share_back", "Telling the facility how it goes"
    TREATING = "treating", "Telling the providers who treat them"
    CONTACT = "contact", "Telling a relative or somebody else"
    ORGANIZATION = "organization", "Telling another organization"
    JUSTICE = "justice", "Telling probation, parole or a court"
    SUBSTANCE_USE = "substance_use", "Passing on what concerns substance use"
    COUNSELING_NOTES = "counseling_notes", "Passing on counseling notes"
    PROCEEDINGS = "proceedings", "Use in proceedings against them"


class TellingWay(Word):
    """How something was told to somebody outside."""

    PHONE = "phone", "By phone"
    PAPER = "paper", "A paper was handed over"
    FAX = "fax", "By fax"
    SECURE_MAIL = "secure_mail", "By secure mail"


class SignerKind(Word):
    """Who signs."""

    PERSON = "person", "The person"
    GUARDIAN = "guardian", "A parent or guardian"
    REPRESENTATIVE = "representative", "A legal representative"


class SigningMethod(Word):
    """How it was signed."""

    SCREEN = "screen", "On this screen"
    PAPER = "paper", "On paper"
