"""The databases that tests are given: migrated, empty, and each test's own."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlmodel import select

from records import engine
from records.tables.organizations import Program


def tables_of(url: str) -> set[str]:
    made = create_engine(url)
    try:
        return set(inspect(made).get_table_names())
    finally:
        made.dispose()


def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    assert tables_of(empty_database_url) == set()


def test_a_database_is_migrated(database_url: str) -> None:
    assert {"alembic_version", "referral", "journal"} <= tables_of(database_url)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_its_own(database: str, turn: int) -> None:
    with engine.transaction() as session:
        assert session.exec(select(Program)).all() == []
        session.execute(text("DELETE FROM alembic_version"))
    with engine.read_session() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 0


@pytest.mark.sqlite
def test_the_marker_chooses_sqlite(database: str) -> None:
    assert database.startswith("sqlite")


@pytest.mark.postgresql
def test_the_marker_chooses_postgresql(database: str) -> None:
    assert database.startswith("postgresql")
