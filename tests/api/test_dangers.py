"""The web's own dangers: what every answer forbids, and what no form, address or log line may do."""

from __future__ import annotations

import pytest

from api.headers import SECURITY_HEADERS
from tests.api.house import House
from tests.api.signing import sign_in

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
