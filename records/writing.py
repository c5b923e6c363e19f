"""How the rows of a transaction reach the database: new ones many in a statement, with the journal's entries last.

The ORM writes a new row by a long way round: it sorts, groups and compares, and none of it finds anything for rows that
nobody has seen before. Measured, half of what a flush cost. So new rows are taken from it and inserted by table, after
its own updates; the ORM knows them from then on as rows that it has read. The database looks at foreign keys when the
transaction commits, so the order of the tables does not matter.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, event, insert
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session

from records import tables

_NEW, _TRIED = "footbridge_new", "footbridge_tried"
_NUMBERED = (tables.JournalEntry, tables.Outbox)
"""Tables whose keys the database gives: the ORM asks for them."""
_LET_GO = (tables.Notification, tables.EscalationTold)
"""Tables whose rows the transaction that writes them does not look at again."""

JOURNAL = "footbridge_journal"
"""Where a session keeps the journal's entries until they are written with the rows they speak of."""


@event.listens_for(Session, "before_flush")
def _take_new(session: Any, _context: Any, _instances: Any) -> None:
    new, savepoint = session.info.setdefault(_NEW, []), session.get_nested_transaction()
    for row in [row for row in session.new if not isinstance(row, _NUMBERED)]:
        session.expunge(row)
        if not isinstance(row, _LET_GO):
            make_transient_to_detached(row)
            session.add(row)
            if savepoint is not None:
                session.info.setdefault(_TRIED, []).append((savepoint, row))
        new.append(row)
    if not session.dirty and not session.new and not session.deleted:
        write(session)  # the ORM itself has nothing to do and would not come back


@event.listens_for(Session, "after_flush")
def _after_updates(session: Any, _context: Any) -> None:
    write(session)


def write(session: Session) -> None:
    """Insert what waits: the rows, table by table, then the journal's entries."""
    by_table: dict[type, list[dict[str, Any]]] = {}
    for row in session.info.pop(_NEW, ()):
        held = row.__dict__
        by_table.setdefault(type(row), []).append({name: held.get(name) for name in type(row).model_fields})
    entries = session.info.pop(JOURNAL, None)
    if not by_table and not entries:
        return
    connection = session.connection()
    for table, rows in by_table.items():
        connection.execute(_insert(table), rows)
    if entries:
        connection.execute(_insert(tables.JournalEntry), entries)


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Any, ended: Any) -> None:
    """What was rolled back is not there, and the session must not say that it is."""
    session.info.pop(_NEW, None)
    session.info.pop(JOURNAL, None)
    for savepoint, row in session.info.get(_TRIED, ()):
        if savepoint is ended and row in session:
            session.expunge(row)


@lru_cache
def _insert(table: type) -> Insert:
    return insert(table)
