"""Where one is signed in: seen and ended by oneself, and by who manages staff."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.devices import device_in_words
from records import clock
from records.commands import sessions, sign_in
from records.tables import JournalEntry, StaffSession
from tests.api.signing import token_of
from tests.pages.bridging import NOW, PASSWORD, Bridging, Browser, said
from tests.pages.charge import begin_in_charge
from tests.pages.client import TestClient

pytestmark = pytest.mark.sqlite
HERE = "/account/sessions"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0"


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def elsewhere(town: Bridging, name: str, agent: str) -> Browser:
    browser = Browser(TestClient(town.app), town.browser(name).email, clock.now())
    browser.client.cookies.set("footbridge-session", sign_in.sign_in(browser.email, PASSWORD, agent))
    return browser


def names(town: Bridging, browser: Browser) -> list[str]:
    return [one.attributes["value"] for one in browser.get(HERE).all("input") if one.attributes.get("name") == "ended"]


@pytest.mark.postgresql
def test_somebody_sees_where_they_are_signed_in_and_ends_one(town: Bridging) -> None:
    here = town.browser("bridger")
    phone, desk = elsewhere(town, "bridger", PHONE), elsewhere(town, "bridger", DESK)
    clock.advance(timedelta(minutes=2))
    desk.get("/today")
    text = said(here.get(HERE))
    assert "This one" in text
    assert text.index("Edge on Windows") < text.index("Safari on an iPhone"), "the latest first"
    first, second = names(town, here)
    assert here.goes_to(HERE, ended=second, current=PASSWORD) == HERE
    assert phone.fetch("/today").status_code == 303
    assert desk.fetch("/today").status_code == 200
    assert here.post(HERE, ended=second, current=PASSWORD).status_code == 409, "it has ended already"
    assert names(town, here) == [first]
    assert town.rows(JournalEntry)[-1].event == "staff.signed_out"


def test_an_open_browser_shuts_nobody_out_without_the_password(town: Bridging) -> None:
    here, phone = town.browser("bridger"), elsewhere(town, "bridger", PHONE)
    answer = here.post(HERE, ended=names(town, here)[0], current="not this one")
    assert answer.status_code == 422
    assert 'id="current-error"' in answer.text
    assert phone.fetch("/today").status_code == 200


def test_nobody_ends_a_session_of_somebody_else(town: Bridging) -> None:
    theirs = elsewhere(town, "second", PHONE)
    with_name = sessions._name(sessions.kept(str(theirs.client.cookies["footbridge-session"])))
    assert town.browser("bridger").post(HERE, ended=with_name, current=PASSWORD).status_code == 409
    assert theirs.fetch("/today").status_code == 200


def test_what_has_ended_is_not_shown_and_the_page_opens_nothing(town: Bridging) -> None:
    here = town.browser("bridger")
    elsewhere(town, "bridger", PHONE)
    clock.advance(timedelta(minutes=9))
    here.get("/today")
    clock.advance(timedelta(minutes=9))
    here.signed_in_at = clock.now()
    answer = here.fetch(HERE)
    assert "Nowhere else." in answer.text
    assert not [row for row in town.rows(StaffSession) if row.id in answer.text]


@pytest.mark.postgresql
def test_whoever_manages_staff_signs_somebody_out_who_may_come_back(town: Bridging) -> None:
    theirs, staff_id = town.browser("bridger"), town.staff["bridger"]
    assert "Sign them out everywhere" in said(town.browser("admin").get(f"/staff/{staff_id}"))
    assert town.browser("admin").goes_to(f"/staff/{staff_id}/sign-out") == f"/staff/{staff_id}"
    assert theirs.fetch("/today").status_code == 303
    assert sign_in.sign_in(theirs.email, PASSWORD)
    assert town.browser("supervisor").post(f"/staff/{staff_id}/sign-out").status_code == 403
    assert town.browser("stranger").post(f"/staff/{staff_id}/sign-out").status_code == 404


def test_signing_in_again_in_the_same_browser_ends_what_it_held(town: Bridging) -> None:
    here = town.browser("bridger")
    before = str(here.client.cookies["footbridge-session"])
    form = here.client.get("/sign-in")
    sent = {"csrf_token": token_of(form.text), "email": here.email, "password": PASSWORD}
    assert here.client.post("/sign-in", data=sent, follow_redirects=False).status_code == 303
    thief = TestClient(town.app, cookies={"footbridge-session": before}, follow_redirects=False)
    assert thief.get("/today").status_code == 303


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (PHONE, "Safari on an iPhone"),
        (DESK, "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
         "Chrome on an Android phone or tablet"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)  # fmt: skip
def test_browsers_are_called_as_people_know_them(agent: str, words: str) -> None:
    assert device_in_words(agent) == words
