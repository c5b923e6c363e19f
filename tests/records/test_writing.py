"""How rows reach the database: many at once, after the updates, and not at all when they were taken back."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Session, select

from domain.vocabulary import Gender
from records import engine
from records.tables import Person, Program
from records.tables.row import rows_as_facts

AT = datetime(2026, 11, 2, 15, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


def person(name: str, program_id: str = "prg_one") -> Person:
    """Somebody invented."""
    return Person(id=f"per_{name}", program_id=program_id, given_name=name, family_name="Sample", created_at=AT)


def names(session: Session) -> list[str]:
    """Who is on record."""
    return sorted(session.exec(select(Person.given_name)))


def test_rows_may_be_added_before_what_they_point_to_and_go_in_one_statement_a_table() -> None:
    said: list[str] = []
    with engine.transaction() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *a: said.append(a[2]), named=False)
        session.add_all([person("ada"), person("bo"), Program(id="prg_one", name="One", created_at=AT)])
    inserts = [one.split(" (")[0] for one in said if one.startswith("INSERT")]
    assert sorted(inserts) == ["INSERT INTO person", "INSERT INTO program"]
    with engine.read_session() as session:
        assert names(session) == ["ada", "bo"]


def test_a_row_that_points_nowhere_is_refused_when_the_transaction_ends() -> None:
    session_of = engine.transaction()
    session = session_of.__enter__()
    session.add(person("ada", "prg_of_nobody"))
    session.flush()
    with pytest.raises(IntegrityError):
        session_of.__exit__(None, None, None)
    with engine.read_session() as session:
        assert names(session) == []
    with engine.transaction() as session:  # a refused COMMIT leaves no transaction behind
        session.add_all([Program(id="prg_one", name="One", created_at=AT), person("bo")])
    with engine.read_session() as session:
        assert names(session) == ["bo"]


def test_a_new_row_is_known_afterwards_and_its_changes_are_kept() -> None:
    with engine.transaction() as session:
        ada = person("ada")
        session.add_all([Program(id="prg_one", name="One", created_at=AT), ada])
        session.flush()
        assert session.get(Person, "per_ada") is ada
        ada.gender = Gender.WOMAN
        ada.aliases = ["Adi"]
    with engine.read_session() as session:
        kept = session.get_one(Person, "per_ada")
        assert (kept.gender, kept.aliases, kept.places) == (Gender.WOMAN, ["Adi"], [])


def test_what_a_savepoint_took_back_is_neither_written_nor_known() -> None:
    with engine.transaction() as session:
        session.add(Program(id="prg_one", name="One", created_at=AT))
        for is_flushed in (False, True):
            tried = session.begin_nested()
            session.add(person("bo"))
            if is_flushed:
                session.flush()
            tried.rollback()
            assert session.get(Person, "per_bo") is None
        session.add(person("ada"))
    with engine.read_session() as session:
        assert names(session) == ["ada"]


def test_rows_whose_same_columns_changed_go_in_one_statement_and_the_others_stay_as_they_are() -> None:
    with engine.transaction() as session:
        session.add(Program(id="prg_one", name="One", created_at=AT))
        session.add_all([person(name) for name in ("ada", "bo", "cy", "di")])
    said: list[tuple[str, int]] = []
    with engine.transaction() as session:
        event.listen(
            session.get_bind(),
            "before_cursor_execute",
            lambda *a: said.append((a[2], len(a[3]) if a[5] else 1)) if a[2].startswith("UPDATE") else None,
            named=False,
        )
        of = {row.given_name: row for row in session.exec(select(Person))}
        for name in ("di", "bo"):
            of[name].family_name, of[name].aliases = f"Example {name}", [name]
        of["ada"].gender = Gender.WOMAN
        of["ada"].gender = Gender.UNSTATED  # taken back: nothing to write
        session.flush()
        assert not session.dirty
        of["bo"].language = "es"
    assert [(one.split(" WHERE")[0].count("="), rows) for one, rows in said] == [(2, 2), (1, 1)]
    with engine.read_session() as session:
        kept = {row.given_name: (row.family_name, row.aliases, row.language) for row in session.exec(select(Person))}
    assert kept == {
        "ada": ("Sample", [], "en"),
        "bo": ("Example bo", ["bo"], "es"),
        "cy": ("Sample", [], "en"),
        "di": ("Example di", ["di"], "en"),
    }


def test_a_change_that_a_savepoint_took_back_is_read_again() -> None:
    with engine.transaction() as session:
        session.add_all([Program(id="prg_one", name="One", created_at=AT), person("ada")])
    with engine.transaction() as session:
        ada = session.get_one(Person, "per_ada")
        tried = session.begin_nested()
        ada.family_name = "Example"
        session.flush()
        tried.rollback()
        assert ada.family_name == "Sample"


def test_a_change_to_a_row_that_is_gone_is_refused() -> None:
    with engine.transaction() as session:
        session.add_all([Program(id="prg_one", name="One", created_at=AT), person("ada"), person("bo")])
    session_of = engine.transaction()
    session = session_of.__enter__()
    for row in session.exec(select(Person)).all():
        row.family_name = "Example"
    session.connection().exec_driver_sql("DELETE FROM person WHERE id = 'per_bo'")
    with pytest.raises(StaleDataError, match="2 rows of Person"):
        session.flush()
    with contextlib.suppress(StaleDataError):
        session_of.__exit__(StaleDataError, StaleDataError("refused"), None)
    with engine.read_session() as session:
        assert [row.family_name for row in session.exec(select(Person))] == ["Sample", "Sample"]


def test_a_row_refuses_a_value_that_its_table_does_not_have() -> None:
    with pytest.raises(TypeError, match="no nickname"):
        Person(id="per_ada", nickname="Adi")  # type: ignore[call-arg]
    assert person("ada").aliases is not person("bo").aliases, "each row has a list of its own"


def test_what_the_rules_saw_is_seen_again_until_the_row_changes() -> None:
    seen: list[str] = []

    def look(row: Person) -> str:
        seen.append(row.given_name)
        return row.given_name.upper()

    ada = person("ada")
    assert rows_as_facts([ada, ada], look) == ("ADA", "ADA")
    assert seen == ["ada"]
    ada.given_name = "adi"
    assert rows_as_facts([ada], look) == ("ADI",)
    with engine.transaction() as session:
        session.add_all([Program(id="prg_one", name="One", created_at=AT), ada])
    with engine.transaction() as session:
        mine = session.get_one(Person, "per_ada")
        assert rows_as_facts([mine], look) == ("ADI",)
        session.connection().exec_driver_sql("UPDATE person SET given_name = 'eva'")
        session.refresh(mine)
        assert rows_as_facts([mine], look) == ("EVA",)
        session.connection().exec_driver_sql("UPDATE person SET given_name = 'ida'")
        session.expire(mine)
        assert mine.held()["given_name"] == "ida", "what has expired is read before it is shown"
