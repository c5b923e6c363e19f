"""What a copy of the database tells: nothing of what people can be hurt by; and how people are found all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select
from typer.testing import CliRunner

from cli.main import app
from cli.opening import Stop
from records import engine, journal, sealing
from records.access import system_actor
from records.commands.changes import correct_person
from records.commands.keys import count_left
from records.commands.people import PersonDetails
from records.queries.audit import verify_all
from records.queries.duplicates import list_suggestions
from records.queries.planner import find_standings
from records.sealing import CannotOpen, NotSealed
from records.settings import get_settings
from records.tables import JournalEntry, Person, PersonIdentifier, Referral
from records.tables.told import CLOSED
from tests.api.house import NOW, House
from tests.sealed.planted import PERSON, PLANTED, check_found, hits, plant


def test_a_copy_of_the_database_tells_nothing(house: House, database: str) -> None:
    referral_id = plant(house)
    assert hits(database) == set()
    with engine.read_session() as session:
        assert count_left(session) == 0, "values and marks alike are under the key of now"
        person = session.exec(select(Person)).one()
        assert (person.full_name, str(person.birth_on)) == ("Quillie Zorvane-Ottik", "1961-04-23")
        assert person.phones[0]["number"] == "+12125550167"
        told = session.exec(select(JournalEntry).where(JournalEntry.stream == referral_id)).all()
        assert "tellsofthebrother" in [entry.data.get("note") for entry in told]


def test_what_is_looked_for_would_be_found(house: House, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "is_on", False)
    plant(house)
    assert hits(database) == set(PLANTED)


def test_production_cannot_leave_columns_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_ENVIRONMENT", "production")
    get_settings.cache_clear()
    with pytest.raises(RuntimeError, match="seals its columns"):
        sealing.leave_in_clear()
    get_settings.cache_clear()


def test_a_value_opens_in_its_own_column_alone(house: House) -> None:
    house.file(person=PERSON)
    with engine.transaction() as session:
        session.execute(text("UPDATE person SET family_name = given_name"))
    with engine.read_session() as session, pytest.raises(CannotOpen, match=r"person\.family_name"):
        session.exec(select(Person)).one()


def test_a_value_that_was_altered_does_not_open(house: House) -> None:
    house.file(person=PERSON)
    with engine.transaction() as session:
        kept = session.execute(text("SELECT safety_note FROM person")).scalar_one()
        other = kept[:30] + ("A" if kept[30] != "A" else "B") + kept[31:]
        session.execute(text("UPDATE person SET safety_note = :other"), {"other": other})
    with engine.read_session() as session, pytest.raises(CannotOpen, match="altered"):
        session.exec(select(Person)).one()


def test_equal_values_are_not_equal_in_the_database(house: House) -> None:
    house.file(person=PERSON)
    house.file(person=PERSON | {"identifiers": []}, who="jailer", setting="jail")
    with engine.read_session() as session:
        assert len(set(session.execute(text("SELECT family_name FROM person")).scalars())) == 2
        assert len(set(session.execute(text("SELECT birth_mark FROM person")).scalars())) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "asked",
    [
        lambda: Person.family_name == "Sample",
        lambda: col(Person.given_name).in_(["Ada"]),
        lambda: col(Person.area).startswith("90"),
        lambda: col(Person.given_name).desc(),
        lambda: col(Person.phones)[0],
    ],
)
def test_a_sealed_column_is_not_compared_in_sql(asked: Callable[[], object], database: str, database_kind: str) -> None:
    with pytest.raises(TypeError, match="is sealed"):
        asked()


def test_people_are_found_by_what_is_sealed(house: House) -> None:
    plant(house)
    check_found(house)
    with engine.read_session() as session:
        assert find_standings(session, system_actor(house.program_id), NOW, "zo") == [], "two letters are too few"


def test_two_records_that_seem_to_be_one_are_suggested(house: House) -> None:
    house.file(person=PERSON | {"identifiers": []})
    house.file(
        person=PERSON | {"identifiers": [], "given_name": "Other", "family_name": "Zorvane-Ottick"},
        who="jailer",
        setting="jail",
    )
    house.file(person=PERSON | {"identifiers": [], "birth_on": "1961-04-24"}, who="jailer", setting="jail")
    with engine.read_session() as session:
        pairs = list_suggestions(session, system_actor(house.program_id))
    assert [pair.why for pair in pairs] == ["the same birth date, a name spelled alike"]


def test_words_in_the_journal_that_were_altered_are_told(house: House) -> None:
    referral_id = plant(house)
    with engine.transaction() as session:
        row = session.execute(text("SELECT id, data FROM journal WHERE event = 'note.added'")).one()
        data = row.data if isinstance(row.data, dict) else json.loads(row.data)
        data["note"] = data["note"][:-8] + "AAAAAAA="
        session.execute(
            text("UPDATE journal SET data = :data WHERE id = :id"), {"data": json.dumps(data), "id": row.id}
        )
    with engine.read_session() as session:
        assert [p for p in verify_all(session).problems if referral_id in p and "altered" in p]


def test_a_note_cannot_be_guessed_by_the_hash_of_its_entry(house: House) -> None:
    """Two entries that tell the same differ in what their hashes cover."""
    referral_id = house.accepted()
    for _ in range(2):
        house.post("bridger", f"/referrals/{referral_id}/notes", {"note": "the same"})
    with engine.read_session() as session:
        entries = session.exec(select(JournalEntry).where(JournalEntry.event == "note.added")).all()
        assert len({entry.data["note"].covered for entry in entries}) == 2
        assert all("the same" not in entry.data["note"].covered for entry in entries)
        for entry in entries:
            assert journal.digest(entry) == entry.hash
            guessed = entry.model_copy(update={"data": entry.data | {"note": "the same"}})
            assert journal.digest(guessed) != entry.hash


def test_a_corrected_name_is_found_by_the_new_one(house: House) -> None:
    plant(house)
    with engine.transaction() as session:
        actor, person = system_actor(house.program_id), session.exec(select(Person)).one()
        correct_person(session, actor, person.id, PersonDetails("Una", "Marrow"))
    with engine.read_session() as session:
        assert len(find_standings(session, actor, NOW, "marr")) == 1
        assert find_standings(session, actor, NOW, "zorv") == []
        assert count_left(session) == 0
        assert session.exec(select(Referral)).one().visit_id == "VISIT-5590"
        assert session.exec(select(PersonIdentifier)).one().value == "MRN-77120934"


@pytest.fixture
def sealed_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "sealed_only", True)


IN_CLEAR: list[tuple[str, str, str, Any]] = [
    ("person", "family_name", "'Forged'", Person), ("person", "birth_on", "'1970-01-01'", Person),
    ("person", "phones", """'[{"number": "+12125550199"}]'""", Person),
    ("referral", "unit", "'Forged'", Referral), ("person_identifier", "value", "'FORGED'", PersonIdentifier),
]  # fmt: skip


def test_what_somebody_puts_there_without_the_key_is_believed_unless_only_what_is_sealed_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(house)
    for table, column, value, row in IN_CLEAR:
        with engine.transaction() as session:
            kept = session.execute(text(f"SELECT id, CAST({column} AS TEXT) FROM {table}")).all()
            session.execute(text(f"UPDATE {table} SET {column} = {value}"))
        with engine.read_session() as session:
            assert session.exec(select(row)).first() is not None
        with monkeypatch.context() as strict, engine.read_session() as session:
            strict.setattr(get_settings(), "sealed_only", True)
            with pytest.raises(NotSealed, match=rf"{table}\.{column} holds is not sealed"):
                session.exec(select(row)).first()
        cast = "JSON" if column == "phones" and engine.database().write.dialect.name == "postgresql" else "TEXT"
        with engine.transaction() as session:
            for id, before in kept:
                put_back = text(f"UPDATE {table} SET {column} = CAST(:before AS {cast}) WHERE id = :id")
                session.execute(put_back, {"before": before, "id": id})


def test_where_only_what_is_sealed_counts_everything_that_we_write_is_read(house: House, sealed_only: None) -> None:
    """Empty values are never sealed, and are what they are."""
    referral_id = plant(house)
    check_found(house)
    for path in (f"/referrals/{referral_id}", f"/referrals/{referral_id}/timeline", "/referrals"):
        house.get("supervisor", path)
    with engine.transaction() as session:
        session.execute(text("UPDATE person SET phones = '[]', preferred_name = '', birth_on = NULL"))
    with engine.read_session() as session:
        person = session.exec(select(Person)).one()
        assert (person.phones, person.preferred_name, person.birth_on) == ([], "", None)
        assert verify_all(session).problems == []


@pytest.mark.sqlite
def test_words_in_the_journal_that_nobody_sealed_are_not_shown(house: House, sealed_only: None) -> None:
    plant(house)
    with engine.transaction() as session:
        session.execute(text("""UPDATE journal SET data = '{"note": "forged"}' WHERE event = 'note.added'"""))
    with engine.read_session() as session:
        told = session.exec(select(JournalEntry).where(JournalEntry.event == "note.added")).all()
        assert {entry.data["note"] for entry in told} == {CLOSED}


@pytest.mark.sqlite
def test_rotating_does_not_seal_what_somebody_put_there(
    house: House, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(house)
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", database)
    monkeypatch.setenv("FOOTBRIDGE_SEALED_ONLY", "true")
    get_settings.cache_clear()
    run = CliRunner().invoke
    assert "Nothing lies in the clear: FOOTBRIDGE_SEALED_ONLY is set." in run(app, ["keys", "status"]).stdout
    engine.configure(database)
    with engine.transaction() as session:
        session.execute(text("UPDATE person SET family_name = 'Forged'"))
    status = run(app, ["keys", "status"])
    assert status.exit_code == 1
    assert "1 values lie in the clear and are refused" in status.stdout
    refused = run(app, ["keys", "rotate"])
    assert isinstance(refused.exception, Stop)
    assert "Find out who wrote it" in str(refused.exception)
    engine.configure(database)
    with engine.read_session() as session:
        assert session.execute(text("SELECT family_name FROM person")).scalar_one() == "Forged"
    monkeypatch.setenv("FOOTBRIDGE_SEALED_ONLY", "false")
    get_settings.cache_clear()
    assert "1 values lie in the clear and are read as they stand." in run(app, ["keys", "status"]).stdout
    assert run(app, ["keys", "rotate"]).exit_code == 0
    assert "Nothing lies in the clear: set FOOTBRIDGE_SEALED_ONLY=true" in run(app, ["keys", "status"]).stdout
