"""The tokens with which other organizations' systems come."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from records.tables.columns import document, instant, points_to
from records.tables.row import Row


class SystemToken(Row, table=True):
    """A token of another organization's system. Its rights are a facility's, or the program's; kept as its hash."""

    __tablename__ = "system_token"

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id", index=True)
    facility_id: str | None = points_to("facility.id", default=None)  # whose it is; None: the program's
    name: str  # what the system is called, in the journal too
    token_hash: str = Field(unique=True)
    scopes: list[str] = document(list)
    created_at: datetime = instant(nullable=False)
    created_by: str
    expires_at: datetime = instant(nullable=False)
    warned_at: datetime | None = instant()  # when somebody was told that it ends soon
    used_at: datetime | None = instant()  # to within a minute
    used_from: str = ""
    revoked_at: datetime | None = instant()
    revoked_by: str | None = None

    @property
    def shown_name(self) -> str:
        """How pages and the journal's readers call it: nobody takes it for a person."""
        return f"{self.name} (system)"
