"""A copy while the records are used, and the way back: verified on both ways, refused when it is not what it was."""

from __future__ import annotations

import json
import signal
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import col, select
from typer.testing import CliRunner

from cli import copies, postgres_copies, sqlite_copies
from cli.local_postgres import PostgresServer
from cli.main import app
from cli.opening import Stop
from domain.vocabulary import (
    AgreedHow,
    Channel,
    ConsentStatus,
    DateCertainty,
    NotificationState,
    Role,
    Setting,
)
from records import clock, engine, migrate
from records.access import system_actor
from records.commands import agenda
from records.commands.changes import set_meeting
from records.commands.disclosures import show_standing
from records.commands.people import PersonDetails, Phone
from records.commands.referrals import ReferralDetails, file_referral
from records.commands.replies import IncomingText, take_reply
from records.commands.staff import add_staff
from records.commands.texting import allow_texts, refuse_texts
from records.engine import BeingRestored
from records.queries.restored import MAY_HAVE_GONE, find_restored
from records.settings import get_settings
from records.tables import Notification, PersonText, Referral
from tests.engine.program import SmallProgram, events, small_program
from tests.support.checked import assert_every_promise_holds
from tests.support.databases import postgres_copy, take_back_a_step
from tests.workflows.gateways.sms_provider import Provider, sms_provider
from workflows.activities.send import deliver
from workflows.gateways.opening import open_gateway


@pytest.fixture
def program(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallProgram]:
    """A program at work, on the settings that the terminal has too."""
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", database)
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "5e" * 32)
    get_settings.cache_clear()
    made = small_program()
    with engine.transaction() as session:
        hand = system_actor(made.planner.program_id)
        add_staff(session, hand, email="admin@invented.example", name="Admin Invented", roles=[Role.ADMIN])
    yield made
    engine.dispose()
    clock.run_real()
    get_settings.cache_clear()


def backed_up(folder: Path) -> Path:
    """Make one as an operator does, while the records are open here."""
    done = CliRunner().invoke(app, ["backup", str(folder)])
    assert done.exit_code == 0, done.output
    (made,) = [one for one in folder.iterdir() if not one.name.startswith(".")]
    return made


def refused(*arguments: str) -> str:
    """What a command says when it goes no further."""
    done = CliRunner().invoke(app, list(arguments))
    assert isinstance(done.exception, Stop), done.output
    return str(done.exception)


def test_what_came_after_the_copy_is_named_and_nothing_that_waited_goes_out_by_itself(
    program: SmallProgram, database: str, tmp_path: Path
) -> None:
    first = program.file("Before")
    with engine.transaction() as session:
        agenda.carry_out(session, first)  # somebody is asked by e-mail, and no worker runs that sends it
    with engine.read_session() as session:
        waiting = session.exec(select(Notification.id).where(Notification.state == NotificationState.QUEUED)).all()
    made = backed_up(tmp_path / "backups")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in made.iterdir()} == {0o600}
    engine.configure(database)
    second = program.file("After")
    with engine.read_session() as session:
        lost = session.get_one(Referral, second).number
    later_head = CliRunner().invoke(app, ["audit", "head"]).stdout.strip()
    engine.dispose()

    assert "--replace" in refused("restore", str(made))
    done = CliRunner().invoke(app, ["restore", str(made), "--replace"])

    assert done.exit_code == 0, done.output
    assert f"- {lost}:" in done.output
    assert "file it again" in done.output
    engine.configure(database)
    with engine.read_session() as session:
        assert session.exec(select(Referral.id)).all() == [first]
        assert session.get_one(Referral, first).untold_since is not None
        settled = session.exec(select(Notification).where(col(Notification.id).in_(waiting))).all()
        assert waiting
        assert {(one.state, one.problem) for one in settled} == {(NotificationState.UNCONFIRMED, MAY_HAVE_GONE)}
        told = session.exec(select(Notification).where(Notification.template == "records_put_back")).all()
        assert len({one.staff_id for one in told}) == 7, "every member of staff, each once"
        assert len(told) == len({(one.staff_id, one.channel) for one in told})
        assert {one.channel for one in told} >= {Channel.IN_APP, Channel.EMAIL}
        restored = find_restored(session)
    assert restored is not None
    assert_every_promise_holds()

    whole = CliRunner().invoke(
        app, ["audit", "verify", "--head", restored.head] if restored.head else ["audit", "verify"]
    )
    assert whole.exit_code == 0, whole.output
    cut = CliRunner().invoke(app, ["audit", "verify", "--head", later_head])
    assert cut.exit_code == 1
    assert "what was written from then until seal" in cut.output.replace("\n", " ")


