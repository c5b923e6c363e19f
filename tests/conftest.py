"""What every test may ask for. Real parts; a part that is missing fails the test with what to install."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from cli.local_postgres import PostgresServer, postgres_server
from records.settings import get_settings
from tests.support import databases
from tests.support.chromium import chromium
from tests.support.longest import LONGEST
from tests.support.loopback import stay_here

if TYPE_CHECKING:
    from playwright.sync_api import Browser

KINDS = ("sqlite", "postgresql")

settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture
def shared_secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One secret key for this process and those it starts: what one seals, the other opens."""
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "5e" * 32)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHash]:
    """Passwords are hashed quickly: a thousand sign-ins at full strength are a minute. Gives the real one back."""
    from records.commands import passwords  # not at import: tests of pure rules need no records

    real, passwords._hasher = passwords._hasher, PasswordHash((Argon2Hasher(1, 64, 1),))
    yield real
    passwords._hasher = real


def pytest_configure(config: pytest.Config) -> None:
    """Nothing but this machine is reachable, from the first import of a test on."""
    stay_here()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses a database runs on both; the markers `sqlite` and `postgresql` choose one."""
    if "database_kind" in metafunc.fixturenames:
        chosen = [kind for kind in KINDS if metafunc.definition.get_closest_marker(kind)]
        metafunc.parametrize("database_kind", chosen or KINDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first (with `--no-loadscope-reorder`; xdist would begin with those of the most tests)."""
    places = {path: place for place, path in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """No test is skipped: what it needs is installed, or it fails and says what is missing."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped; nothing may be: {call.excinfo and call.excinfo.value}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """No file of tests is skipped either."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped; nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process alone."""
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_template(postgres: PostgresServer) -> str:
    return databases.postgres_template(postgres)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables: for tests of the migrations themselves."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    with databases.postgres_copy(request.getfixturevalue("postgres"), "template0") as url:
        yield url


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database of this test alone, on SQLite and then on PostgreSQL. It is not opened."""
    if database_kind == "sqlite":
        yield databases.sqlite_copy(request.getfixturevalue("_sqlite_template"), tmp_path)
        return
    template = request.getfixturevalue("_postgres_template")
    with databases.postgres_copy(request.getfixturevalue("postgres"), template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """A migrated database, opened for this process: `records.engine.transaction()` works. The value is its URL."""
    from records import engine  # not at import: tests of pure rules need no database

    engine.configure(database_url)
    try:
        yield database_url
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one file. Do not run asyncio in that file: the browser's own loop is running."""
    with chromium() as opened:
        yield opened
