"""Who looked at what, what sealed the journal, and who broke the glass."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from records.tables.columns import instant, points_to
from records.tables.row import Row
from records.tables.sealed import sealed


class Reading(Row, table=True):
    """One look at a person's record, or one search. Append-only; one hash-chained sequence a process that serves."""

    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        Index("ix_reading_staff", "staff_id", "at"),
        Index("ix_reading_referral", "referral_id", "at"),
        Index("ix_reading_person", "person_id", "at"),
        Index("ix_reading_program", "program_id", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    program_id: str
    stream: str
    seq: int
    at: datetime = instant(nullable=False)
    staff_id: str
    referral_id: str = ""  # empty: a search or a list
    person_id: str = ""
    route: str  # the method and the pattern of the address
    address: str  # where it came from
    key: str  # which session or token, by the beginning of its hash
    glass_id: str = ""  # the broken glass without which it would not have been shown
    prev_hash: str
    hash: str


class Seal(Row, table=True):
    """The head over all streams at one moment; each covers the one before. Kept elsewhere, it proves all before it."""

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = instant(nullable=False)
    prev_digest: str
    digest: str


class StreamHead(Row, table=True):
    """How far a sequence goes, written with its last entry: its end cannot be cut off unseen before it is sealed.

    A referral keeps its own (`Referral.journal_proof`).
    """

    __tablename__ = "stream_head"

    stream: str = Field(primary_key=True)
    kind: str  # journal, or reading
    seq: int
    hash: str
    proof: str  # under the secret key, which the database does not hold


class SealedStream(Row, table=True):
    """How far a stream went when it was sealed: the number and hash of its last entry then."""

    __tablename__ = "sealed_stream"
    __table_args__ = (Index("ix_sealed_stream", "kind", "stream", "seq"),)

    seal_seq: int = points_to("seal.seq", primary_key=True)
    kind: str = Field(primary_key=True)  # journal, or reading
    stream: str = Field(primary_key=True)
    seq: int
    hash: str
    row_id: int


class BrokenGlass(Row, table=True):
    """Somebody opened a record that was not theirs, with a reason, for some hours."""

    __tablename__ = "broken_glass"
    __table_args__ = (Index("ix_glass_staff", "staff_id", "until_at"),)

    id: str = Field(primary_key=True)
    program_id: str
    referral_id: str = points_to("referral.id", index=True)
    staff_id: str
    reason: str = sealed("broken_glass.reason")
    at: datetime = instant(nullable=False)
    until_at: datetime = instant(nullable=False)
    looked_by: str | None = None  # the privacy officer who took note
    looked_at: datetime | None = instant()
