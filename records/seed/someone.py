"""The invented people. Every name says “example” in some language; every number is one that nobody has."""

from __future__ import annotations

from datetime import date

from domain.vocabulary import Gender, PhoneKind, PlaceKind, SafetyFlag, Strength
from records.commands.people import PersonDetails, Phone, Place


def someone(
    given: str,
    family: str,
    number: int,
    *,
    born: tuple[int, int, int],
    area: str = "00010",
    place: str = "Home: 4 Example Street, second floor",
    kind: PlaceKind = PlaceKind.HOME,
    when: str = "",
    gender: Gender = Gender.UNSTATED,
    called: str = "",
    language: str = "en",
    must_speak: bool = False,
    wants: Gender | None = None,
    must: bool = False,
    flags: tuple[SafetyFlag, ...] = (),
    safety_note: str = "",
    may_text: bool = True,
    may_voicemail: bool = True,
) -> PersonDetails:
    """An invented person, `number` from 1 to 99 making their phone number."""
    return PersonDetails(
        given_name=given,
        family_name=family,
        preferred_name=called,
        birth_on=date(*born),
        gender=gender,
        language=language,
        language_strength=(Strength.HARD if must_speak else Strength.SOFT) if language != "en" else None,
        bridger_gender=wants,
        bridger_gender_strength=(Strength.HARD if must else Strength.SOFT) if wants is not None else None,
        area=area,
        phones=[Phone(f"212-555-01{number:02d}", PhoneKind.OWN, may_voicemail=may_voicemail, may_text=may_text)],
        places=[Place(kind, place, when)] if place else [],
        safety_flags=flags,
        safety_note=safety_note,
    )
