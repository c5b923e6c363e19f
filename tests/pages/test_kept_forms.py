"""What was typed when a session ended is not lost: it comes back to the same person, and to nobody else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from httpx import Response

from records import clock, engine
from records.commands import kept_forms, sign_in, staff
from records.tables import Attempt, JournalEntry, KeptForm, Referral, Staff
from tests.api.signing import token_of
from tests.pages.bridging import NOW, PASSWORD, Bridging, Browser, said, words
from tests.pages.charge import begin_in_charge
from tests.pages.client import TestClient

pytestmark = pytest.mark.sqlite
IDLE = timedelta(minutes=16)
NOTE = "She prefers mornings; zażółć."


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def too_late(browser: Browser, path: str, **fields: str) -> Response:
    """Send a form that was open for too long."""
    browser.wake()
    token = sign_in.csrf_token(str(browser.client.cookies["footbridge-session"]))
    clock.advance(IDLE)
    answer: Response = browser.client.post(path, data={"csrf_token": token} | fields, follow_redirects=False)
    assert answer.status_code == 303
    return answer


def come_back(client: TestClient, where: str, email: str) -> Response:
    """Sign in where one was led to, and go on."""
    form = client.get(where)
    onward = re.search(r'name="next" value="([^"]+)"', form.text)
    sent = {"csrf_token": token_of(form.text), "email": email, "password": PASSWORD}
    sent |= {"next": html.unescape(onward[1])} if onward else {}
    done = client.post("/sign-in", data=sent, follow_redirects=False)
    assert done.status_code == 303
    answer: Response = client.get(done.headers["location"], follow_redirects=True)
    return answer


@pytest.mark.postgresql
def test_a_form_sent_too_late_comes_back_as_it_was_typed(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    browser = town.browser("bridger")
    path = f"/referrals/{referral_id}/note"
    where = too_late(browser, path, note=NOTE).headers["location"]
    assert re.fullmatch(r"/sign-in\?next=/kept/kpt_[0-9a-f]{32}", where)
    shown = come_back(browser.client, where, browser.email)
    assert shown.status_code == 200
    assert NOTE in html.unescape(shown.text)
    assert "Nothing is lost" in words(shown.text)
    assert f'action="{path}"' in shown.text
    sent = {"csrf_token": token_of(shown.text), "note": NOTE}
    assert browser.client.post(path, data=sent, follow_redirects=False).status_code == 303
    assert [e.data["note"] for e in town.rows(JournalEntry, JournalEntry.event == "note.added")] == [NOTE], "sent once"


def test_a_form_that_cannot_be_shown_again_is_sent_on_with_everything_in_it(town: Bridging) -> None:
    planner = town.browser("planner")
    draft = "drf_" + "a" * 20
    fields = {"draft": draft, "do": "check", "given_name": "Ada", "family_name": "Sample", "note": NOTE}
    where = too_late(planner, "/referrals/new", **fields).headers["location"]
    shown = come_back(planner.client, where, planner.email)
    assert "Nothing that you typed is lost" in words(shown.text)
    hidden = {html.unescape(n): html.unescape(v) for n, v in re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)">', shown.text)}  # fmt: skip
    assert fields.items() <= hidden.items()


@pytest.mark.postgresql
def test_what_was_typed_is_for_the_same_person_alone(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    browser = town.browser("bridger")
    where = too_late(browser, f"/referrals/{referral_id}/note", note=NOTE).headers["location"]
    other = come_back(browser.client, where, "second@program.example" if town.browser("second") else "")
    assert NOTE not in html.unescape(other.text)
    assert str(other.url).endswith("/today")
    held = str([row.model_dump() for row in town.rows(KeptForm)])
    assert "mornings" not in held, "sealed in the records"


def test_the_page_comes_back_only_as_far_as_one_may_still_see_it(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    browser = town.browser("bridger")
    where = too_late(browser, f"/referrals/{referral_id}/note", note=NOTE).headers["location"]
    town.browser("supervisor").signed_in_at = None
    with engine.transaction() as session:
        row = session.get_one(Referral, referral_id)
        row.bridger_id = town.staff["second"]
    assert come_back(browser.client, where, browser.email).status_code == 404


@pytest.mark.parametrize("why", ["ended by a person", "disabled", "not ours", "a password", "no words", "not there"])
def test_nothing_is_kept_when_it_should_not_be(town: Bridging, why: str) -> None:
    referral_id, browser = town.refer("Ada"), town.browser("bridger")
    path, fields = f"/referrals/{referral_id}/note", {"note": NOTE}
    token = sign_in.csrf_token(str(browser.client.cookies["footbridge-session"]))
    with engine.transaction() as session:
        if why == "ended by a person":
            sign_in.sign_out_everywhere(session, town.staff["bridger"])
        if why == "disabled":
            session.get_one(Staff, town.staff["bridger"]).is_active = False
    if why == "not ours":
        token = "0" * 64
    if why == "a password":
        path, fields = "/account/password", {"current": PASSWORD, "password": "new one", "again": "new one"}
    if why == "no words":
        fields = {"note": "  "}
    if why == "not there":
        path = "/nowhere/at/all"
    clock.advance(IDLE)
    answer = browser.client.post(path, data={"csrf_token": token} | fields, follow_redirects=False)
    assert answer.status_code == (404 if why == "not there" else 303)
    assert town.rows(KeptForm) == []


def test_what_was_kept_is_gone_after_a_shift_and_never_grows(town: Bridging) -> None:
    with engine.transaction() as session:
        row = session.get_one(Staff, town.staff["bridger"])
        ids = [kept_forms.keep_form(session, row, "/absence", {"note": [str(n)]}) for n in range(30)]
        assert kept_forms.find_kept(session, row.id, ids[-1]) == ("/absence", {"note": ["29"]})
        assert kept_forms.keep_form(session, row, "/absence", {"note": ["x" * kept_forms.LARGEST]}) == ""
    assert len(town.rows(KeptForm)) == kept_forms.MOST
    clock.advance(kept_forms.KEPT_FOR)
    with engine.transaction() as session:
        row = session.get_one(Staff, town.staff["bridger"])
        assert kept_forms.find_kept(session, row.id, ids[-1]) is None
        kept_forms.keep_form(session, row, "/absence", {"note": ["again"]})
    assert len(town.rows(KeptForm)) == 1


def test_the_page_signs_off_by_itself_and_keeps_what_stands_in_the_form(town: Bridging) -> None:
    referral_id, browser = town.refer("Ada"), town.browser("bridger")
    path = f"/referrals/{referral_id}/note"
    answer = browser.post("/account/signed-off", kept_path=path, note=NOTE)
    assert answer.headers["content-type"].startswith("text/plain")
    assert browser.client.get("/today", follow_redirects=False).status_code == 303, "the session is over"
    shown = come_back(browser.client, answer.text, browser.email)
    assert NOTE in html.unescape(shown.text)
    assert town.rows(JournalEntry, JournalEntry.event == "staff.signed_out")[-1].data == {"why": "idle"}
    assert town.rows(Attempt) == []


def test_the_page_signs_off_late_and_still_keeps_it(town: Bridging) -> None:
    """A laptop that slept wakes up after the session has ended."""
    referral_id, browser = town.refer("Ada"), town.browser("bridger")
    where = too_late(browser, "/account/signed-off", kept_path=f"/referrals/{referral_id}/note", note=NOTE)
    assert NOTE in html.unescape(come_back(browser.client, where.headers["location"], browser.email).text)


def test_staying_is_noted(town: Bridging) -> None:
    browser = town.browser("bridger")
    browser.get("/today")
    for _ in range(4):
        clock.advance(timedelta(minutes=14))
        browser.signed_in_at = clock.now()
        assert browser.post("/account/stay").status_code == 303
    assert browser.fetch("/today").status_code == 200


def test_a_page_says_for_how_long_one_may_be_idle(town: Bridging) -> None:
    page = town.browser("bridger").get("/today")
    assert page.all("body")[0].attributes["data-idle-seconds"] == "900"
    assert "data-idle-seconds" not in TestClient(town.app).get("/sign-in").text
    assert said(page)


def test_whoever_left_meanwhile_gets_nothing_back(town: Bridging) -> None:
    referral_id, browser = town.refer("Ada", bridger="second"), town.browser("second")
    too_late(browser, f"/referrals/{referral_id}/note", note=NOTE)
    with engine.transaction() as session:
        from records.access import actor_of

        staff.disable_staff(session, actor_of(session.get_one(Staff, town.staff["admin"])), town.staff["second"])
    with pytest.raises(Exception, match="do not match"):
        sign_in.sign_in(browser.email, PASSWORD)
