"""What can be chosen on the form of a referral, with the words that help to choose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.languages import LANGUAGES
from domain.vocabulary import (
    ConsentStatus,
    DateCertainty,
    Disposition,
    Gender,
    Need,
    PhoneKind,
    PlaceKind,
    RiskFlag,
    SafetyFlag,
    Setting,
    Strength,
    Word,
)

Option = dict[str, str]

_ANY = {"value": "", "text": "No preference"}
_UNPLANNED = "Somebody goes now: this came unplanned."
_CONSENT_HINTS = {
    ConsentStatus.GIVEN: "They said yes to being referred and contacted, to what you write here being passed on to "
    "the program, substance use included, and to you hearing how it goes.",
    ConsentStatus.PENDING: "Nobody could ask yet. The referral goes ahead; somebody asks before or right after they "
    "leave, and until then you are told little.",
}
_COMMUNITY_HOSPITAL = (Disposition.HOME, Disposition.SHELTER, Disposition.AGAINST_ADVICE, Disposition.ELOPED)
_COMMUNITY_CUSTODY = (Disposition.PLANNED_RELEASE, Disposition.COURT_RELEASE, Disposition.SHELTER)
_ELSEWHERE = (Disposition.TRANSFERRED, Disposition.SKILLED_NURSING, Disposition.HOSPICE, Disposition.CUSTODY)


def choices(is_custody: bool) -> dict[str, Any]:
    """Every list of options that the form's template asks for."""
    return {
        "settings": options(Setting),
        "certainties": options(c for c in DateCertainty if c is not DateCertainty.UNKNOWN),
        "dispositions": options(_COMMUNITY_CUSTODY if is_custody else _COMMUNITY_HOSPITAL),
        "genders": options(Gender),
        "bridger_genders": [_ANY, *options(g for g in Gender if g is not Gender.UNSTATED)],
        "strengths": [_ANY, *options(Strength)],
        "languages": _languages(),
        "phone_kinds": options(PhoneKind),
        "place_kinds": options(PlaceKind),
        "safety": options(SafetyFlag),
        "risk_options": options(RiskFlag),
        "need_options": options(Need),
        "consents": [
            {
                "value": status.value,
                "text": "Given" if status is ConsentStatus.GIVEN else "Not asked yet",
                "hint": hint,
            }
            for status, hint in _CONSENT_HINTS.items()
        ],
    }


def ways_of_leaving(is_custody: bool) -> list[Option]:
    """Every disposition that can be recorded, with what follows from it."""
    community = _COMMUNITY_CUSTODY if is_custody else _COMMUNITY_HOSPITAL
    found = [{"value": d.value, "text": d.label, "hint": _UNPLANNED if d.is_unscheduled else ""} for d in community]
    found += [{"value": d.value, "text": d.label, "hint": "Follow-up waits; the referral stays."} for d in _ELSEWHERE]
    return [*found, {"value": Disposition.DIED.value, "text": Disposition.DIED.label, "hint": "Everything stops."}]


def options(words: Iterable[Word]) -> list[Option]:
    """Members of a vocabulary as options of a field."""
    return [{"value": word.value, "text": word.label} for word in words]


def _languages() -> list[Option]:
    first = [{"value": "en", "text": "English"}, {"value": "es", "text": "Spanish"}]
    rest = sorted((name, code) for code, name in LANGUAGES.items() if code not in ("en", "es"))
    return first + [{"value": code, "text": name} for name, code in rest]
