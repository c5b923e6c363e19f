"""The people who are supported."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from domain.vocabulary import Gender, Strength
from records.tables.columns import instant, points_to, words
from records.tables.row import Row
from records.tables.sealed import sealed, sealed_date, sealed_document


class Person(Row, table=True):
    """One person, and how to find them."""

    __table_args__ = (Index("ix_person_birth", "program_id", "birth_mark"),)

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    given_name: str = sealed("person.given_name")
    family_name: str = sealed("person.family_name")
    preferred_name: str = sealed("person.preferred_name", default="")
    aliases: list[str] = sealed_document("person.aliases", list)
    birth_on: date | None = sealed_date("person.birth_on")
    birth_mark: str | None = (
        None  # this and the next three: by what a person is found, set by `records.marks.mark_person`
    )
    sound_mark: str | None = None  # the birth date with how the family name sounds
    given_mark: str | None = None  # the birth date with the first name
    name_marks: str | None = None  # how each name begins
    pronouns: str = sealed("person.pronouns", default="")
    gender: Gender = words(Gender, default=Gender.UNSTATED)
    language: str = "en"
    language_strength: Strength | None = words(Strength, default=None)
    needs_interpreter: bool = False
    bridger_gender: Gender | None = words(Gender, default=None)
    bridger_gender_strength: Strength | None = words(Strength, default=None)
    zone: str = "America/New_York"
    area: str = sealed("person.area", default="")  # postal code of where the person will be
    phones: list[dict[str, object]] = sealed_document(
        "person.phones", list
    )  # number (E.164), kind, may_voicemail, may_text, note, is_quarantined
    places: list[dict[str, str]] = sealed_document("person.places", list)  # kind, text, when
    others: list[dict[str, object]] = sealed_document("person.others", list)  # name, relation, phone, may_contact
    safety_flags: list[str] = sealed_document("person.safety_flags", list)
    safety_note: str = sealed("person.safety_note", default="")
    protective_orders: list[dict[str, str]] = sealed_document(
        "person.protective_orders", list
    )  # bridger_id or name, address, note
    merged_into_id: str | None = None
    died_at: datetime | None = instant()
    created_at: datetime = instant(nullable=False)

    @property
    def called(self) -> str:
        """The name the person goes by."""
        return self.preferred_name or self.given_name

    @property
    def full_name(self) -> str:
        """The name for people who may see it."""
        return f"{self.called} {self.family_name}".strip()

    @property
    def has_phone(self) -> bool:
        """Whether any number of the person's can be called."""
        return any(not p.get("is_quarantined") for p in self.phones)


class PersonIdentifier(Row, table=True):
    """A number that a facility or a payer knows the person by."""

    __tablename__ = "person_identifier"
    __table_args__ = (UniqueConstraint("program_id", "system", "value_mark"),)

    id: str = Field(primary_key=True)
    program_id: str
    person_id: str = points_to("person.id", index=True)
    system: str
    value: str = sealed("person_identifier.value")
    value_mark: str | None = None  # `records.marks.of_identifier`
    kind: str = ""


class FacilityWords(Row, table=True):
    """What a facility itself said of a person, the latest: its planners read this, and not what others added."""

    __tablename__ = "facility_words"
    __table_args__ = (UniqueConstraint("person_id", "facility_id"),)

    id: str = Field(primary_key=True)
    program_id: str
    person_id: str = points_to("person.id", index=True)
    facility_id: str
    said: dict[str, Any] = sealed_document("facility_words.said", dict)  # what the facility typed
    about: dict[str, Any] = sealed_document("facility_words.about", dict)  # of a referral not filed
    said_by: str
    said_at: datetime = instant(nullable=False)


class NotDuplicate(Row, table=True):
    """Somebody looked at two people and said they are two (acceptance scenario 13)."""

    __tablename__ = "not_duplicate"

    id: str = Field(primary_key=True)
    program_id: str
    first_id: str = Field(index=True)
    second_id: str = Field(index=True)
    said_by: str
    said_at: datetime = instant(nullable=False)
