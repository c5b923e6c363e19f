"""Choosing a password by a link that is good once: invited, or having forgotten it; and what a stranger gets of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from httpx import Response

from domain.vocabulary import Channel
from records import clock, engine
from records.commands import links, messages, second_factor, sign_in
from records.settings import get_settings
from records.tables import JournalEntry, Notification, OneTimeLink, SecondFactor, Staff
from tests.api.signing import token_of
from tests.pages.bridging import NOW, PASSWORD, Bridging, words
from tests.pages.charge import begin_in_charge
from tests.pages.client import TestClient
from tests.pages.harness import check_page
from workflows.messages import Envelope, write_message

pytestmark = pytest.mark.sqlite
NEW = "nine lanterns by the weir"
MEMBER = {"name": "New Pretend", "first_name": "", "email": "new@program.example", "phone": "", "roles": "supervisor",
          "facility_id": "", "supervisor_id": ""}  # fmt: skip


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def mails(town: Bridging) -> list[str]:
    """The links that were sent, as they stand in the e-mails, oldest first."""
    found = []
    for row in sorted(town.rows(Notification, Notification.template == "choose_password"), key=lambda row: row.id):
        assert row.channel is Channel.EMAIL
        envelope = Envelope("New", "Harbor Line", "", "America/New_York", "https://here.example", row.params)
        body = write_message(row.template, row.channel, envelope).body
        link = re.search(r"https://here\.example(/choose-password/\S+)", body)
        assert link is not None, body
        found.append(link[1])
    return found


def visitor(town: Bridging) -> TestClient:
    return TestClient(town.app, follow_redirects=False)


def choose(client: TestClient, path: str, password: str = NEW, again: str = "") -> Response:
    """Open the link and send the form, as somebody does who was sent it."""
    form = client.get(path)
    check_page(form.text)
    if form.status_code != 200:
        return form
    sent = {"csrf_token": token_of(form.text), "username": "", "password": password, "again": again or password}
    answer: Response = client.post(path, data=sent)
    if answer.text:
        check_page(answer.text)
    return answer


def ask(town: Bridging, email: str) -> Response:
    client = visitor(town)
    form = client.get("/sign-in/forgotten")
    check_page(form.text)
    answer: Response = client.post("/sign-in/forgotten", data={"csrf_token": token_of(form.text), "email": email})
    check_page(answer.text)
    return answer


@pytest.mark.postgresql
def test_somebody_new_is_sent_a_link_chooses_a_password_and_is_in(town: Bridging) -> None:
    answer = town.browser("admin").post("/staff/new", **MEMBER)
    assert answer.status_code == 200
    assert "on its way to new@program.example" in words(answer.text)
    assert "/choose-password/" not in answer.text
    (path,) = mails(town)
    client = visitor(town)
    done = choose(client, path)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert client.get("/board").status_code == 200
    assert sign_in.sign_in("new@program.example", NEW)
    events = [entry.event for entry in town.rows(JournalEntry) if entry.subject_id == town.rows(
        Staff, Staff.email == "new@program.example")[0].id]  # fmt: skip
    assert events[:4] == ["staff.added", "staff.invited", "staff.password_chosen", "staff.signed_in"]


def test_a_link_is_good_once_and_looking_at_it_uses_nothing_up(town: Bridging) -> None:
    town.browser("admin").post("/staff/new", **MEMBER)
    (path,) = mails(town)
    for _ in range(3):
        assert visitor(town).get(path).status_code == 200
    assert choose(visitor(town), path, "short").status_code == 422, "a refused password does not use it up"
    assert choose(visitor(town), path).status_code == 303
    again = choose(visitor(town), path, "ten lanterns by the weir")
    assert again.status_code == 404
    assert "does not work any more" in again.text
    assert sign_in.sign_in("new@program.example", NEW)


@pytest.mark.postgresql
def test_two_who_use_the_same_link_at_once_do_not_both_get_in(town: Bridging) -> None:
    town.browser("admin").post("/staff/new", **MEMBER)
    (path,) = mails(town)
    first, second = visitor(town), visitor(town)
    form = second.get(path)
    assert choose(first, path).status_code == 303
    sent = {
        "csrf_token": token_of(form.text),
        "password": "ten lanterns by the weir",
        "again": "ten lanterns by the weir",
    }
    assert second.post(path, data=sent).status_code == 404


def test_a_link_ends_and_a_newer_one_voids_it(town: Bridging) -> None:
    admin = town.browser("admin")
    admin.post("/staff/new", **MEMBER)
    staff_id = town.rows(Staff, Staff.email == MEMBER["email"])[0].id
    shown = admin.post(f"/staff/{staff_id}/link", how="show")
    path = re.search(r"(/choose-password/[\w.-]+)<", shown.text)
    assert path is not None
    assert len(mails(town)) == 1, "what is shown is not sent"
    assert visitor(town).get(mails(town)[0]).status_code == 404
    clock.advance(links.INVITATION_LASTS - timedelta(seconds=1))
    assert visitor(town).get(path[1]).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert visitor(town).get(path[1]).status_code == 404


@pytest.mark.parametrize("name", ["bridger", "nobody"])
def test_whoever_forgot_is_told_the_same_whether_anybody_has_that_address(town: Bridging, name: str) -> None:
    town.browser("bridger")
    answer = ask(town, f"{name}@program.example")
    assert answer.status_code == 200
    assert words(answer.text) == words(ask(town, "somebody@else.example").text)
    assert len(mails(town)) == (1 if name == "bridger" else 0)


@pytest.mark.postgresql
def test_a_forgotten_password_is_chosen_anew_and_ends_every_session(town: Bridging) -> None:
    browser = town.browser("bridger")
    browser.get("/today")
    with pytest.raises(Exception, match="do not match"):
        sign_in.sign_in(browser.email, "not this one")
    ask(town, browser.email.upper())
    (path,) = mails(town)
    assert choose(visitor(town), path).status_code == 303
    assert browser.client.get("/today", follow_redirects=False).status_code == 303
    assert sign_in.sign_in(browser.email, NEW)
    told = [row.template for row in town.rows(Notification, Notification.staff_id == town.staff["bridger"])]
    assert "sign_in_changed" in told, "it may not have been they"


def test_a_link_that_was_asked_for_lasts_an_hour(town: Bridging) -> None:
    ask(town, town.browser("bridger").email)
    (path,) = mails(town)
    clock.advance(links.ASKED_LASTS)
    assert visitor(town).get(path).status_code == 404


def test_nobodys_mailbox_is_filled_from_the_door(town: Bridging) -> None:
    email = town.browser("bridger").email
    for _ in range(3):
        ask(town, email)
    assert len(mails(town)) == 1
    for _ in range(20):
        clock.advance(links.ASK_AGAIN_AFTER)
        ask(town, email)
    assert len(mails(town)) == links.MOST_A_DAY


@pytest.mark.postgresql
def test_a_link_stands_for_the_password_alone(town: Bridging) -> None:
    """Whoever reads somebody's e-mail does not get past their second step."""
    browser, staff_id = town.browser("bridger"), town.staff["bridger"]
    with engine.transaction() as session:
        second_factor.new_secret(session, staff_id).confirmed_at = clock.now()
    ask(town, browser.email)
    client = visitor(town)
    done = choose(client, mails(town)[0])
    assert done.headers["location"] == "/sign-in/second-step"
    assert client.get("/today").status_code == 303
    with engine.read_session() as session:
        secret = second_factor.secret_of(session.get_one(SecondFactor, staff_id))
    form = client.get("/sign-in/second-step")
    sent = {"csrf_token": token_of(form.text), "code": pyotp.TOTP(secret).at(clock.now()), "recovery": ""}
    assert client.post("/sign-in/second-step", data=sent).status_code == 303
    assert client.get("/today").status_code == 200


