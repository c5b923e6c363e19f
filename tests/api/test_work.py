"""Offers, contacts, attempts and escalations through the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from records import clock
from tests.api.house import ADA, NOW, House


def left(house: House, **changes: Any) -> str:
    """A person with a bridger, who left the hospital at noon."""
    referral_id = house.accepted(**changes)
    house.post("planner", f"/referrals/{referral_id}/discharge", {"at": clock.now().isoformat(), "disposition": "home"})
    return referral_id


def first_contact(house: House, referral_id: str) -> dict[str, Any]:
    """The next awaited contact after leaving."""
    rows = house.get("bridger", f"/contacts?referral_id={referral_id}&state=planned")["items"]
    return next(row for row in rows if row["key"] == "first-contact")


def missed(house: House) -> tuple[str, dict[str, Any]]:
    """A person whose first contact was missed, and the escalation about it."""
    referral_id = left(house)
    due = datetime.fromisoformat(first_contact(house, referral_id)["due_at"])
    while clock.now() < due:
        clock.set_to(min(datetime.fromisoformat(house.get("manager", f"/referrals/{referral_id}")["next_at"]), due))
        house.carry_out(referral_id)
    items = house.get("supervisor", f"/escalations?referral_id={referral_id}")["items"]
    return referral_id, next(one for one in items if one["subject"] == "contact")


def test_an_offer_shows_what_is_needed_to_decide_and_no_more(house: House) -> None:
    referral_id = house.file(person=ADA | {"area": "10001", "safety_flags": ["visit_in_pairs"]}, risks=["overdose"])
    house.carry_out(referral_id)
    offer = house.get("bridger", "/offers")["items"][0]
    assert offer["first_name"] == "Ada"
    assert offer["safety_flags"] == ["visit_in_pairs"]
    assert offer["is_high_risk"]
    assert offer["reasons"]
    assert "Sample" not in str(offer)
    assert "555" not in str(offer)
    assert house.call("bridger", "GET", f"/referrals/{referral_id}").status_code == 404, "not theirs yet"


def test_accepting_gives_access_and_declining_takes_it_on(house: House) -> None:
    referral_id = house.file()
    house.carry_out(referral_id)
    offer = house.offer_of(referral_id)
    first = house.post("bridger", f"/offers/{offer}/accept")
    assert house.post("bridger", f"/offers/{offer}/accept") == first, "twice changes nothing"
    assert house.get("bridger", f"/referrals/{referral_id}")["bridger_id"] == house.staff["bridger"]
    late = house.call("bridger", "POST", f"/offers/{offer}/decline", {"reason": "no_room"})
    assert (late.status_code, late.json()["state"]) == (409, "accepted")


def test_an_offer_that_ran_out_is_over(house: House) -> None:
    referral_id = house.file()
    house.carry_out(referral_id)
    offer = house.get("bridger", "/offers")["items"][0]
    clock.set_to(datetime.fromisoformat(offer["answer_by"]))
    response = house.call("bridger", "POST", f"/offers/{offer['id']}/accept")
    assert (response.status_code, response.json()["code"]) == (409, "offer_over")


@pytest.mark.sqlite
def test_an_offer_to_somebody_else_is_not_there(house: House) -> None:
    referral_id = house.file()
    house.carry_out(referral_id)
    offer = house.offer_of(referral_id)
    for who in ("stranger", "planner", "supervisor"):
        answer = house.call(who, "POST", f"/offers/{offer}/accept")
        assert answer.status_code == 403
    unknown = house.call("bridger", "POST", "/offers/off_none/decline", {"reason": "no_room"})
    assert unknown.status_code == 404


def test_reaching_the_person_meets_the_contact(house: House) -> None:
    referral_id = left(house)
    contact = first_contact(house, referral_id)
    clock.advance(timedelta(hours=2))
    body = {"mode": "call", "outcome": "reached", "minutes": 20, "note": "talked"}
    response = house.call("bridger", "POST", f"/contacts/{contact['id']}/attempts", body)
    assert response.status_code == 201
    logged = response.json()
    assert contact["id"] in logged["met"]
    assert response.headers["etag"] == f'"{logged["version"]}"'
    met = house.get("bridger", f"/contacts?referral_id={referral_id}&state=met")["items"]
    assert {row["id"] for row in met} == set(logged["met"])
    back = house.post("bridger", f"/attempts/{logged['attempt']['id']}/take-back", {"why": "another person"})
    assert back["version"] > logged["version"]
    assert first_contact(house, referral_id)["state"] == "planned"
    tries = house.get("bridger", f"/referrals/{referral_id}/attempts")["items"]
    assert [one["is_retracted"] for one in tries] == [True]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"outcome": "shouted"}, 422, "not_a_choice"),
        ({"minutes": 601}, 422, "less_than_equal"),
        ({"at": "2026-11-04T15:00:00Z"}, 422, "in_the_future"),
        ({"at": "2026-10-01T15:00:00Z"}, 422, "too_long_ago"),
        ({"at": "noon"}, 422, "time"),
        ({"mode": "collateral"}, 422, "collateral"),
        ({"mode": "visit", "outcome": "wrong_number"}, 422, "wrong_number"),
        ({"feeling": "good"}, 422, "unknown_field"),
    ],
)
def test_what_cannot_be_logged(house: House, changes: dict[str, Any], status: int, code: str) -> None:
    referral_id = left(house)
    body = {"mode": "call", "outcome": "reached"} | changes
    response = house.call("bridger", "POST", f"/referrals/{referral_id}/attempts", body)
    assert response.status_code == status, response.text
    assert response.json()["errors"][0]["code"] == code
    assert house.get("bridger", f"/referrals/{referral_id}/attempts")["items"] == []


def test_found_in_custody_puts_on_hold_and_says_so(house: House) -> None:
    referral_id = left(house)
    body = {"mode": "collateral", "outcome": "in_custody"}
    assert house.post("bridger", f"/referrals/{referral_id}/attempts", body)["consequence"] == "held"


def test_a_contact_is_waived_with_a_reason_by_a_supervisor_only(house: House) -> None:
    contact = first_contact(house, left(house))
    body = {"reason": "met on the unit this morning"}
    assert house.call("bridger", "POST", f"/contacts/{contact['id']}/waive", body).status_code == 403
    assert house.call("supervisor", "POST", f"/contacts/{contact['id']}/waive", {"reason": " "}).status_code == 422
    house.post("supervisor", f"/contacts/{contact['id']}/waive", body)
    waived = house.get("supervisor", f"/contacts?referral_id={contact['referral_id']}&state=waived")["items"]
    assert [row["reason"] for row in waived] == [body["reason"]]


def test_a_task_is_ticked_off_and_a_contact_is_not(house: House) -> None:
    referral_id = left(house)
    contact = first_contact(house, referral_id)
    answer = house.call("bridger", "POST", f"/contacts/{contact['id']}/complete", {})
    assert answer.status_code == 409
    assert "reaching the person" in answer.json()["detail"]


def test_what_is_overdue_is_said_though_it_is_not_stored(house: House) -> None:
    referral_id = left(house)
    contact = first_contact(house, referral_id)
    assert not contact["is_overdue"]
    clock.set_to(datetime.fromisoformat(contact["due_at"]) + timedelta(seconds=1))
    rows = house.get("bridger", f"/contacts?due_before={clock.now().isoformat().replace('+00:00', 'Z')}")["items"]
    assert {row["id"]: row["is_overdue"] for row in rows}[contact["id"]]


def test_an_escalation_is_taken_acted_on_and_settled(house: House) -> None:
    referral_id, raised = missed(house)
    assert raised["state"] == "raised"
    assert raised["told"][0]["staff_id"] == house.staff["supervisor"]
    path = f"/escalations/{raised['id']}"
    assert house.post("supervisor", f"{path}/acknowledge")["state"] == "acknowledged"
    assert house.post("supervisor", f"{path}/acknowledge")["acknowledged_at"], "twice changes nothing"
    house.post("supervisor", f"{path}/act", {"note": "calling the shelter"})
    assert house.call("supervisor", "POST", f"{path}/resolve", {"resolution": "arranged"}).status_code == 422
    settled = house.post("supervisor", f"{path}/resolve", {"resolution": "arranged", "note": "seen at the shelter"})
    assert (settled["state"], settled["resolution"]) == ("resolved", "arranged")
    again = house.call("supervisor", "POST", f"{path}/resolve", {"resolution": "arranged", "note": "x"})
    assert again.status_code == 409
    still = house.get("supervisor", f"/escalations?referral_id={referral_id}")["items"]
    assert raised["id"] not in {one["id"] for one in still}
    over = house.get("supervisor", f"/escalations?referral_id={referral_id}&state=resolved")["items"]
    assert [one["id"] for one in over] == [raised["id"]]


def test_a_clinician_sees_those_they_were_told_of_and_no_others(house: House) -> None:
    referral_id, raised = missed(house)
    assert house.get("clinician", "/escalations")["items"] == []
    assert house.call("clinician", "GET", f"/escalations/{raised['id']}").status_code == 404
    clock.set_to(datetime.fromisoformat(raised["answer_by"]))
    house.carry_out(referral_id)
    told = house.get("clinician", "/escalations?mine=true")["items"]
    assert [house.staff["clinician"] in {t["staff_id"] for t in one["told"]} for one in told] == [True]
    assert house.get("clinician", f"/referrals/{referral_id}")["id"] == referral_id


@pytest.mark.sqlite
def test_only_a_clinician_decides_and_only_where_it_is_asked(house: House) -> None:
    _, raised = missed(house)
    body = {"decision": "welfare_check", "reason": "nobody has seen them"}
    assert house.call("supervisor", "POST", f"/escalations/{raised['id']}/decide", body).status_code == 403
    assert house.call("clinician", "POST", f"/escalations/{raised['id']}/decide", body).status_code == 404


@pytest.mark.sqlite
def test_somebody_elses_contacts_attempts_and_escalations_are_not_there(house: House) -> None:
    referral_id, raised = missed(house)
    contact = house.get("bridger", f"/contacts?referral_id={referral_id}")["items"][0]
    attempt = house.post("bridger", f"/referrals/{referral_id}/attempts", {"mode": "call", "outcome": "no_answer"})
    for known, unknown, tail, body in (
        (f"/contacts/{contact['id']}", "/contacts/con_none", "/waive", {"reason": "x"}),
        (f"/contacts/{contact['id']}", "/contacts/con_none", "/complete", {}),
        (f"/contacts/{contact['id']}", "/contacts/con_none", "/attempts", {"mode": "call", "outcome": "reached"}),
        (f"/attempts/{attempt['attempt']['id']}", "/attempts/att_none", "/take-back", {"why": "x"}),
        (f"/escalations/{raised['id']}", "/escalations/esc_none", "/acknowledge", None),
        (f"/escalations/{raised['id']}", "/escalations/esc_none", "/act", {"note": "x"}),
        (f"/escalations/{raised['id']}", "/escalations/esc_none", "/resolve", {"resolution": "reached", "note": "x"}),
    ):
        answers = [house.call("stranger", "POST", path + tail, body) for path in (known, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404], tail
        said = [answer.json() | {"request_id": ""} for answer in answers]
        assert said[0] == said[1], tail


def test_contacts_page_by_cursor(house: House) -> None:
    referral_id = left(house)
    whole = [row["id"] for row in house.get("bridger", f"/contacts?referral_id={referral_id}&limit=200")["items"]]
    seen: list[str] = []
    cursor = ""
    while True:
        page = house.get("bridger", f"/contacts?referral_id={referral_id}&limit=7&cursor={cursor}")
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(whole) > 14
    assert seen == whole


def test_reassignment_ends_access(house: House) -> None:
    referral_id = left(house)
    house.post("manager", f"/referrals/{referral_id}/close", {"reason": "services_received_completed"})
    assert house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 403
    assert house.get("bridger", "/contacts")["items"] == []
    clock.set_to(NOW + timedelta(days=1))
    assert house.get("bridger", "/events")["items"] == []
