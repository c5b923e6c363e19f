"""A PostgreSQL server of our own for a while: in a folder, reached by a socket only we can open. Never the machine's.

For the tests and for `make production-shape`. PostgreSQL refuses to run as root, so that root's server runs as another
user; it ends when this process does.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cli.processes import spawn

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
_MISSING = (
    "PostgreSQL's server is not installed here. On Debian and Ubuntu: apt-get install postgresql; "
    "on macOS: brew install postgresql@16"
)
_ROOM_BYTES = 2 * 1024**3
_FASTER_THAN_SAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresError(Exception):
    """There is no PostgreSQL server here, or it did not start."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server and where it listens."""

    folder: Path
    host: str = ""
    """Empty: it is reached by the socket alone."""
    port: int = 5432

    @property
    def data_dir(self) -> Path:
        """The cluster's files."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / "postgres.log"

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL of one database of the cluster."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement of an administrator, outside a transaction."""
        with self.connect() as connection:
            connection.execute(statement.encode())

    def connect(self) -> psycopg.Connection:
        """A connection for administration."""
        return psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname="postgres", autocommit=True
        )


@contextmanager
def postgres_server(*, durable: bool) -> Iterator[PostgresServer]:
    """A new, empty cluster for the length of the block; its files are gone afterwards.

    `durable=False` trades safety for speed: for tests only. Raises PostgresError with what to install.
    """
    with postgres_files(durable=durable) as server:
        process = start_postgres(server, durable=durable)
        try:
            yield server
        finally:
            stop_postgres(process)


@contextmanager
def postgres_files(*, durable: bool = True) -> Iterator[PostgresServer]:
    """The files of a new, empty cluster, on which nothing runs yet; they are gone afterwards. Raises PostgresError."""
    binaries, owner = postgres_binaries(), _owner()
    place = None if durable else _memory()
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="footbridge-postgres-", dir=place)))
    try:
        if owner is not None:
            os.chown(server.folder, owner.pw_uid, owner.pw_gid)
        _run([*_as_user(owner), *_initdb_line(binaries, server)])
        yield server
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


def _memory() -> Path | None:
    """Where files lie in memory, when there is room: a database is copied there in a tenth of the time."""
    place = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
    try:
        return place if shutil.disk_usage(place).free >= _ROOM_BYTES else None
    except OSError:
        return None


def start_postgres(server: PostgresServer, *, durable: bool) -> subprocess.Popen[bytes]:
    """Start the server on these files; returns once it answers. Raises PostgresError."""
    process = spawn([*_as_user(_owner()), *_start_line(postgres_binaries(), server, durable)], log=server.log)
    try:
        _wait_until_ours(server, process)
    except PostgresError:
        stop_postgres(process)
        raise
    return process


def postgres_binaries() -> Path:
    """The folder of initdb and postgres, newest version first. Raises PostgresError with what to install."""
    found = [folder for place in _PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").exists()]
    if found:
        return max(found, key=_version)
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise PostgresError(_MISSING)


def _version(binaries: Path) -> list[int]:
    """The numbers in `postgresql/16/bin` or `pgsql-9.6/bin`."""
    return [int(number) for number in re.findall(r"\d+", binaries.parent.name)]


def _initdb_line(binaries: Path, server: PostgresServer) -> list[str]:
    locale = "C.UTF-8" if sys.platform == "linux" else "C"
    line = [str(binaries / "initdb"), "--pgdata", str(server.data_dir), "--username", "postgres"]
    return [*line, "--auth", "trust", "--encoding", "UTF8", "--locale", locale, "--no-sync"]


def _start_line(binaries: Path, server: PostgresServer, durable: bool) -> list[str]:
    settings = [f"listen_addresses={server.host}", f"port={server.port}", "unix_socket_permissions=0700"]
    settings += [f"unix_socket_directories={server.folder}"]
    settings += ["max_connections=200", "shared_buffers=64MB", "timezone=UTC", "log_timezone=UTC"]
    settings += [] if durable else list(_FASTER_THAN_SAFE)
    line = [str(binaries / "postgres"), "-D", str(server.data_dir)]
    for setting in settings:
        line += ["-c", setting]
    return line


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server: this user, or somebody harmless when this user is root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _as_user(owner: pwd.struct_passwd | None) -> list[str]:
    """What stands before a command that another user runs; that it dies with us must be said after the change."""
    if owner is None:
        return []
    return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--pdeathsig=QUIT", "--"]


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PostgresError(f"PostgreSQL's files could not be made: {done.stderr.strip()}")


def _wait_until_ours(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    """Return once it answers and is the one we started: another server's answer must never be trusted."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PostgresError(f"PostgreSQL ended with exit {process.returncode}: {server.log.read_text()[-2000:]}")
        try:
            with server.connect() as connection:
                row = connection.execute("show data_directory").fetchone()
        except psycopg.OperationalError:
            time.sleep(0.02)
            continue
        if row is None or Path(row[0]).resolve() != server.data_dir.resolve():
            raise PostgresError(f"another PostgreSQL answers in {server.folder}: {row}")
        return
    raise PostgresError(f"PostgreSQL did not answer within {_START_SECONDS:g} s; see {server.log}")


def stop_postgres(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, which ends the clients' sessions; then the hard way."""
    for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
