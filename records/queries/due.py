"""What is due now, the gravest first: when many wait at once, this is the order in which they are seen to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from domain.vocabulary import RiskFlag
from records import clock
from records.tables import Referral

_SAFETY = (0, 10)
"""`escalated_rank` of whoever has an open call about safety: nobody took it yet, or somebody did."""


def count_due(session: Session, most: int) -> int:
    """How many referrals have something due now; counting ends at `most`."""
    some = select(Referral.id).where(col(Referral.next_at) <= clock.now()).limit(most)
    return session.exec(select(func.count()).select_from(some.subquery())).one()


def list_due(session: Session) -> list[str]:
    """Every referral with something due now: an open call about safety before high risk, before the first 72 hours,
    before the rest; among equals, who waits longest."""
    now = clock.now()
    rows = session.exec(
        select(Referral.id, Referral.risks, Referral.escalated_rank, Referral.first_days_until)
        .where(col(Referral.next_at) <= now)
        .order_by(col(Referral.next_at), Referral.id)
    ).all()

    def order(row: Sequence[Any]) -> tuple[bool, bool, bool]:
        _, risks, rank, first_days_until = row
        is_high = any(RiskFlag(risk).is_high for risk in risks)
        return rank not in _SAFETY, not is_high, first_days_until is None or first_days_until < now

    return [row[0] for row in sorted(rows, key=order)]


def take_due(session: Session, referral_id: str) -> bool:
    """Whether it is still due and nobody else is at it; then it is locked. Never waits for another worker."""
    row = select(Referral.id).where(Referral.id == referral_id, col(Referral.next_at) <= clock.now())
    return session.exec(row.with_for_update(skip_locked=True)).first() is not None
