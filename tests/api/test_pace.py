"""How often one account may ask: a clear answer and how long to wait; nobody else waits, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from api import pace
from api.pace import Pace, Paces
from domain.vocabulary import SystemScope
from records import engine
from records.settings import get_settings
from tests.api.house import REFERRAL, House
from tests.api.signing import sign_in
from tests.api.test_systems import has
from tests.pages.client import TestClient
from tests.pages.harness import check_page

pytestmark = pytest.mark.sqlite
PEOPLE, SYSTEMS = 5, 8


class Seconds:
    """A stopwatch that goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds(house: House) -> Seconds:
    """The house lets people ask five times a minute and systems eight times."""
    stopwatch = Seconds()
    few = get_settings().model_copy(update={"person_requests_a_minute": PEOPLE, "system_requests_a_minute": SYSTEMS})
    house.app.state.paces = Paces(few, stopwatch)
    return stopwatch


@pytest.fixture
def statements(house: House) -> Iterator[list[str]]:
    """Every statement that reaches the database meanwhile."""
    seen: list[str] = []
    engines = {engine.database().read, engine.database().write}

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    for one in engines:
        event.listen(one, "before_cursor_execute", note)
    yield seen
    for one in engines:
        event.remove(one, "before_cursor_execute", note)


def test_the_api_says_how_long_to_wait_and_asks_the_records_nothing(
    house: House, seconds: Seconds, statements: list[str]
) -> None:
    for _ in range(PEOPLE):
        assert house.call("planner", "GET", "/referrals").status_code == 200
    answer = house.call("planner", "POST", "/referrals", REFERRAL)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_often")
    assert answer.headers["retry-after"] == "12"
    assert "Wait 12 seconds" in answer.json()["detail"]
    statements.clear()
    for _ in range(20):
        again = house.call("planner", "GET", "/referrals")
        assert (again.status_code, again.headers["retry-after"]) == (429, "12")
    assert statements == [], "whoever floods costs the database nothing"
    assert house.call("supervisor", "GET", "/referrals").status_code == 200, "another account at the same address"
    seconds.now += 12
    assert house.call("planner", "GET", "/referrals").status_code == 200
    assert house.call("planner", "GET", "/referrals").status_code == 429


def test_a_page_says_it_in_words_and_pages_and_api_count_together(house: House, seconds: Seconds) -> None:
    sign_in(house.client, "planner")
    for number in range(PEOPLE):
        answer = house.client.get("/probe/look") if number % 2 else house.call("planner", "GET", "/referrals")
        assert answer.status_code == 200
    answer = house.client.get("/probe/look")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "12")
    assert "Wait 12 seconds" in check_page(answer.text).html
    sign_in(second := TestClient(house.app, follow_redirects=False), "planner")
    assert second.get("/probe/look").status_code == 429, "another session is the same account"


def test_a_systems_token_has_its_own_limit(house: House, seconds: Seconds) -> None:
    has(house, "Riverside EHR", (SystemScope.REFERRALS_READ,))
    has(house, "Jail list", (SystemScope.REFERRALS_READ,), facility="jail")
    statuses = [house.call("Riverside EHR", "GET", "/referrals").status_code for _ in range(SYSTEMS + 1)]
    assert statuses == [200] * SYSTEMS + [429]
    assert house.call("Jail list", "GET", "/referrals").status_code == 200
    assert house.client.get("/healthz").status_code == 200


def test_nobody_uses_up_what_is_anothers(house: House, seconds: Seconds) -> None:
    """What is counted is an account that the records know: a token that is over or made up counts for nobody."""
    for token in ("made-up", house.tokens["planner"][:-1]):
        for _ in range(PEOPLE):
            house.client.get("/api/v1/referrals", headers={"Authorization": f"Bearer {token}"})
    assert house.call("planner", "GET", "/referrals").status_code == 200


def test_what_cannot_be_read_asks_the_records_nothing_and_does_not_go_on_for_ever(
    house: House, seconds: Seconds, statements: list[str]
) -> None:
    """It is refused before anybody looks whose token it is, so it is counted by the token."""
    for _ in range(PEOPLE):
        assert house.call("planner", "POST", "/referrals", {"setting": 1}).status_code == 422
    answer = house.call("planner", "POST", "/referrals", {"setting": 1})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "too_often", "12")
    assert house.call("planner", "GET", "/referrals").status_code == 429, "the same token with what can be read"
    assert statements == []
    assert house.call("supervisor", "POST", "/referrals", {"setting": 1}).status_code == 422
    assert house.client.post("/api/v1/referrals", json={"setting": 1}).status_code == 422, "nobody is nobody's token"
    has(house, "Riverside EHR", (SystemScope.REFERRALS_WRITE,))
    wrong = [house.call("Riverside EHR", "POST", "/referrals", {"setting": 1}).status_code for _ in range(SYSTEMS + 1)]
    assert wrong == [422] * SYSTEMS + [429]


def test_a_request_that_is_begun_again_counts_once(house: House, seconds: Seconds) -> None:
    """A form that is refused is shown again within the same request."""
    sign_in(house.client, "planner")
    for _ in range(PEOPLE):
        shown = house.client.post("/referrals/new/send", data={"csrf_token": "wrong"})
        assert shown.status_code == 403
    assert house.client.get("/probe/look").status_code == 429


def test_what_is_left_comes_back_evenly_and_old_entries_go(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = Seconds()
    made = Pace(60, seconds)
    assert [made.wait("a") for _ in range(61)] == [0.0] * 60 + [1.0]
    seconds.now += 2
    assert [made.wait("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    monkeypatch.setattr(pace, "MOST_KEPT", 50)
    seconds.now += 61
    for number in range(60):
        made.wait(str(number))
        seconds.now += 2
    assert len(made._used_until) <= 51


def test_the_defaults_are_far_above_what_work_needs() -> None:
    made = type(get_settings())()
    assert made.person_requests_a_minute >= 600
    assert made.system_requests_a_minute >= 6000
