"""What each facility said of a person, kept beside what the program knows: no words are lost, or shown to another.

The program's record of a person grows from every side. A facility reads what it said itself, and corrects that; what it
changes changes the record only where nobody else knows better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from domain.vocabulary import Gender, Strength
from records.commands.people import Identifier, PersonDetails, fill_person
from records.ids import new_id
from records.journal import plain
from records.marks import mark_person
from records.queries.facility_words import find_words
from records.tables import FacilityWords, Person

SIMPLE = (
    "given_name", "family_name", "preferred_name", "birth_on", "pronouns", "gender", "language", "language_strength",
    "needs_interpreter", "bridger_gender", "bridger_gender_strength", "zone", "area", "safety_note",
)  # fmt: skip
LISTS = ("phones", "places", "safety_flags", "aliases")
_KEY = {"phones": "number", "places": "text"}


def said_of(person: Person, identifiers: Sequence[Identifier] = ()) -> dict[str, Any]:
    """The fields of a person as words of a facility keep them."""
    found = {name: plain(getattr(person, name)) for name in SIMPLE}
    found |= {name: list(getattr(person, name)) for name in LISTS}
    return found | {"identifiers": [{"system": i.system, "value": i.value, "kind": i.kind} for i in identifiers]}


def as_person(person: Person, said: Mapping[str, Any]) -> Person:
    """Somebody as a facility described them; of what it did not say nothing is known."""
    born = said.get("birth_on")
    made = Person(
        id=person.id, program_id=person.program_id, given_name="", family_name="", created_at=person.created_at
    )
    made.fill(**{name: said[name] for name in (*SIMPLE, *LISTS) if name in said})
    made.fill(
        birth_on=date.fromisoformat(born) if born else None,
        gender=Gender(said.get("gender") or Gender.UNSTATED),
        bridger_gender=Gender(said["bridger_gender"]) if said.get("bridger_gender") else None,
        language_strength=Strength(said["language_strength"]) if said.get("language_strength") else None,
        bridger_gender_strength=Strength(said["bridger_gender_strength"])
        if said.get("bridger_gender_strength")
        else None,
        phones=[{k: v for k, v in phone.items() if k != "is_quarantined"} for phone in said.get("phones", [])],
        zone=said.get("zone") or person.zone,
    )
    return made


def as_told(session: Session, person: Person, facility_id: str | None) -> Person | None:
    """Somebody as the reader's facility described them; None for the program's own people, who see the record."""
    if facility_id is None:
        return None
    words = find_words(session, person.id, facility_id)
    named = {"given_name": person.given_name, "family_name": person.family_name, "birth_on": plain(person.birth_on)}
    return as_person(person, words.said if words is not None else named)


def keep_words(
    session: Session,
    person: Person,
    facility_id: str,
    details: PersonDetails,
    *,
    by: str,
    now: datetime,
    is_new: bool = False,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Keep what a facility said, in place of what it said before. `is_new`: nothing was ever said of this person."""
    said = Person(id="", program_id="", given_name="", family_name="", created_at=now)
    if is_new:
        said = person
    else:
        fill_person(said, details, person.zone)
    row = None if is_new else find_words(session, person.id, facility_id)
    if row is None:
        row = FacilityWords(
            id=new_id("wrd"), program_id=person.program_id, person_id=person.id, facility_id=facility_id, said_by=by,
            said_at=now,
        )  # fmt: skip
        session.add(row)
    numbers = row.said.get("identifiers", [])  # numbers are added and never taken away
    row.said, row.said_by, row.said_at = said_of(said, details.identifiers), by, now
    row.said["identifiers"] = [*numbers, *(one for one in row.said["identifiers"] if one not in numbers)]
    if about is not None:
        row.about = plain(dict(about))


def correct_words(
    session: Session, person: Person, facility_id: str, details: PersonDetails, *, by: str, now: datetime
) -> None:
    """A facility corrects what it said: the record follows where it still says so, and keeps what others know."""
    row = find_words(session, person.id, facility_id)
    before = row.said if row is not None else {}
    said = Person(id="", program_id="", given_name="", family_name="", created_at=now)
    fill_person(said, details, person.zone)
    after = said_of(said, details.identifiers)
    for name in SIMPLE:
        ours = plain(getattr(person, name))
        if after[name] != before.get(name) and (ours == before.get(name) or not ours):
            setattr(person, name, getattr(said, name))
    for name in LISTS:
        setattr(person, name, _followed(getattr(person, name), before.get(name, []), after[name], _KEY.get(name)))
    mark_person(person)
    keep_words(session, person, facility_id, details, by=by, now=now)


def _followed(ours: Sequence[Any], before: Sequence[Any], after: Sequence[Any], key: str | None) -> list[Any]:
    """A list of the record after a facility changed its own: what it took away goes, what it added or changed comes."""

    def name(item: Any) -> Any:
        return item[key] if key is not None else item

    gone = {name(item) for item in before} - {name(item) for item in after}
    news = [item for item in after if item not in before]
    replaced = {name(item) for item in news}
    return [*news, *(item for item in ours if name(item) not in gone | replaced)]
