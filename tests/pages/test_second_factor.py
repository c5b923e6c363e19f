"""The second step at sign-in: set up, asked for, lost, taken away; and what a thief of the password gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from httpx import Response
from sqlmodel import select

from domain.errors import Invalid
from domain.messaging import StaffMessage
from records import clock, engine, sealing
from records.commands import second_factor, sign_in
from records.settings import get_settings
from records.tables import JournalEntry, Notification, RecoveryCode, SecondFactor, Staff, StaffSession
from tests.api.signing import token_of
from tests.pages.bridging import NOW, PASSWORD, Bridging, Browser, said
from tests.pages.charge import begin_in_charge
from tests.pages.client import TestClient
from tests.pages.harness import check_page

pytestmark = pytest.mark.sqlite
HERE = "/sign-in/second-step"


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def still_there(town: Bridging, name: str) -> Browser:
    """Their browser, in which they signed in before all this."""
    browser = town.browser(name)
    browser.signed_in_at = clock.now()
    return browser


def app_of(staff_id: str) -> pyotp.TOTP:
    """The app on somebody's phone."""
    with engine.read_session() as session:
        return pyotp.TOTP(second_factor.secret_of(session.get_one(SecondFactor, staff_id)))


def code_of(staff_id: str) -> str:
    return app_of(staff_id).at(clock.now())


def wait_for_the_next_code() -> None:
    clock.advance(timedelta(seconds=30))


def set_up(town: Bridging, name: str) -> list[str]:
    """Somebody sets it up on their account; their recovery codes."""
    browser = town.browser(name)
    assert browser.goes_to("/account/second-step/begin", current=PASSWORD) == "/account/second-step/set-up"
    browser.get("/account/second-step/set-up")
    answer = browser.post("/account/second-step/set-up", code=code_of(town.staff[name]))
    assert answer.status_code == 200
    wait_for_the_next_code()
    return codes_on(answer.text)


def codes_on(html: str) -> list[str]:
    return re.findall(r'<li class="fb-code">([a-z0-9-]+)<', html)


def give_password(town: Bridging, name: str) -> TestClient:
    """A new browser at the second step."""
    client = TestClient(town.app, follow_redirects=False)
    email = f"{name}@program.example"
    form = client.get("/sign-in?next=/today")
    sent = {"csrf_token": token_of(form.text), "email": email, "password": PASSWORD, "next": "/today"}
    answer = client.post("/sign-in", data=sent)
    assert answer.headers["location"] == f"{HERE}?next=/today"
    assert "footbridge-session" not in client.cookies
    return client


def give_code(client: TestClient, **fields: str) -> Response:
    form: Response = client.get(f"{HERE}?next=/today")
    if form.status_code == 303:
        return form
    check_page(form.text)
    answer: Response = client.post(HERE, data={"csrf_token": token_of(form.text), "next": "/today"} | fields)
    return answer


def asks_for_it(town: Bridging, *roles: str) -> None:
    """The manager names the roles."""
    manager = town.browser("manager")
    manager.wake()
    token = sign_in.csrf_token(str(manager.client.cookies["footbridge-session"]))
    sent = {"csrf_token": token, "roles": list(roles)}
    assert manager.client.post("/staff/second-step", data=sent, follow_redirects=False).status_code == 303


@pytest.mark.postgresql
def test_whoever_set_it_up_is_asked_for_a_code_after_the_password(town: Bridging) -> None:
    codes = set_up(town, "bridger")
    assert len(codes) == len(set(codes)) == 10
    client = give_password(town, "bridger")
    assert client.get("/today").headers["location"].startswith("/sign-in"), "a password is not enough"
    answer = give_code(client, code=code_of(town.staff["bridger"]), recovery="")
    assert (answer.status_code, answer.headers["location"]) == (303, "/today")
    assert client.get("/today").status_code == 200
    assert "footbridge-step" not in client.cookies


def test_a_code_counts_once_and_those_before_it_no_more(town: Bridging) -> None:
    set_up(town, "bridger")
    app, used = app_of(town.staff["bridger"]), code_of(town.staff["bridger"])
    assert give_code(give_password(town, "bridger"), code=used, recovery="").status_code == 303
    for old in (used, app.at(clock.now() - timedelta(seconds=30))):
        again = give_code(give_password(town, "bridger"), code=old, recovery="")
        assert again.status_code == 422
        assert "was used already" in again.text
        clock.advance(timedelta(seconds=1))


def test_the_clocks_of_phones_may_be_half_a_minute_off_and_no_more(town: Bridging) -> None:
    set_up(town, "bridger")
    clock.advance(timedelta(minutes=5))
    app = app_of(town.staff["bridger"])
    for seconds, status in ((-60, 422), (60, 422), (-30, 303), (30, 303)):
        code = app.at(clock.now() + timedelta(seconds=seconds))
        assert give_code(give_password(town, "bridger"), code=code, recovery="").status_code == status, seconds


