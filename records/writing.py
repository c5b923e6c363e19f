"""How the rows of a transaction reach the database: new ones many in a statement, with the journal's entries last.

The ORM writes a new row by a long way round: it keeps it among others, sorts, groups and compares them, and none of it
finds anything for rows that nobody has seen before. Measured, half of what a flush cost. So new rows wait here and are
inserted by table, after the ORM's own updates, by statements that are put together once; the ORM knows them from then
on as rows that it has read. The database looks at foreign keys when the transaction commits, so the order of the tables
does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, insert, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state
from sqlmodel import Session

from records import tables
from records.tables.row import Row

_NEW, _WAITING, _TRIED = "footbridge_new", "footbridge_waiting", "footbridge_tried"
_NUMBERED = (tables.JournalEntry, tables.Outbox, tables.Reading)
"""Tables whose keys the database gives: the ORM asks for them."""
_LET_GO = (tables.Notification, tables.EscalationTold, tables.Disclosure, tables.Idempotency)
"""Tables whose rows the transaction that writes them does not look at again."""

JOURNAL = "footbridge_journal"
"""Where a session keeps the journal's entries until they are written with the rows they speak of."""


class WritingSession(Session):
    """The session of a writing transaction. Commands use it as any other."""

    def add(self, instance: object, *args: Any, **options: Any) -> None:
        """Take a row into the transaction; a new one is inserted at the next flush."""
        if isinstance(instance, Row) and not isinstance(instance, _NUMBERED) and instance_state(instance).key is None:
            self.info.setdefault(_NEW, {})[id(instance)] = instance
        else:
            super().add(instance, *args, **options)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what waits: the ORM's updates, then the new rows and the journal's entries."""
        self._take_new()
        super().flush(objects)
        self._insert_waiting()

    def _take_new(self) -> None:
        """From here on the ORM knows the new rows, as it knows what it has read."""
        new: dict[int, Row] = self.info.pop(_NEW, {})
        if not new:
            return
        savepoint = self.get_nested_transaction()
        for row in new.values():
            if isinstance(row, _LET_GO):
                continue
            make_transient_to_detached(row)
            super().add(row)
            if savepoint is not None:
                self.info.setdefault(_TRIED, []).append((savepoint, row))
        self.info.setdefault(_WAITING, []).extend(new.values())

    def _insert_waiting(self) -> None:
        by_table: dict[type[Row], list[dict[str, Any]]] = {}
        for row in self.info.pop(_WAITING, ()):
            by_table.setdefault(type(row), []).append(row.__dict__)
        entries = self.info.pop(JOURNAL, None)
        if entries:
            by_table[tables.JournalEntry] = entries
        if not by_table:
            return
        connection = self.connection()
        for table, rows in by_table.items():
            insertion = _insertion(table, connection.dialect)
            connection.exec_driver_sql(insertion.statement, [insertion.values(held) for held in rows])


@event.listens_for(WritingSession, "before_commit")
def _write_what_waits(session: WritingSession) -> None:
    session.flush()  # by itself the ORM sees nothing to do where there are new rows alone


@event.listens_for(WritingSession, "after_soft_rollback")
def _drop(session: Any, ended: Any) -> None:
    """What was rolled back is not there, and the session must not say that it is."""
    for waits in (_NEW, _WAITING, JOURNAL):
        session.info.pop(waits, None)
    for savepoint, row in session.info.get(_TRIED, ()):
        if savepoint is ended and row in session:
            session.expunge(row)


@dataclass(frozen=True, slots=True)
class _Insertion:
    """The statement that inserts into one table, in a database's own words, and how values become what it takes."""

    statement: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    is_positional: bool

    def values(self, held: dict[str, Any]) -> Any:
        """The values of one row as the driver takes them; what is not held is NULL."""
        values = [held.get(name) if process is None else process(held.get(name)) for name, process in self.columns]
        if self.is_positional:
            return tuple(values)
        return {name: value for (name, _), value in zip(self.columns, values, strict=True)}


_insertions: dict[tuple[type[Row], str], _Insertion] = {}


def _insertion(table: type[Row], dialect: Dialect) -> _Insertion:
    """Put together once a table and database: what SQLAlchemy does at each execution takes longer than inserting."""
    found = _insertions.get((table, dialect.name))
    if found is None:
        columns = [c for c in inspect(table).local_table.columns if not (table in _NUMBERED and c.primary_key)]
        compiled = insert(table).inline().compile(dialect=dialect, column_keys=[c.name for c in columns])
        processes = tuple((c.name, c.type.dialect_impl(dialect).bind_processor(dialect)) for c in columns)
        found = _Insertion(str(compiled), processes, dialect.positional)
        _insertions[table, dialect.name] = found
    return found
