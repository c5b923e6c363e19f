"""The web's own dangers: what every answer forbids, and what no form, address or log line may do."""

from __future__ import annotations

import pytest

from api.headers import SECURITY_HEADERS, STRICT_TRANSPORT_SECURITY
from records.settings import get_settings
from tests.api.house import House
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
