"""What a copy of the database tells: nothing of what people can be hurt by; and how people are found all the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from records import engine, journal, sealing
from records.access import system_actor
from records.commands.changes import correct_person
from records.commands.keys import count_left
from records.commands.people import PersonDetails
from records.queries.audit import verify_all
from records.queries.duplicates import list_suggestions
from records.queries.planner import find_standings
from records.sealing import CannotOpen
from records.settings import get_settings
from records.tables import JournalEntry, Person, PersonIdentifier, Referral
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
