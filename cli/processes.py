"""Child processes that never outlive their parent: started in groups of their own, watched, restarted, stopped."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def is_answering(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def only_one(lock_file: Path) -> Iterator[bool]:
    """Hold the file's lock. Yields False when another process holds it; the kernel frees it when a holder dies."""
    with lock_file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def spawn(
    argv: Sequence[str], *, log: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own that the kernel ends when this process dies (on Linux).

    Its output goes to the end of `log`; without one it shares ours. Call from the main thread: the kernel watches
    the thread that started the child.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    output: IO[bytes] | None = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=None if env is None else dict(env),
            process_group=0,
            preexec_fn=die_with_parent,
        )
    finally:
        if output:
            output.close()


def stop(process: subprocess.Popen[bytes], *, within_seconds: float) -> None:
    """Ask the process's group to end; after so many seconds, end it."""
    for number, seconds in ((signal.SIGTERM, within_seconds), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


@dataclass
class Child:
    """One kind of process that should always run."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str]
    stop_seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS
    again_at: float = 0.0

    def start(self) -> None:
        """Start it now."""
        self.process, self.started, self.again_at = spawn(self.argv, log=self.log, env=self.env), time.monotonic(), 0.0

    def look_after(self) -> str | None:
        """Start it again when it has ended, a little later each time. Returns what to say about it, if anything."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.again_at:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        if now - self.started > _STEADY_SECONDS:
            self.pause = _FIRST_PAUSE_SECONDS
        said = f"The {self.name} stopped (exit {code}); starting it again in {self.pause:g} s. See {self.log}"
        self.process, self.again_at = None, now + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)
        return said

    def end(self) -> None:
        """Stop it for good."""
        if self.process is not None:
            stop(self.process, within_seconds=self.stop_seconds)
            self.process = None


@dataclass
class Supervisor:
    """Children in the order in which they start; they stop in the opposite order."""

    children: list[Child] = field(default_factory=list)

    def add(self, child: Child) -> Child:
        """Start a child and look after it from now on."""
        child.start()
        self.children.append(child)
        return child

    def look_after_all(self) -> list[str]:
        """Restart whoever has stopped. Returns what to say."""
        return [said for child in self.children if (said := child.look_after()) is not None]

    def end_all(self) -> None:
        """Stop everything, last started first."""
        while self.children:
            self.children.pop().end()
