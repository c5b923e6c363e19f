"""A new secret key takes over, while everybody works; and what was written before there was sealing is sealed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import text
from sqlmodel import select
from typer.testing import CliRunner

from cli.guard import NotReady
from cli.main import app
from records import engine, migrate, sealing
from records.commands.kept_forms import find_kept, keep_form
from records.commands.keys import _seal_anew, count_left, rotate
from records.commands.second_factor import new_secret, secret_of
from records.marks import has_visit
from records.queries.audit import verify_all
from records.queries.keys import ANOTHER, CLEAR, find_unknown_key, list_standings
from records.queries.people import find_duplicates
from records.sealing import CannotOpen, keyring
from records.tables import ConsentVersion, JournalEntry, Referral, SecondFactor, Staff
from records.tables.told import CLOSED
from tests.api.house import NOW, House
from tests.sealed.planted import FIRST, PLANTED, SECOND, check_found, copy_of, hits, plant, vacuum


def test_a_new_key_takes_over(house: House, use_key: Callable[..., None], database: str) -> None:
    plant(house)
    with engine.transaction() as session:
        secret = secret_of(new_secret(session, house.staff["bridger"]))
        kept = keep_form(session, session.get_one(Staff, house.staff["bridger"]), "/notes", {"note": ["unsent"]})
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
    with engine.read_session() as session:
        assert secret_of(session.get_one(SecondFactor, house.staff["bridger"])) == secret
        assert find_kept(session, house.staff["bridger"], kept) == ("/notes", {"note": ["unsent"]})


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


def test_words_in_the_journal_that_do_not_open_are_left_as_they_are(house: House, use_key: Callable[..., None]) -> None:
    plant(house)
    with engine.transaction() as session:
        before = session.execute(sa.text("SELECT id, CAST(data AS VARCHAR) FROM journal ORDER BY id")).all()
    use_key(SECOND)
    with engine.read_session() as session:
        entry = session.exec(select(JournalEntry).where(JournalEntry.event == "note.added")).one()
        assert entry.data["note"] == CLOSED
    with engine.transaction() as session, pytest.raises(CannotOpen, match="journal"):
        _seal_anew(JournalEntry, session.get_one(JournalEntry, entry.id))
    with engine.read_session() as session:
        assert session.execute(sa.text("SELECT id, CAST(data AS VARCHAR) FROM journal ORDER BY id")).all() == before


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


def test_the_terminal_says_how_it_stands_and_lets_a_key_take_over(
    house: House, use_key: Callable[..., None], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", database)
    use_key(FIRST)
    run = CliRunner().invoke
    plant(house)
    old = keyring().current
    fine = run(app, ["keys", "status"])
    assert fine.exit_code == 0
    assert "Everything lies under the key of now." in fine.stdout.splitlines()
    assert f"{old} (now)" in fine.stdout
    use_key(SECOND)
    lost = run(app, ["keys", "status"])
    assert isinstance(lost.exception, NotReady), "with another key nothing starts"
    use_key(SECOND, FIRST)
    halfway = run(app, ["keys", "status"])
    assert halfway.exit_code == 1
    assert "values do not: footbridge keys rotate" in halfway.stdout
    done = run(app, ["keys", "rotate"])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "Nothing lies under another key: the former ones may go."
    use_key(SECOND)
    assert run(app, ["keys", "status"]).exit_code == 0
    engine.configure(database)
    with engine.read_session() as session:
        events = session.exec(select(JournalEntry).where(JournalEntry.event == "keys.rotated")).all()
        assert {entry.data["key_id"] for entry in events} == {keyring().current}


def _rows_of_old(connection: sa.Connection) -> None:
    """Two people, a referral and what hangs on it, as they lay there before columns were sealed."""
    tables = sa.MetaData()
    tables.reflect(connection)

    def put(into: str, **values: Any) -> None:
        table = tables.tables[into]
        needed = {c.name: _plain(c.type) for c in table.columns if not c.nullable and c.name not in values}
        connection.execute(table.insert(), needed | values)

    put("program", id="prg_1", name="P", zone="UTC")
    put("facility", id="fac_1", program_id="prg_1", name="F", kind="hospital", setting="psychiatric_inpatient")
    for number, given in enumerate(("Quillabeth", "Ada"), 1):
        put("person", id=f"per_{number}", program_id="prg_1", given_name=given, family_name="Zorvane-Ottik",
            preferred_name="Quillie", birth_on=date(1961, 4, 23), name_sound="X", zone="UTC", gender="unstated",
            phones=[{"number": "+12125550167"}], safety_note="twodogsbite")  # fmt: skip
    put("person_identifier", id="pid_1", program_id="prg_1", person_id="per_1", system="urn:mrn", value="MRN-77120934")
    put("person_identifier", id="pid_2", program_id="prg_1", person_id="per_2", system="urn:mrn", value="MRN-2")
    put("referral", id="ref_1", program_id="prg_1", number="A1", person_id="per_1", facility_id="fac_1",
        setting="psychiatric_inpatient", status="submitted", consent="given", date_certainty="unknown",
        visit_id="VISIT-5590")  # fmt: skip
    for number, line in enumerate(("intake", "other:relative:brixandra"), 1):
        put("consent_version", id=f"cns_{number}", program_id="prg_1", referral_id="ref_1", line=line, version=1,
            answer="given", grants=[], signer="person", method="paper")  # fmt: skip


def _plain(kind: sa.types.TypeEngine[Any]) -> Any:
    if isinstance(kind, sa.DateTime):
        return NOW
    if isinstance(kind, sa.JSON):
        return []
    return False if isinstance(kind, sa.Boolean) else 0 if isinstance(kind, sa.Integer | sa.Float) else ""


def test_a_database_of_old_is_migrated_and_sealed(empty_database_url: str, use_key: Callable[..., None]) -> None:
    with migrate._open(empty_database_url).begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        _rows_of_old(connection)
    migrate.upgrade(empty_database_url)
    engine.configure(empty_database_url)
    for rows in (7, 0):
        with engine.read_session() as session:
            found = find_duplicates(session, "prg_1", identifiers=[("", "MRN-77120934")])
            assert [one.person.full_name for one in found] == ["Quillie Zorvane-Ottik"]
            born = find_duplicates(session, "prg_1", family_name="Zorvane-Ottik", birth_on=date(1961, 4, 23))
            assert len(born) == 2
            assert session.exec(select(Referral.id).where(has_visit("prg_1", "VISIT-5590"))).all() == ["ref_1"]
            lines = sorted(session.exec(select(ConsentVersion.line)))
            assert lines == ["intake", "other:relative:brixandra"]
        with engine.transaction() as session:
            assert rotate(session, engine.Slices(session), lambda rows: None) == rows
    vacuum(empty_database_url)
    copied = copy_of(empty_database_url)
    assert not {word for word in (*PLANTED, "brixandra") if word in copied}
    engine.dispose()
