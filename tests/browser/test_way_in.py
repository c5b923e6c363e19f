"""Signing in and out, as somebody does it who was just handed the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_whom_to_try_it_as_is_listed_by_what_they_do(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    shown = page.locator(".fb-demo__list b").all_inner_texts()
    assert shown == [
        *(f"planner@{where}.example" for where in ("countyjail", "lakeside", "riverside")),
        *(f"bridger{number}@footbridge.example" for number in range(1, 9)),
        *(f"{who}@footbridge.example" for who in ("supervisor", "clinician", "manager", "admin", "privacy")),
    ]
    page.close()


def test_a_wrong_password_is_said_and_going_back_after_signing_out_shows_nothing(visit: Visit) -> None:
    with visit("bridger1") as rosa:
        rosa.reads("Boris Example")
        rosa.page.get_by_role("button", name="Sign out").click()
        rosa.page.wait_for_url("**/sign-in")
        rosa.looks()
        rosa.page.go_back()
        assert "Boris Example" not in rosa.main.inner_text(), "no page is kept on a shared phone"
        rosa.goes_to("/sign-in")
        rosa.page.get_by_label("E-mail").fill("bridger1@footbridge.example")
        rosa.page.get_by_label("Password", exact=True).fill("not this one")
        rosa.presses("Sign in")
        rosa.is_asked_again(status=403)
        assert rosa.page.get_by_label("Password", exact=True).input_value() == ""
