"""Signing off after idle time, in a browser: a warning first, a button to stay, and nothing typed is lost."""

from __future__ import annotations

from records.seed.people import PASSWORD
from tests.browser.conftest import Visit

NOTE = "She prefers mornings, and a call before."
MINUTE = 60_000


def test_a_warning_comes_first_and_one_may_stay(visit: Visit) -> None:
    with visit("bridger1") as rosa:
        rosa.page.clock.install()
        rosa.goes_to("/today")
        warning = rosa.page.get_by_role("alertdialog")
        rosa.page.clock.run_for(11 * MINUTE)
        assert not warning.is_visible()
        rosa.page.clock.run_for(2 * MINUTE)
        assert warning.is_visible()
        rosa.looks()
        with rosa.page.expect_response("**/account/stay"):
            warning.get_by_role("button", name="Stay signed in").click()
        warning.wait_for(state="detached")
        rosa.page.clock.run_for(8 * MINUTE)
        rosa.goes_to("/today")
        rosa.reads("Boris Example")


def test_whoever_types_is_still_there(visit: Visit) -> None:
    with visit("bridger1") as rosa:
        rosa.page.clock.install()
        rosa.goes_to("/people")
        rosa.follows("Ada Sample")
        rosa.goes_to(rosa.where + "/note")
        rosa.page.clock.run_for(10 * MINUTE)
        with rosa.page.expect_response("**/account/stay"):
            rosa.fills(note=NOTE)
        rosa.page.clock.run_for(10 * MINUTE)
        assert not rosa.page.get_by_role("alertdialog").is_visible()
        assert rosa.page.locator("[name=note]").input_value() == NOTE


def test_what_was_typed_stands_there_again_after_signing_in(visit: Visit) -> None:
    with visit("bridger1") as rosa:
        rosa.page.clock.install()
        rosa.goes_to("/people")
        rosa.follows("Ada Sample")
        rosa.goes_to(rosa.where + "/note")
        rosa.fills(note=NOTE)
        rosa.page.clock.run_for(16 * MINUTE)
        rosa.page.wait_for_url("**/sign-in?next=/kept/**")
        rosa.reads("nothing happened for a while")
        rosa.page.go_back()
        assert NOTE not in rosa.page.content(), "nothing stays behind the back button"
        rosa.page.go_forward()
        rosa.page.get_by_label("E-mail").fill("bridger1@footbridge.example")
        rosa.page.get_by_label("Password", exact=True).fill(PASSWORD)
        rosa.presses("Sign in")
        rosa.page.wait_for_url("**/kept/**")
        rosa.reads("Nothing is lost")
        assert rosa.page.locator("[name=note]").input_value() == NOTE
        rosa.page.locator("main form button[type=submit]").first.click()
        rosa.page.wait_for_url(lambda url: "/kept/" not in url)
