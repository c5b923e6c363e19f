"""Texts to people: what they said about them, what went out, what came back, and what went to somebody else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from domain.vocabulary import AgreedHow, IncidentKind, NotificationState, ReplyKind, TextKind
from records.tables.columns import document, instant, points_to, words
from records.tables.row import Row
from records.tables.sealed import sealed


class TextPermission(Row, table=True):
    """What a person said about texts on one of their numbers: versions that never change, the latest counts."""

    __tablename__ = "text_permission"
    __table_args__ = (
        UniqueConstraint("person_id", "number_mark", "version"),
        Index("ix_text_permission_number", "number_mark"),
    )

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    person_id: str = points_to("person.id")
    number: str = sealed("text_permission.number")
    number_mark: str | None = None  # `records.marks.phone_mark`
    version: int
    is_given: bool
    how: AgreedHow | None = words(AgreedHow, default=None)  # of a yes
    wording: str = ""  # what they were told first: `domain/texts/texting.<this>.txt`
    seen_by: str | None = None  # who of the staff heard or saw it; None: it ended since somebody else answered there
    at: datetime = instant(nullable=False)


class NumberAnswer(Row, table=True):
    """STOP or START from a number: versions that never change. It holds for whoever has the number, in every program,
    since all texts go out from one."""

    __tablename__ = "number_answer"
    __table_args__ = (UniqueConstraint("number_mark", "version"),)

    id: str = Field(primary_key=True)
    number: str = sealed("number_answer.number")
    number_mark: str | None = None  # `records.marks.phone_mark`
    version: int
    is_stop: bool
    phrase: str = sealed("number_answer.phrase", default="")
    message_id: str
    at: datetime = instant(nullable=False)


class NumberQuarantine(Row, table=True):
    """A number at which somebody else answered: not texted, and called with a warning, until somebody lifts it."""

    __tablename__ = "number_quarantine"
    __table_args__ = (Index("ix_number_quarantine", "program_id", "number_mark"),)

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    number: str = sealed("number_quarantine.number")
    number_mark: str | None = None  # `records.marks.phone_mark`
    person_id: str = points_to("person.id")
    why: str
    by: str  # who found out; `system` for a reply
    at: datetime = instant(nullable=False)
    lifted_at: datetime | None = instant()
    lifted_by: str | None = None
    lifted_because: str = sealed("number_quarantine.lifted_because", default="")


class PersonText(Row, table=True):
    """One automated text to one number of a person, once: `key` is unique."""

    __tablename__ = "person_text"
    __table_args__ = (
        Index("ix_person_text_waiting", "state", "not_before"),
        Index("ix_person_text_number", "number_mark", "sent_at"),
        Index("ix_person_text_program", "program_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    referral_id: str = points_to("referral.id", index=True)
    person_id: str = points_to("person.id", index=True)
    number: str = sealed("person_text.number")
    number_mark: str | None = None  # `records.marks.phone_mark`
    key: str = Field(unique=True)
    kind: TextKind = words(TextKind)
    language: str = "en"
    params: dict[str, Any] = document(dict)  # ids and times
    said: str = sealed("person_text.said", default="")  # the words, as they were handed over
    state: NotificationState = words(NotificationState, default=NotificationState.QUEUED)
    created_at: datetime = instant(nullable=False)
    not_before: datetime = instant(nullable=False)
    good_until: datetime = instant(nullable=False)
    claimed_at: datetime | None = instant()
    sent_at: datetime | None = instant()
    provider_id: str = ""
    tries: int = 0
    problem: str = ""


class TextReply(Row, table=True):
    """What came from a person's number, as their bridger reads it. A message comes once to each referral."""

    __tablename__ = "text_reply"
    __table_args__ = (
        UniqueConstraint("message_id", "referral_id"),
        Index("ix_text_reply_number", "number_mark", "received_at"),
        Index("ix_text_reply_unseen", "referral_id", "seen_at"),
    )

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    referral_id: str = points_to("referral.id")
    person_id: str = points_to("person.id")
    message_id: str
    number: str = sealed("text_reply.number")
    number_mark: str | None = None  # `records.marks.phone_mark`
    body: str = sealed("text_reply.body")
    kind: ReplyKind = words(ReplyKind)
    is_danger: bool = False
    why: str = sealed("text_reply.why", default="")  # the phrase that led to it
    received_at: datetime = instant(nullable=False)
    seen_at: datetime | None = instant()
    seen_by: str | None = None


class Incident(Row, table=True):
    """Something may have been told to somebody who should not know: what, when, who handles it, and what was done."""

    __table_args__ = (Index("ix_incident_program", "program_id", "resolved_at", "opened_at"),)

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id")
    kind: IncidentKind = words(IncidentKind)
    referral_id: str = points_to("referral.id", index=True)
    person_id: str = points_to("person.id")
    number: str = sealed("incident.number")
    number_mark: str | None = None  # `records.marks.phone_mark`
    reply_id: str | None = None
    opened_at: datetime = instant(nullable=False)
    text_ids: list[str] = document(list)  # the automated texts that had gone there
    owner_id: str | None = None  # who handles it
    resolved_at: datetime | None = instant()
    resolved_by: str | None = None
    resolution: str = sealed("incident.resolution", default="")
