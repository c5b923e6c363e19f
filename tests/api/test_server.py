"""The application in a real server, as it runs: over a socket, with its lifespan."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from records import engine
from records.engine import Word
from tests.api.house import REFERRAL, House

pytestmark = pytest.mark.sqlite


class Server:
    """The application of a house, listening on a port of its own."""

    def __init__(self, house: House) -> None:
        self.house = house
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(house.app, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 10
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop it and wait."""
        self.server.should_exit = True
        self.thread.join(15)
        assert not self.thread.is_alive()

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()


@pytest.fixture
def server(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # an address where no Temporal answers
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
    running = Server(house)
    yield running
    running.close()


def test_a_referral_is_filed_over_a_socket_while_temporal_is_away(server: Server) -> None:
    heard: list[Word] = []
    stop = engine.on_commit(heard.append)
    token = f"Bearer {server.house.tokens['planner']}"
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
