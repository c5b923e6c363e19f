"""Copies of records in PostgreSQL, by its own pg_dump and pg_restore. The password never stands on a command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, create_engine

from cli.copies import Moment, moment_of
from cli.local_postgres import PostgresError, postgres_binaries
from cli.opening import Stop
from records import clock, engine, migrate


def copy_out(url: str, data: Path) -> Moment:
    """Dump one moment of the database into `data`, while it is used; what it says is read in the same moment."""
    opened = create_engine(_driver(url), isolation_level="REPEATABLE READ")
    try:
        with opened.connect() as connection:
            at = clock.now()
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            _run("pg_dump", url, "--format=custom", "--schema=public", f"--snapshot={snapshot}", f"--file={data}")
            with Session(connection) as session:
                moment = moment_of(session, at, migrate.current(url) or "")
    finally:
        opened.dispose()
    _run("pg_restore", "", "--list", str(data))  # it reads to its end
    return moment


def put_in_place(data: Path, url: str, *, replace: bool, prepare: Callable[[str], None]) -> str | None:
    """Put the copy into the database, which is empty, or whose tables go into a schema of their own with `replace`.

    Returns that schema's name. Raises Stop when it is not empty, or somebody uses it.
    """
    opened = create_engine(_driver(url), poolclass=NullPool)
    with opened.begin() as connection:
        _require_alone(connection)
        kept = _make_room(connection, replace=replace)
    with opened.connect() as connection:
        _require_alone(connection)  # who came before that was written; who comes now is refused
    try:
        _restore(data, url)
        prepare(url)
    except BaseException:
        engine.dispose()
        with suppress(SQLAlchemyError):  # it is said why it failed; the next one undoes it then
            undo_unfinished(url)
        raise
    engine.dispose()
    return kept


def undo_unfinished(url: str) -> None:
    """What a restore that was not finished left is thrown away, and the records of before are where they were."""
    opened = create_engine(_driver(url), poolclass=NullPool)
    with opened.begin() as connection:
        if not inspect(connection).has_table(engine.BEING_RESTORED):
            return
        _require_alone(connection)
        former = connection.execute(text(f"SELECT former FROM {engine.BEING_RESTORED}")).scalar_one()  # noqa: S608
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text(f"ALTER SCHEMA {former} RENAME TO public" if former else "CREATE SCHEMA public"))


def _make_room(connection: Connection, *, replace: bool) -> str | None:
    """An empty schema, with the word in it that nobody may work here yet; returns where the former tables went."""
    kept = None
    if connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar_one():
        if not replace:
            raise Stop(
                "The database is not empty. Give FOOTBRIDGE_DATABASE_URL of an empty one, or put the backup"
                " in their place (the tables are kept in a schema of their own): --replace"
            )
        kept = f"before_{clock.now():%Y%m%dt%H%M%S}"
        connection.execute(text(f"ALTER SCHEMA public RENAME TO {kept}"))
        connection.execute(text("CREATE SCHEMA public"))
    former = "CAST(:kept AS text) AS former"
    connection.execute(text(f"CREATE TABLE public.{engine.BEING_RESTORED} AS SELECT {former}"), {"kept": kept})
    return kept


def _require_alone(connection: Connection) -> None:
    """Raises Stop when others use the database. Who is just leaving, as we were a moment ago, is waited for."""
    for _ in range(_LOOKS):
        others = connection.execute(text(_OTHERS)).scalar_one()
        if not others:
            return
        time.sleep(_BETWEEN_LOOKS)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    raise Stop(f"{others} others use the database. Stop the web servers and workers, and run it again.")


def _restore(data: Path, url: str) -> None:
    _run(
        "pg_restore", url, "--no-owner", "--no-privileges", "--schema=public", "--single-transaction",
        "--exit-on-error", str(data),
    )  # fmt: skip


_LOOKS, _BETWEEN_LOOKS = 20, 0.1
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def _driver(url: str) -> str:
    return re.sub(r"^postgresql://", "postgresql+psycopg://", url)


def _run(program: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; what it needs to reach the database is in its environment alone."""
    environment = dict(os.environ)
    if url:
        given = make_url(url)
        names = {"host": "PGHOST", "port": "PGPORT"} | {name: f"PG{name.upper()}" for name in _TLS}
        known = {"host": given.host, "port": given.port, **given.query}
        environment |= {names[name]: str(value) for name, value in known.items() if name in names and value}
        environment |= {"PGDATABASE": given.database or "", "PGUSER": given.username or ""}
        if given.password is not None:
            environment["PGPASSWORD"] = str(given.password)
    into = ("--dbname", environment.get("PGDATABASE", "")) if program == "pg_restore" and url else ()
    done = subprocess.run(
        [str(_binary(program)), *into, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it did not say why"])[0]
        raise Stop(f"{program} could not do it: {said}")


def _binary(program: str) -> Path:
    """PostgreSQL's program of that name: the newest here. Raises Stop."""
    if found := shutil.which(program):
        return Path(found)
    try:
        return postgres_binaries() / program
    except PostgresError as error:
        raise Stop(f"{program} is not installed here: install PostgreSQL's client programs.") from error
