"""A case that is over: for 30 days late entries and corrections; what counted is not changed, and then nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.errors import IllegalState
from domain.vocabulary import ContactState
from records import clock, engine
from records.access import UNDO_DAYS, actor_of
from records.commands import contacts, sign_in
from records.tables import Contact, Referral, Staff
from tests.api.house import NOW, House, build_house

pytestmark = pytest.mark.sqlite


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with clock.stopped_at(NOW):
        yield build_house()


def closed(house: House) -> tuple[str, str, str]:
    """A case with a missed contact and a logged attempt, closed by the supervisor: its id, contact and attempt."""
    referral_id = house.accepted()
    house.post("planner", f"/referrals/{referral_id}/discharge", {"at": "2026-11-03T15:00:00Z", "disposition": "home"})
    clock.advance(timedelta(hours=25))
    house.carry_out(referral_id)
    sent = {"mode": "call", "outcome": "no_answer"}
    attempt = house.post("bridger", f"/referrals/{referral_id}/attempts", sent)["attempt"]["id"]
    house.post("supervisor", f"/referrals/{referral_id}/close", {"reason": "services_received_completed"})
    plan = house.get("supervisor", f"/referrals/{referral_id}/plan")["items"]
    return referral_id, next(one["id"] for one in plan if one["state"] == "missed"), attempt


def wait(house: House, days: int) -> None:
    """Days pass, and everybody has a token that is good."""
    clock.advance(timedelta(days=days))
    with engine.transaction() as session:
        for who, staff_id in house.staff.items():
            house.tokens[who] = sign_in.create_token(session, session.get_one(Staff, staff_id), "later", 30)


def test_what_counted_at_the_end_is_not_changed_afterwards(house: House) -> None:
    referral_id, contact_id, _ = closed(house)
    for path, body in (("waive", {"reason": "words"}), ("complete", {"note": "words"})):
        answer = house.call("supervisor", "POST", f"/contacts/{contact_id}/{path}", body)
        assert (answer.status_code, "Take the end back first" in answer.json()["detail"]) == (409, True)
        assert "in_progress" in answer.json()["allowed"]
    with engine.transaction() as session:
        actor = actor_of(session.get_one(Staff, house.staff["supervisor"]))
        with pytest.raises(IllegalState):
            contacts.change_rhythm(session, actor, referral_id, "weekly", 28, "words")
    with engine.read_session() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.MISSED


def test_a_late_entry_and_a_correction_of_the_end_are_possible_for_thirty_days(house: House) -> None:
    referral_id, _, attempt = closed(house)
    with engine.read_session() as session:
        person_id = session.get_one(Referral, referral_id).person_id
    wait(house, UNDO_DAYS - 1)
    house.post("supervisor", f"/referrals/{referral_id}/notes", {"note": "He called the day before."})
    answer = house.call("manager", "PATCH", f"/people/{person_id}", {"pronouns": "they"}, If_Match="*")
    assert answer.status_code == 200
    wait(house, 2)
    late = [
        house.call("planner", "POST", f"/referrals/{referral_id}/notes", {"note": "words"}),
        house.call("manager", "POST", f"/attempts/{attempt}/take-back", {"why": "words"}),
        house.call("planner", "PATCH", f"/people/{person_id}", {"pronouns": "she"}, If_Match="*"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in late] == [(409, "too_late")] * 3
    again = house.file(person=None, person_id=person_id, expected_on="2026-12-20")
    assert again
    answer = house.call("planner", "PATCH", f"/people/{person_id}", {"pronouns": "she"}, If_Match="*")
    assert answer.status_code == 200, "somebody who is with us again is corrected again"
