"""`make production-shape`: the processes of production, with its settings, natively: looked at, then stopped.

Two web servers and two workers on a PostgreSQL server of their own, real random secrets, and `environment=production`.
One part differs from `docker-compose.yml`: Temporal is the embedded development server on SQLite, the only one that
runs without containers. Everything is thrown away afterwards.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.local_postgres import PostgresError, postgres_server
from cli.processes import free_port, spawn, stop
from cli.production_checks import NotInShape, check_doors, check_referral, check_upkeep
from cli.temporal_server import TemporalServerError, temporal_binary, temporal_server

NAMESPACE_SCRIPT = Path(__file__).parents[1] / "deploy" / "temporal-namespace.sh"
HOSPITAL = "Example Hospital"
PLANNER = "planner@hospital.example"
STAFF = (
    ("manager@program.example", "Max Manager", "manager", ()),
    ("supervisor@program.example", "Sue Supervisor", "supervisor", ()),
    ("clinician@program.example", "Cleo Clinician", "clinician", ()),
    (PLANNER, "Pia Planner", "planner", ("--facility", HOSPITAL)),
)
_STOP_SECONDS = 45.0  # as docker-compose.yml gives a worker


def production_shape() -> None:
    """Start everything, check it, stop it. Raises NotInShape with what was wrong."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footbridge-shape-")))
        records = stack.enter_context(postgres_server(durable=True))
        records.execute("CREATE DATABASE footbridge")
        temporal = stack.enter_context(temporal_server(folder))
        env = _environment(records.url("footbridge"), temporal.address, folder)
        _say("PostgreSQL and Temporal (the embedded development server) run")
        token = _set_up(env)
        _say("The namespace, the records, a program and its staff are set up")
        with _processes(folder, env) as running:
            check_doors(running.addresses, running.check)
            _say(f"Both web servers are ready and keep strangers out: {', '.join(running.addresses)}")
            check_referral(running.addresses, token, env, running.check)
            _say("A referral filed at one is seen at the other, and its transition runs")
            check_upkeep(running.addresses, running.check)
            _say("A worker has run upkeep, and both web servers see it")
            running.stop()
            _say("Web servers and workers ended by themselves when asked")
    _say("Everything has stopped. Production's shape holds")


def _set_up(env: Mapping[str, str]) -> str:
    """What an administrator does on the first day, in the words of deploy/README.md; a planner's token."""
    _run([str(NAMESPACE_SCRIPT)], env)
    _footbridge(env, "migrate")
    _footbridge(env, "program", "add", "Example Program")
    _footbridge(env, "facility", "add", HOSPITAL, "--kind", "hospital", "--setting", "psychiatric_inpatient")
    for email, name, role, more in STAFF:
        _footbridge(env, "user", "add", email, "--name", name, "--role", role, *more)
    return _footbridge(env, "token", PLANNER).strip()


class Running:
    """Two web servers and two workers."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.addresses: list[str] = []
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        for number in (1, 2):
            port = free_port()
            self.addresses.append(f"http://127.0.0.1:{port}")
            its_env = {**env, "FOOTBRIDGE_PORT": str(port)}
            self._start(f"web server {number}", "api", folder / f"api-{number}.log", its_env)
            self._start(f"worker {number}", "worker", folder / f"worker-{number}.log", env)

    def _start(self, name: str, command: str, log: Path, env: Mapping[str, str]) -> None:
        self._processes.append((name, spawn([sys.executable, "-m", "cli.main", command], log=log, env=env)))

    def check(self) -> None:
        """Raise NotInShape when one of them has ended."""
        for name, process in self._processes:
            if process.poll() is not None:
                raise NotInShape(f"{name} ended with exit {process.returncode}")

    def stop(self) -> None:
        """SIGTERM, as containers are stopped: each ends by itself, in time, with exit 0. Raises NotInShape."""
        self.check()
        for name, process in reversed(self._processes):
            process.terminate()
            try:
                code = process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise NotInShape(f"{name} did not stop within {_STOP_SECONDS:g} s of SIGTERM") from error
            if code != 0:
                raise NotInShape(f"{name} ended with exit {code}")

    def end(self) -> None:
        """Whatever has happened, none of them stays."""
        for _, process in self._processes:
            stop(process, within_seconds=5)


@contextmanager
def _processes(folder: Path, env: Mapping[str, str]) -> Iterator[Running]:
    running = Running(folder, env)
    try:
        yield running
    except NotInShape as error:
        raise NotInShape(f"{error}\n{_ends_of_logs(folder)}") from error
    finally:
        running.end()


def _environment(database_url: str, temporal_address: str, folder: Path) -> dict[str, str]:
    """What every process is told: nothing of this shell's settings, secrets that nobody has seen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBRIDGE_", "TEMPORAL_"))}
    return kept | {
        "PATH": f"{temporal_binary().parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "FOOTBRIDGE_ENVIRONMENT": "production",
        "FOOTBRIDGE_DATABASE_URL": database_url,
        "FOOTBRIDGE_DATA_DIR": str(folder),
        "FOOTBRIDGE_SECRET_KEY": secrets.token_hex(32),
        "FOOTBRIDGE_PUBLIC_URL": "https://footbridge.example",
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": "footbridge",
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


def _footbridge(env: Mapping[str, str], *words: str) -> str:
    return _run([sys.executable, "-m", "cli.main", *words], env)


def _run(argv: list[str], env: Mapping[str, str]) -> str:
    """What it printed. Raises NotInShape with what it said when it did not go well."""
    done = subprocess.run(argv, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotInShape(f"{' '.join(argv)} ended with exit {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _ends_of_logs(folder: Path) -> str:
    logs = sorted(folder.glob("*.log"))
    return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def main() -> None:
    """Run it from the command line: exit 1 and a sentence when something is wrong."""
    try:
        production_shape()
    except (NotInShape, PostgresError, TemporalServerError) as error:
        sys.exit(f"Not in production's shape: {error}")


if __name__ == "__main__":
    main()
