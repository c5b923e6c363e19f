"""What a workflow asks: what comes next for this referral. One indexed read of what `settle` kept."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, select

from records.tables import Referral


class NextItem(NamedTuple):
    """The next appointment: when, and what sort."""

    at: datetime
    kind: str


def find_next_item(session: Session, referral_id: str) -> NextItem | None:
    """The next item of a referral; None when it is over, is not there, or awaits nothing."""
    row = session.exec(select(Referral.next_at, Referral.next_item).where(Referral.id == referral_id)).first()
    if row is None or row[0] is None:
        return None
    return NextItem(row[0], row[1])
