"""The tests' own tools do what they promise."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from cli.local_postgres import PostgresServer
from tests.support import databases
from tests.support.chromium import chromium_path
from tests.support.loopback import LeavesThisMachine

ROOT = Path(__file__).parents[2]


def test_nothing_but_this_machine_is_reachable() -> None:
    with socket.socket() as outgoing, pytest.raises(LeavesThisMachine, match="loopback only"):
        outgoing.connect(("192.0.2.1", 80))  # documentation address, RFC 5737
    with socket.socket() as listener, socket.socket() as outgoing:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        outgoing.connect(listener.getsockname())


def test_each_copy_of_a_postgresql_database_is_its_own(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE original")
    plain = postgres.url("original").replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE TABLE person (id text)")
    with (
        databases.postgres_copy(postgres, "original") as first,
        databases.postgres_copy(postgres, "original") as second,
    ):
        with psycopg.connect(first.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("INSERT INTO person VALUES ('Example')")
        with psycopg.connect(second.replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT count(*) FROM person").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first.replace("+psycopg", ""))


def test_a_postgresql_server_dies_with_the_process_that_started_it() -> None:
    starts = (
        "from cli.local_postgres import postgres_server\n"
        "import time\n"
        "with postgres_server(durable=False) as server:\n"
        "    print((server.data_dir / 'postmaster.pid').read_text().split()[0], server.folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starts], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as output:
        pid, folder = output.readline().split()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert _ends(int(pid), within_seconds=10)
    subprocess.run(["rm", "-rf", folder], check=True)


def test_the_browser_is_there() -> None:
    assert os.access(chromium_path(), os.X_OK)


def test_a_skipped_test_fails(tmp_path: Path) -> None:
    said = _run_pytest_over(tmp_path, "import pytest\n\ndef test_lazy():\n    pytest.skip('later')\n")
    assert "1 failed" in said
    assert "nothing may be: later" in said


def test_a_skipped_file_fails(tmp_path: Path) -> None:
    said = _run_pytest_over(tmp_path, "import pytest\n\npytest.importorskip('no_such_package')\n")
    assert "1 error" in said
    assert "nothing may be" in said


def _run_pytest_over(folder: Path, test: str) -> str:
    """What pytest prints for one test file under our conftest. It must fail."""
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_lazy.py").write_text(test)
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stdout


def _ends(pid: int, *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
