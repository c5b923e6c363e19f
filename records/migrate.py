"""Bringing a database to today's tables, with Alembic. Safe to run again, and by several processes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from records.engine import BEING_RESTORED

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_266_274_323  # of PostgreSQL, one number of our own: one process migrates, the others wait and find it done


_OLDEST_KEY = "oldest_step"
"""Of meta: the oldest step whose code may run on the tables. A version that is replaced goes on while the new
one starts, and one that is put back starts. A migration that former code cannot live with sets it to its own step."""


class UnknownStep(Exception):
    """The database is at a step that this version does not know: a later version made it."""

    def __init__(self, step: str) -> None:
        super().__init__(f"The records are at step {step}, which this version does not know. Use a later version.")


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest step, all steps in one transaction; SQLite's folder is made.

    Raises UnknownStep, and sqlalchemy.exc.SQLAlchemyError when the database cannot be reached or a step fails; then it
    is as it was.
    """
    with _open(url).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config = _config()
        _require_known(config, connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def may_serve(url: str) -> bool:
    """Whether this version may run on the database as it is: it stands at our step, or at a later one that says that
    code of ours may go on with it."""
    with _open(url).connect() as connection:
        step = MigrationContext.configure(connection).get_current_revision()
        if step is None or step in _known(_config()):
            return step == newest()
        asked = text("SELECT value FROM meta WHERE key = :key")
        oldest = connection.execute(asked, {"key": _OLDEST_KEY}).scalar()
    return oldest is not None and oldest <= (newest() or "")


def is_being_restored(url: str) -> bool:
    """Whether a backup is being put into the database, or that was begun and not finished."""
    with _open(url).connect() as connection:
        return inspect(connection).has_table(BEING_RESTORED)


def current(url: str) -> str | None:
    """The step at which the database at `url` stands; None when it was never migrated."""
    with _open(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest step that this version of Footbridge knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _require_known(config: Config, connection: Connection) -> None:
    step = MigrationContext.configure(connection).get_current_revision()
    if step is not None and step not in _known(config):
        raise UnknownStep(step)


def _known(config: Config) -> set[str]:
    return {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _open(url: str) -> Engine:
    """An engine of its own, without a pool: nothing stays open."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, poolclass=NullPool)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _begin_ourselves(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver would commit at each CREATE TABLE

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
