"""The migrations build exactly the tables that the code knows, on both databases; running them again is harmless."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

import records.tables  # noqa: F401 (puts the tables into the metadata)
from records import migrate


def shape(connection: Connection) -> dict[str, Any]:
    """Every table's columns, keys and indexes, as the database itself describes them."""
    looker = inspect(connection)
    tables = [name for name in looker.get_table_names() if name != "alembic_version"]
    if connection.dialect.name == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    else:
        asked = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    return {
        "columns": {
            name: sorted((c["name"], str(c["type"]), c["nullable"], c["default"]) for c in looker.get_columns(name))
            for name in tables
        },
        "keys": {name: looker.get_pk_constraint(name)["constrained_columns"] for name in tables},
        "foreign": {
            name: sorted((k["constrained_columns"], k["referred_table"]) for k in looker.get_foreign_keys(name))
            for name in tables
        },
        "unique": {name: sorted(u["column_names"] for u in looker.get_unique_constraints(name)) for name in tables},
        "indexes": sorted(
            (name, re.sub(r"\s+", " ", sql).replace('"', ""))
            for name, sql in connection.exec_driver_sql(asked)
            if not name.startswith("alembic")
        ),
    }


def test_the_migrations_build_what_the_tables_say(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        migrated = shape(connection)
        SQLModel.metadata.drop_all(connection)
        SQLModel.metadata.create_all(connection)
        assert migrated == shape(connection)
    engine.dispose()
    assert any("ux_assignment_open" in name and "WHERE" in sql for name, sql in migrated["indexes"])


def test_a_database_knows_where_it_stands(empty_database_url: str) -> None:
    assert migrate.current(empty_database_url) is None
    migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) == migrate.newest() is not None
    migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) == migrate.newest()


def test_four_processes_migrate_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate.upgrade, empty_database_url) for _ in range(4)]:
            done.result(timeout=60)
    assert migrate.current(empty_database_url) == migrate.newest()


@pytest.mark.sqlite
def test_a_step_that_fails_leaves_nothing_behind(empty_database_url: str, database_kind: str) -> None:
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE staff (somebody_elses TEXT)")
    with pytest.raises(OperationalError, match="staff already exists"):
        migrate.upgrade(empty_database_url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["staff"]
    engine.dispose()


def test_the_folder_of_a_first_sqlite_file_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'not' / 'yet' / 'there.sqlite3'}"
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.newest()


def test_the_steps_follow_one_another_in_one_line() -> None:
    folder = ScriptDirectory(str(migrate.FOLDER))
    assert len(folder.get_heads()) == 1
    assert {path.name for path in migrate.FOLDER.glob("versions/*.py")} == {
        Path(step.path).name for step in folder.walk_revisions()
    }


def test_a_version_that_is_put_back_runs_on_a_later_step_that_lets_it(empty_database_url: str) -> None:
    assert not migrate.may_serve(empty_database_url), "it was never migrated"
    migrate.upgrade(empty_database_url)
    assert migrate.may_serve(empty_database_url)
    engine = create_engine(empty_database_url)
    for oldest, may in ((str(migrate.newest()), True), ("9998", False)):
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
            connection.exec_driver_sql(f"UPDATE meta SET value = '{oldest}' WHERE key = 'oldest_step'")
        assert migrate.may_serve(empty_database_url) is may
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0007'")
    engine.dispose()
    assert not migrate.may_serve(empty_database_url), "an older step is migrated first"
