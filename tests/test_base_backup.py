"""`deploy/base-backup.sh` on a real server that archives its WAL, and the way back from it to a chosen moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from cli.local_postgres import PostgresServer, postgres_files, start_postgres, stop_postgres
from cli.main import app
from records import clock, engine
from records.queries.restored import find_restored
from records.settings import get_settings
from records.tables import Referral
from tests.engine.program import small_program
from tests.support import databases
from tests.support.checked import assert_every_promise_holds

SCRIPT = Path(__file__).parents[1] / "deploy" / "base-backup.sh"
PATIENCE_SECONDS = 30.0


@pytest.fixture
def archived() -> Iterator[tuple[PostgresServer, Path]]:
    """A server's files, and the folder into which it will archive its WAL."""
    with postgres_files() as server:
        wal = server.folder / "archive"
        wal.mkdir()
        _give(server.folder, wal)
        _add(server.data_dir / "postgresql.conf", "archive_mode = on", f"archive_command = 'cp %p {wal}/%f'")
        yield server, wal


def test_the_records_of_a_chosen_moment_come_back(
    archived: tuple[PostgresServer, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_secret: None
) -> None:
    server, wal = archived
    with _running(server) as url:
        server.execute("CREATE DATABASE footbridge")
        databases.migrate(url)
        engine.configure(url)
        program = small_program()
        kept = [program.file("Before the base backup")]
        base = _base_backup(server, tmp_path / "base")
        assert [one.name for one in base.parent.iterdir()] == [base.name], "nothing half made is left"
        kept.append(program.file("After it"))
        moment = _now(server)
        lost = program.file("After the moment")
        engine.dispose()
        _wait_until_archived(server)

    with _put_back(base, wal, moment) as back, _running(back) as url:
        _wait_until_recovered(back)
        assert _filed(url) == set(kept)
        monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", url)
        get_settings.cache_clear()
        _mark_as_deploy_says(tmp_path / "backups")
        engine.configure(url)
        with engine.read_session() as session:
            assert find_restored(session) is not None
            assert session.get(Referral, lost) is None
        assert_every_promise_holds()
        engine.dispose()
    clock.run_real()


def test_a_base_backup_that_fails_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    given = os.environ | {"PGHOST": str(tmp_path), "PGUSER": "postgres"}
    folder = tmp_path / "base"
    done = subprocess.run(["sh", str(SCRIPT), str(folder)], env=given, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (done.stdout, list(folder.iterdir())) == ("", [])


@contextmanager
def _running(server: PostgresServer) -> Iterator[str]:
    process = start_postgres(server, durable=False)
    try:
        yield server.url("footbridge")
    finally:
        engine.dispose()
        stop_postgres(process)


def _base_backup(server: PostgresServer, folder: Path) -> Path:
    """As an operator runs it."""
    given = os.environ | {"PGHOST": str(server.folder), "PGUSER": "postgres"}
    done = subprocess.run(["sh", str(SCRIPT), str(folder)], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@contextmanager
def _put_back(base: Path, wal: Path, moment: datetime) -> Iterator[PostgresServer]:
    """The copy as the files of another server, which replays the archive until that moment."""
    back = PostgresServer(Path(tempfile.mkdtemp(prefix="footbridge-postgres-")))
    try:
        shutil.copytree(base, back.data_dir)
        _add(
            back.data_dir / "postgresql.auto.conf",
            f"restore_command = 'cp {wal}/%f %p'",
            f"recovery_target_time = '{moment.isoformat()}'",
            "recovery_target_action = 'promote'",
            "archive_mode = off",
        )
        (back.data_dir / "recovery.signal").touch()
        _give(wal, back.folder, *back.folder.rglob("*"))
        yield back
    finally:
        shutil.rmtree(back.folder, ignore_errors=True)


def _mark_as_deploy_says(backups: Path) -> None:
    """`footbridge backup`, then `footbridge restore --replace`, before anything else is started."""
    for command in (["backup", str(backups)], ["restore", "", "--replace"]):
        if command[0] == "restore":
            (made,) = backups.iterdir()
            command[1] = str(made)
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, f"{done.output} {done.exception}"


def _filed(url: str) -> set[str]:
    engine.configure(url)
    with engine.read_session() as session:
        filed = set(session.exec(select(Referral.id)))
    engine.dispose()
    return filed


def _now(server: PostgresServer) -> datetime:
    """A moment between two transactions, by the server's own clock."""
    time.sleep(0.01)
    with server.connect() as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    time.sleep(0.01)
    assert row is not None
    at: datetime = row[0]
    return at


def _wait_until_archived(server: PostgresServer) -> None:
    """Everything that was written until now."""
    with server.connect() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    _wait_for(server, f"SELECT last_archived_wal >= '{row[0]}' FROM pg_stat_archiver")


def _wait_until_recovered(server: PostgresServer) -> None:
    _wait_for(server, "SELECT NOT pg_is_in_recovery()")


def _wait_for(server: PostgresServer, asked: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with server.connect() as connection:
            row = connection.execute(asked.encode()).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(0.05)
    raise AssertionError(f"{asked}: not within {PATIENCE_SECONDS:g} s; {server.log.read_text()[-2000:]}")


def _add(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _give(like: Path, *paths: Path) -> None:
    """They belong to whoever runs the server."""
    owner = like.stat()
    for path in paths:
        os.chown(path, owner.st_uid, owner.st_gid)
