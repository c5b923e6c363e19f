"""TLS inside: the certificates that `deploy/make-certificates.sh` makes carry real connections, and nothing else.

No container engine is asked for: what the services of `docker-compose.yml` do with the certificates is done by the same
programs on this machine: a web server, PostgreSQL by `deploy/pg_hba.conf`, a client of Temporal. Temporal's development
server has no TLS of its own: a door that asks for a client's certificate stands before it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlmodel import create_engine
from temporalio.service import RPCError

from cli import postgres_copies
from cli.local_postgres import postgres_binaries, postgres_files, start_postgres, stop_postgres
from cli.processes import free_port, spawn, stop
from cli.temporal_server import temporal_binary, temporal_server
from records import engine, migrate
from tests.support.certificates import SERVICES, make, make_for_us
from workflows.client import connect
from workflows.private_door import PrivateDoor

DEPLOY = Path(__file__).parents[1] / "deploy"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificates of a composition."""
    return make_for_us(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of somebody else, with the same names."""
    return make_for_us(tmp_path_factory.mktemp("others"))


def trusting(folder: Path) -> ssl.SSLContext:
    """A client that trusts this authority and no other."""
    return ssl.create_default_context(cafile=str(folder / "proxy/ca.crt"))


def openssl(*words: str) -> str:
    return subprocess.run(["openssl", *words], capture_output=True, text=True, check=True).stdout


def test_keys_are_their_owners_alone_and_no_service_gets_the_authoritys(tmp_path: Path) -> None:
    make(tmp_path)
    keys = sorted(tmp_path.rglob("*.key"))
    assert [str(key.relative_to(tmp_path)) for key in keys] == [
        "authority/ca.key", *(f"{service}/own.key" for service in SERVICES),
    ]  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*keys, tmp_path / "postgres/password"]} == {0o600}
    if os.geteuid() == 0:
        owners = {service: (tmp_path / service / "own.key").stat().st_uid for service in SERVICES}
        assert owners == {"footbridge": 10001, "postgres": 999, "temporal": 1000, "temporal-ui": 5000}


def test_again_keeps_what_lasts_and_renews_what_ends_soon(tmp_path: Path) -> None:
    make(tmp_path)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert make(tmp_path) == ""
    assert {path: path.read_bytes() for path in kept} == kept
    own, authority = tmp_path / "postgres/own.crt", tmp_path / "authority"
    key, request = tmp_path / "postgres/own.key", tmp_path / "request"
    openssl("req", "-new", "-key", str(key), "-subj", "/CN=postgres", "-out", str(request))
    openssl(
        "x509", "-req", "-in", str(request), "-days", "59", "-CA", str(authority / "ca.crt"),
        "-CAkey", str(authority / "ca.key"), "-set_serial", "1", "-out", str(own),
    )  # fmt: skip
    assert make(tmp_path) == "postgres has a new certificate: restart it\n"
    openssl("x509", "-in", str(own), "-noout", "-checkend", str(390 * 86_400))
    shutil.rmtree(authority)
    assert make(tmp_path).count("restart it") == len(SERVICES)
    openssl("verify", "-CAfile", str(tmp_path / "proxy/ca.crt"), str(own))


@contextmanager
def web_server(folder: Path, tmp_path: Path) -> Iterator[int]:
    """A process of production on this machine that has the certificate of Footbridge's services."""
    port = free_port()
    url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    migrate.upgrade(url)
    env = os.environ | {
        "FOOTBRIDGE_ENVIRONMENT": "production",
        "FOOTBRIDGE_DATABASE_URL": url,
        "FOOTBRIDGE_SECRET_KEY": "7f3a9c21e5b8d4067f3a9c21e5b8d4061b",
        "FOOTBRIDGE_PUBLIC_URL": "https://bridges.example",
        "FOOTBRIDGE_HOST": "0.0.0.0",
        "FOOTBRIDGE_PORT": str(port),
        "FOOTBRIDGE_TLS_CERT": str(folder / "footbridge/own.crt"),
        "FOOTBRIDGE_TLS_KEY": str(folder / "footbridge/own.key"),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    log = tmp_path / "api.log"
    process = spawn([sys.executable, "-m", "cli.main", "api"], log=log, env=env)
    try:
        deadline = time.monotonic() + 30
        while "startup complete" not in log.read_text() and time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield port
    finally:
        stop(process, within_seconds=10)


def test_a_web_server_speaks_tls_to_whoever_trusts_the_authority(made: Path, others: Path, tmp_path: Path) -> None:
    with web_server(made, tmp_path) as port:
        ready = f"https://localhost:{port}/readyz"
        with urllib.request.urlopen(ready, timeout=5, context=trusting(made)) as answer:
            assert (answer.status, answer.read()) == (200, b"ready\n")
        with urllib.request.urlopen(f"https://localhost:{port}/metrics", timeout=5, context=trusting(made)) as answer:
            told = answer.read().decode()
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(ready, timeout=5, context=trusting(others))
        with pytest.raises(OSError):  # in clear there is nobody
            urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=5)
    left = next(line for line in told.splitlines() if line.startswith("footbridge_certificate_seconds_left "))
    assert 396 < float(left.split()[1]) / 86_400 < 397


@contextmanager
def postgres_with_tls(made: Path) -> Iterator[int]:
    """A server that listens on a port, with the composition's certificate and rules; both roles and their databases."""
    with postgres_files() as server:
        process = start_postgres(server, durable=False)
        env = {
            "PATH": f"{postgres_binaries()}:{os.environ['PATH']}", "PGHOST": str(server.folder),
            "POSTGRES_USER": "postgres",
        }  # fmt: skip
        done = subprocess.run([str(DEPLOY / "postgres-init.sh")], env=env, capture_output=True, text=True, check=False)
        stop_postgres(process)
        assert done.returncode == 0, done.stderr
        owner = server.data_dir.stat()
        port = free_port()
        for name in ("own.crt", "own.key", "ca.crt"):
            shutil.copy(made / "postgres" / name, server.data_dir / name)
            os.chown(server.data_dir / name, owner.st_uid, owner.st_gid)
        rules = (DEPLOY / "pg_hba.conf").read_text().replace("peer", "trust")  # the test is another user of the machine
        (server.data_dir / "pg_hba.conf").write_text(rules)
        with (server.data_dir / "postgresql.conf").open("a") as file:
            file.write("ssl=on\nssl_cert_file='own.crt'\nssl_key_file='own.key'\nssl_ca_file='ca.crt'\n")
            file.write("ssl_min_protocol_version='TLSv1.3'\n")
        process = start_postgres(replace(server, host="localhost", port=port), durable=False)
        try:
            yield port
        finally:
            stop_postgres(process)


def records_url(port: int, folder: Path, service: str = "footbridge", role: str = "footbridge") -> str:
    """As docker-compose.yml writes it, at another address."""
    own = folder / service
    return (
        f"postgresql+psycopg://{role}@localhost:{port}/footbridge?sslmode=verify-full"
        f"&sslrootcert={folder / 'proxy/ca.crt'}&sslcert={own / 'own.crt'}&sslkey={own / 'own.key'}"
    )


def test_postgresql_takes_certificates_and_nothing_else(made: Path, others: Path, tmp_path: Path) -> None:
    def ask(url: str) -> tuple[str, str]:
        opened = create_engine(url)
        try:
            with opened.connect() as connection:
                row = connection.execute(
                    text("SELECT current_user, version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")
                ).one()
                return row[0], row[1]
        finally:
            opened.dispose()

    with postgres_with_tls(made) as port:
        url = records_url(port, made)
        assert ask(url) == ("footbridge", "TLSv1.3")
        refused = {
            "another authority's server": url.replace(str(made / "proxy"), str(others / "proxy")),
            "another authority's client": url.replace(str(made / "footbridge"), str(others / "footbridge")),
            "another service's certificate": records_url(port, made, "temporal"),
            "the administrator, with the server's own": records_url(port, made, "postgres", "postgres"),
            "a password": f"postgresql+psycopg://footbridge:anything@localhost:{port}/footbridge?sslmode=require",
            "in clear": f"postgresql+psycopg://footbridge@localhost:{port}/footbridge?sslmode=disable",
            "under another name": url.replace("localhost", "127.0.0.1"),
        }
        for how, other in refused.items():
            with pytest.raises(Exception, match=r"certificate|pg_hba|SSL|password") as error:
                ask(other)
            assert isinstance(error.value.__cause__, psycopg.OperationalError), how
        well = [str(postgres_binaries() / "pg_isready"), "--host=127.0.0.1", f"--port={port}", "--username=postgres"]
        assert subprocess.run(well, check=False, capture_output=True).returncode == 0  # as the composition asks
        migrate.upgrade(url)
        engine.configure(url)
        try:  # pg_dump comes with the same certificate
            postgres_copies.copy_out(url, tmp_path / "records.dump")
        finally:
            engine.dispose()
    assert (tmp_path / "records.dump").stat().st_size > 1000


class InThread:
    """A door, open in a thread of its own for the length of a block."""

    def __init__(self, door: PrivateDoor) -> None:
        self.loop, self.door = asyncio.new_event_loop(), door
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> InThread:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.door.__aenter__(), self.loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.door.__aexit__(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def test_temporals_clients_come_with_a_certificate(
    made: Path, others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made / "temporal/ca.crt"))
    context.load_cert_chain(made / "temporal/own.crt", made / "temporal/own.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    port = free_port()

    def come(own: Path, authority: Path) -> None:
        for name, value in {
            "ADDRESS": f"localhost:{port}",
            "NAMESPACE": "footbridge",
            "TLS": "true",
            "TLS_SERVER_CA_CERT_PATH": str(authority / "footbridge/ca.crt"),
            "TLS_CLIENT_CERT_PATH": str(own / "footbridge/own.crt"),
            "TLS_CLIENT_KEY_PATH": str(own / "footbridge/own.key"),
            "CONFIG_FILE": os.devnull,
        }.items():
            monkeypatch.setenv(f"TEMPORAL_{name}", value)

    async def reach() -> str:
        client = await connect()
        return client.namespace

    with temporal_server(tmp_path) as server:
        host, _, inner = server.address.rpartition(":")
        with InThread(PrivateDoor(("localhost", port), (host, int(inner)), context)):
            come(made, made)
            assert asyncio.run(reach()) == "footbridge"
            env = os.environ | {"PATH": f"{temporal_binary().parent}:{os.environ['PATH']}"}
            script = [str(DEPLOY / "temporal-namespace.sh")]
            done = subprocess.run(script, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            for own, authority in ((others, made), (made, others)):
                come(own, authority)
                with pytest.raises((RPCError, RuntimeError, TimeoutError)):
                    asyncio.run(reach())


def test_a_workers_figures_are_told_by_tls(made: Path, others: Path, tmp_path: Path) -> None:
    url, port = f"sqlite:///{tmp_path / 'records.sqlite3'}", free_port()
    migrate.upgrade(url)
    with temporal_server(tmp_path / "temporal") as server:
        env = os.environ | {
            "FOOTBRIDGE_ENVIRONMENT": "test",
            "FOOTBRIDGE_DATABASE_URL": url,
            "FOOTBRIDGE_WORKER_METRICS": f"127.0.0.1:{port}",
            "FOOTBRIDGE_TLS_CERT": str(made / "footbridge/own.crt"),
            "FOOTBRIDGE_TLS_KEY": str(made / "footbridge/own.key"),
            "TEMPORAL_ADDRESS": server.address,
        }
        worker = spawn([sys.executable, "-m", "cli.main", "worker"], log=tmp_path / "worker.log", env=env)
        try:
            told, deadline = "", time.monotonic() + 30
            while "temporal_worker_start" not in told and time.monotonic() < deadline and worker.poll() is None:
                time.sleep(0.2)
                try:
                    at = f"https://localhost:{port}/metrics"
                    with urllib.request.urlopen(at, timeout=5, context=trusting(made)) as answer:
                        told = answer.read().decode()
                except urllib.error.URLError:
                    continue
            assert "temporal_worker_start" in told, (tmp_path / "worker.log").read_text()
            with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
                urllib.request.urlopen(f"https://localhost:{port}/metrics", timeout=5, context=trusting(others))
            with pytest.raises(OSError):
                urllib.request.urlopen(f"http://localhost:{port}/metrics", timeout=5)
        finally:
            stop(worker, within_seconds=45)
