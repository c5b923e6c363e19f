"""Answers kept for requests that come again: the key is claimed first and answered within the same transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col

from domain.errors import Invalid
from records import clock
from records.tables import Idempotency

KEPT_FOR = timedelta(hours=24)


def claim_key(session: Session, key_id: str, fingerprint: str) -> Idempotency | None:
    """The answer kept under this key, or None when it is claimed now; `keep_answer` must follow.

    Raises Invalid when the key was used for something else, sqlalchemy's IntegrityError when another transaction has
    claimed it meanwhile (begin again then).
    """
    known = session.get(Idempotency, key_id)
    if known is not None and clock.now() - known.created_at <= KEPT_FOR:
        if known.fingerprint != fingerprint:
            raise Invalid("key_reused", "This Idempotency-Key was used for another request. Choose a new one.")
        return known
    if known is not None:
        session.delete(known)
        session.flush()
    session.add(Idempotency(id=key_id, fingerprint=fingerprint, status=0, created_at=clock.now()))
    session.flush()
    return None


def keep_answer(session: Session, key_id: str, status: int, answer: dict[str, Any]) -> None:
    """Keep the answer for a key that this transaction has claimed."""
    row = session.get_one(Idempotency, key_id)
    row.status, row.body = status, answer


def forget_answers(session: Session) -> int:
    """Forget answers older than a day, which hold what people were told; returns how many."""
    done = session.execute(delete(Idempotency).where(col(Idempotency.created_at) < clock.now() - KEPT_FOR))
    return int(getattr(done, "rowcount", 0))
