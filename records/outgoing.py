"""Nothing goes out after a no: whoever takes a consent back waits for what is being handed over at that moment.

Handing over to a gateway takes a while and cannot be part of a transaction. So whoever hands something over holds a
shared lock from the transaction that asked the gate until the gateway has answered, and whoever changes a consent, or
takes in a STOP, holds the exclusive one until the change is committed. On PostgreSQL these are advisory locks, one a
referral and one a phone number; on SQLite a lock on a file beside the database, for all of them: there is one machine,
and a gateway answers within seconds. The row of a referral is locked before the lock that bears its name.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable
from typing import IO, Any

from sqlalchemy import event, text
from sqlmodel import Session

from records import engine

_HELD = "footbridge_outgoing"


def going_out(session: Session, about: str) -> Callable[[], None]:
    """Hold the shared lock; it outlives the transaction. Returns what lets go of it."""
    if _is_postgresql(session):
        connection = engine.database().read.connect()
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _key(about)})
        return connection.close
    handle = _locked(session, fcntl.LOCK_SH)
    return handle.close if handle is not None else _nothing


def hold_back(session: Session, about: str) -> None:
    """Wait until nothing about this referral, or to this number, is on its way out, and let nothing out until this
    transaction ends."""
    if _is_postgresql(session):
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _key(about)})
        return
    if _HELD not in session.info and (handle := _locked(session, fcntl.LOCK_EX)) is not None:
        session.info[_HELD] = handle


def in_line(session: Session, about: str) -> None:
    """Take turns with whoever does the same about this, until this transaction ends. On SQLite writers do anyway."""
    if _is_postgresql(session):
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _key(f"in line: {about}")})


@event.listens_for(Session, "after_transaction_end")
def _is_over(session: Any, transaction: Any) -> None:
    if transaction.parent is None:  # not a savepoint
        _let_go(session)


def _let_go(session: Any) -> None:
    handle = session.info.pop(_HELD, None)
    if handle is not None:
        handle.close()


def _locked(session: Session, how: int) -> IO[bytes] | None:
    """The lock file beside the database; None for one in memory, which nobody else has."""
    database = session.connection().engine.url.database
    if not database or database == ":memory:":
        return None
    handle = open(f"{database}-outgoing", "ab")  # noqa: SIM115 -- held until the lock is let go
    fcntl.flock(handle, how)
    return handle


def _is_postgresql(session: Session) -> bool:
    return session.connection().dialect.name == "postgresql"


def _key(about: str) -> int:
    return int.from_bytes(hashlib.sha256(about.encode()).digest()[:8], signed=True)


def _nothing() -> None:
    return None
