"""The commands of the terminal, on real records: users, tokens, imports, the demonstration, and plain refusals."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from cli import guard
from cli import main as entry
from cli.opening import Stop
from domain.errors import Conflict, NotAllowed, NotFound
from domain.vocabulary import Role
from records import clock, engine, migrate
from records.commands import links, sign_in, systems
from records.seed.people import PASSWORD
from records.settings import get_settings
from records.tables import Bridger, Program, Referral, SignInRules, Staff, StaffSession

COMMANDS = {
    "up", "api", "worker", "migrate", "seed", "check-config", "token", "import", "user", "program",
    "facility", "simulate", "audit", "rebuild", "keys", "check", "conformance",
}  # fmt: skip


def run(*words: str) -> Result:
    """Type a command; what is refused is raised."""
    return CliRunner().invoke(entry.app, list(words), catch_exceptions=False)


@pytest.fixture
def set_up(terminal: Path) -> Path:
    """Records with a program, a jail, and a manager."""
    run("migrate")
    run("program", "add", "Example Peers")
    run("facility", "add", "Example County Jail", "--kind", "jail", "--setting", "jail")
    run("user", "add", "ma@peers.example", "--name", "Ma Nager", "--role", "manager", "--role", "supervisor")
    return terminal


def test_help_names_every_command(terminal: Path) -> None:
    said = run("--help")
    assert said.exit_code == 0
    assert set(re.findall(r"^│ ([a-z-]+) ", said.stdout, re.MULTILINE)) >= COMMANDS
    for command in COMMANDS:
        assert run(command, "--help").exit_code == 0


def test_migrate_says_where_the_records_are(terminal: Path) -> None:
    assert run("migrate").stdout == f"The records are at step {migrate.newest()}.\n"
    assert run("migrate").stdout == f"The records are at step {migrate.newest()}. Nothing had to change.\n"


def test_records_that_are_behind_are_not_used(terminal: Path) -> None:
    with pytest.raises(Stop, match="footbridge migrate"):
        run("token", "somebody@peers.example")


def test_a_user_gets_a_link_to_choose_a_password(set_up: Path) -> None:
    said = run("user", "add", "Jo@Peers.example", "--name", "Jo Sample", "--role", "bridger")
    assert "Jo Sample is on the list as jo@peers.example." in said.stdout
    link = said.stdout.strip().splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8000/choose-password/lnk_")
    token = links.choose_password(link.rpartition("/")[2], "seven quiet herons", "")
    with engine.read_session() as session:
        jo = sign_in.session_of(session, token)
        assert jo is not None
        manager = session.exec(select(Staff).where(Staff.email == "ma@peers.example")).one()
        assert jo.supervisor_id == manager.id
        assert session.get(Bridger, jo.id) is not None


def test_a_newer_link_voids_the_one_before(set_up: Path) -> None:
    first, second = (run("user", "invite", "Ma@peers.example").stdout.strip() for _ in range(2))
    with pytest.raises(NotFound):
        links.choose_password(first.rpartition("/")[2], "seven quiet herons", "")
    assert links.choose_password(second.rpartition("/")[2], "seven quiet herons", "")
    with pytest.raises(Stop, match="Nobody here signs in as"):
        run("user", "invite", "nobody@peers.example")


def test_the_first_of_each_is_in_charge(set_up: Path) -> None:
    run("user", "add", "cli@peers.example", "--name", "Cli Nician", "--role", "clinician")
    said = run("user", "add", "second@peers.example", "--name", "Se Cond", "--role", "supervisor")
    assert "until you name another" not in said.stdout
    with engine.read_session() as session:
        program = session.exec(select(Program)).one()
        names = {staff.id: staff.name for staff in session.exec(select(Staff))}
    assert names[program.supervisor_id] == names[program.manager_id] == "Ma Nager"
    assert names[program.clinician_id] == "Cli Nician"


def test_a_planner_works_at_a_facility(set_up: Path) -> None:
    with pytest.raises(Stop, match="There are: Example County Jail"):
        run("user", "add", "p@jail.example", "--name", "Pla Nner", "--role", "planner", "--facility", "Nowhere")
    said = run("user", "add", "p@jail.example", "--name", "Pla Nner", "--role", "planner", "--facility",
               "example county jail")  # fmt: skip
    assert said.exit_code == 0
    with pytest.raises(Conflict):
        run("user", "add", "p@jail.example", "--name", "Pla Nner", "--role", "manager")


def test_a_role_that_does_not_exist_is_refused_with_the_list(set_up: Path) -> None:
    said = run("user", "add", "x@peers.example", "--name", "X", "--role", "boss")
    assert said.exit_code == 2
    assert "supervisor" in said.stderr


def test_a_password_that_others_know_is_void_and_a_link_takes_its_place(set_up: Path) -> None:
    first = run("user", "invite", "ma@peers.example").stdout.strip().rpartition("/")[2]
    links.choose_password(first, "seven quiet herons", "")
    said = run("user", "password", "MA@peers.example").stdout
    assert "signed out everywhere" in said
    link = said.strip().splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8000/choose-password/lnk_"), "a link, and no password, is on the screen"
    with engine.read_session() as session:
        assert session.exec(select(StaffSession)).all() == []
    with pytest.raises(NotAllowed):
        sign_in.sign_in("ma@peers.example", "seven quiet herons")
    assert links.choose_password(link.rpartition("/")[2], "nine lanterns by the weir", "")
    with pytest.raises(Stop, match="Nobody here signs in as"):
        run("user", "password", "nobody@peers.example")


def test_a_token_is_all_that_stdout_holds(set_up: Path) -> None:
    said = run("token", "ma@peers.example", "--days", "7", "--name", "nightly")
    token = said.stdout.strip()
    assert said.stdout == f"{token}\n"
    assert "7 days" in said.stderr
    with engine.read_session() as session:
        staff = sign_in.staff_of_token(session, token)
    assert staff is not None
    assert staff.email == "ma@peers.example"


@pytest.fixture
def sample(set_up: Path) -> str:
    """The sample, as somebody keeps it in a file."""
    file = set_up / "releases.csv"
    file.write_text(run("import", "--sample").stdout, encoding="utf-8")
    return str(file)


def test_the_sample_is_taken_whole_and_counts_once(sample: str) -> None:
    first = run("import", sample, "--facility", "Example County Jail")
    assert "6 rows: 6 filed." in first.stdout
    again = run("import", sample, "--facility", "Example County Jail")
    assert "6 rows: 6 duplicate." in again.stdout
    with engine.read_session() as session:
        assert len(session.exec(select(Referral)).all()) == 6


def test_an_import_of_nothing_says_where_to_begin(set_up: Path) -> None:
    with pytest.raises(Stop, match="footbridge import --sample"):
        run("import")


def test_whose_list_it_is_goes_without_saying_when_there_is_one_jail(sample: str) -> None:
    assert "filed" in run("import", sample).stdout
    run("facility", "add", "Other Jail", "--kind", "jail", "--setting", "jail")
    with pytest.raises(Stop, match=r"Say whose list it is .* are: Example County Jail, Other Jail"):
        run("import", sample)


def test_others_write_while_a_long_list_is_taken(set_up: Path, tmp_path: Path) -> None:
    day = clock.now().date() + timedelta(days=6)
    rows = (f"B-{n},Given{'abcdefghij'[n % 10]},Family{n * 7919:x},19{n % 90 + 10}-05-31,{day}" for n in range(400))
    header = "booking_number,first_name,last_name,birth_date,release_date"
    (tmp_path / "long.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    seen: set[int] = set()
    with _somebody_else_writing(set_up / "footbridge.sqlite3", seen):
        assert "400 rows" in run("import", str(tmp_path / "long.csv")).stdout
    assert {count for count in seen if 0 < count < 400}, f"nobody got in before the end: {sorted(seen)}"


@contextmanager
def _somebody_else_writing(file: Path, seen: set[int]) -> Iterator[None]:
    """Another process of the program, which writes again and again; how many referrals it saw each time."""
    done = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as other:
            while not done.is_set():
                other.execute("BEGIN IMMEDIATE")
                seen.add(other.execute("SELECT count(*) FROM referral").fetchone()[0])
                other.execute("COMMIT")
                done.wait(0.01)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_list_that_cannot_be_read_is_said(set_up: Path, tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"nothing\.csv cannot be read: No such file"):
        run("import", str(tmp_path / "nothing.csv"), "--facility", "Example County Jail")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    with pytest.raises(Stop):
        run("import", str(tmp_path / "picture.csv"), "--facility", "Example County Jail")


def test_a_program_of_production_asks_everybody_for_a_second_step(
    terminal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ENVIRONMENT": "production", "SECRET_KEY": "0123456789abcdef" * 4}.items():
        monkeypatch.setenv(f"FOOTBRIDGE_{name}", value)
    monkeypatch.setenv("FOOTBRIDGE_PUBLIC_URL", "https://bridges.example")
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", f"sqlite:///{terminal / 'production.sqlite3'}")
    get_settings.cache_clear()
    run("migrate")
    assert "Everybody signs in with a second step" in run("program", "add", "Example Peers").stdout
    with engine.read_session() as session:
        assert set(session.exec(select(SignInRules)).one().second_factor_roles) == {role.value for role in Role}


def test_several_programs_ask_which_one(set_up: Path) -> None:
    run("program", "add", "Other Peers")
    with pytest.raises(Stop, match="There are: Example Peers, Other Peers"):
        run("user", "add", "x@peers.example", "--name", "Ex Ample", "--role", "admin")
    assert run("user", "add", "x@peers.example", "--name", "Ex Ample", "--role", "admin", "--program",
               "other peers").exit_code == 0  # fmt: skip


def test_the_demonstration_goes_into_empty_records_only(set_up: Path) -> None:
    with pytest.raises(Stop, match="empty records only"):
        run("seed")


def test_the_demonstration_loads(terminal: Path) -> None:
    run("migrate")
    assert run("seed").exit_code == 0
    assert sign_in.sign_in("bridger1@footbridge.example", PASSWORD)


def test_the_demonstration_is_not_for_production(terminal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("migrate")
    monkeypatch.setenv("FOOTBRIDGE_ENVIRONMENT", "production")
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "7f3a9c21e5b8d4067f3a9c21e5b8d406")
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", f"sqlite:///{terminal / 'footbridge.sqlite3'}")
    monkeypatch.setenv("FOOTBRIDGE_PUBLIC_URL", "https://bridges.example")
    get_settings.cache_clear()
    with pytest.raises(Stop, match="not for production"):
        run("seed")


def test_check_config_shows_settings_without_secrets(terminal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_SMTP_PASSWORD", "sesame-sesame")
    monkeypatch.setenv("FOOTBRIDGE_PORT", "8123")
    get_settings.cache_clear()
    said = run("check-config")
    assert said.exit_code == 0
    assert re.search(r"FOOTBRIDGE_PORT\s+8123\s*$", said.stdout, re.MULTILINE)
    assert re.search(r"FOOTBRIDGE_HOST\s+127\.0\.0\.1\s+\(default\)", said.stdout)
    assert "sesame" not in said.stdout
    monkeypatch.setenv("FOOTBRIDGE_ENVIRONMENT", "production")
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "short")
    get_settings.cache_clear()
    with pytest.raises(guard.NotReady, match="5 characters"):
        run("check-config")


def test_check_config_shows_no_password_of_the_database(terminal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", "postgresql://footbridge:sesame-sesame@records.example/footbridge")
    get_settings.cache_clear()
    said = run("check-config")
    assert "records.example/footbridge" in said.stdout
    assert "sesame" not in said.stdout


@pytest.mark.parametrize("command", ["api", "worker", "check-config"])
def test_nothing_speaks_with_a_temporal_in_clear(terminal: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_ENVIRONMENT", "production")
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "7f3a9c21e5b8d4067f3a9c21e5b8d406")
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", f"sqlite:///{terminal / 'footbridge.sqlite3'}")
    monkeypatch.setenv("FOOTBRIDGE_PUBLIC_URL", "https://bridges.example")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
    get_settings.cache_clear()
    with pytest.raises(guard.NotReady, match="Temporal is reached over the network in clear"):
        run(command)


def test_a_secret_that_others_may_read_stops_the_start(terminal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.mkdir()
    (terminal / "key").write_text("7f3a9c21e5b8d4067f3a9c21e5b8d406")
    (terminal / "key").chmod(0o644)
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY_FILE", str(terminal / "key"))
    get_settings.cache_clear()
    with pytest.raises(Stop, match="chmod 600"):
        run("migrate")


def test_a_setting_that_cannot_be_read_is_named(terminal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_PORT", "eighty")
    get_settings.cache_clear()
    with pytest.raises(Stop, match="FOOTBRIDGE_PORT: "):
        run("migrate")


def test_a_systems_token_is_made_listed_and_revoked(set_up: Path) -> None:
    said = run("system-token", "add", "Jail list", "--scope", "releases.import", "--facility", "example county jail")
    token = said.stdout.strip()
    assert said.stdout == f"{token}\n", "the token is all that stdout holds"
    assert "Jail list for Example County Jail, good for 90 days" in said.stderr
    with engine.read_session() as session:
        found = systems.find_system(session, token)
        assert found is not None
        assert (found.over, found.scopes) == ("", {"releases.import"})
        token_id = found.actor.id
    assert token_id in said.stderr
    listed = run("system-token", "list").stdout
    assert f"{token_id}  Jail list, Example County Jail: releases.import; never used; ends " in listed
    assert "opens nothing from now on" in run("system-token", "revoke", token_id).stdout
    assert run("system-token", "list").stdout == ""
    with engine.read_session() as session:
        found = systems.find_system(session, token)
    assert found is not None
    assert found.over == "revoked"
    with pytest.raises(Conflict):
        run("system-token", "revoke", token_id)
