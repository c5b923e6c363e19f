"""What stands at the door: production starts only when set up in earnest, a demonstration brings its own secret."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cli import guard
from cli.opening import open_records
from cli.welcome import seed_demonstration
from domain.vocabulary import Role
from records import engine, migrate
from records.access import system_actor
from records.commands.people import PersonDetails, register_person
from records.commands.programs import create_program
from records.commands.staff import add_staff
from records.commands.upkeep import share_clock
from records.settings import Settings, get_settings

GOOD = "7f3a9c21e5b8d4067f3a9c21e5b8d4061b"


def production(**given: Any) -> Settings:
    """Settings of production that are right, but for what is given."""
    right = {
        "environment": "production",
        "secret_key": GOOD,
        "database_url": "postgresql://x/y?sslmode=require",
        "public_url": "https://bridges.example",
    }
    return Settings(**right | given)


def test_production_starts_when_it_is_set_up() -> None:
    guard.require_settings(production())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"secret_key": ""}, "no secret key"),
        ({"secret_key": GOOD[:31]}, "31 characters"),
        ({"secret_key": "a" * 64}, "placeholder"),
        ({"secret_key": "ChangeMe-7f3a9c21e5b8d4067f3a9c21e5b8d"}, "placeholder"),
        ({"clock_speed": 1440}, "clock runs fast"),
        ({"clock_speed": 0.5}, "clock runs fast"),
        ({"database_url": ""}, "no database"),
        ({"database_url": "postgresql://records.example/y"}, "in clear"),
        ({"database_url": "postgresql://records.example/y?sslmode=prefer"}, "in clear"),
        ({"database_url": "postgresql:///y?host=10.0.0.7"}, "in clear"),
        ({"database_url": "postgresql:///y?host=/run/postgresql,records.example"}, "in clear"),
        ({"former_secret_keys": f"{'e5b8d4067f3a9c21' * 2}, {GOOD}"}, "too"),
        ({"public_url": ""}, "in clear, and with cookies"),
        ({"public_url": "http://bridges.example"}, "in clear, and with cookies"),
        ({"oidc_issuer": "http://sign-in.example"}, "in clear"),
        ({"host": "0.0.0.0"}, "web server is reached over the network in clear"),
        ({"host": "0.0.0.0", "tls_cert": "/no/own.crt"}, "two files"),
        ({"tls_cert": "/no/own.crt", "tls_key": "/no/own.key"}, "cannot be read"),
        ({"smtp_tls": "none", "email_gateway": "smtp", "smtp_host": "mail.example"}, "E-mail goes over the network in"),
        ({"traces_url": "http://collector.example:4318/v1/traces"}, "Traces go over the network in clear"),
    ],
)
def test_production_does_not_start_half_set_up(given: dict[str, Any], said: str) -> None:
    with pytest.raises(guard.NotReady, match=said) as refused:
        guard.require_settings(production(**given))
    assert len(refused.value.problems) == 1
    guard.require_settings(production(**given, environment="demonstration"))


def test_a_certificate_needs_its_own_key(tmp_path: Path) -> None:
    key = tmp_path / "own.key"
    key.write_text("something else")
    key.chmod(0o644)
    given = {"tls_cert": str(Path(__file__)), "tls_key": str(key)}
    with pytest.raises(guard.NotReady, match="others than its owner may read"):
        guard.require_settings(production(**given))
    key.chmod(0o600)
    with pytest.raises(guard.NotReady, match="no certificate with its key"):
        guard.require_settings(production(**given))


def test_a_web_server_without_tls_serves_when_production_is_told_so() -> None:
    guard.require_settings(production(host="0.0.0.0", web_without_tls=True))


def test_what_stays_on_this_machine_may_go_in_clear() -> None:
    guard.require_settings(production(smtp_tls="none", email_gateway="smtp", smtp_host="127.0.0.1"))
    guard.require_settings(production(smtp_tls="none", email_gateway="outbox", smtp_host="mail.example"))
    guard.require_settings(production(traces_url="http://127.0.0.1:4318/v1/traces"))
    guard.require_settings(production(traces_url="https://collector.example/v1/traces"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://records.example/y?sslmode=verify-full",
        "postgresql+psycopg://u:p@records.example:5432/y?sslmode=verify-ca&sslrootcert=/ca.pem",
        "postgresql://127.0.0.1/y",
        "postgresql://[::1]/y",
        "postgresql://localhost/y",
        "postgresql:///y",
        "postgresql:///y?host=/run/postgresql",
        "sqlite:////records/footbridge.sqlite3",
    ],
)
def test_a_database_that_nobody_can_listen_in_on_is_fine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    guard.require_settings(production(database_url=url))


def test_a_database_without_tls_is_used_when_production_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    guard.require_settings(production(database_url="postgresql://postgres/y", database_without_tls=True))
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    guard.require_settings(production(database_url="postgresql://records.example/y"))


@pytest.mark.parametrize(
    ("address", "tls", "is_fine"),
    [
        ("temporal.example:7233", "", False),
        ("temporal.example:7233", "false", False),
        ("10.1.2.3:7233", "", False),
        ("temporal.example:7233", "true", True),
        ("127.0.0.1:7233", "", True),
        ("[::1]:7233", "", True),
        ("localhost:7233", "", True),
        ("", "", True),
    ],
)
def test_production_reaches_temporal_with_tls(
    address: str, tls: str, is_fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ADDRESS": address, "TLS": tls, "CONFIG_FILE": os.devnull, "API_KEY": ""}.items():
        monkeypatch.delenv(f"TEMPORAL_{name}", raising=False)
        if value:
            monkeypatch.setenv(f"TEMPORAL_{name}", value)
    guard.require_temporal(production(temporal_without_tls=True))
    guard.require_temporal(Settings(environment="demonstration"))
    if is_fine:
        guard.require_temporal(production())
    else:
        with pytest.raises(guard.NotReady, match="Temporal is reached over the network in clear"):
            guard.require_temporal(production())


def test_records_that_another_key_sealed_are_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def use(key: str, former: str = "") -> None:
        monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", key)
        monkeypatch.setenv("FOOTBRIDGE_FORMER_SECRET_KEYS", former)
        get_settings.cache_clear()

    use(GOOD)
    with engine.transaction() as session:
        register_person(session, create_program(session, "P").id, PersonDetails("Ada", "Sample"), zone="UTC")
    with engine.read_session() as session:
        guard.require_records(session, get_settings())
        use(GOOD[::-1])
        with pytest.raises(guard.NotReady, match="sealed with another secret key"):
            guard.require_records(session, get_settings())
        use(GOOD[::-1], GOOD)
        guard.require_records(session, get_settings())
    get_settings.cache_clear()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(guard.NotReady) as refused:
        guard.require_settings(production(secret_key="", clock_speed=2, database_url=""))
    assert len(refused.value.problems) == 3


def test_production_refuses_demonstration_users(database: str) -> None:
    settings = production(database_url=database)
    with engine.transaction() as session:
        program = create_program(session, "Example Peers")
        hand = system_actor(program.id)
        add_staff(session, hand, email="one@peers.example", name="One", roles=[Role.MANAGER])
        guard.require_records(session, settings)
        shown = add_staff(
            session, hand, email="two@peers.example", name="Two", roles=[Role.MANAGER], is_demonstration=True
        )
        with pytest.raises(guard.NotReady, match="demonstration users"):
            guard.require_records(session, settings)
        guard.require_records(session, Settings(environment="demonstration"))
        shown.is_active = False
        session.flush()
        guard.require_records(session, settings)


def test_production_refuses_records_of_a_fast_clock(database: str) -> None:
    with engine.transaction() as session:
        share_clock(session, 60)
        with pytest.raises(guard.NotReady, match="fast clock"):
            guard.require_records(session, production(database_url=database))


def test_production_does_not_open_the_demonstrations_records(terminal: Path) -> None:
    url = f"sqlite:///{terminal / 'footbridge.sqlite3'}"
    migrate.upgrade(url)
    engine.configure(url)
    assert seed_demonstration()
    with pytest.raises(guard.NotReady, match="demonstration users"):
        open_records(production(database_url=url))


def test_a_demonstration_makes_its_secret_once_for_its_owner_alone(terminal: Path) -> None:
    first = guard.with_secret(get_settings()).secret_key.get_secret_value()
    kept = terminal / guard.SECRET_FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert os.environ["FOOTBRIDGE_SECRET_KEY"] == first == kept.read_text().strip()
    assert len(first) == 64
    os.environ["FOOTBRIDGE_SECRET_KEY"] = ""
    get_settings.cache_clear()
    assert guard.with_secret(get_settings()).secret_key.get_secret_value() == first
    assert [path.name for path in terminal.iterdir()] == [guard.SECRET_FILE]


def test_processes_that_start_together_agree_on_the_secret(terminal: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(guard._kept_secret, [terminal / "key"] * 8))
    assert len(made) == 1


def test_a_secret_that_was_given_stays(terminal: Path) -> None:
    given = Settings(environment="demonstration", secret_key=GOOD)
    assert guard.with_secret(given) is given
    assert not terminal.exists()
    bare = Settings(environment="production", secret_key="")
    assert guard.with_secret(bare) is bare
