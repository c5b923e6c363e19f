"""`footbridge` as people start it, in processes of its own: what it says, how it ends, and everything at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.processes import free_port
from records import migrate
from records.seed.people import PASSWORD

ROOT = Path(__file__).parents[2]
SECONDS = 120.0


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of this shell's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBRIDGE_", "TEMPORAL_"))}
    return kept | {"FOOTBRIDGE_DATA_DIR": str(folder), "TEMPORAL_CONFIG_FILE": os.devnull} | more


def footbridge(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    line = [sys.executable, "-m", "cli.main", *words]
    return subprocess.run(
        line, cwd=ROOT, env=environment(folder, **more), capture_output=True, text=True, timeout=SECONDS, check=False
    )


@contextmanager
def running(folder: Path, *words: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs until it is told to stop; gone after the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *words], cwd=ROOT, env=environment(folder, **more),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def lines_until(process: subprocess.Popen[str], said: str) -> list[str]:
    """What a process prints up to a line that contains `said`."""
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line.rstrip("\n"))
        if said in line:
            return heard
    raise AssertionError("it ended, after saying: " + "\n".join(heard))


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return int(answer.status)


def test_what_goes_wrong_is_one_line_and_exit_one(tmp_path: Path) -> None:
    said = footbridge(tmp_path, "token", "nobody@peers.example")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "footbridge: The records are not at the step this version needs. Run: footbridge migrate\n"


def test_a_database_that_is_away_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    said = footbridge(tmp_path, "migrate", FOOTBRIDGE_DATABASE_URL=url)
    assert said.returncode == 1
    assert said.stderr.startswith("footbridge: The records cannot be used: ")
    assert said.stderr.count("\n") == 1


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    footbridge(tmp_path, "migrate")
    import sqlite3

    with sqlite3.connect(tmp_path / "footbridge.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    said = footbridge(tmp_path, "migrate")
    assert said.returncode == 1
    assert "9999" in said.stderr
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_web_server_ends_well_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    migrate.upgrade(f"sqlite:///{tmp_path / 'footbridge.sqlite3'}")
    port = free_port()
    with running(tmp_path, "api", FOOTBRIDGE_PORT=str(port)) as process:
        lines_until(process, "running on")
        assert status_of(f"http://127.0.0.1:{port}/sign-in") == 200
        process.send_signal(how)
        assert process.wait(60) == 0


def test_a_worker_ends_well_though_temporal_is_away(tmp_path: Path) -> None:
    migrate.upgrade(f"sqlite:///{tmp_path / 'footbridge.sqlite3'}")
    with running(tmp_path, "worker", TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}") as process:
        lines_until(process, "not there yet")
        process.terminate()
        assert process.wait(60) == 0


def test_everything_starts_with_one_command_and_goes_on_the_next_time(tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path, "up", FOOTBRIDGE_PORT=port) as process:
        heard = lines_until(process, "is ready at")
        assert heard[-1] == f"Footbridge is ready at http://127.0.0.1:{port}"
        whole = "\n".join(heard)
        assert PASSWORD in whole
        assert len(re.findall(r"^  \S+@\S+\.example", whole, re.MULTILINE)) == 16
        temporal = re.search(r"Temporal's own pages: +(http://127\.0\.0\.1:\d+)", whole)
        assert temporal is not None
        assert status_of(f"http://127.0.0.1:{port}/sign-in") == 200
        assert status_of(temporal[1]) == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    secret = (tmp_path / "secret-key").read_text()
    with running(tmp_path, "up", FOOTBRIDGE_PORT=port) as process:
        heard = lines_until(process, "is ready at")
        assert not any("were empty" in line for line in heard)
        assert (tmp_path / "secret-key").read_text() == secret
        second = footbridge(tmp_path, "up", FOOTBRIDGE_PORT=str(free_port()))
        assert second.returncode == 1
        assert "already runs" in second.stderr
        begun = time.monotonic()
        process.terminate()
        assert process.wait(60) == 0
        assert time.monotonic() - begun < 45
