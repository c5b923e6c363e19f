"""The way out looks where a name leads when it connects, and goes there: against real servers on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from records.way_out import CheckedTransport, Forbidden, open_client

PEM = Path(__file__).parents[1] / "data" / "loopback-tls.pem"
PUBLIC, INSIDE = "93.184.216.34", "10.9.8.7"


class Inside:
    """A service of the network that nobody outside may reach, and what it was asked."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port = server.server_port
        self.hosts: list[str] = []
        self.goes_to = ""


@contextmanager
def inside(*, tls: bool = False) -> Iterator[Inside]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.hosts.append(self.headers["host"])
            self.send_response(302 if found.goes_to else 200)
            if found.goes_to:
                self.send_header("Location", found.goes_to)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"secret")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Inside(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def ask(url: str, *, allowed: str = "", leads_to: list[str] | None = None, **more: Any) -> httpx.Response:
    resolve = (lambda host, port: leads_to) if leads_to is not None else None
    with open_client(CheckedTransport(allowed, resolve=resolve, **more), timeout=2) as client:
        return client.get(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1"])
def test_nothing_inside_is_reached_by_whatever_name(host: str) -> None:
    with inside() as service:
        with pytest.raises(Forbidden):
            ask(f"http://{host}:{service.port}/")
        assert service.hosts == []


def test_a_host_that_the_operator_named_is_reached_and_no_other() -> None:
    with inside() as service:
        assert ask(f"http://localhost:{service.port}/", allowed="sso.hospital.example, localhost").text == "secret"
        assert ask(f"http://localhost:{service.port}/", allowed=f"localhost:{service.port}").text == "secret"
        for other in ("127.0.0.1", "localhost:1", "ocalhost", ""):
            with pytest.raises(Forbidden):
                ask(f"http://localhost:{service.port}/", allowed=other)
        assert service.hosts == [f"localhost:{service.port}"] * 2


def test_it_looks_once_and_connects_to_what_it_looked_at() -> None:
    """A name that leads elsewhere a moment later gains nothing; nobody else knows this name at all."""
    looked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["169.254.169.254"]

    with inside() as service:
        with open_client(CheckedTransport("rebinding.example", resolve=rebinding), timeout=2) as client:
            assert client.get(f"http://rebinding.example:{service.port}/").text == "secret"
            assert looked == ["rebinding.example"]
            with pytest.raises(Forbidden):
                client.get(f"http://rebinding.example:{service.port}/")
        assert service.hosts == [f"rebinding.example:{service.port}"]


def test_of_several_addresses_only_those_that_may_be_reached_are_tried() -> None:
    url = httpx.URL("https://two.example/")
    assert CheckedTransport(resolve=lambda *_: [INSIDE, PUBLIC, "::1"]).addresses(url) == [PUBLIC]
    with inside() as service:
        named = ask(f"http://two.example:{service.port}/", allowed="two.example", leads_to=["127.0.0.2", "127.0.0.1"])
        assert named.text == "secret", "the next one, when the first does not answer"
        assert service.hosts == [f"two.example:{service.port}"]


def test_metadata_is_not_reached_even_when_its_host_was_named() -> None:
    for address in ("169.254.169.254", "168.63.129.16"):
        with pytest.raises(Forbidden):
            ask(f"http://{address}/latest/meta-data/", allowed=address)


def test_a_redirect_is_not_followed() -> None:
    with inside() as first, inside() as second:
        first.goes_to = f"http://127.0.0.1:{second.port}/"
        answer = ask(f"http://127.0.0.1:{first.port}/", allowed=f"127.0.0.1:{first.port}")
        assert (answer.status_code, second.hosts) == (302, [])


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with inside() as service, inside() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert ask(f"http://127.0.0.1:{service.port}/", allowed="127.0.0.1").text == "secret"
        assert proxy.hosts == []


def test_the_certificate_is_checked_against_the_name() -> None:
    trusts = ssl.create_default_context(cafile=str(PEM))
    with inside(tls=True) as service:
        right = ask(f"https://localhost:{service.port}/", allowed="localhost", leads_to=["127.0.0.1"], verify=trusts)
        assert right.text == "secret"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(f"https://sso.example:{service.port}/", allowed="sso.example", leads_to=["127.0.0.1"], verify=trusts)


def test_a_name_that_leads_nowhere_is_a_connection_that_was_not_made() -> None:
    with pytest.raises(httpx.ConnectError):
        ask("http://nowhere.invalid/", leads_to=[])
