"""Requests that are written in one transaction keep apart who asked and what each was shown."""

from __future__ import annotations

import threading

import pytest
from httpx import Response
from sqlmodel import select

from records import engine, turns
from records.tables import Reading
from tests.api.house import ADA, House
from tests.pages.client import TestClient


def at_once(house: House, *asked: tuple[str, str]) -> list[Response]:
    """These GETs of the API, `(who, path)`, all waiting for one writer."""
    answers: list[Response | None] = [None] * len(asked)

    def ask(number: int) -> None:
        who, path = asked[number]
        headers = {"Authorization": f"Bearer {house.tokens[who]}"}
        answers[number] = TestClient(house.app).get(f"/api/v1{path}", headers=headers)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    lock, pause = engine.writers_lock(), threading.Event()
    assert lock is not None
    with lock:
        for thread in threads:
            thread.start()
        while len(turns._waiting) < len(asked):
            assert not pause.wait(0.005)
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]


@pytest.mark.sqlite
def test_each_is_noted_as_having_read_what_they_were_shown(house: House) -> None:
    ada = house.file()
    bo = house.file(person=ADA | {"given_name": "Bo", "family_name": "Other", "birth_on": "1970-02-03"})
    with engine.transaction() as session:
        for row in session.exec(select(Reading)):
            session.delete(row)
    answers = at_once(house, ("planner", f"/referrals/{ada}"), ("manager", f"/referrals/{bo}"))
    assert [answer.status_code for answer in answers] == [200, 200]
    with engine.read_session() as session:
        looks = {(row.staff_id, row.referral_id) for row in session.exec(select(Reading))}
    assert looks == {(house.staff["planner"], ada), (house.staff["manager"], bo)}


@pytest.mark.sqlite
def test_who_may_not_see_it_does_not_see_it_beside_somebody_who_may(house: House) -> None:
    ada = house.file()
    answers = at_once(house, ("manager", f"/referrals/{ada}"), ("bridger", f"/referrals/{ada}"))
    assert [answer.status_code for answer in answers] == [200, 404]
