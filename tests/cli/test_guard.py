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
        "database_url": "postgresql://x/y",
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
        ({"public_url": ""}, "in clear, and with cookies"),
        ({"public_url": "http://bridges.example"}, "in clear, and with cookies"),
        ({"oidc_issuer": "http://sign-in.example"}, "in clear"),
    ],
)
def test_production_does_not_start_half_set_up(given: dict[str, Any], said: str) -> None:
    with pytest.raises(guard.NotReady, match=said) as refused:
        guard.require_settings(production(**given))
    assert len(refused.value.problems) == 1
    guard.require_settings(production(**given, environment="demonstration"))


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
