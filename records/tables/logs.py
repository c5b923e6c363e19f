"""What was recorded, told and disclosed: the journal, notifications, the outbox, disclosures, what came in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from domain.vocabulary import Category, Channel, NotificationState, RecipientKind
from records.tables.columns import document, instant, words
from records.tables.row import Row
from records.tables.sealed import sealed, sealed_document
from records.tables.told import Facts


class JournalEntry(Row, table=True):
    """One thing that happened. Append-only; one sequence a stream, each entry's hash covering the one before."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        Index("ix_journal_event", "program_id", "event", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    program_id: str
    stream: str  # a referral's id, or `program:…` for what concerns no referral
    seq: int
    event: str
    at: datetime = instant(nullable=False)  # when it happened
    recorded_at: datetime = instant(nullable=False)
    actor: str  # a staff id, or `system`, `system:fhir`…
    subject_id: str = ""
    data: dict[str, Any] = Field(default_factory=lambda: {}, sa_type=Facts)
    prev_hash: str
    hash: str


class Notification(Row, table=True):
    """One message to one member of staff over one channel, once: `key` is unique."""

    __table_args__ = (
        Index("ix_notification_waiting", "state", "not_before"),  # SQLite uses no partial one when a value is bound
        Index("ix_notification_staff", "staff_id", "channel", "created_at"),
    )

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str | None = Field(default=None, index=True)
    key: str = Field(unique=True)
    template: str
    channel: Channel = words(Channel)
    staff_id: str
    subject_id: str = ""
    params: dict[str, Any] = document(dict)
    state: NotificationState = words(NotificationState, default=NotificationState.QUEUED)
    created_at: datetime = instant(nullable=False)
    not_before: datetime = instant(nullable=False)
    claimed_at: datetime | None = instant()
    sent_at: datetime | None = instant()
    provider_id: str = ""
    tries: int = 0
    problem: str = ""
    seen_at: datetime | None = instant()


class Outbox(Row, table=True):
    """What the embedded run would have sent: e-mail and texts that a page shows."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    channel: Channel = words(Channel)
    recipient: str
    subject: str = ""
    body: str = sealed("outbox.body")  # it may hold a link that is good once
    at: datetime = instant(nullable=False, index=True)


class Disclosure(Row, table=True):
    """Something of a person's that left the program, or was held back, and why (42 CFR 2.25, 2.32).

    `sent_at` is when it went out: a page at once, a message when the gateway took it; None while that is not known.
    """

    __table_args__ = (Index("ix_disclosure_at", "program_id", "at"),)

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = Field(index=True)
    what: str
    recipient: str = sealed("disclosure.recipient")  # `facility:…`, or who it is by name
    recipient_mark: str | None = None  # `records.marks.set_recipient`
    recipient_kind: RecipientKind | None = words(RecipientKind, default=None)
    category: Category | None = words(Category, default=None)
    purpose: str
    is_allowed: bool
    reason: str
    consent: str  # what the person's answer was at that moment
    consent_id: str | None = Field(default=None, index=True)
    covers: str | None = sealed("disclosure.covers", default=None)  # the consent in words; it went along
    notice: str | None = None  # which statement of 42 CFR 2.32 went with it
    by: str | None = None  # who had it sent
    subject_id: str | None = Field(default=None, index=True)  # the message that carried it
    content: dict[str, Any] = sealed_document("disclosure.content", dict)
    at: datetime = instant(nullable=False)
    sent_at: datetime | None = instant()


class Inbound(Row, table=True):
    """A message from outside, kept as it came, and what was done with it. The same message is taken once."""

    __table_args__ = (UniqueConstraint("program_id", "source", "message_id"),)

    id: str = Field(primary_key=True)
    program_id: str
    source: str
    message_id: str
    fingerprint: str
    body: str = sealed("inbound.body")
    result: dict[str, Any] = sealed_document("inbound.result", dict)
    received_at: datetime = instant(nullable=False)