def test_what_needs_a_consent_is_held_until_an_administrator_says_so_by_name(
    program: SmallProgram, database: str, tmp_path: Path
) -> None:
    referral_id = program.file("Held")
    made = backed_up(tmp_path / "backups")
    CliRunner().invoke(app, ["restore", str(made), "--replace"])

    assert CliRunner().invoke(app, ["after-restore"]).exit_code == 1
    engine.configure(database)
    assert not _may_see(program, referral_id)
    assert "nobody" in refused("after-restore", "--release", "nobody@invented.example").lower()
    denied = CliRunner().invoke(app, ["after-restore", "--release", "supervisor@invented.example"])
    assert denied.exit_code != 0
    done = CliRunner().invoke(app, ["after-restore", "--release", "admin@invented.example"])
    assert done.exit_code == 0, done.output
    engine.configure(database)
    assert _may_see(program, referral_id)
    assert events(f"program:{program.planner.program_id}")[-2:] == ["records.put_back", "records.released"]


def _may_see(program: SmallProgram, referral_id: str) -> bool:
    with engine.transaction() as session:
        referral = session.get_one(Referral, referral_id)
        shown = show_standing(
            session, [referral], program.planner.facility_id or "", by=program.planner.id, now=clock.now()
        )
        return shown[referral_id].is_allowed


def killed_in_restore(made: Path, point: str) -> None:
    """`footbridge restore --replace` in a process of its own, which is killed when it comes to that point."""
    dying = (
        "import os, signal, sys, pathlib, cli.backing_up\n"
        f"{point} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)"
        "\nfrom cli.main import app\napp(sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", dying, "restore", str(made), "--replace"], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.postgresql
def test_nobody_works_on_tables_whose_restore_died_before_they_were_marked(
    program: SmallProgram, database: str, tmp_path: Path
) -> None:
    with engine.transaction() as session:
        agenda.carry_out(session, program.file("Before"))  # somebody is asked by e-mail, which goes out after the copy
    made = backed_up(tmp_path / "backups")
    engine.configure(database)
    with engine.read_session() as session:
        lost = session.get_one(Referral, program.file("After")).number
    engine.dispose()

    killed_in_restore(made, "cli.backing_up.put_back")

    engine.configure(database)  # a worker that only waited for its database
    for opened in (engine.transaction, engine.read_session):
        with pytest.raises(BeingRestored), opened() as session:
            session.exec(select(Notification)).all()
    engine.dispose()
    for command in (["check"], ["backup", str(tmp_path / "backups")], ["migrate"]):
        assert "restore" in refused(*command), "and one that is started"
    assert "--replace" in refused("restore", str(made)), "the former records are in their place again"
    done = CliRunner().invoke(app, ["restore", str(made), "--replace"])
    assert done.exit_code == 0, done.output
    assert f"- {lost}:" in done.output, "what is lost is told by the records of before, not by the half"
    engine.configure(database)
    with engine.read_session() as session:
        assert find_restored(session) is not None
        waiting = session.exec(select(Notification.state).where(Notification.template != "records_put_back")).all()
        assert NotificationState.QUEUED not in waiting
    assert_every_promise_holds()