def test_a_recovery_code_is_good_once(town: Bridging) -> None:
    codes = set_up(town, "bridger")
    typed = f" {codes[3].upper().replace('-', ' ')} "
    assert give_code(give_password(town, "bridger"), code="", recovery=typed).status_code == 303
    again = give_code(give_password(town, "bridger"), code="", recovery=codes[3])
    assert again.status_code == 422
    assert 'id="recovery-error"' in again.text
    assert give_code(give_password(town, "bridger"), code="", recovery=codes[4]).status_code == 303
    assert "You have 8 recovery codes left." in said(still_there(town, "bridger").get("/account/second-step"))


def test_wrong_codes_earn_waits_and_the_person_is_told(town: Bridging) -> None:
    set_up(town, "bridger")
    staff_id = town.staff["bridger"]
    client = give_password(town, "bridger")
    waits = []
    for _ in range(14):
        if give_code(client, code="000000", recovery="").status_code == 303:
            client = give_password(town, "bridger")
        until = town.rows(SecondFactor, SecondFactor.staff_id == staff_id)[0].locked_until
        waits.append((until - clock.now()).total_seconds() if until else 0)
        clock.advance(timedelta(seconds=waits[-1]))
    assert waits[:5] == [0, 0, 2, 4, 8]
    assert max(waits) == second_factor.LONGEST_WAIT.total_seconds()
    told = town.rows(Notification, Notification.staff_id == staff_id)
    assert StaffMessage.SECOND_STEP_REFUSED in {one.template for one in told}
    assert give_code(give_password(town, "bridger"), code=code_of(staff_id), recovery="").status_code == 303


def test_during_a_wait_the_right_code_waits_too(town: Bridging) -> None:
    codes = set_up(town, "bridger")
    client = give_password(town, "bridger")
    for _ in range(second_factor.FREE_TRIES):
        give_code(client, code="000000", recovery="")
    assert give_code(client, code=code_of(town.staff["bridger"]), recovery="").status_code == 422
    assert give_code(give_password(town, "bridger"), code="", recovery=codes[0]).status_code == 422
    clock.advance(timedelta(seconds=2))
    assert give_code(give_password(town, "bridger"), code="", recovery=codes[0]).status_code == 303


def test_what_stands_for_the_password_ends(town: Bridging) -> None:
    set_up(town, "bridger")
    late = give_password(town, "bridger")
    page = late.get(HERE).text
    clock.advance(second_factor.STEP_LASTS)
    sent = {"csrf_token": token_of(page), "code": code_of(town.staff["bridger"]), "recovery": ""}
    assert late.post(HERE, data=sent).headers["location"] == "/sign-in"
    assert TestClient(town.app, follow_redirects=False).get(HERE).headers["location"] == "/sign-in"


def test_five_wrong_codes_end_what_stands_for_the_password(town: Bridging) -> None:
    set_up(town, "bridger")
    client = give_password(town, "bridger")
    for _ in range(second_factor.TRIES_A_STEP - 1):
        assert give_code(client, code="000000", recovery="").status_code == 422
    assert give_code(client, code="000000", recovery="").headers["location"] == "/sign-in"
    assert "Begin again" in client.get("/sign-in").text
    assert client.get(HERE).headers["location"] == "/sign-in"


@pytest.mark.postgresql
def test_a_role_that_the_program_names_sets_it_up_before_anything_else(town: Bridging) -> None:
    town.browser("bridger")
    asks_for_it(town, "bridger", "planner")
    client = give_password(town, "bridger")
    shown = client.get(HERE)
    check_page(shown.text)
    assert "fb-qr" in shown.text
    assert client.get("/today").status_code == 303
    assert give_code(client, code="000000").status_code == 422
    answer = give_code(client, code=code_of(town.staff["bridger"]))
    check_page(answer.text)
    assert len(codes_on(answer.text)) == 10
    assert client.get("/today").status_code == 200
    assert sign_in.sign_in(town.browser("supervisor").email, PASSWORD), "the others as before"


def test_it_cannot_be_taken_away_where_the_program_asks_for_it(town: Bridging) -> None:
    set_up(town, "bridger")
    asks_for_it(town, "bridger")
    browser = still_there(town, "bridger")
    assert browser.post("/account/second-step/remove", current=PASSWORD).status_code == 409
    asks_for_it(town)
    elsewhere = give_password(town, "bridger")
    give_code(elsewhere, code=code_of(town.staff["bridger"]), recovery="")
    assert browser.goes_to("/account/second-step/remove", current=PASSWORD) == "/account/second-step"
    assert elsewhere.get("/today").status_code == 303, "other sessions end"
    assert sign_in.sign_in(browser.email, PASSWORD)


@pytest.mark.parametrize("path", ["begin", "codes", "remove"])
def test_an_open_browser_changes_nothing_without_the_password(town: Bridging, path: str) -> None:
    if path != "begin":
        set_up(town, "bridger")
    before = town.rows(SecondFactor), town.rows(RecoveryCode)
    browser = town.browser("bridger") if path == "begin" else still_there(town, "bridger")
    answer = browser.post(f"/account/second-step/{path}", current="not this one")
    assert answer.status_code == 422
    assert 'id="current-error"' in answer.text
    assert (town.rows(SecondFactor), town.rows(RecoveryCode)) == before


