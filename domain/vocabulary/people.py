"""What is known of a person: risks, safety, preferences, where to find them, what would help."""

from __future__ import annotations

from domain.vocabulary.words import Word


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
        """Whether the high-risk windows apply (suicide risk or overdose)."""
        return self in (RiskFlag.SUICIDE_RISK, RiskFlag.OVERDOSE)


class SafetyFlag(Word):
    """What everybody who goes there or calls must know first."""

    NO_HOME_VISITS = "no_home_visits", "No home visits"
    VISIT_IN_PAIRS = "visit_in_pairs", "Visit in pairs"
    NO_VOICEMAIL = "no_voicemail", "Leave no voicemail"
    DO_NOT_CONTACT_FAMILY = "do_not_contact_family", "Do not contact family"
    SAFETY_PLAN = "safety_plan", "Has a safety plan"
    DOMESTIC_VIOLENCE = "domestic_violence", "Domestic violence: ask if it is safe to talk"


class Strength(Word):
    """How firm a preference is. A hard one that is not met goes to a supervisor, never silently past."""

    HARD = "hard", "Must have"
    SOFT = "soft", "Would like"


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
