"""The people who are supported: registered, corrected, merged by a human, never by the system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from sqlmodel import Session, select

from domain.errors import Conflict, Invalid, gather
from domain.vocabulary import Gender, PhoneKind, PlaceKind, SafetyFlag, Strength
from records import clock, journal
from records.access import Actor
from records.commands.text import LINE_LENGTH, checked_name, checked_text
from records.ids import new_id
from records.marks import has_identifier, mark_identifier, mark_person
from records.tables import NotDuplicate, Person, PersonIdentifier

MAX_ITEMS = 12


@dataclass(frozen=True, slots=True)
class Phone:
    """A number as typed, whose it is, and what may be done with it."""

    number: str
    kind: PhoneKind = PhoneKind.OWN
    may_voicemail: bool = False
    may_text: bool = False
    note: str = ""
    is_quarantined: bool = False
    """Found wrong: it stays visible, and nobody calls it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person may be found, and when."""

    kind: PlaceKind
    text: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that a facility or payer knows the person by."""

    system: str
    value: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """Everything that a form or a message says of a person; checked by `checked`."""

    given_name: str
    family_name: str
    preferred_name: str = ""
    birth_on: date | None = None
    pronouns: str = ""
    gender: Gender = Gender.UNSTATED
    language: str = "en"
    language_strength: Strength | None = None
    needs_interpreter: bool = False
    bridger_gender: Gender | None = None
    bridger_gender_strength: Strength | None = None
    zone: str = ""
    area: str = ""
    phones: Sequence[Phone] = ()
    places: Sequence[Place] = ()
    safety_flags: Sequence[SafetyFlag] = ()
    safety_note: str = ""
    identifiers: Sequence[Identifier] = ()
    aliases: Sequence[str] = field(default=())


def register_person(session: Session, program_id: str, details: PersonDetails, *, zone: str) -> Person:
    """Write down a new person. Raises Invalid (or InvalidFields) naming each wrong field."""
    person = Person(
        id=new_id("per"), program_id=program_id, given_name="", family_name="", zone=zone, created_at=clock.now()
    )
    fill_person(person, details, zone)
    session.add(person)
    add_identifiers(session, person, details.identifiers)
    return person


def fill_person(person: Person, details: PersonDetails, default_zone: str) -> None:
    """Write the checked details onto a row. Raises Invalid or InvalidFields, naming each wrong field."""
    problems: list[Invalid] = []

    def attempt(check: object, *args: object, **kwargs: object) -> object:
        try:
            return check(*args, **kwargs)  # type: ignore[operator]
        except Invalid as problem:
            problems.append(problem)
            return ""

    aside = {p["number"] for p in person.phones if p.get("is_quarantined")}
    person.fill(
        given_name=str(attempt(checked_name, details.given_name, "given_name")),
        family_name=str(attempt(checked_name, details.family_name, "family_name")),
        preferred_name=str(attempt(checked_name, details.preferred_name, "preferred_name", required=False)),
        pronouns=str(attempt(checked_text, details.pronouns, "pronouns", limit=40)),
        area=str(attempt(checked_text, details.area, "area", limit=20)).upper(),
        safety_note=str(attempt(checked_text, details.safety_note, "safety_note")),
        language=str(attempt(checked_text, details.language or "en", "language", limit=20)),
        birth_on=attempt(_checked_birth, details.birth_on) or None,
        zone=str(attempt(checked_zone, details.zone or default_zone)) or default_zone,
        phones=[p for i, phone in enumerate(details.phones[: MAX_ITEMS + 1]) if (p := attempt(_phone, phone, i))],
        places=[p for i, place in enumerate(details.places[: MAX_ITEMS + 1]) if (p := attempt(_place, place, i))],
        aliases=[str(attempt(checked_name, alias, "aliases")) for alias in details.aliases[:MAX_ITEMS]],
        gender=details.gender,
        needs_interpreter=details.needs_interpreter,
        language_strength=details.language_strength,
        bridger_gender=details.bridger_gender,
        bridger_gender_strength=details.bridger_gender_strength,
        safety_flags=[flag.value for flag in dict.fromkeys(details.safety_flags)],
    )
    if aside:  # correcting something else does not make a wrong number right: somebody lifts that, with a reason
        person.phones = [p | {"is_quarantined": True} if p["number"] in aside else p for p in person.phones]
    mark_person(person)
    if len(details.phones) > MAX_ITEMS or len(details.places) > MAX_ITEMS:
        problems.append(Invalid("too_many", f"At most {MAX_ITEMS} can be kept. Keep the best ones.", field="phones"))
    gather(problems)


