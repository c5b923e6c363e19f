"""`footbridge up` as a process: starts everything, restarts what crashes, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.processes import free_port

PROGRAM = """
import sys
from pathlib import Path
from cli.embedded import CannotStart, up
from records.settings import Settings

folder, port = Path(sys.argv[1]), int(sys.argv[2])
sleeper = [sys.executable, "-c", "import os, sys, time; print('pid', os.getpid(), flush=True); time.sleep(600)"]
pages = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
try:
    up(Settings(data_dir=folder, port=port), worker=sleeper, api=pages,
       announce=lambda addresses: print("temporal at", addresses.temporal, flush=True))
except CannotStart as refusal:
    sys.exit(str(refusal))
"""


class Run:
    """One embedded run, its web server and worker replaced by small programs."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> list[str]:
        """The lines up to the one that says it is ready."""
        lines: list[str] = []
        assert self.process.stdout
        for line in self.process.stdout:
            lines.append(line.strip())
            if line.startswith("Footbridge is ready"):
                return lines
        raise AssertionError(f"not ready: {lines} {self.process.stderr.read() if self.process.stderr else ''}")

    def workers(self) -> list[int]:
        """The pids of every worker there was, oldest first."""
        log = self.folder / "worker.log"
        return [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("pid ")]

    def children(self) -> list[int]:
        """The pids of the processes it started."""
        with suppress(FileNotFoundError):
            return [
                int(pid)
                for task in Path(f"/proc/{self.process.pid}/task").iterdir()
                for pid in (task / "children").read_text().split()
            ]
        return []


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    running = Run(tmp_path, free_port())
    yield running
    running.process.kill()
    running.process.communicate()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _soon(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_it_says_where_everything_is_and_stops_cleanly(run: Run) -> None:
    lines = run.ready()
    assert lines[-1] == f"Footbridge is ready at http://127.0.0.1:{run.port}"
    assert lines[0].startswith("temporal at 127.0.0.1:")
    children = run.children()
    assert len(children) == 3
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(20) == 0
    assert not [pid for pid in children if _is_alive(pid)]


def test_a_crashed_worker_is_started_again(run: Run) -> None:
    run.ready()
    assert _soon(lambda: len(run.workers()) == 1)
    os.kill(run.workers()[0], signal.SIGKILL)
    assert _soon(lambda: len(run.workers()) == 2)
    assert _is_alive(run.workers()[1])


def test_killed_without_a_word_it_leaves_nothing_running(run: Run) -> None:
    run.ready()
    children = run.children()
    run.process.kill()
    run.process.wait(5)
    assert len(children) == 3
    assert _soon(lambda: not [pid for pid in children if _is_alive(pid)])


def test_a_second_run_on_the_same_folder_is_refused(run: Run) -> None:
    run.ready()
    second = Run(run.folder, free_port())
    _, said = second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    assert "already runs on" in said


def test_a_port_in_use_is_said_at_once(run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    run.ready()
    second = Run(tmp_path_factory.mktemp("second"), run.port)
    _, said = second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    assert said.strip() == f"Port {run.port} is in use. Choose another with FOOTBRIDGE_PORT."