@pytest.mark.postgresql
def test_a_manager_takes_it_away_and_the_person_is_told(town: Bridging) -> None:
    set_up(town, "bridger")
    staff_id = town.staff["bridger"]
    with engine.transaction() as session:
        session.get_one(Staff, staff_id).wants_email = False
    client = give_password(town, "bridger")
    give_code(client, code=code_of(staff_id), recovery="")
    manager = town.browser("manager")
    assert "Take their second step away" in said(manager.get(f"/staff/{staff_id}"))
    manager.goes_to(f"/staff/{staff_id}/second-step")
    assert client.get("/today").status_code == 303
    assert town.rows(RecoveryCode) == town.rows(SecondFactor) == []
    assert sign_in.sign_in(town.browser("bridger").email, PASSWORD)
    assert manager.post(f"/staff/{staff_id}/second-step").status_code == 409, "there is none"
    told = [one for one in town.rows(Notification, Notification.staff_id == staff_id) if "reset" in one.key]
    assert {one.channel.value for one in told} == {"in_app", "email"}, "whatever they wish for otherwise"
    with engine.read_session() as session:
        entry = session.exec(select(JournalEntry).where(JournalEntry.event == "staff.second_factor_reset")).one()
    assert (entry.actor, entry.subject_id) == (town.staff["manager"], staff_id)


def test_only_who_manages_staff_may_take_it_away_or_ask_for_it(town: Bridging) -> None:
    set_up(town, "second")
    for name in ("supervisor", "clinician", "planner"):
        assert town.browser(name).post(f"/staff/{town.staff['second']}/second-step").status_code == 403
        town.browser(name).get("/staff/second-step", 403)
    assert town.browser("stranger").post(f"/staff/{town.staff['second']}/second-step").status_code == 404
    assert town.rows(SecondFactor)


def test_the_records_hold_neither_the_secret_nor_a_code(town: Bridging) -> None:
    codes = set_up(town, "bridger")
    secret = app_of(town.staff["bridger"]).secret
    held = str([row.model_dump() for table in (SecondFactor, RecoveryCode, StaffSession, JournalEntry, Notification)
                for row in town.rows(table)])  # fmt: skip
    assert secret not in held
    assert not [code for code in codes if code in held]
    assert all(row.code_hash.startswith("$argon2id$") for row in town.rows(RecoveryCode))


def test_somebody_elses_secret_does_not_open_in_its_place(town: Bridging) -> None:
    set_up(town, "bridger")
    set_up(town, "second")
    with engine.transaction() as session:
        mine, other = (session.get_one(SecondFactor, town.staff[name]) for name in ("bridger", "second"))
        mine.secret = other.secret
    with pytest.raises(sealing.CannotOpen):
        app_of(town.staff["bridger"])


def test_a_changed_secret_key_opens_what_the_former_one_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(now: str, former: str = "") -> None:
        monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", now)
        monkeypatch.setenv("FOOTBRIDGE_FORMER_SECRET_KEYS", former)
        get_settings.cache_clear()

    try:
        keys("a" * 32)
        kept = sealing.seal("quiet", purpose="test", about="row")
        assert sealing.open_sealed(kept, purpose="test", about="row") == "quiet"
        keys("b" * 32)
        with pytest.raises(sealing.CannotOpen, match="no key"):
            sealing.open_sealed(kept, purpose="test", about="row")
        keys("b" * 32, f"{'c' * 32}, {'a' * 32}")
        assert sealing.open_sealed(kept, purpose="test", about="row") == "quiet"
        assert sealing.seal("quiet", purpose="test", about="row").split(".")[1] == sealing.key_id(b"b" * 32)
        for purpose, about in (("other", "row"), ("test", "another row")):
            with pytest.raises(sealing.CannotOpen):
                sealing.open_sealed(kept, purpose=purpose, about=about)
        altered = kept[:-3] + ("A" if kept[-3] != "A" else "B") + kept[-2:]
        with pytest.raises(sealing.CannotOpen):
            sealing.open_sealed(altered, purpose="test", about="row")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_a_code_is_not_guessed_by_many_at_once(town: Bridging) -> None:
    set_up(town, "bridger")
    with pytest.raises(second_factor.SecondStep) as needed:
        sign_in.sign_in(town.browser("bridger").email, PASSWORD)
    for _ in range(second_factor.TRIES_A_STEP):
        with pytest.raises(Invalid, match="not right"):
            second_factor.finish_step(needed.value.token, "000000")
    with pytest.raises(Invalid, match="Begin again"):
        second_factor.finish_step(needed.value.token, code_of(town.staff["bridger"]))


@pytest.mark.postgresql
def test_of_two_who_give_the_same_recovery_code_at_once_one_gets_in(town: Bridging) -> None:
    code = set_up(town, "bridger")[0]
    steps = []
    for _ in range(2):
        with pytest.raises(second_factor.SecondStep) as needed:
            sign_in.sign_in("bridger@program.example", PASSWORD)
        steps.append(needed.value.token)

    def gets_in(step: str) -> bool:
        try:
            second_factor.finish_step(step, code)
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(gets_in, steps)) == [False, True]