def _checked_birth(birth_on: date | None) -> date | None:
    if birth_on is None:
        return None
    today = clock.now().date()
    if birth_on > today:
        raise Invalid("birth_in_future", "This birth date has not come yet. Check the year.", field="birth_on")
    if birth_on.year < today.year - 120:
        raise Invalid(
            "birth_too_early", "This birth date is more than 120 years ago. Check the year.", field="birth_on"
        )
    return birth_on


_ZONES = frozenset(available_timezones())


def checked_zone(name: str) -> str:
    """The name of a time zone. Raises Invalid when there is none of that name."""
    if name not in _ZONES:
        raise Invalid("zone", "Choose the time zone where the person will be.", field="zone")
    ZoneInfo(name)
    return name


def normal_number(raw: str, field_name: str) -> str:
    """A phone number as E.164. Raises Invalid with what to type."""
    try:
        parsed = phonenumbers.parse(raw, "US")
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise Invalid(
            "phone",
            "This is not a phone number. Enter ten digits with the area code, or + and the country code.",
            field=field_name,
        )
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _phone(phone: Phone, index: int) -> dict[str, object]:
    kept: dict[str, object] = {
        "number": normal_number(phone.number, f"phones.{index}.number"),
        "kind": phone.kind.value,
        "may_voicemail": phone.may_voicemail,
        "may_text": phone.may_text,
        "note": checked_text(phone.note, f"phones.{index}.note", limit=LINE_LENGTH),
    }
    return kept | {"is_quarantined": True} if phone.is_quarantined else kept


def _place(place: Place, index: int) -> dict[str, str]:
    return {
        "kind": place.kind.value,
        "text": checked_text(place.text, f"places.{index}.text", limit=LINE_LENGTH, required=True),
        "when": checked_text(place.when, f"places.{index}.when", limit=LINE_LENGTH),
    }


def add_identifiers(session: Session, person: Person, identifiers: Sequence[Identifier]) -> None:
    """Keep further identifiers. Raises Conflict when one belongs to somebody else: a human must look."""
    said = set()
    for identifier in identifiers[:MAX_ITEMS]:
        system = checked_text(identifier.system, "identifiers", limit=LINE_LENGTH, required=True)
        value = checked_text(identifier.value, "identifiers", limit=80, required=True)
        if (system, value) in said:
            continue
        said.add((system, value))
        known = session.exec(
            select(PersonIdentifier).where(
                has_identifier(person.program_id, [value]), PersonIdentifier.system == system
            )
        ).first()
        if known is not None and known.person_id != person.id:
            raise Conflict(
                "identifier_taken",
                "Somebody else is on record with this number. Open the suggested person, or correct the number.",
            )
        if known is None:
            row = PersonIdentifier(
                id=new_id("pid"),
                program_id=person.program_id,
                person_id=person.id,
                system=system,
                value=value,
                kind=identifier.kind,
            )
            mark_identifier(row)
            session.add(row)


def say_not_duplicate(session: Session, actor: Actor, first_id: str, second_id: str) -> None:
    """Somebody looked: these are two people. They are not suggested to each other again."""
    first, second = sorted((first_id, second_id))
    known = session.exec(
        select(NotDuplicate).where(NotDuplicate.first_id == first, NotDuplicate.second_id == second)
    ).first()
    if known is None:
        session.add(
            NotDuplicate(
                id=new_id("dup"),
                program_id=actor.program_id,
                first_id=first,
                second_id=second,
                said_by=actor.id,
                said_at=clock.now(),
            )
        )
        journal.append_for_program(
            session, actor.program_id, "people.told_apart", actor=actor.id, subject_id=first, other=second
        )
