"""Answers kept for requests that come again: looked for before the command, kept within its transaction.

Whoever comes with the same key meanwhile waits for that transaction: on SQLite because writers take turns, on
PostgreSQL by a lock on the key, so that nobody does the work twice only to find out at the end.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlmodel import Session, col

from domain.errors import Invalid
from records import clock
from records.tables import Idempotency

KEPT_FOR = timedelta(hours=24)

_IS_KNOWN = {
    "qmark": "SELECT 1 FROM idempotency WHERE id = ?",
    "pyformat": "SELECT 1 FROM idempotency WHERE id = %s",
}
"""Asked at every request, and almost always answered no: SQLAlchemy would take longer to ask than the database."""
_FOUND = select(
    col(Idempotency.fingerprint), col(Idempotency.status), col(Idempotency.body), col(Idempotency.created_at)
).where(col(Idempotency.id) == bindparam("key_id"))


def claim_key(session: Session, key_id: str, fingerprint: str) -> tuple[int, Any] | None:
    """Status and body of the answer kept under this key, or None: then it is this transaction's to answer.

    `key_id` is a SHA-256 in hexadecimal. Raises Invalid when the key was used for something else.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(select(func.pg_advisory_xact_lock(int(key_id[:15], 16))))
    connection = session.connection()
    if connection.exec_driver_sql(_IS_KNOWN[connection.dialect.paramstyle], (key_id,)).first() is None:
        return None
    found = connection.execute(_FOUND, {"key_id": key_id}).one()
    if clock.now() - found.created_at > KEPT_FOR:
        session.connection().execute(delete(Idempotency).where(col(Idempotency.id) == key_id))
        return None
    if found.fingerprint != fingerprint:
        raise Invalid("key_reused", "This Idempotency-Key was used for another request. Choose a new one.")
    return found.status, found.body


def keep_answer(session: Session, key_id: str, fingerprint: str, status: int, answer: dict[str, Any]) -> None:
    """Keep the answer for a key that this transaction has claimed."""
    session.add(Idempotency(id=key_id, fingerprint=fingerprint, status=status, body=answer, created_at=clock.now()))


def forget_answers(session: Session) -> int:
    """Forget answers older than a day, which hold what people were told; returns how many."""
    done = session.execute(delete(Idempotency).where(col(Idempotency.created_at) < clock.now() - KEPT_FOR))
    return int(getattr(done, "rowcount", 0))
