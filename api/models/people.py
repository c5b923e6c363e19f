"""People as the API takes and gives them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from api.models.common import Day, Id, In, Instant, Out, Text
from domain.vocabulary import Gender, PhoneKind, PlaceKind, SafetyFlag, Strength
from records.commands import people
from records.tables import Person, PersonIdentifier


class PhoneIn(In):
    """A phone number and what may be done with it."""

    number: Text = Field(description="as people write it, or E.164")
    kind: PhoneKind = PhoneKind.OWN
    may_voicemail: bool = False
    may_text: bool = False
    note: Text = ""


class PlaceIn(In):
    """Where the person may be found, and when."""

    kind: PlaceKind
    text: Text
    when: Text = ""


class IdentifierIn(In):
    """A number that a facility or payer knows the person by."""

    system: Text = Field(description="whose number it is: an URI, or the name of the facility's list")
    value: Text
    kind: Text = ""


class PersonFields(In):
    """What may be said of a person beside the name."""

    preferred_name: Text = ""
    birth_on: Day | None = None
    pronouns: Text = ""
    gender: Gender = Gender.UNSTATED
    language: Text = Field("en", description="BCP 47")
    language_strength: Strength | None = None
    needs_interpreter: bool = False
    bridger_gender: Gender | None = None
    bridger_gender_strength: Strength | None = None
    zone: Text = Field("", description="IANA time zone of where the person will be; empty: the facility's")
    area: Text = Field("", description="postal code of where the person will be")
    phones: list[PhoneIn] = Field([], max_length=12)
    places: list[PlaceIn] = Field([], max_length=12)
    safety_flags: list[SafetyFlag] = Field([], max_length=20)
    safety_note: Text = ""
    identifiers: list[IdentifierIn] = Field([], max_length=12)
    aliases: list[Text] = Field([], max_length=12)


class PersonIn(PersonFields):
    """A person who is referred."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "given_name": "Ada",
                    "family_name": "Sample",
                    "birth_on": "1990-01-01",
                    "phones": [{"number": "(212) 555-0123", "may_text": True}],
                    "places": [{"kind": "shelter", "text": "Example Street shelter", "when": "after 6 pm"}],
                }
            ]
        },
    )

    given_name: Text
    family_name: Text

    def details(self) -> people.PersonDetails:
        """As the commands take it."""
        return _details(self.model_dump())


class PersonPatch(PersonFields):
    """Corrections: fields that are not sent stay as they are; a list that is sent replaces the whole list."""

    given_name: Text = ""
    family_name: Text = ""

    def details_over(self, person: Person) -> people.PersonDetails:
        """What is on record, with these corrections."""
        sent = {name: value for name, value in self.model_dump().items() if name in self.model_fields_set}
        return _details(_known(person) | sent)


def _known(person: Person) -> dict[str, Any]:
    fields = {name: getattr(person, name) for name in PersonIn.model_fields if name != "identifiers"}
    return fields | {"identifiers": []}


def _details(fields: dict[str, Any]) -> people.PersonDetails:
    return people.PersonDetails(
        **fields
        | {
            "phones": [people.Phone(**phone | {"kind": PhoneKind(phone["kind"])}) for phone in fields["phones"]],
            "places": [people.Place(**place | {"kind": PlaceKind(place["kind"])}) for place in fields["places"]],
            "identifiers": [people.Identifier(**identifier) for identifier in fields["identifiers"]],
            "safety_flags": [SafetyFlag(flag) for flag in fields["safety_flags"]],
        }
    )


class PersonOut(Out):
    """A person whom the caller may see."""

    id: str
    given_name: str
    family_name: str
    preferred_name: str
    aliases: list[str]
    birth_on: Day | None
    pronouns: str
    gender: Gender
    language: str
    language_strength: Strength | None
    needs_interpreter: bool
    bridger_gender: Gender | None
    bridger_gender_strength: Strength | None
    zone: str
    area: str
    phones: list[dict[str, Any]]
    places: list[dict[str, Any]]
    safety_flags: list[str]
    safety_note: str
    identifiers: list[IdentifierIn] = []
    died_at: Instant | None
    version: str = Field("", description="changes with the record; send it as If-Match")

    @classmethod
    def of(cls, person: Person, identifiers: Sequence[PersonIdentifier]) -> PersonOut:
        """A row as an answer."""
        made = cls.model_validate(person, from_attributes=True)
        made.identifiers = [IdentifierIn(system=i.system, value=i.value, kind=i.kind) for i in identifiers]
        content = json.dumps(made.model_dump(mode="json", exclude={"version"}), sort_keys=True)
        made.version = hashlib.sha256(content.encode()).hexdigest()[:16]
        return made


class PersonSearch(In):
    """Whom to look for: an identifier, or a birth date with a name. By POST, so that no name is in an address."""

    given_name: Text = ""
    family_name: Text = ""
    birth_on: Day | None = None
    identifiers: list[IdentifierIn] = Field([], max_length=5)


class LikenessOut(Out):
    """Somebody on record who may be the one. What the caller may not see of them is left out."""

    person_id: Id
    score: int = Field(description="how sure, 0 to 100")
    reasons: list[str]
    open_referral_id: Id | None = None
    person: PersonOut | None = None


class LikenessesOut(Out):
    """The most likely first."""

    items: list[LikenessOut]