def test_who_has_left_gets_no_link_and_a_link_of_before_ends(town: Bridging) -> None:
    browser, staff_id = town.browser("second"), town.staff["second"]
    ask(town, browser.email)
    admin = town.browser("admin")
    admin.goes_to(f"/staff/{staff_id}/disable")
    assert visitor(town).get(mails(town)[0]).status_code == 404
    clock.advance(links.ASK_AGAIN_AFTER)
    ask(town, browser.email)
    assert len(mails(town)) == 1
    assert admin.post(f"/staff/{staff_id}/link").status_code == 409


def test_links_are_made_by_who_manages_staff_for_their_own_program(town: Bridging) -> None:
    town.browser("second")
    for name in ("supervisor", "clinician", "planner", "bridger"):
        assert town.browser(name).post(f"/staff/{town.staff['second']}/link", how="show").status_code == 403
    assert town.browser("stranger").post(f"/staff/{town.staff['second']}/link", how="show").status_code == 404


def test_an_open_browser_of_a_manager_is_no_way_round_their_own_password(town: Bridging) -> None:
    admin, here = town.browser("admin"), f"/staff/{town.staff['admin']}"
    with engine.transaction() as session:
        second_factor.new_secret(session, town.staff["admin"]).confirmed_at = clock.now()
    assert admin.post(f"{here}/link", how="show").status_code == 409
    assert admin.post(f"{here}/second-step").status_code == 409
    assert town.rows(SecondFactor)


