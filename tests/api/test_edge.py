"""The outermost layer: what is too large, unreadable or broken is answered, and nothing leaks."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from api.edge import LARGEST_BODY, LARGEST_IMPORT
from records.settings import get_settings
from tests.api.house import House
from tests.api.probe import SECRET
from tests.api.signing import sign_in
from tests.pages.harness import check_page

pytestmark = pytest.mark.sqlite


def test_fifty_megabytes_are_refused_before_they_are_read(house: House) -> None:
    response = house.client.post("/api/v1/referrals", content=b"x" * 50_000_000)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["title"] == "This is too large"


def test_a_body_without_a_length_is_cut_off_too(house: House) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield b"x" * 100_000

    response = house.client.post(
        "/api/v1/referrals",
        content=endless(),
        headers={"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"},
    )
    assert response.status_code == 413


def test_one_byte_under_the_limit_is_read(house: House) -> None:
    response = house.client.post(
        "/api/v1/referrals",
        content=b'"' + b"x" * (LARGEST_BODY - 2) + b'"',
        headers={"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"},
    )
    assert response.status_code == 422


def test_imports_may_be_larger(house: House) -> None:
    assert house.client.post("/imports", content=b"x" * (LARGEST_BODY + 1)).status_code != 413
    assert house.client.post("/imports", content=b"x" * (LARGEST_IMPORT + 1)).status_code == 413


@pytest.mark.parametrize("length", ["-5", "ten", "1e3", ""])
def test_a_length_that_is_none_is_refused(house: House, length: str) -> None:
    response = house.client.post("/api/v1/referrals", content=b"{}", headers={"Content-Length": length})
    assert response.status_code in (400, 413)


@pytest.mark.parametrize("path", ["/referrals/%00", "/api/v1/referrals/%00", "/api/v1/people/a%0ab", "/x?q=%00"])
def test_unprintable_addresses_hold_nothing(house: House, path: str) -> None:
    assert house.client.get(path, headers={"Authorization": f"Bearer {house.tokens['manager']}"}).status_code == 404


def test_a_fault_says_nothing_of_what_it_was_about(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(get_settings(), "environment", "production")
    with caplog.at_level(logging.ERROR):
        page = house.client.get("/probe-broken")
        problem = house.client.get("/api/v1/probe-broken")
    assert page.status_code == problem.status_code == 500
    reference = page.headers["x-request-id"]
    assert reference in page.text
    assert problem.json()["request_id"] == problem.headers["x-request-id"]
    assert "content-security-policy" in page.headers
    assert SECRET not in page.text + problem.text + caplog.text
    assert reference in caplog.text
    check_page(page.text)


def test_a_refusal_on_a_page_keeps_the_frame_of_whoever_is_signed_in(house: House) -> None:
    sign_in(house.client, "planner")
    response = house.client.get("/probe-refused")
    assert response.status_code == 403
    page = check_page(response.text)
    assert "Planner Pretend" in response.text
    assert any(form.attributes.get("action") == "/sign-out" for form in page.all("form"))


def test_a_page_whose_transaction_broke_keeps_its_frame(house: House) -> None:
    sign_in(house.client, "planner")
    response = house.client.get("/probe-torn")
    assert response.status_code == 500
    check_page(response.text)
    assert "Planner Pretend" in response.text


def test_a_page_that_is_not_there(house: House) -> None:
    response = house.client.get("/nowhere")
    assert response.status_code == 404
    check_page(response.text)


def test_another_method(house: House) -> None:
    response = house.call("manager", "DELETE", "/referrals")
    assert response.status_code == 405
    assert response.json()["title"] == "This address does not take that method"


def test_every_answer_has_a_reference_and_the_headers(house: House) -> None:
    for path in ("/healthz", "/sign-in", "/nowhere", "/api/v1/referrals"):
        response = house.client.get(path)
        assert re.fullmatch(r"[0-9a-f]{16}", response.headers["x-request-id"])
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_reference_is_taken_over_from_in_front_when_it_is_one(house: House) -> None:
    given = house.client.get("/healthz", headers={"X-Request-ID": "proxy-0123456789"})
    assert given.headers["x-request-id"] == "proxy-0123456789"
    made_up = house.client.get("/healthz", headers={"X-Request-ID": "<script>alert(1)</script>"})
    assert "script" not in made_up.headers["x-request-id"]
