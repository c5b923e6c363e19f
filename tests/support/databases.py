"""Fresh databases for tests: built once by the migrations, then copied, which takes milliseconds."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
