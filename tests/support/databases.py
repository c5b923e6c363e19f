"""Fresh databases for tests: built once by the migrations, then copied, which takes milliseconds."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect

from cli.local_postgres import PostgresServer

TEMPLATE = "footbridge_template"
_numbers = itertools.count(1)


def migrate(url: str) -> None:
    """Bring a database to the newest schema, by the migrations as in production."""
    from records import migrate as migrations  # not at import: tests of pure rules need no database

    migrations.upgrade(url)


def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file to copy."""
    path = folder / "template.sqlite3"
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


def sqlite_copy(template: Path, folder: Path) -> str:
    """The URL of a copy of its own."""
    path = folder / "footbridge.sqlite3"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


def postgres_template(server: PostgresServer) -> str:
    """The name of a migrated database to copy. Made once a server."""
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate(server.url(TEMPLATE))
    return TEMPLATE


def postgres_world(server: PostgresServer, template: str) -> str:
    """The name of a database to fill once and copy afterwards; it stays as long as the server."""
    name = f"footbridge_world_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name


@contextmanager
def postgres_copy(server: PostgresServer, template: str) -> Iterator[str]:
    """The URL of a copy of its own, dropped afterwards with whoever is still connected to it."""
    name = f"footbridge_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield server.url(name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def take_back_a_step(url: str) -> str:
    """Make the tables of a filled database those of the step before the newest, with the rows as the version before
    would have them; returns that step. What the newest brought is gone, so it must only have added."""
    from alembic import command
    from alembic.script import ScriptDirectory

    from records import migrate as migrations

    config = migrations._config()
    newest = ScriptDirectory.from_config(config).get_revision("head")
    assert newest is not None
    step = str(newest.down_revision)
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        aside = path.rename(path.with_name("filled.sqlite3"))
        away, back = f"ATTACH '{aside}' AS filled", ""
    else:
        away, back = "ALTER SCHEMA public RENAME TO filled; CREATE SCHEMA public", "DROP SCHEMA filled CASCADE"
    opened = migrations._open(url)
    with opened.connect() as connection:
        if url.startswith("sqlite"):
            driver: Any = connection.connection.driver_connection
            driver.execute(away)  # in no transaction
        else:
            connection.exec_driver_sql(away)
        config.attributes["connection"] = connection
        command.upgrade(config, step)
        _copy_rows(connection)
        if back:
            connection.exec_driver_sql(back)
        connection.commit()
    return step


def _copy_rows(connection: Connection) -> None:
    """From the schema `filled`, what both have; what migrations wrote is what they write."""
    there = inspect(connection)
    for table in there.get_table_names():
        if table == "alembic_version":
            continue
        names = ", ".join(f'"{column["name"]}"' for column in there.get_columns(table))
        kept = "WHERE key <> 'oldest_step'" if table == "meta" else ""
        connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM filled.{table} {kept}")
        for column in there.get_columns(table):
            if "nextval" in str(column["default"]):
                sequence, last = f"pg_get_serial_sequence('{table}', '{column['name']}')", f"max({column['name']})"
                connection.exec_driver_sql(f"SELECT setval({sequence}, {last}) FROM {table}")
