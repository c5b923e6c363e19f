"""`make production-shape`: the processes of production, with its settings, natively: looked at, then stopped.

Two web servers and two workers on a PostgreSQL server of their own, real random secrets, and `environment=production`.
One part differs from `docker-compose.yml`: Temporal is the embedded development server on SQLite, the only one that
runs without containers. Everything is thrown away afterwards.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from cli.local_postgres import PostgresError, postgres_server
from cli.processes import free_port, spawn, stop
from cli.temporal_server import TemporalServerError, temporal_binary, temporal_server

NAMESPACE_SCRIPT = Path(__file__).parents[1] / "deploy" / "temporal-namespace.sh"
_READY_SECONDS = 60.0
_UPKEEP_SECONDS = 90.0  # it runs every minute
_STOP_SECONDS = 45.0  # as docker-compose.yml gives a worker
_ASK_SECONDS = 5.0


class NotInShape(Exception):
    """What is not as production needs it, in a sentence."""


def production_shape() -> None:
    """Start everything, check it, stop it. Raises NotInShape with what was wrong."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footbridge-shape-")))
        records = stack.enter_context(postgres_server(durable=True))
        records.execute("CREATE DATABASE footbridge")
        temporal = stack.enter_context(temporal_server(folder))
        env = _environment(records.url("footbridge"), temporal.address, folder)
        _say("PostgreSQL and Temporal (the embedded development server) run")
        _run("the namespace", [str(NAMESPACE_SCRIPT)], env)
        _run("the migration", _footbridge("migrate"), env)
        _run("the migration, again", _footbridge("migrate"), env)

        running: list[tuple[str, subprocess.Popen[bytes]]] = []
        addresses = []
        try:
            for number in (1, 2):
                port = free_port()
                addresses.append(f"http://127.0.0.1:{port}")
                web = _footbridge("api"), folder / f"api-{number}.log", {**env, "FOOTBRIDGE_PORT": str(port)}
                worker = _footbridge("worker"), folder / f"worker-{number}.log", env
                for name, (argv, log, its_env) in ((f"web server {number}", web), (f"worker {number}", worker)):
                    running.append((name, spawn(argv, log=log, env=its_env)))
            _look(addresses, lambda: _all_run(running))
            _stop_each(running)
        except NotInShape as error:
            raise NotInShape(f"{error}\n{_ends_of_logs(folder)}") from error
        finally:
            for _, process in running:
                stop(process, within_seconds=5)
    _say("Everything has stopped. Production's shape holds")


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


def _look(addresses: list[str], all_run: Callable[[], None]) -> None:
    """Both web servers are ready, show the sign-in page, keep strangers out, and see that a worker has done upkeep."""
    for address in addresses:
        _wait(partial(_is_ready, address), _READY_SECONDS, f"{address}/readyz is not 200", all_run)
        status, headers, page = _get(f"{address}/sign-in")
        if status != 200 or "password" not in page:
            raise NotInShape(f"{address}/sign-in answered {status} without a sign-in page")
        if "default-src 'self'" not in headers.get("content-security-policy", ""):
            raise NotInShape(f"{address}/sign-in has no content security policy")
        status, _, _ = _get(f"{address}/api/v1/referrals")
        if status != 401:
            raise NotInShape(f"a stranger asked {address}/api/v1/referrals and was answered {status}, not 401")
    _say(f"Both web servers are ready and keep strangers out: {', '.join(addresses)}")
    for address in addresses:
        _wait(partial(_sees_upkeep, address), _UPKEEP_SECONDS, "no worker has run upkeep", all_run)
    _say("A worker has run upkeep, and both web servers see it")


def _is_ready(address: str) -> bool:
    return _get(f"{address}/readyz")[0] == 200


def _sees_upkeep(address: str) -> bool:
    return "footbridge_upkeep_age_seconds" in _get(f"{address}/metrics")[2]


def _stop_each(running: list[tuple[str, subprocess.Popen[bytes]]]) -> None:
    """SIGTERM, as containers are stopped: each ends by itself, in time, and well."""
    for name, process in reversed(running):
        process.terminate()
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NotInShape(f"{name} did not stop within {_STOP_SECONDS:g} s of SIGTERM") from error
        if code not in (0, -signal.SIGTERM):  # uvicorn raises the signal anew once it has shut down
            raise NotInShape(f"{name} ended with exit {code}")
    _say("Web servers and workers ended by themselves when asked")


def _all_run(running: list[tuple[str, subprocess.Popen[bytes]]]) -> None:
    for name, process in running:
        if process.poll() is not None:
            raise NotInShape(f"{name} ended with exit {process.returncode}")


def _wait(holds: Callable[[], bool], seconds: float, otherwise: str, all_run: Callable[[], None]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        all_run()
        if time.monotonic() > deadline:
            raise NotInShape(f"{otherwise}, for {seconds:g} s")
        time.sleep(0.2)


def _get(url: str) -> tuple[int, Mapping[str, str], str]:
    """Status, headers by small letters, and text; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=_ASK_SECONDS) as answer:  # noqa: S310 (our own http addresses)
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, {}, ""
    except OSError:
        return 0, {}, ""


def _footbridge(*words: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", *words]


def _run(what: str, argv: list[str], env: Mapping[str, str]) -> None:
    done = subprocess.run(argv, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotInShape(f"{what} ended with exit {done.returncode}:\n{done.stdout}{done.stderr}")


def _ends_of_logs(folder: Path) -> str:
    return "\n".join(
        f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(folder.glob("*.log"))
    )


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
