"""What a copy of the database tells: nothing of what people can be hurt by. And a new secret key takes over."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from cli.local_postgres import postgres_binaries
from domain.vocabulary import PlaceKind
from records import clock, engine, sealing
from records.access import system_actor
from records.commands.changes import correct_person
from records.commands.drafts import keep_draft
from records.commands.keys import count_left, rotate
from records.commands.people import PersonDetails
from records.queries.audit import verify_all
from records.queries.duplicates import list_suggestions
from records.queries.keys import ANOTHER, CLEAR, find_unknown_key, list_standings
from records.queries.people import find_duplicates
from records.queries.planner import find_standings
from records.queries.readings import find_people
from records.sealing import CannotOpen, keyring
from records.settings import get_settings
from records.tables import JournalEntry, Person, PersonIdentifier, Referral
from tests.api.house import NOW, House, build_house

FIRST, SECOND = "a1" * 32, "b2" * 32
PERSON: dict[str, Any] = {
    "given_name": "Quillabeth",
    "family_name": "Zorvane-Ottik",
    "preferred_name": "Quillie",
    "aliases": ["Brixandra Vool"],
    "birth_on": "1961-04-23",
    "pronouns": "xenpronoun",
    "area": "90417",
    "phones": [{"number": "(212) 555-0167", "note": "askforplim", "kind": "own"}],
    "places": [{"kind": PlaceKind.SHELTER.value, "text": "undertheviaduct", "when": "duskhours"}],
    "safety_flags": ["no_home_visits"],
    "safety_note": "twodogsbite",
    "identifiers": [{"system": "urn:mrn", "value": "MRN-77120934"}],
}
PLANTED = (
    "Quillabeth", "Zorvane", "Ottik", "Quillie", "Brixandra", "1961-04-23", "xenpronoun", "90417", "2125550167",
    "askforplim", "undertheviaduct", "duskhours", "twodogsbite", "MRN-77120934", "VISIT-5590", "wardnine", "courtheld",
    "needsacrutch", "clinicbythesea", "saidshecried", "tellsofthebrother", "halfwritten",
)  # fmt: skip


@pytest.fixture
def use_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the secret key, and former ones."""

    def use(key: str, *former: str) -> None:
        monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", key)
        monkeypatch.setenv("FOOTBRIDGE_FORMER_SECRET_KEYS", ",".join(former))
        get_settings.cache_clear()

    use(FIRST)
    yield use
    get_settings.cache_clear()


@pytest.fixture
def house(use_key: Callable[..., None], database: str) -> Iterator[House]:
    """A program whose secret key is the first."""
    with clock.stopped_at(NOW):
        yield build_house()


def plant(house: House) -> str:
    """Somebody of whom everything is told; the referral's id."""
    referral_id = house.accepted(
        person=PERSON, visit_id="VISIT-5590", unit="wardnine", legal_status="courtheld", note="needsacrutch",
        first_appointment_where="clinicbythesea",
    )  # fmt: skip
    house.post("bridger", f"/referrals/{referral_id}/attempts", {
        "mode": "call", "outcome": "no_answer", "at": NOW.isoformat(), "note": "saidshecried",
    })  # fmt: skip
    house.post("bridger", f"/referrals/{referral_id}/notes", {"note": "tellsofthebrother"})
    with engine.transaction() as session:
        planner = system_actor(house.program_id)
        keep_draft(session, planner, "drf_0123456789abcdef", {"family_name": ["halfwritten"]})
    return referral_id