@pytest.mark.postgresql
def test_a_first_restore_that_died_is_done_again(
    program: SmallProgram, database: str, postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into an empty database, where there is nothing to keep."""
    program.file("Before")
    made = backed_up(tmp_path / "backups")
    with postgres_copy(postgres, "template0") as empty:
        monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", empty)
        get_settings.cache_clear()
        killed_in_restore(made, "cli.postgres_copies._restore")
        assert "restore" in refused("migrate"), "new, empty records would let everybody work"
        killed_in_restore(made, "cli.backing_up.put_back")
        assert "restore" in refused("check")
        done = CliRunner().invoke(app, ["restore", str(made)])
        assert done.exit_code == 0, done.output
        engine.dispose()


@pytest.mark.postgresql
def test_a_restore_that_fails_leaves_the_records_of_before(
    program: SmallProgram, database: str, tmp_path: Path
) -> None:
    referral_id = program.file("Before")
    made = backed_up(tmp_path / "backups")
    refusing = (
        "CREATE FUNCTION elsewhere.refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''full''; END'"
    )
    engine.configure(database)
    with engine.transaction() as session:
        session.execute(text("CREATE SCHEMA elsewhere"))
        session.execute(text(refusing))
        on = "ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION elsewhere.refuse()"
        session.execute(text(f"CREATE EVENT TRIGGER refusing {on}"))
    engine.dispose()
    assert "pg_restore could not" in refused("restore", str(made), "--replace")
    engine.configure(database)
    with engine.read_session() as session:
        assert session.get(Referral, referral_id) is not None
        assert find_restored(session) is None


@pytest.mark.sqlite
def test_there_are_records_at_every_moment_of_a_restore(program: SmallProgram, database: str, tmp_path: Path) -> None:
    """A web server that finds none would begin with empty ones."""
    program.file("Before")
    made = backed_up(tmp_path / "backups")
    engine.configure(database)
    after = program.file("After")
    engine.dispose()
    killed_in_restore(made, "pathlib.Path.replace")  # the new file's way into the old one's place
    engine.configure(database)
    with engine.read_session() as session:
        assert session.get(Referral, after) is not None


@pytest.mark.sqlite
def test_a_backup_that_is_not_what_it_was_is_refused(
    program: SmallProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.file()
    made = backed_up(tmp_path / "backups")
    data, manifest = made / "records.sqlite3", made / copies.MANIFEST
    whole, said = data.read_bytes(), manifest.read_text()
    copies.read(made)

    assert "is no backup" in refused("restore", str(tmp_path))
    data.write_bytes(whole[:-4096])
    assert "cut or altered" in refused("restore", str(made))
    data.write_bytes(whole[:5000] + b"x" + whole[5001:])
    assert "cut or altered" in refused("restore", str(made))
    data.write_bytes(whole)
    manifest.write_text(json.dumps(json.loads(said) | {"made_at": "2026-01-01T00:00:00+00:00"}))
    assert "manifest was altered" in refused("restore", str(made))
    manifest.write_text(said)
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "6f" * 32)
    get_settings.cache_clear()
    assert "FOOTBRIDGE_FORMER_SECRET_KEYS" in refused("restore", str(made))


@pytest.mark.sqlite
def test_records_in_use_are_not_replaced(program: SmallProgram, database: str, tmp_path: Path) -> None:
    program.file()
    made = backed_up(tmp_path / "backups")
    with sqlite3.connect(database.removeprefix("sqlite:///")) as other:
        other.execute("SELECT count(*) FROM referral").fetchone()
        assert "in use" in refused("restore", str(made), "--replace")
    other.close()


def test_a_backup_of_the_version_before_is_put_back_and_migrated(
    program: SmallProgram, database: str, tmp_path: Path
) -> None:
    referral_id = program.file("Before")
    with engine.transaction() as session:
        agenda.carry_out(session, referral_id)
    engine.dispose()
    step = take_back_a_step(database)
    kind, way = ("sqlite", sqlite_copies) if database.startswith("sqlite") else ("postgresql", postgres_copies)
    made, manifest = copies.write(tmp_path / "backups", kind, lambda data: way.copy_out(database, data))
    assert manifest.step == step < (migrate.newest() or "")

    done = CliRunner().invoke(app, ["restore", str(made), "--replace"])

    assert done.exit_code == 0, f"{done.output} {done.exception}"
    assert migrate.current(database) == migrate.newest()
    engine.configure(database)
    with engine.read_session() as session:
        assert session.exec(select(Referral.id)).all() == [referral_id]
        assert find_restored(session) is not None
        states = session.exec(select(Notification.state).where(Notification.template != "records_put_back")).all()
        assert NotificationState.QUEUED not in states
    program.file("After")
    assert_every_promise_holds()


def test_a_later_version_had_migrated_beneath_it(program: SmallProgram, database: str, tmp_path: Path) -> None:
    """A version that is replaced goes on while the next one migrates, and its backups are of the later step. One that
    was put back restores what it made itself before, over the later tables."""
    referral_id = program.file("Before")
    made = backed_up(tmp_path / "ours")
    engine.configure(database)
    with engine.transaction() as session:
        session.execute(text("CREATE TABLE of_later (id integer)"))
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    later = backed_up(tmp_path / "later")

    assert "use that version, or a later" in refused("restore", str(later), "--replace")
    done = CliRunner().invoke(app, ["restore", str(made), "--replace"])
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    assert migrate.current(database) == migrate.newest()
    engine.configure(database)
    with engine.read_session() as session:
        assert session.exec(select(Referral.id)).all() == [referral_id]
    assert_every_promise_holds()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Texts go to a real server on this machine."""
    with sms_provider() as opened:
        given = {"gateway": "http", "url": opened.url, "account": "AC1", "token": "secret", "from": "+15550100000"}
        for name, value in given.items():
            monkeypatch.setenv(f"FOOTBRIDGE_SMS_{name.upper()}", value)
        monkeypatch.setenv("FOOTBRIDGE_INTERNAL_HOSTS", "127.0.0.1")
        get_settings.cache_clear()
        open_gateway.cache_clear()
        yield opened
    open_gateway.cache_clear()


def test_texts_to_people_wait_until_stops_are_on_record_again(
    program: SmallProgram, database: str, tmp_path: Path, provider: Provider
) -> None:
    """Two people agreed to texts, one of them sends STOP after the copy. What was due by the copy may have gone and is
    not sent again; what falls due later waits for the release, and then goes to the one alone."""
    clock.set_to((clock.now() + timedelta(days=1)).replace(hour=17, minute=0))
    stays, stops = (_texted(program, phone) for phone in ("+12125550123", "+12125550124"))
    made = backed_up(tmp_path / "backups")
    engine.configure(database)
    with engine.transaction() as session:
        take_reply(session, IncomingText("SM-stop", "+12125550124", "STOP"))
    engine.dispose()

    done = CliRunner().invoke(app, ["restore", str(made), "--replace"])
    assert done.exit_code == 0, done.output
    engine.configure(database)
    clock.advance(timedelta(days=1, hours=5))
    with engine.read_session() as session:
        texts = {row.id: row for row in session.exec(select(PersonText))}
    states = Counter(row.state for row in texts.values())
    assert states == {NotificationState.CANCELLED: 2, NotificationState.QUEUED: 2}
    _deliver(texts)
    assert provider.requests == [], "nothing goes to a person before the release"

    with engine.transaction() as session:
        refuse_texts(session, program.supervisor, stops, "+12125550124")  # entered again, as the message asks
    assert CliRunner().invoke(app, ["after-restore", "--release", "admin@invented.example"]).exit_code == 0
    engine.configure(database)
    _deliver(texts)
    assert [one["form"]["To"] for one in provider.requests] == [["+12125550123"]]
    with engine.read_session() as session:
        sent = session.exec(select(PersonText.referral_id).where(PersonText.state == NotificationState.SENT)).all()
    assert sent == [stays]


def _texted(program: SmallProgram, phone: str) -> str:
    """Somebody who said yes to texts: the welcome is due, and the reminder of a meeting tomorrow."""
    person = PersonDetails("Invented", f"Placeholder {phone[-1]}", birth_on=date(1980, 1, 2), phones=[Phone(phone)])
    details = ReferralDetails(
        setting=Setting.PSYCHIATRIC_INPATIENT,
        expected_on=(clock.now() + timedelta(days=3)).date(),
        certainty=DateCertainty.CONFIRMED,
        consent=ConsentStatus.GIVEN,
    )
    with engine.transaction() as session:
        row = file_referral(session, program.planner, person, details)
        allow_texts(session, program.supervisor, row.id, phone, AgreedHow.BY_PHONE)
        set_meeting(session, program.supervisor, row.id, clock.now() + timedelta(days=2))
    return row.id


def _deliver(texts: Iterable[str]) -> None:
    for one in texts:
        deliver(one)
