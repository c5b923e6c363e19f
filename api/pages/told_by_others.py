"""What another facility told of a person whom the program has, on the person's page: what is not on record already."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from api.filters import local_date, telephone
from domain.languages import language_name
from domain.sensitivity import WITHHELD, hides, open_values
from domain.vocabulary import Need, RiskFlag, SafetyFlag
from records.queries.facility_words import list_words_of_others
from records.queries.person_page import PersonPage
from records.tables import FacilityWords, Person


def told_by_others(session: Session, found: PersonPage) -> list[dict[str, Any]]:
    """Each other facility that asked for them, with what it said and the record does not."""
    person = found.rows.person
    told = list_words_of_others(session, person.id, found.referral.facility_id)
    return [
        {
            "facility": name,
            "when": local_date(words.said_at, person.zone),
            "lines": [*_of_the_person(person, words.said), *_of_leaving(words, is_withheld=found.is_withheld)],
        }
        for words, name in told
    ]


def _of_the_person(person: Person, said: dict[str, Any]) -> list[str]:
    names = {f"{person.given_name} {person.family_name}".casefold(), *map(str.casefold, person.aliases)}
    numbers = {phone["number"] for phone in person.phones}
    places = {place["text"].casefold() for place in person.places}
    name = f"{said.get('given_name', '')} {said.get('family_name', '')}".strip()
    lines = [f"Called {name}"] if name.casefold() not in names else []
    for phone in said.get("phones", []):
        if phone["number"] not in numbers:
            note = f", {phone['note']}" if phone.get("note") else ""
            lines.append(f"Phone {telephone(str(phone['number']))}{note}")
    for place in said.get("places", []):
        if place["text"].casefold() not in places:
            lines.append(f"To be found: {place['text']}" + (f", {place['when']}" if place.get("when") else ""))
    lines += [SafetyFlag(one).label for one in said.get("safety_flags", []) if one not in person.safety_flags]
    if said.get("safety_note") and said["safety_note"] not in person.safety_note:
        lines.append(f"For safety: {said['safety_note']}")
    if said.get("language", person.language) != person.language:
        lines.append(f"Speaks {language_name(said['language'])}")
    return lines


def _of_leaving(words: FacilityWords, *, is_withheld: bool) -> list[str]:
    about = words.about
    lines = [f"Expected to leave {about['expected_on']}"] if about.get("expected_on") else []
    risks, needs = about.get("risks", []), about.get("needs", [])
    is_hidden = is_withheld and any(
        hides(name, about.get(name) or []) for name in ("risks", "needs", "needs_note") if about.get(name)
    )
    if is_withheld:
        risks, needs = open_values("risks", risks), open_values("needs", needs)
    lines += [RiskFlag(risk).label for risk in risks] + [Need(need).label for need in needs]
    if about.get("needs_note") and not is_withheld:
        lines.append(f"“{about['needs_note']}”")
    return [*lines, f"{WITHHELD}."] if is_hidden else lines