def copy_of(url: str) -> str:
    """Everything that a copy of the database holds, as text: the files of SQLite, or what pg_dump writes."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        return "".join(one.read_bytes().decode("latin-1") for one in path.parent.glob(f"{path.name}*"))
    line = [postgres_binaries() / "pg_dump", "--host", parsed.query["host"], "--username", "postgres", parsed.database]
    return subprocess.run(list(map(str, line)), capture_output=True, text=True, check=True).stdout


def hits(url: str) -> set[str]:
    """What of the planted words a copy tells."""
    copied = copy_of(url)
    return {word for word in PLANTED if word in copied}


def test_a_copy_of_the_database_tells_nothing(house: House, database: str) -> None:
    referral_id = plant(house)
    assert hits(database) == set()
    with engine.read_session() as session:
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


def check_found(house: House) -> None:
    """Each way of finding somebody leads to them, and close misses do not."""
    with engine.read_session() as session:
        by_number = find_duplicates(session, house.program_id, identifiers=[("", "MRN-77120934")])
        assert [one.score for one in by_number] == [100]
        born = date(1961, 4, 23)
        by_name = find_duplicates(
            session, house.program_id, given_name="Quilabeth", family_name="Zorvane-Otik", birth_on=born
        )
        assert len(by_name) == 1
        actor = system_actor(house.program_id)
        for words in ("zor", "OTTIK quil", "quillie", "Quillabeth Zorvane"):
            assert len(find_standings(session, actor, NOW, words)) == 1, words
        for words in ("orvane", "zorx", "quil smith"):
            assert find_standings(session, actor, NOW, words) == [], words
        assert [p.family_name for p, _ in find_people(session, actor, "zorvane-ottik")] == ["Zorvane-Ottik"]
        assert find_people(session, actor, "zorvane") == []
    visit = house.post("planner", "/people/search", {"identifiers": [{"system": "", "value": "MRN-77120934"}]})
    assert len(visit["items"]) == 1


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
    assert [pair.why for pair in pairs] == ["the same birth date, a family name that sounds alike"]


def test_a_new_key_takes_over(house: House, use_key: Callable[..., None], database: str) -> None:
    plant(house)
    old = keyring().current
    use_key(SECOND, FIRST)
    check_found(house)
    with engine.read_session() as session:
        assert {key for one in list_standings(session) for key, count in one.values.items() if count} == {old}
    with engine.transaction() as session:
        done = rotate(session, engine.Slices(session), lambda rows: None)
    use_key(SECOND)
    with engine.transaction() as session:
        assert done > 5
        assert count_left(session) == 0
        assert sum(one.left for one in list_standings(session)) == 0
        assert rotate(session, engine.Slices(session), lambda rows: None) == 0, "all is done"
        assert verify_all(session).problems == []
    vacuum(database)
    assert old not in copy_of(database)
    check_found(house)


def test_without_the_former_key_nothing_is_lost_and_it_is_said(house: House, use_key: Callable[..., None]) -> None:
    plant(house)
    old = keyring().current
    use_key(SECOND)
    with engine.read_session() as session:
        assert find_unknown_key(session) == old
        assert {key for s in list_standings(session) for key, count in s.values.items() if count} == {ANOTHER}
    with engine.transaction() as session, pytest.raises(CannotOpen, match=old):
        rotate(session, engine.Slices(session), lambda rows: None)
    use_key(FIRST)
    check_found(house)


def test_what_was_written_before_there_was_sealing_is_sealed(
    house: House, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(sealing, "is_on", False)
        before.setattr("records.tables.told.Told.__new__", lambda cls, words, salt=None: _unsalted(cls, words))
        plant(house)
    as_migrated()
    check_found(house)
    with engine.read_session() as session:
        assert {key for s in list_standings(session) for key, count in s.values.items() if count} == {CLEAR}
    with engine.transaction() as session:
        rotate(session, engine.Slices(session), lambda rows: None)
    with engine.transaction() as session:
        assert count_left(session) == 0
        assert verify_all(session).problems == [], "the hashes of old entries still hold"
    vacuum(database)
    assert hits(database) == set()
    check_found(house)


def _unsalted(cls: type[str], words: str) -> Any:
    self = str.__new__(cls, words)
    self.salt = ""  # type: ignore[attr-defined]
    return self


def as_migrated() -> None:
    """The marks as the migration leaves them: the values themselves, or none."""
    with engine.transaction() as session:
        for statement in (
            "UPDATE person SET birth_mark = birth_on, sound_mark = NULL, given_mark = NULL, name_marks = NULL",
            "UPDATE person_identifier SET value_mark = value",
            "UPDATE referral SET visit_mark = visit_id",
            "UPDATE disclosure SET recipient_mark = recipient",
        ):
            session.execute(text(statement))


def vacuum(url: str) -> None:
    """What was overwritten is gone from the file, as docs/encryption.md asks after a first sealing."""
    engine.dispose()
    engine.configure(url)
    if url.startswith("sqlite"):
        connection = engine.database().write.raw_connection()
        connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        connection.close()


def test_it_can_be_stopped_and_goes_on_while_others_write(
    house: House, use_key: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("records.commands.keys.AT_ONCE", 1)
    monkeypatch.setattr(engine.Slices, "AT_A_TIME", 0.0)
    monkeypatch.setattr(engine.Slices, "LET_IN", 0.01)
    referral_id = plant(house)
    use_key(SECOND, FIRST)
    with engine.read_session() as session:
        before = count_left(session)
    calls = 0

    def stop(rows: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), engine.transaction() as session:
        rotate(session, engine.Slices(session), stop)
    with engine.read_session() as session:
        assert before - 4 <= count_left(session) < before
    written = []

    def write() -> None:
        for number in range(5):
            answer = house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": f"meanwhile {number}"})
            written.append(answer.status_code)

    other = threading.Thread(target=write)
    other.start()
    with engine.transaction() as session:
        rotate(session, engine.Slices(session), lambda rows: None)
    other.join()
    assert written == [200] * 5
    with engine.transaction() as session:
        rotate(session, engine.Slices(session), lambda rows: None)
        assert count_left(session) == 0
        assert verify_all(session).problems == []


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


def test_a_corrected_name_is_found_by_the_new_one(house: House) -> None:
    plant(house)
    with engine.transaction() as session:
        actor, person = system_actor(house.program_id), session.exec(select(Person)).one()
        correct_person(session, actor, person.id, PersonDetails("Una", "Marrow"))
    with engine.read_session() as session:
        assert len(find_standings(session, actor, NOW, "marr")) == 1
        assert find_standings(session, actor, NOW, "zorv") == []
        assert session.exec(select(Referral)).one().visit_id == "VISIT-5590"
        assert session.exec(select(PersonIdentifier)).one().value == "MRN-77120934"
