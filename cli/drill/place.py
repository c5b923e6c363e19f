"""A place beside the records, in the same database, that is thrown away: a schema of PostgreSQL, a file of SQLite."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from records import engine, migrate


@contextmanager
def place_beside(url: str) -> Iterator[str]:
    """The address of empty, migrated records in the same database, open in this process; gone afterwards.

    Raises sqlalchemy.exc.SQLAlchemyError when the database cannot be reached, or lets this role make no schema.
    """
    name = f"footbridge_drill_{secrets.token_hex(4)}"
    made = make_url(url)
    place = _file_beside(url, name) if made.get_backend_name() == "sqlite" else _schema(url, name)
    with place as address:
        try:
            migrate.upgrade(address)
            engine.configure(address)
            yield address
        finally:
            engine.dispose()


@contextmanager
def _file_beside(url: str, name: str) -> Iterator[str]:
    folder = Path(make_url(url).database or "").resolve().parent
    path = folder / f"{name}.sqlite3"
    try:
        yield f"sqlite:///{path}"
    finally:
        for left in folder.glob(f"{name}.sqlite3*"):  # SQLite's own beside it, and our turn to send
            left.unlink(missing_ok=True)


@contextmanager
def _schema(url: str, name: str) -> Iterator[str]:
    plain = make_url(url)
    if plain.drivername == "postgresql":
        plain = plain.set(drivername="postgresql+psycopg")
    owner = create_engine(plain, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    asked = plain.normalized_query.get("options", ())
    address = plain.update_query_dict({"options": " ".join([*asked, f"-csearch_path={name}"])})
    try:
        yield address.render_as_string(hide_password=False)
    finally:
        with owner.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
