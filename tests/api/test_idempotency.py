"""The same POST sent twice is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from records import clock, engine
from records.commands.idempotency import KEPT_FOR, forget_answers
from records.tables import Idempotency, JournalEntry, Referral
from tests.api.house import ADA, REFERRAL, House
from tests.pages.client import TestClient


def count(table: type) -> int:
    """How many rows a table has."""
    with engine.read_session() as session:
        return len(session.exec(select(table)).all())


def test_sent_twice_it_is_done_once_and_answered_alike(house: House) -> None:
    first = house.call("planner", "POST", "/referrals", REFERRAL, Idempotency_Key="k-1")
    again = house.call("planner", "POST", "/referrals", REFERRAL, Idempotency_Key="k-1")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for header in ("etag", "location", "content-type"):
        assert first.headers[header] == again.headers[header]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert count(Referral) == 1


def test_without_a_key_a_note_is_written_twice(house: House) -> None:
    referral_id = house.file()
    for _ in range(2):
        house.post("planner", f"/referrals/{referral_id}/notes", {"note": "x"})
    with engine.read_session() as session:
        events = list(session.exec(select(JournalEntry.event).where(JournalEntry.stream == referral_id)))
    assert events.count("note.added") == 2


def test_the_same_key_for_something_else_is_refused(house: House) -> None:
    house.call("planner", "POST", "/referrals", REFERRAL, Idempotency_Key="k-1")
    other = REFERRAL | {"person": ADA | {"given_name": "Bea"}}
    response = house.call("planner", "POST", "/referrals", other, Idempotency_Key="k-1")
    assert response.status_code == 422
    assert response.json()["code"] == "key_reused"
    assert count(Referral) == 1


def test_a_key_belongs_to_who_sends_it_and_to_the_address(house: House) -> None:
    first, second = house.file(), house.file(person=ADA | {"given_name": "Bea"})
    for who, referral_id in (("planner", first), ("planner", second), ("manager", first)):
        response = house.call(who, "POST", f"/referrals/{referral_id}/notes", {"note": "x"}, Idempotency_Key="same")
        assert "idempotency-replayed" not in response.headers
    assert count(Idempotency) == 3


def test_a_refusal_is_not_kept(house: House) -> None:
    referral_id = house.file()
    path, body = f"/referrals/{referral_id}/attempts", {"mode": "call", "outcome": "no_answer"}
    house.post("supervisor", f"/referrals/{referral_id}/close", {"reason": "not_eligible"})
    assert house.call("supervisor", "POST", path, body, Idempotency_Key="k").status_code == 409
    assert count(Idempotency) == 0


def test_after_a_day_a_key_is_new(house: House) -> None:
    referral_id = house.file()
    path, body = f"/referrals/{referral_id}/notes", {"note": "x"}
    house.call("planner", "POST", path, body, Idempotency_Key="k")
    clock.advance(KEPT_FOR - timedelta(seconds=1))
    assert house.call("planner", "POST", path, body, Idempotency_Key="k").headers["idempotency-replayed"] == "true"
    clock.advance(timedelta(seconds=2))
    assert "idempotency-replayed" not in house.call("planner", "POST", path, body, Idempotency_Key="k").headers


def test_old_answers_are_forgotten(house: House) -> None:
    referral_id = house.file()
    for key in ("old", "new"):
        house.call("planner", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}, Idempotency_Key=key)
        clock.advance(timedelta(hours=13))
    with engine.transaction() as session:
        assert forget_answers(session) == 1
    assert count(Idempotency) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("key", ["", " ", "x" * 201, "with space"])
def test_a_key_that_is_none_is_refused(house: House, key: str) -> None:
    response = house.call("planner", "POST", "/referrals", REFERRAL, Idempotency_Key=key)
    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key"


def test_sent_eight_times_in_the_same_moment_it_is_done_once(house: House) -> None:
    def send(_: int) -> tuple[int, bytes]:
        client = TestClient(house.app)
        headers = {"Authorization": f"Bearer {house.tokens['planner']}", "Idempotency-Key": "k-1"}
        response = client.post("/api/v1/referrals", json=REFERRAL, headers=headers)
        return response.status_code, response.content

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(8)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 201
    assert count(Referral) == 1
