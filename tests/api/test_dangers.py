"""The web's own dangers: what every answer forbids, and what no form, address or log line may do."""

from __future__ import annotations

import re
import socket

import pytest

from api.headers import SECURITY_HEADERS, STRICT_TRANSPORT_SECURITY
from cli.slow_clients import PatientProtocol
from records.settings import get_settings
from tests.api.house import House
from tests.api.listening import Server
from tests.api.signing import sign_in
from tests.pages.client import TestClient

pytestmark = pytest.mark.sqlite


def test_every_answer_carries_the_headers(house: House) -> None:
    sign_in(house.client, "planner")
    referral_id = house.file()
    for path, status in (
        (f"/referrals/{referral_id}", 200), ("/nowhere", 404), ("/probe-refused", 403), ("/probe-broken", 500),
        ("/", 303), ("/healthz", 200), ("/api/v1/referrals", 401), ("/api/v1/probe-broken", 500),
    ):  # fmt: skip
        answer = house.client.get(path)
        assert answer.status_code == status, path
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers.get_list(name) == [value], (path, name)
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(
        policy.split("; ")
    )
    assert "unsafe" not in policy


def test_behind_a_proxy_that_ends_tls_the_public_address_decides(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgets to pass on that it was https loses neither the cookies' protection nor the browser's promise."""
    monkeypatch.setattr(get_settings(), "public_url", "https://bridges.example")
    client = TestClient(house.app, base_url="http://testserver", follow_redirects=False)
    answer = client.get("/sign-in")
    assert answer.headers["strict-transport-security"] == STRICT_TRANSPORT_SECURITY
    assert [cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")] == [
        "__Host-footbridge-visitor"
    ]
    assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))


def test_no_other_origin_reads_anything_and_nothing_is_listed_or_traced(house: House) -> None:
    for path in ("/sign-in", "/api/v1/referrals", "/healthz"):
        answer = house.client.get(path, headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")], path
    for path in ("/static", "/static/", "/static/x/", "/static/x/../../app.py", "/static/x/..%2f..%2fapp.py"):
        assert house.client.get(path).status_code == 404, path
    assert house.client.request("TRACE", "/sign-in", headers={"Cookie": "a=secret"}).status_code == 405


def test_where_a_request_ends_is_one_thing_only(house: House) -> None:
    """Two lengths are refused; of a length and pieces the pieces count (RFC 9112, 6.3), and nothing is left over."""
    server = Server(house.app, http=PatientProtocol, lifespan="off")
    try:
        two = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
        both = (
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        for sent, statuses in ((two, [b"400"]), (both, [b"403", b"404"])):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                connection.sendall(sent)
                answer = b""
                while answer.count(b"HTTP/1.1 ") < len(statuses) and (part := connection.recv(65_536)):
                    answer += part
            assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == statuses
    finally:
        server.close()


EDGE = "edge"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"&".join(b"x%d=1" % number for number in range(301))),
        ("application/x-www-form-urlencoded", b"search=" + b"x" * 80_001),
        (f"multipart/form-data; boundary={EDGE}", b"".join(
            b'--edge\r\nContent-Disposition: form-data; name="x%d"\r\n\r\n1\r\n' % number for number in range(301)
        ) + b"--edge--\r\n"),
        (f"multipart/form-data; boundary={EDGE}", b"".join(
            b'--edge\r\nContent-Disposition: form-data; name="f%d"; filename="a"\r\n\r\n1\r\n' % number
            for number in range(3)
        ) + b"--edge--\r\n"),
        (f"multipart/form-data; boundary={EDGE}",
         b'--edge\r\nContent-Disposition: form-data; name="search"\r\n\r\n' + b"x" * 80_001 + b"\r\n--edge--\r\n"),
        (f"multipart/form-data; boundary={EDGE}", b"--edge\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n1\r\n--edge--\r\n"),
        ("multipart/form-data", b"no boundary"),
    ],
    ids=["fields", "a long field", "parts", "files", "a long part", "headers of a part", "no boundary"],
)  # fmt: skip
def test_a_form_that_is_too_much_is_refused_before_it_is_used(house: House, kind: str, body: bytes) -> None:
    sign_in(house.client, "manager")
    answer = house.client.post("/people", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, "could not be read" in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/api/v1/referrals", "/fhir/$process-message"])
@pytest.mark.parametrize("depth", [900, 5_000, 450_000])
def test_json_that_is_nested_without_end_is_refused(house: House, path: str, depth: int) -> None:
    headers = {"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"}
    for body in (b"[" * depth + b"]" * depth, b'{"a":' * (depth // 3) + b"1" + b"}" * (depth // 3)):
        assert house.client.post(path, content=body, headers=headers).status_code in (400, 422)
