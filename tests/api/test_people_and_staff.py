"""People, staff, protocols and the feed of events through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from records import clock
from tests.api.house import ADA, NOW, House

SPELLED_ALIKE = {"family_name": "Sampel", "given_name": "Ada", "birth_on": "1990-01-01"}


def person_of(house: House, referral_id: str) -> str:
    """The id of the person of a referral."""
    return str(house.get("manager", f"/referrals/{referral_id}")["person_id"])


def test_a_person_is_found_by_birth_date_and_a_name_alike(house: House) -> None:
    referral_id = house.file()
    found = house.post("planner", "/people/search", SPELLED_ALIKE)
    assert found["items"][0]["person"]["family_name"] == "Sample"
    assert found["items"][0]["open_referral_id"] == referral_id
    nobody = house.post("planner", "/people/search", {"family_name": "Sample", "birth_on": "1991-01-01"})
    assert nobody["items"] == []


def test_a_person_of_another_facility_is_told_by_likeness_alone(house: House) -> None:
    house.file()
    found = house.post("jailer", "/people/search", SPELLED_ALIKE)
    likely = found["items"][0]
    assert likely["person"] is None
    assert likely["open_referral_id"] is None
    assert likely["reasons"]


def test_the_open_referral_of_another_facility_is_told_to_nobody_else(house: House) -> None:
    """Somebody whom the planner knows from before is with another facility now."""
    ended = house.file()
    house.post("supervisor", f"/referrals/{ended}/close", {"reason": "not_eligible"})
    now = house.file("jailer", person=None, person_id=person_of(house, ended), setting="jail")
    likely = house.post("planner", "/people/search", SPELLED_ALIKE)["items"][0]
    assert likely["person"]["family_name"] == "Sample"
    assert likely["open_referral_id"] is None
    assert house.post("manager", "/people/search", SPELLED_ALIKE)["items"][0]["open_referral_id"] == now


def test_a_person_of_another_program_is_not_found(house: House) -> None:
    house.file()
    found = house.post("stranger", "/people/search", SPELLED_ALIKE)
    assert found["items"] == []


def test_a_correction_needs_what_was_seen_and_changes_only_what_was_sent(house: House) -> None:
    person_id = person_of(house, house.file(person=ADA | {"identifiers": [{"system": "mrn", "value": "77"}]}))
    seen = house.call("planner", "GET", f"/people/{person_id}")
    tag = seen.headers["etag"]
    assert house.call("planner", "PATCH", f"/people/{person_id}", {"area": "10002"}).status_code == 428
    changed = house.call("planner", "PATCH", f"/people/{person_id}", {"area": "10002"}, If_Match=tag)
    assert changed.status_code == 200
    assert changed.json() == seen.json() | {"area": "10002", "version": changed.json()["version"]}
    late = house.call("planner", "PATCH", f"/people/{person_id}", {"area": "10003"}, If_Match=tag)
    assert late.status_code == 412
    whatever = house.call("planner", "PATCH", f"/people/{person_id}", {"area": "10003"}, If_Match="*")
    assert whatever.json()["area"] == "10003"


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"given_name": ""}, "/given_name"),
        ({"given_name": "🙂🙂"}, "/given_name"),
        ({"birth_on": "20226-01-01"}, "/birth_on"),
        ({"phones": [{"number": "letters"}]}, "/phones/0/number"),
        ({"died_at": "2026-01-01"}, "/died_at"),
        ({"id": "per_x"}, "/id"),
    ],
)
def test_a_correction_that_cannot_be(house: House, body: dict[str, Any], pointer: str) -> None:
    person_id = person_of(house, house.file())
    before = house.get("planner", f"/people/{person_id}")
    response = house.call("planner", "PATCH", f"/people/{person_id}", body, If_Match="*")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer
    assert house.get("planner", f"/people/{person_id}") == before


@pytest.mark.sqlite
def test_a_person_who_is_not_yours_is_not_there(house: House) -> None:
    person_id = person_of(house, house.file())
    for who in ("jailer", "bridger", "clinician", "stranger"):
        for known, unknown in ((person_id, "per_none"),):
            answers = [house.call(who, "GET", f"/people/{one}").json() | {"request_id": ""} for one in (known, unknown)]
            assert answers[0] == answers[1]
            assert answers[0]["status"] == 404
    assert house.call("stranger", "PATCH", f"/people/{person_id}", {"area": "1"}, If_Match="*").status_code == 404


def test_staff_are_listed_and_added_by_those_who_manage_them(house: House) -> None:
    listed = house.get("admin", "/staff")["items"]
    assert {one["name"] for one in listed} >= {"Bridger Pretend", "Planner Pretend"}
    assert "password" not in str(listed)
    assert "Stranger Pretend" not in str(listed)
    page = house.get("admin", "/staff?limit=3")
    rest = house.get("admin", f"/staff?limit=200&cursor={page['next_cursor']}")
    assert page["items"] + rest["items"] == listed
    body = {"email": "new@program.example", "name": "New Pretend", "roles": ["bridger"]}
    made = house.call("admin", "POST", "/staff", body)
    assert made.status_code == 201
    assert made.headers["location"].endswith(made.json()["id"])
    again = house.call("admin", "POST", "/staff", body)
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    planner = house.call("admin", "POST", "/staff", body | {"email": "p@x.example", "roles": ["planner"]})
    assert planner.json()["errors"][0]["pointer"] == "/facility_id"


def test_an_absence_is_covered_and_ends(house: House) -> None:
    referral_id = house.accepted()
    body = {"email": "cover@program.example", "name": "Cover Pretend", "roles": ["bridger"]}
    cover = house.post("admin", "/staff", body)["id"]
    path = f"/staff/{house.staff['bridger']}/absences"
    backwards = {"from_at": "2026-11-03T15:00:00Z", "until_at": "2026-11-01T15:00:00Z"}
    wrong = house.call("supervisor", "POST", path, backwards)
    assert wrong.json()["errors"][0]["pointer"] == "/until_at"
    absence = house.post("supervisor", path, {"from_at": "2026-11-03T15:00:00Z", "cover_id": cover})
    assert house.get("manager", f"/referrals/{referral_id}")["bridger_id"] == cover
    back = house.post("bridger", f"/absences/{absence['id']}/end")
    assert back == {"referral_ids": [referral_id]}
    assert house.get("bridger", f"/referrals/{referral_id}")["bridger_name"] == "Bridger Pretend"
    assert house.call("stranger", "POST", path, {"from_at": "2026-11-03T15:00:00Z"}).status_code == 404


def test_protocols_are_read_as_published(house: House) -> None:
    listed = house.get("planner", "/protocols")["items"]
    mine = next(one for one in listed if "psychiatric_inpatient" in one["settings"])
    text = house.get("planner", f"/protocols/{mine['id']}")["text"]
    assert 'key = "psychiatric-inpatient"' in text
    assert house.call("stranger", "GET", f"/protocols/{mine['id']}").status_code == 404


def test_the_feed_goes_on_from_where_one_was(house: House) -> None:
    house.file()
    house.file(person=ADA | {"given_name": "Bea"})
    assert house.get("manager", "/events")["items"] == [], "what is seconds old is still being settled"
    clock.set_to(NOW + timedelta(seconds=10))
    whole = house.get("manager", "/events?limit=200")
    assert [event["id"] for event in whole["items"]] == sorted(event["id"] for event in whole["items"])
    seen: list[Any] = []
    after = 0
    while True:
        page = house.get("manager", f"/events?after={after}&limit=3")
        if not page["items"]:
            break
        seen += page["items"]
        after = page["last_id"]
    assert seen == whole["items"]
    assert after == whole["last_id"]
    assert house.get("jailer", "/events")["items"] == []
    assert house.get("stranger", "/events")["items"] == []
