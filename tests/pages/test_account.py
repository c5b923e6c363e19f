"""One's own account: another password, and an end to being signed in elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock
from records.commands import sign_in
from tests.pages.bridging import NOW, PASSWORD, Bridging, Browser, begin, said
from tests.pages.client import TestClient

pytestmark = pytest.mark.sqlite
NEW = "nine lanterns by the weir"


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def test_everybody_finds_their_account_behind_their_name(town: Bridging) -> None:
    for name in ("planner", "bridger", "supervisor", "clinician", "manager"):
        browser = town.browser(name)
        page = browser.get("/account")
        assert browser.email in said(page)
        corner = [a for a in page.all("a") if "fb-account__name" in (a.attributes.get("class") or "")]
        assert [a.attributes["href"] for a in corner] == ["/account"]


@pytest.mark.postgresql
def test_a_password_is_changed_and_the_person_stays_signed_in_here(town: Bridging) -> None:
    here = town.browser("bridger")
    elsewhere = Browser(TestClient(town.app), here.email)
    elsewhere.get("/today")
    done = here.follow("/account/password", current=PASSWORD, password=NEW, again=NEW)
    assert "Your password is changed. You were signed out everywhere else." in said(done)
    assert elsewhere.fetch("/today").status_code == 303
    assert sign_in.sign_in(here.email, NEW)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"current": "not my password", "password": NEW, "again": NEW}, "current"),
        ({"current": PASSWORD, "password": NEW, "again": NEW + "s"}, "again"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "password"),
        ({"current": "", "password": NEW, "again": NEW}, "current"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_filled_in(
    town: Bridging, fields: dict[str, str], field: str
) -> None:
    browser = town.browser("bridger")
    answer = browser.post("/account/password", **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert all(typed not in answer.text for typed in (NEW, "not my password", PASSWORD))
    assert sign_in.sign_in(browser.email, PASSWORD)
