"""Whoever sends or reads too slowly is cut off, and everybody else is served meanwhile: real sockets, a real server."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from api.app import create_app
from cli import slow_clients
from records.settings import get_settings
from tests.api.listening import Server

pytestmark = pytest.mark.sqlite
LARGE = 30_000_000


class Impatient(slow_clients.PatientProtocol):
    """The same with limits that a test can wait for."""

    headers_seconds, body_seconds, answer_seconds = 0.4, 0.8, 0.4


async def large(scope: dict, receive: object, send: object) -> None:
    """An answer that no buffer holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"x" * LARGE})  # type: ignore[operator]


@pytest.fixture
def server(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # an address where no Temporal answers
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
    running = Server(create_app(get_settings()), http=Impatient)
    yield running
    running.close()


def connect(server: Server, first: bytes) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    opened.sendall(first)
    return opened


def trickle(sockets: list[socket.socket], byte: bytes, seconds: float) -> list[socket.socket]:
    """A byte every now and then on each, for so long; those that are still open then."""
    ends, still_open = time.monotonic() + seconds, list(sockets)
    while time.monotonic() < ends and still_open:
        for one in list(still_open):
            try:
                one.sendall(byte)
            except OSError:
                still_open.remove(one)
        time.sleep(0.05)
    return still_open


def answered(kept: socket.socket) -> bool:
    """Whether a whole answer of /healthz comes."""
    found = b""
    while not found.endswith(b"\r\n\r\nok\n"):
        part = kept.recv(4096)
        if not part:
            return False
        found += part
    return found.startswith(b"HTTP/1.1 200")


HEADERS = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = b"POST /api/v1/referrals HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"


@pytest.mark.parametrize("begins", [b"", HEADERS, BODY], ids=["nothing", "headers", "body"])
def test_slow_clients_are_cut_off_and_others_are_served(server: Server, begins: bytes) -> None:
    slow = [connect(server, begins) for _ in range(100)]
    begun = time.monotonic()
    assert server.ask("GET", "/healthz")[0] == 200
    assert time.monotonic() - begun < 2
    if begins:
        assert trickle(slow, b"x", 3.0) == []
    for one in slow:
        with contextlib.suppress(OSError):  # reset, or an answer and then the end
            while one.recv(65_536):
                pass
        one.close()
    assert server.ask("GET", "/healthz")[0] == 200


def test_whoever_keeps_a_connection_and_then_dawdles_is_cut_off_too(server: Server) -> None:
    with connect(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") as kept:
        assert answered(kept)
        time.sleep(0.6)  # a pause between two requests is what connections are kept for
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answered(kept)
        kept.sendall(HEADERS)
        assert trickle([kept], b"x", 3.0) == []


def test_a_body_that_comes_in_pieces_in_time_is_read(server: Server) -> None:
    with connect(server, b"POST /api/v1/referrals HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n") as slow:
        for _ in range(6):
            time.sleep(0.08)
            slow.sendall(b"1")
        assert slow.recv(4096).startswith(b"HTTP/1.1 422"), "one number is no referral"


def test_an_answer_that_nobody_reads_is_not_kept_for_ever() -> None:
    server = Server(large, http=Impatient, lifespan="off")
    try:
        with socket.socket() as unread:
            unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            unread.connect(("127.0.0.1", server.port))
            unread.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(1.5)
            assert not server.server.server_state.connections
        status, _, body = server.ask("GET", "/")
        assert (status, len(body)) == (200, LARGE), "whoever reads, gets all of it"
    finally:
        server.close()
