"""The application in a real server, as it runs: over a socket, with its lifespan."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from records import engine
from records.engine import Word
from tests.api.house import REFERRAL, House
from tests.api.listening import Server

pytestmark = pytest.mark.sqlite


@pytest.fixture
def server(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # an address where no Temporal answers
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
    running = Server(house.app)
    yield running
    running.close()


def test_a_referral_is_filed_over_a_socket_while_temporal_is_away(house: House, server: Server) -> None:
    heard: list[Word] = []
    stop = engine.on_commit(heard.append)
    token = f"Bearer {house.tokens['planner']}"
    try:
        status, headers, body = server.ask(
            "POST",
            "/api/v1/referrals",
            json.dumps(REFERRAL).encode(),
            Authorization=token,
            Content_Type="application/json",
        )
    finally:
        stop()
    assert status == 201
    assert headers["etag"] == '"1"'
    assert [word.nudges for word in heard] == [frozenset({json.loads(body)["id"]})], "the workflow is to be told"
    status, _, metrics = server.ask("GET", "/metrics")
    assert status == 200
    assert b"footbridge_workflows_untold 1.0" in metrics
    assert b"footbridge_referrals_open 1.0" in metrics


def test_fifty_megabytes_do_not_come_in(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"POST /api/v1/referrals HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert server.ask("GET", "/healthz")[0] == 200, "and the server goes on"


def test_health_and_readiness(server: Server) -> None:
    assert server.ask("GET", "/healthz")[2] == b"ok\n"
    assert server.ask("GET", "/readyz")[2] == b"ready\n"
    engine.configure("sqlite://")  # a database without tables
    status, headers, body = server.ask("GET", "/readyz")
    assert (status, headers["content-type"]) == (503, "application/problem+json")
    assert json.loads(body)["code"] == "database"
    assert server.ask("GET", "/healthz")[0] == 200, "the process itself is well"
