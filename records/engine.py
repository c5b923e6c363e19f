"""The database: how it is opened, and the one place that commits.

One request or activity is one transaction. On SQLite writers begin with BEGIN IMMEDIATE and take turns by a lock in the
process (measured: without it the driver's default loses updates silently); the file is in WAL mode with
synchronous=FULL, since NORMAL may lose a commit on power loss. After a commit the word that was left in the session,
which workflows must look again and which messages wait, is handed to whoever asked with `on_commit`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from records import clock
from records.right_clock import ClockWatch
from records.tables import Facility, Program, Staff
from records.writing import WritingSession


@dataclass(frozen=True, slots=True)
class Word:
    """What a committed transaction leaves to be done: ids of referrals to nudge, of notifications to deliver.

    `origins`: the context in which each was left, so that what comes of it can be traced back to the request.
    """

    nudges: frozenset[str]
    deliveries: frozenset[str]
    origins: Mapping[str, Context] = field(default_factory=dict, compare=False)


@dataclass
class _Database:
    read: Engine
    write: Engine
    lock: Any
    watch: ClockWatch | None = None
    """Of a database that may lie on another machine, with a clock of its own."""


_database: _Database | None = None
_listeners: list[Callable[[Word], None]] = []

NUDGES, DELIVERIES = "footbridge_nudges", "footbridge_deliveries"
OF_TURN = "footbridge_of_turn"
"""Where a session keeps what concerns only the piece of work at hand."""
OF_TRANSACTION = "footbridge_of_transaction"
"""Where a session keeps what it need not ask twice in one transaction."""
_HELD = "footbridge_held"
BEING_RESTORED = "restore_unfinished"
"""A table that stands in PostgreSQL while records are put back. Until it is gone, what is beside it is not marked yet,
and whoever worked on it would send again what had gone out. Its row names the schema of the former records."""


class BeingRestored(SQLAlchemyError):
    """These records are being put back, or that was not finished: nobody works on them."""


SQLITE_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=30000",
    "foreign_keys=ON",
    "cache_size=-32000",
    "temp_store=MEMORY",
)
"""The PRAGMAs of every connection to SQLite."""


def configure(url: str, *, pool_size: int = 20, restoring: bool = False) -> Engine:
    """Open the database at `url` for this process, replacing any other; returns the engine for writing. What is being
    put back is open only to who is `restoring` it.

    What an error says holds no parameters and none of the values that PostgreSQL adds: they are about people, and
    errors are logged.
    """
    global _database
    dispose()
    watch = None
    if url in ("sqlite://", "sqlite:///:memory:"):
        read = write = _sqlite(url, poolclass=StaticPool)
        lock: Any = threading.RLock()
    elif url.startswith("sqlite"):
        # Writers take turns, so one connection is enough for them, and what it has read and prepared stays warm.
        read = _sqlite(url, pool_size=pool_size, max_overflow=pool_size, pool_use_lifo=True)
        write = _sqlite(url, pool_size=1, max_overflow=0)
        lock = threading.RLock()
    else:
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        read = write = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_as_json,
            json_deserializer=from_json,
        )
        event.listen(write, "handle_error", _say_no_values)
        if not restoring:
            event.listen(write, "connect", _require_finished)
        lock, watch = _NoLock(), ClockWatch()
    _database = _Database(read, write.execution_options(footbridge_write=True), lock, watch)
    return _database.write


def _sqlite(url: str, **pool: Any) -> Engine:
    settings = {"check_same_thread": False, "timeout": 30, "cached_statements": 1000}
    engine = create_engine(
        url,
        connect_args=settings,
        hide_parameters=True,
        json_serializer=_as_json,
        json_deserializer=from_json,
        **pool,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver does not begin transactions by itself: we do, below
        cursor = connection.cursor()
        for pragma in SQLITE_SETTINGS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "reset")
    def _end(connection: Any, _record: Any, _state: Any) -> None:
        if connection.in_transaction:  # a COMMIT that SQLite refuses ends nothing, and SQLAlchemy thinks that it did
            connection.rollback()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("footbridge_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _as_json(value: Any) -> str:
    """By pydantic, which takes a fifth of the standard library's time; most documents are empty and not worth that."""
    empty = None if value else _EMPTY.get(value.__class__)
    return to_json(value).decode() if empty is None else empty


_EMPTY: dict[type, str] = {list: "[]", dict: "{}"}


_OF_VALUES = "22"
"""The class of SQLSTATE for data that cannot be: its very first line quotes the value."""


def _say_no_values(context: ExceptionContext) -> None:
    """Cut what PostgreSQL says to its first line, which names a rule or a table: what follows (DETAIL, CONTEXT), and
    all that it says of unusable data, quotes rows. The error itself and the one around it are logged alike."""
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    said = str(original)
    code = getattr(original, "sqlstate", None) or ""
    first = f"data that cannot be ({code})" if code.startswith(_OF_VALUES) else (said.splitlines() or [""])[0]
    original.args = (first,)
    if wrapped is not None:
        wrapped.args = tuple(part.replace(said, first) if isinstance(part, str) else part for part in wrapped.args)


