"""How the rows of a transaction reach the database: many in a statement, with the journal's entries last.

The ORM writes a row by a long way round: it keeps it among others, sorts, groups and compares them, and none of it
finds anything, since our rows hang together by their keys alone. Measured, half of what a flush cost. So new rows wait
here and are inserted by table, after the rows that were changed, by statements that are put together once; the ORM
knows all of them from then on as rows that it has read. The database looks at foreign keys when the transaction
commits, so the order of the tables does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, event, insert, inspect, update
from sqlalchemy.engine import Dialect
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.exc import StaleDataError
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


BEFORE = "footbridge_before_writing"
"""What is done once before rows are written, however often it was asked for: by what it is about."""


class WritingSession(Session):
    """The session of a writing transaction. Commands use it as any other."""

    def add(self, instance: object, *args: Any, **options: Any) -> None:
        """Take a row into the transaction; a new one is inserted at the next flush."""
        if isinstance(instance, Row) and not isinstance(instance, _NUMBERED) and instance_state(instance).key is None:
            self.info.setdefault(_NEW, {})[id(instance)] = instance
        else:
            super().add(instance, *args, **options)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what waits: the rows that were changed, then the new ones and the journal's entries."""
        for prove in self.info.pop(BEFORE, {}).values():
            prove()
        self._take_new()
        self._update_changed()
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
            state = instance_state(row)
            state.key = (type(row), tuple([row.__dict__[name] for name in _key_names(type(row))]), None)
            state._commit_all(row.__dict__)
            super().add(row)
            if savepoint is not None:
                self.info.setdefault(_TRIED, []).append((savepoint, row))
        self.info.setdefault(_WAITING, []).extend(new.values())

    def _update_changed(self) -> None:
        """Rows whose same columns were changed go in one statement. In the order of their keys, so that two
        transactions that change the same rows wait for each other instead of locking each other out."""
        changed: dict[tuple[type[Row], frozenset[str]], list[Row]] = {}
        rows = [row for row in self.dirty if isinstance(row, Row)]
        for row in rows:
            held = row.__dict__
            names = [name for name, was in instance_state(row).committed_state.items() if was != held[name]]
            if names:
                changed.setdefault((type(row), frozenset(names)), []).append(row)
        for (table, columns), alike in sorted(changed.items(), key=_by_name):
            connection = self.connection()
            statement = _statement(table, columns, connection.dialect)
            in_order = sorted(alike, key=_identity)
            result = connection.exec_driver_sql(statement.text, [statement.values(row.__dict__) for row in in_order])
            if result.rowcount != len(alike):
                raise StaleDataError(
                    f"{len(alike)} rows of {table.__name__} were to be changed: {result.rowcount} are there"
                )
        for row in rows:
            state = instance_state(row)
            state._commit_all(row.__dict__, self.identity_map)  # what a flush of the ORM does at its end
            self._register_altered([state])

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
            statement = _statement(table, None, connection.dialect)
            connection.exec_driver_sql(statement.text, [statement.values(held) for held in rows])


@cache
def _key_names(table: type[Row]) -> tuple[str, ...]:
    return tuple(column.name for column in inspect(table).primary_key)


def _by_name(group: tuple[tuple[type[Row], frozenset[str]], list[Row]]) -> tuple[str, list[str]]:
    (table, columns), _ = group
    return table.__name__, sorted(columns)


def _identity(row: Row) -> Any:
    return instance_state(row).key[1]  # type: ignore[index]


@event.listens_for(WritingSession, "before_commit")
def _write_what_waits(session: WritingSession) -> None:
    session.flush()  # by itself the ORM sees nothing to do where there are new rows alone


@event.listens_for(WritingSession, "after_soft_rollback")
def _drop(session: Any, ended: Any) -> None:
    """What was rolled back is not there, and the session must not say that it is."""
    for waits in (_NEW, _WAITING, JOURNAL, BEFORE):
        session.info.pop(waits, None)
    for savepoint, row in session.info.get(_TRIED, ()):
        if savepoint is ended and row in session:
            session.expunge(row)


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement in a database's own words, and how the values of a row become what it takes."""

    text: str
    parameters: tuple[tuple[str, str, Callable[[Any], Any] | None], ...]
    """Of each its name, the column that it takes, and how a value is converted."""
    is_positional: bool
    take: Callable[[dict[str, Any]], Any]
    """All of a row's columns at once."""
    converted: tuple[tuple[int, Callable[[Any], Any]], ...]
    """The places whose values are converted, and how."""

    def values(self, held: dict[str, Any]) -> Any:
        """The values of one row as the driver takes them; what is not held is NULL."""
        try:
            values = list(self.take(held))
        except KeyError:
            values = [held.get(column) for _, column, _ in self.parameters]
        for place, process in self.converted:
            values[place] = process(values[place])
        if self.is_positional:
            return tuple(values)
        return {name: value for (name, *_), value in zip(self.parameters, values, strict=True)}


_statements: dict[tuple[type[Row], frozenset[str] | None, str], _Statement] = {}


def _statement(table: type[Row], changed: frozenset[str] | None, dialect: Dialect) -> _Statement:
    """What inserts a row of a table or, with names of columns, changes those of it. Put together once a database: what
    SQLAlchemy does at each execution takes longer than the writing.
    """
    found = _statements.get((table, changed, dialect.name))
    if found is None:
        columns = inspect(table).local_table.columns
        if changed is None:
            names = [c.name for c in columns if not (table in _NUMBERED and c.primary_key)]
            compiled = insert(table).inline().compile(dialect=dialect, column_keys=names)
        else:
            these = [c == bindparam(_KEY + c.name, type_=c.type) for c in columns if c.primary_key]
            compiled = update(table).where(*these).compile(dialect=dialect, column_keys=sorted(changed))
        parameters = []
        for name in (compiled.positiontup or ()) if dialect.positional else compiled.params:
            column = columns[name.removeprefix(_KEY)]
            parameters.append((name, column.name, column.type.dialect_impl(dialect).bind_processor(dialect)))
        found = _Statement(
            str(compiled),
            tuple(parameters),
            dialect.positional,
            itemgetter(*[column for _, column, _ in parameters]),
            tuple([(place, process) for place, (*_, process) in enumerate(parameters) if process is not None]),
        )
        _statements[table, changed, dialect.name] = found
    return found


_KEY = "key_of_"
