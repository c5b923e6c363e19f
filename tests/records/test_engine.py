"""What the database says when something goes wrong with it."""

from __future__ import annotations

import sqlite3
import traceback
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from records import engine


def test_an_error_of_the_database_repeats_nothing_that_was_to_be_written(database: str) -> None:
    asked = text("SELECT 1 FROM nowhere WHERE name = :name")
    for opened in (engine.transaction, engine.read_session):
        with pytest.raises(SQLAlchemyError) as error, opened() as session:
            session.execute(asked, {"name": "Robin Imaginary"})
        assert "nowhere" in str(error.value)
        assert "Robin" not in str(error.value)


@pytest.mark.sqlite
def test_whoever_writes_on_sqlite_has_the_lock_when_reading(database: str) -> None:
    """Otherwise two processes could read the same and each write what it made of it."""
    other = sqlite3.connect(database.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    with closing(other), engine.transaction() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


PLANTED = "Robin Imaginary"


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO planted (name) VALUES (:name)", "planted_name"),  # DETAIL: Key (name)=(…) already exists
        ("INSERT INTO planted (name, age) VALUES (:name || '!', -1)", "planted_age"),  # DETAIL: Failing row contains …
        ("SELECT CAST(:name AS integer)", "22P02"),  # invalid input syntax for type integer: "…"
    ],
)
def test_nothing_that_is_logged_of_an_error_quotes_a_row(database: str, statement: str, says: str) -> None:
    """PostgreSQL adds the values themselves; a log, and Temporal's history of a worker, would keep them."""
    with engine.transaction() as session:
        name, age = "name text CONSTRAINT planted_name UNIQUE", "age integer CONSTRAINT planted_age CHECK (age > 0)"
        session.execute(text(f"CREATE TABLE planted ({name}, {age})"))
        session.execute(text("INSERT INTO planted (name) VALUES (:name)"), {"name": PLANTED})
    with pytest.raises(SQLAlchemyError) as error, engine.transaction() as session:
        session.execute(text(statement), {"name": PLANTED})
    logged = "".join(traceback.format_exception(error.value))  # with the errors that led to it
    assert says in logged
    assert PLANTED not in logged
