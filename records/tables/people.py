"""The people who are supported."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from domain.vocabulary import Gender, Strength
from records.tables.columns import document, instant, points_to, words
from records.tables.row import Row


class Person(Row, table=True):
    """One person, and how to find them."""

    __table_args__ = (
        Index("ix_person_birth", "program_id", "birth_on"),
        Index("ix_person_sound", "program_id", "name_sound"),
    )

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    given_name: str
    family_name: str
    preferred_name: str = ""
    aliases: list[str] = document(list)
    name_sound: str = ""  # how the family name sounds, for finding duplicates
    birth_on: date | None = None
    pronouns: str = ""
    gender: Gender = words(Gender, default=Gender.UNSTATED)
    language: str = "en"
    language_strength: Strength | None = words(Strength, default=None)
    needs_interpreter: bool = False
    bridger_gender: Gender | None = words(Gender, default=None)
    bridger_gender_strength: Strength | None = words(Strength, default=None)
    zone: str = "America/New_York"
    area: str = ""  # postal code of where the person will be
    phones: list[dict[str, object]] = document(
        list
    )  # number (E.164), kind, may_voicemail, may_text, note, is_quarantined
    places: list[dict[str, str]] = document(list)  # kind, text, when
    others: list[dict[str, object]] = document(list)  # name, relation, phone, may_contact
    safety_flags: list[str] = document(list)
    safety_note: str = ""
    protective_orders: list[dict[str, str]] = document(list)  # bridger_id or name, address, note
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
    __table_args__ = (UniqueConstraint("program_id", "system", "value"),)

    id: str = Field(primary_key=True)
    program_id: str
    person_id: str = points_to("person.id", index=True)
    system: str
    value: str
    kind: str = ""


class FacilityWords(Row, table=True):
    """What a facility itself said of a person, the latest: its planners read this, and not what others added."""

    __tablename__ = "facility_words"
    __table_args__ = (UniqueConstraint("person_id", "facility_id"),)

    id: str = Field(primary_key=True)
    program_id: str
    person_id: str = points_to("person.id", index=True)
    facility_id: str
    said: dict[str, Any] = document(dict)  # fields of the person, as the facility typed them
    about: dict[str, Any] = document(dict)  # of a referral that was not filed, since the program has the person
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
