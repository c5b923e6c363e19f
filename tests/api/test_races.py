"""Several people in the same moment: one wins, the others are told, nothing is half done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from httpx import Response
from sqlmodel import select

from records import engine, journal
from records.commands.sign_in import create_token
from records.tables import Assignment, JournalEntry, Referral, Staff
from tests.api.house import ADA, REFERRAL, House
from tests.pages.client import TestClient


def at_once(*calls: Callable[[TestClient], Response], house: House) -> list[Response]:
    """Send all of these at the same moment, each from a thread of its own."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def send(number: int) -> None:
        client = TestClient(house.app)
        barrier.wait()
        answers[number] = calls[number](client)  # type: ignore[call-overload]

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers  # type: ignore[return-value]


def post(house: House, who: str, path: str, body: Any = None, **headers: str) -> Callable[[TestClient], Response]:
    """A POST to send later."""
    sent = {"Authorization": f"Bearer {house.tokens[who]}"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda client: client.post(f"/api/v1{path}", json=body, headers=sent)


def story(referral_id: str) -> Counter[str]:
    """How often each event happened; the chain must hold."""
    with engine.read_session() as session:
        rows = session.exec(
            select(JournalEntry).where(JournalEntry.stream == referral_id).order_by(JournalEntry.seq)  # type: ignore[arg-type]
        ).all()
        referral = session.get_one(Referral, referral_id)
        assert journal.verify(rows, head=referral.journal_head) == []
    return Counter(row.event for row in rows)


def test_the_same_offer_accepted_many_times_in_the_same_moment(house: House) -> None:
    referral_id = house.file()
    house.carry_out(referral_id)
    offer = house.offer_of(referral_id)
    answers = at_once(*[post(house, "bridger", f"/offers/{offer}/accept")] * 4, house=house)
    assert {answer.status_code for answer in answers} == {200}
    assert story(referral_id)["offer.accepted"] == 1
    with engine.read_session() as session:
        assert len(session.exec(select(Assignment)).all()) == 1


def test_an_offer_accepted_and_declined_in_the_same_moment(house: House) -> None:
    for number in range(4):
        referral_id = house.file(person=ADA | {"given_name": f"Ada{'abcd'[number]}"})
        house.carry_out(referral_id)
        offer = house.offer_of(referral_id)
        accepted, declined = at_once(
            post(house, "bridger", f"/offers/{offer}/accept"),
            post(house, "bridger", f"/offers/{offer}/decline", {"reason": "no_room"}),
            house=house,
        )
        assert sorted((accepted.status_code, declined.status_code)) == [200, 409]
        happened = story(referral_id)
        assert happened["offer.accepted"] + happened["offer.declined"] == 1
        assert happened["bridger.assigned"] == (accepted.status_code == 200)


def test_two_bridgers_at_once_one_by_offer_and_one_by_hand(house: House) -> None:
    added = {"email": "b2@x.example", "name": "Second Pretend", "roles": ["bridger"]}
    other = house.post("admin", "/staff", added | {"supervisor_id": house.staff["supervisor"]})
    with engine.transaction() as session:
        house.tokens["second"] = create_token(session, session.get_one(Staff, other["id"]), "tests", 30)
    referral_id = house.file()
    house.carry_out(referral_id)
    offered = house.get("bridger", "/offers")["items"]
    who = "bridger" if offered else "second"
    offer = house.offer_of(referral_id, who)
    by_hand = {"bridger_id": other["id"] if offered else house.staff["bridger"]}
    answers = at_once(
        post(house, "supervisor", f"/referrals/{referral_id}/assign", by_hand),
        post(house, who, f"/offers/{offer}/accept"),
        house=house,
    )
    assert [a.text for a in answers if a.status_code not in (200, 409)] == []
    with engine.read_session() as session:
        rows = session.exec(select(Assignment).where(Assignment.referral_id == referral_id)).all()
    assert sum(row.ended_at is None for row in rows) == 1, "one bridger at a time"


def test_of_two_changes_to_the_same_version_one_is_told_to_look_again(house: House) -> None:
    referral_id = house.file()
    path = f"/referrals/{referral_id}/notes"
    answers = at_once(*[post(house, "planner", path, {"note": "x"}, If_Match='"1"')] * 5, house=house)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 4}
    assert story(referral_id)["note.added"] == 1


def test_ten_notes_in_the_same_moment_are_all_there_and_the_chain_holds(house: House) -> None:
    referral_id = house.file()
    path = f"/referrals/{referral_id}/notes"
    answers = at_once(*[post(house, "planner", path, {"note": "x"})] * 10, house=house)
    assert {answer.status_code for answer in answers} == {200}
    assert story(referral_id)["note.added"] == 10


def test_the_same_person_filed_twice_in_the_same_moment_has_one_open_referral(house: House) -> None:
    first = house.file()
    person_id = house.get("planner", f"/referrals/{first}")["person_id"]
    house.post("supervisor", f"/referrals/{first}/close", {"reason": "not_eligible"})
    body = {key: value for key, value in REFERRAL.items() if key != "person"} | {"person_id": person_id}
    answers = at_once(*[post(house, "planner", "/referrals", body)] * 3, house=house)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 2}
