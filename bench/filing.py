"""Filing through the API, journalled and durable, against bare routes that insert one row; eight clients each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.figures import Figure, at_least, median, percentile
from bench.serving import footbridge, free_port, load, server
from cli.drill.program import make_program
from records import clock, engine, migrate
from records.commands.sign_in import create_token

CLIENTS, ROUNDS = 8, 3
NAMES = ("Ada", "Boris", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo")


def run(seconds: float = 10.0) -> list[Figure]:
    """All in turn, three times, so that a slow moment of the machine falls on all."""
    ours: list[float] = []
    plain: list[float] = []
    bare: list[float] = []
    bare_text: list[float] = []
    times: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'ours.sqlite3'}"
        token = program_at(url)
        port = free_port()
        command, environment = footbridge(folder, port, url)
        other = free_port()
        bare_command = ["-m", "bench.bare", f"sqlite:///{folder / 'bare.sqlite3'}", str(other)]
        with server(command, port, folder, **environment), server(bare_command, other, folder):
            for _ in range(ROUNDS):
                rate, taken = load(
                    port, CLIENTS, seconds / ROUNDS, lambda client, number: referral_from(token, client, number)
                )
                ours.append(rate)
                times += taken
                plain.append(load(other, CLIENTS, seconds / ROUNDS, _row("/plain"))[0])
                bare.append(load(other, CLIENTS, seconds / ROUNDS, _row("/rows"))[0])
                bare_text.append(load(other, CLIENTS, seconds / ROUNDS, _row("/text"))[0])
    rate, as_documented = sum(ours) / ROUNDS, sum(plain) / ROUNDS
    base, by_text = sum(bare) / ROUNDS, sum(bare_text) / ROUNDS
    return [
        Figure("filing", "referrals filed, 8 clients", rate, "/s"),
        Figure("filing", "time to answer, median", median(times) * 1000, "ms"),
        Figure("filing", "time to answer, p99", percentile(times, 99) * 1000, "ms"),
        Figure("filing", "bare route, as documented", as_documented, "/s"),
        Figure("filing", "bare route, by SQLModel over our writer", base, "/s"),
        Figure("filing", "bare route, by a line of SQL over our writer", by_text, "/s"),
        at_least("filing", "ours of the bare route as documented", rate / as_documented, "×", 0.5),
        Figure("filing", "ours of the bare route by SQLModel over our writer", rate / base, "×"),
        Figure("filing", "ours of the bare route by a line of SQL over our writer", rate / by_text, "×"),
    ]


def program_at(url: str) -> str:
    """A new database with a program in it; the token of its planner."""
    migrate.upgrade(url)
    engine.configure(url)
    with engine.transaction() as session:
        made = make_program(session)
        token = create_token(session, made.planner, "bench", 1)
    engine.dispose()
    return token


def referral_from(token: str, client: int, number: int) -> tuple[str, str, Any, dict[str, str]]:
    """One referral, as a hospital's system sends it."""
    body = {
        "setting": "psychiatric_inpatient",
        "person": {
            "given_name": NAMES[client],
            "family_name": f"Bench {uuid4().hex[:8]}",
            "birth_on": f"19{50 + number % 50}-0{1 + client}-1{number % 10}",
            "phones": [{"number": "202-555-0123"}],
        },
        "expected_on": _in_a_week(),
        "certainty": "likely",
        "consent": "given",
        "risks": ["suicide_risk"],
        "needs": ["housing"],
    }
    return "POST", "/api/v1/referrals", body, {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}


def _in_a_week() -> str:
    return (clock.now() + timedelta(days=7)).date().isoformat()


def _row(path: str) -> Callable[[int, int], tuple[str, str, Any, dict[str, str]]]:
    return lambda _client, _number: ("POST", path, {"body": "x" * 400}, {})
