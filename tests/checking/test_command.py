"""`footbridge check` as people and machines run it, on both databases: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from domain.vocabulary import Mode, Outcome
from records import clock, engine
from records.checking import run as checking
from records.checking.run import check
from records.commands import agenda
from records.commands.contacts import log_attempt
from records.commands.work import open_for_timer
from records.settings import get_settings
from tests.engine.program import small_program

COMMAND = ["check", "--no-temporal"]


@pytest.fixture
def numbers(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The numbers of three referrals of a program, of whom the first has left and was met."""
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", database)
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "5e" * 32)
    get_settings.cache_clear()
    clock.set_to(clock.now().replace(hour=15, minute=0))
    program = small_program()
    ids = [program.file(name) for name in ("First", "Second", "Third")]
    _keep(ids)
    program.accept_open_offer(ids[0])
    clock.advance(timedelta(hours=2))
    program.discharge(ids[0])
    clock.advance(timedelta(hours=1))
    with engine.transaction() as session:
        log_attempt(session, program.supervisor, ids[0], Mode.CALL, Outcome.REACHED)
    _keep(ids)
    with engine.read_session() as session:
        known = dict(session.execute(text("SELECT id, number FROM referral")).all())
    yield [known[referral_id] for referral_id in ids]
    clock.run_real()
    get_settings.cache_clear()


def _keep(ids: list[str]) -> None:
    for referral_id in ids:
        with engine.transaction() as session:
            agenda.carry_out(session, referral_id)


def _plant(statement: str, **values: str) -> None:
    engine.configure(get_settings().sqlalchemy_url())
    with engine.transaction() as session:
        session.execute(text(statement), values)


def test_it_says_that_every_promise_holds(numbers: list[str]) -> None:
    told = CliRunner().invoke(app, COMMAND)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("3 referrals in ")
    assert told.stdout.rstrip().endswith("Every promise holds.")
    assert " 10  rebuildable                          not asked" in told.stdout


def test_it_names_what_does_not_hold_by_number_and_nobody_by_name(numbers: list[str]) -> None:
    _plant("UPDATE referral SET next_item = 'finish', owner_id = NULL WHERE number = :number", number=numbers[1])
    told = CliRunner().invoke(app, [*COMMAND, "--json"])
    found = json.loads(told.stdout)
    assert (told.exit_code, found["referrals"], found["violations"]) == (1, 3, 2)
    assert {one["referral"] for one in found["findings"]} == {numbers[1]}
    assert found["invariants"]["open means awaited"] == 2
    assert "Invented" not in told.stdout
    words = CliRunner().invoke(app, COMMAND)
    assert words.exit_code == 1
    assert f"- {numbers[1]}: open means awaited: nobody owns it" in words.stdout


def test_some_are_asked_for_by_number_and_by_when_they_changed(numbers: list[str]) -> None:
    _plant("UPDATE referral SET owner_id = NULL WHERE number = :number", number=numbers[1])
    one = CliRunner().invoke(app, [*COMMAND, "--referral", numbers[0].lower()])
    assert (one.exit_code, one.stdout.startswith("1 referrals")) == (0, True)
    assert CliRunner().invoke(app, [*COMMAND, "--referral", numbers[1]]).exit_code == 1
    lately = CliRunner().invoke(app, [*COMMAND, "--since", "1h"])
    assert (lately.exit_code, lately.stdout.startswith("1 referrals")) == (0, True), lately.output
    since = (clock.now() - timedelta(days=1)).isoformat()
    assert CliRunner().invoke(app, [*COMMAND, "--since", since]).stdout.startswith("3 referrals")


@pytest.mark.sqlite
def test_what_cannot_be_found_out_ends_with_two(
    numbers: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for words in (["--referral", "XXXXX-XXXXX"], ["--since", "yesterday"]):
        assert CliRunner().invoke(app, [*COMMAND, *words]).exception.status == 2  # type: ignore[union-attr]
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", f"sqlite:///{tmp_path}/empty.sqlite3")
    get_settings.cache_clear()
    assert CliRunner().invoke(app, COMMAND).exception.status == 2  # type: ignore[union-attr]


def test_several_processes_find_the_same(numbers: list[str], database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _plant("UPDATE referral SET owner_id = NULL WHERE number <> :number", number=numbers[0])
    monkeypatch.setattr(checking, "SLICE", 1)
    heard: list[int] = []
    apart = check(processes=2, url=database, ask_again_after=0, progress=heard.append)
    alone = check(ask_again_after=0)
    assert apart.findings == alone.findings
    assert {one.sentence for one in apart.findings} == {"nobody owns it"}
    assert len(heard) == 3


def test_what_changes_meanwhile_is_asked_again(numbers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something seems wrong at first and is right a moment later: it is not reported."""
    _plant("UPDATE referral SET next_item = 'finish' WHERE number = :number", number=numbers[1])

    def meanwhile(_seconds: float) -> None:
        with engine.transaction() as session:
            (referral_id,) = session.execute(
                text("SELECT id FROM referral WHERE number = :number"), {"number": numbers[1]}
            ).one()
        with engine.transaction() as session:
            open_for_timer(session, referral_id).settle()

    monkeypatch.setattr("records.checking.run.time.sleep", meanwhile)
    assert check().violations == 0
    _plant("UPDATE referral SET owner_id = NULL WHERE number = :number", number=numbers[1])
    monkeypatch.setattr("records.checking.run.time.sleep", lambda _: None)
    assert check().violations == 1
