"""What somebody has typed and not sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from records.tables.columns import instant
from records.tables.row import Row
from records.tables.sealed import sealed_document


class Draft(Row, table=True):
    """A form that was begun, as it was typed: it survives an interruption, a sign-out and a crash.

    It is no referral yet: nothing is promised and nobody is told. The page that shows the form gives the id, so that a
    form kept twice is one draft. A draft that completes a referral in status draft has that referral's id.
    """

    __table_args__ = (
        Index("ix_draft_staff", "staff_id", "updated_at"),
        Index("ix_draft_facility", "facility_id", "updated_at"),
    )

    id: str = Field(primary_key=True)
    program_id: str
    staff_id: str  # who typed last
    facility_id: str | None = None
    fields: dict[str, Any] = sealed_document("draft.fields", dict)  # name → the values sent under it
    created_at: datetime = instant(nullable=False)
    updated_at: datetime = instant(nullable=False)
    sent_referral_id: str | None = None  # what became of it