def test_the_records_hold_no_link(town: Bridging) -> None:
    town.browser("admin").post("/staff/new", **MEMBER)
    ask(town, town.browser("bridger").email)
    signatures = [path.partition(".")[2] for path in mails(town)]
    held = str([row.model_dump() for table in (OneTimeLink, Notification, JournalEntry, Staff)
                for row in town.rows(table)])  # fmt: skip
    assert len(signatures) == 2
    assert not [one for one in signatures if one in held]


@pytest.mark.parametrize("change", ["cut", "other", "id alone", "none"])
def test_a_made_up_link_opens_nothing(town: Bridging, change: str) -> None:
    town.browser("admin").post("/staff/new", **MEMBER)
    ask(town, town.browser("bridger").email)
    one, other = mails(town)
    made = {
        "cut": one[:-1],
        "other": one.partition(".")[0] + "." + other.partition(".")[2],
        "id alone": one.partition(".")[0],
        "none": "/choose-password/ż",
    }[change]
    assert visitor(town).get(made).status_code == 404


def test_in_production_nobody_reads_a_colleagues_link_in_the_outbox(
    town: Bridging, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(town, town.browser("bridger").email)
    (row,) = town.rows(Notification, Notification.template == "choose_password")
    with engine.transaction() as session:
        claimed = messages.claim(session, row.id)
        assert claimed is not None
        letter = write_message(claimed.template, claimed.channel, Envelope(
            "New", "Harbor Line", "", "America/New_York", "https://here.example", claimed.params))  # fmt: skip
        messages.put_in_outbox(session, key=claimed.key, channel=claimed.channel, to=claimed.to,
                               subject=letter.subject, body=letter.body)  # fmt: skip
    admin = town.browser("admin")
    assert mails(town)[0] in admin.fetch("/outbox").text
    monkeypatch.setattr(get_settings(), "environment", "production")
    monkeypatch.setattr(get_settings(), "secret_key", type(get_settings().secret_key)("k" * 40))
    admin.signed_in_at = None
    text = admin.fetch("/outbox").text
    assert "/choose-password/…" in text
    assert mails(town)[0].partition(".")[2] not in text


def test_the_password_that_was_there_is_good_until_another_is_chosen(town: Bridging) -> None:
    email = town.browser("bridger").email
    ask(town, email)
    assert sign_in.sign_in(email, PASSWORD)
