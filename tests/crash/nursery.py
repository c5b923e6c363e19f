"""Where processes are started: one that has everything imported, and forks. It is their parent, so nobody else's
process is ever hit.

`fresh=True` starts a new interpreter instead, as an operator's supervisor does: that takes seconds, and belongs to what
is measured in the soak.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


class Nursery:
    """The harness's hand on it. Not for more than one thread at a time."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.nursery"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True, process_group=0,
            )  # fmt: skip

    def start(self, role: str, env: Mapping[str, str], log: Path, *, fresh: bool = False) -> int:
        """Start a victim; returns its process id."""
        return int(self._ask(do="start", role=role, env=dict(env), log=str(log), fresh=fresh))

    def send(self, pid: int, number: int) -> None:
        """Send one of them a signal; one that is gone hears nothing. SIGKILL: returns when it has ended."""
        self._ask(do="signal", pid=pid, number=int(number))

    def is_alive(self, pid: int) -> bool:
        """Whether it runs."""
        return bool(self._ask(do="look", pid=pid))

    def close(self) -> None:
        """End it, and with it all that it started."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(30)

    def _ask(self, **what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def serve() -> None:
    """Start, signal and look as told on stdin, until it closes; then end whatever still runs."""
    import workflows.worker  # noqa: F401 -- forked with all of it

    children: set[int] = set()
    for line in sys.stdin:
        what = json.loads(line)
        if what["do"] == "start":
            answer: Any = _start(what)
            children.add(answer)
        elif what["do"] == "signal":
            answer = _signal(children, what["pid"], what["number"])
        else:
            answer = _is_alive(children, what["pid"])
        print(json.dumps(answer), flush=True)
    for pid in list(children):
        _signal(children, pid, signal.SIGKILL)


def _start(what: dict[str, Any]) -> int:
    mother = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != mother:
            os._exit(1)
        output = os.open(what["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, stream in enumerate((nothing, output, output)):
            os.dup2(stream, number)
        os.environ.clear()
        os.environ.update(what["env"])
        if what["fresh"]:
            os.execv(sys.executable, [sys.executable, "-m", "tests.crash.victim", what["role"]])
        from records.settings import get_settings
        from tests.crash import victim

        get_settings.cache_clear()
        victim.run(what["role"])
    finally:
        os._exit(70)


def _signal(children: set[int], pid: int, number: int) -> int:
    if pid in children and _is_alive(children, pid):
        os.kill(pid, number)
        if number == signal.SIGKILL:
            os.waitpid(pid, 0)
            children.discard(pid)
    return 0


def _is_alive(children: set[int], pid: int) -> bool:
    if pid not in children:
        return False
    if os.waitpid(pid, os.WNOHANG)[0] == 0:
        return True
    children.discard(pid)
    return False


if __name__ == "__main__":
    serve()