def _require_finished(connection: Any, _record: Any) -> None:
    """A process that waited for its database, and was not started anew, must not find it half restored either."""
    with connection.cursor() as cursor:
        (found,) = cursor.execute("SELECT to_regclass(%s)", (BEING_RESTORED,)).fetchone()
    connection.rollback()
    if found is not None:
        connection.close()
        raise BeingRestored("these records are being put back from a backup, or that was not finished")


class _NoLock:
    def acquire(self, timeout: float = -1) -> bool:
        return True

    def release(self) -> None:
        return None


def dispose() -> None:
    """Close every connection. The next use needs `configure` again."""
    global _database
    if _database is not None:
        _database.read.dispose()
        _database.write.dispose()
        _database = None


def url() -> str:
    """The address of the open database, for a process that is to open it too; it may hold a password."""
    return database().read.url.render_as_string(hide_password=False)


def database() -> _Database:
    """The open database. Raises RuntimeError before `configure`."""
    if _database is None:
        raise RuntimeError("no database is open: call records.engine.configure first")
    return _database


@event.listens_for(Session, "loaded_as_persistent")
def _hold(session: Any, row: Any) -> None:
    """A session lets go of rows that nobody holds; who is who and what is where are asked for again and again."""
    if isinstance(row, (Program, Facility, Staff)):
        session.info.setdefault(_HELD, []).append(row)


@contextmanager
def transaction(*, patience: float = -1) -> Iterator[Session]:
    """One writing transaction: committed at the end of the block, rolled back when it raises.

    With `patience`, raises TimeoutError when other writers of this process took longer than so many seconds. Raises
    ClockWrong before anything is done when this machine's clock is.
    """
    opened = database()
    if not opened.lock.acquire(timeout=patience):
        raise TimeoutError("other writers took too long")
    try:
        with lasting_session() as session:
            require_right_clock(session)
            yield session
            session.commit()
            word = take_word(session)
    finally:
        opened.lock.release()
    _hand_on(word)


def require_right_clock(session: Session) -> None:
    """Raises ClockWrong when this machine's clock and the database's do not agree."""
    if (watch := database().watch) is not None:
        watch.require_right(session.connection())


def _hand_on(word: Word | None) -> None:
    if word is not None:
        for listener in _listeners:
            listener(word)


class Slices:
    """Long work of one's own `transaction` as many short ones, so that the program goes on working meanwhile: ask
    `end_if_long` wherever nothing is half done. Stopped in between, what was done stays.

    Not for a transaction that others share (`records.turns`): theirs would be committed half done.
    """

    AT_A_TIME = 0.5
    """Seconds of work between two commits. SQLite has one writer: until then nobody else can log a contact."""
    LET_IN = 0.12
    """Seconds left to others after each commit: longer than SQLite's longest sleep between two tries, 0.1 s."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = clock.stopwatch()

    def end_if_long(self) -> None:
        """Commit and let others write, threads of this process and other processes, when this lasted long enough.

        What they write meanwhile is asked for anew: nothing that was read before is kept.
        """
        if clock.stopwatch() - self._began < self.AT_A_TIME:
            return
        self._session.commit()
        word, lock = take_word(self._session), database().lock
        self._session.expunge_all()
        self._session.info.clear()
        lock.release()
        try:
            _hand_on(word)
            time.sleep(self.LET_IN)
        finally:
            lock.acquire()
        self._began = clock.stopwatch()


def writers_lock() -> AbstractContextManager[Any] | None:
    """What the writers of this process take turns by; None where the database lets them write side by side."""
    lock = database().lock
    return None if isinstance(lock, _NoLock) else lock


def end_turn(session: Session) -> None:
    """One piece of work in a transaction is done, and another's follows.

    What waits to be written goes with the others' rows; before a question it is written by itself.
    """
    session.info.pop(OF_TURN, None)


@contextmanager
def read_session() -> Iterator[Session]:
    """One consistent look at the records; nothing written in it is kept."""
    with Session(database().read, expire_on_commit=False, autoflush=False) as session:
        yield session


def lasting_session() -> WritingSession:
    """A writing session that may outlive one transaction: simulations and imports, which keep what they loaded."""
    return WritingSession(database().write, expire_on_commit=False)


def commit(session: Session) -> None:
    """Commit a session that outlives one transaction."""
    session.commit()
    session.info.pop(OF_TRANSACTION, None)
    take_word(session)


def on_commit(listener: Callable[[Word], None]) -> Callable[[], None]:
    """Hear of every commit that leaves something to be done. Returns a function that stops it."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def take_word(session: Session) -> Word | None:
    """What commands left in the session, once."""
    nudges: dict[str, Context] = session.info.pop(NUDGES, {})
    deliveries: dict[str, Context] = session.info.pop(DELIVERIES, {})
    if not nudges and not deliveries:
        return None
    return Word(frozenset(nudges), frozenset(deliveries), nudges | deliveries)


def leave_word(session: Session, *, nudge: str | None = None, delivery: str | None = None) -> None:
    """Remember that a workflow must look again, or that a message waits, for after the commit."""
    if nudge is not None:
        session.info.setdefault(NUDGES, {})[nudge] = copy_context()
    if delivery is not None:
        session.info.setdefault(DELIVERIES, {})[delivery] = copy_context()
