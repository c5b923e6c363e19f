"""Referrals through the API: filed, refused, listed, changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.vocabulary import Role
from records import clock, engine
from records.access import system_actor
from records.commands import staff
from records.tables import Bridger, Person, Referral
from tests.api.house import ADA, NOW, REFERRAL, House


def pointers(response: Any) -> dict[str, str]:
    """Code by pointer of a problem's errors."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    return {one["pointer"]: one["code"] for one in response.json()["errors"]}


def test_a_referral_is_filed_and_looked_at(house: House) -> None:
    response = house.call("planner", "POST", "/referrals", REFERRAL)
    filed = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/v1/referrals/{filed['id']}"
    assert response.headers["etag"] == f'"{filed["version"]}"'
    assert filed["status"] == "accepted"
    assert filed["source"] == "api"
    assert filed["planner_id"] == house.staff["planner"]
    assert house.get("planner", f"/referrals/{filed['id']}") == filed
    agenda = house.get("planner", f"/referrals/{filed['id']}/agenda")["items"]
    assert agenda[0]["kind"] == "offer" == filed["next_item"]
    assert [item["at"] for item in agenda] == sorted(item["at"] for item in agenda)
    assert all(item["title"] and item["why"] for item in agenda)
    plan = house.get("planner", f"/referrals/{filed['id']}/plan")["items"]
    assert plan
    assert {contact["state"] for contact in plan} == {"planned"}
    timeline = house.get("planner", f"/referrals/{filed['id']}/timeline")["items"]
    assert [line["event"] for line in timeline][-1] == "referral.submitted"


@pytest.mark.sqlite
class TestWhatCannotBe:
    """Every refusal names its field, says what to do, and repeats nothing of what was sent."""

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"setting": "moon"}, {"/setting": "not_a_choice"}),
            ({"expected_on": "20226-01-01"}, {"/expected_on": "date"}),
            ({"expected_on": "2226-01-01"}, {"/expected_on": "value"}),
            ({"expected_on": 20226}, {"/expected_on": "value"}),
            ({"expected_on": "2026-11-02"}, {"/expected_on": "date_passed"}),
            ({"expected_on": "2028-11-20"}, {"/expected_on": "date_too_far"}),
            ({"discharged_at": "2026-11-03T15:00:00"}, {"/discharged_at": "time"}),
            ({"discharged_at": "2026-11-04T15:00:00Z"}, {"/discharged_at": "in_the_future"}),
            ({"discharged_at": "2026-11-03T14:00:00Z"}, {"/disposition": "required"}),
            ({"discharged_at": "2026-11-03T14:00:00Z", "disposition": "not_said"}, {"/disposition": "value"}),
            ({"disposition": "not_said", "is_draft": True}, {"/disposition": "value"}),
            ({"consent": "declined"}, {"/consent": "consent_declined"}),
            ({"is_vip": True}, {"/is_vip": "unknown_field"}),
            ({"note": "x" * 4001}, {"/note": "too_long"}),
            ({"note": "a\u0000b"}, {"/note": "value"}),
            ({"risks": ["youth"] * 21}, {"/risks": "too_long"}),
            ({"person": None}, {"": "value"}),
            ({"person_id": "per_x"}, {"": "value"}),
            ({"person": ADA | {"given_name": "🙂"}}, {"/person/given_name": "not_a_name"}),
            ({"person": ADA | {"family_name": "x" * 300}}, {"/person/family_name": "too_long"}),
            ({"person": ADA | {"birth_on": "2027-01-01"}}, {"/person/birth_on": "birth_in_future"}),
            ({"person": ADA | {"birth_on": "1900-01-01"}}, {"/person/birth_on": "birth_too_early"}),
            ({"person": ADA | {"phones": [{"number": "call me"}]}}, {"/person/phones/0/number": "phone"}),
            ({"person": ADA | {"phones": [{}]}}, {"/person/phones/0/number": "required"}),
            ({"person": ADA | {"phones": [{"number": "1"}] * 13}}, {"/person/phones": "too_long"}),
            ({"person": ADA | {"zone": "Mars/Olympus"}}, {"/person/zone": "zone"}),
            ({"person": {"nickname": "A"}}, {"/person/given_name": "required", "/person/family_name": "required",
                                             "/person/nickname": "unknown_field"}),
            ({"person": {"given_name": " ", "family_name": "7", "phones": [{"number": "abc"}]}},
             {"/person/given_name": "required", "/person/family_name": "not_a_name",
              "/person/phones/0/number": "phone"}),
        ],
    )  # fmt: skip
    def test_a_field(self, house: House, changes: dict[str, Any], expected: dict[str, str]) -> None:
        response = house.call("planner", "POST", "/referrals", REFERRAL | changes)
        assert response.status_code == 422
        assert pointers(response) == expected
        for sent in ("moon", "20226", "Olympus", "call me", "xxxxx", "🙂", "Ada"):
            assert sent not in response.text
        assert house.get("planner", "/referrals")["items"] == []

    @pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"a":1,}', b"\xff\xfe"])
    def test_what_is_not_json(self, house: House, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"}
        response = house.client.post("/api/v1/referrals", content=body, headers=headers)
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"

    def test_json_that_is_nested_without_end(self, house: House) -> None:
        headers = {"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"}
        response = house.client.post("/api/v1/referrals", content=b"[" * 200_000, headers=headers)
        assert response.status_code == 400

    @pytest.mark.parametrize("body", [[], "text", 5, None])
    def test_json_that_is_no_object(self, house: House, body: Any) -> None:
        response = house.call("planner", "POST", "/referrals", body)
        assert response.status_code == 422
        assert "Input should be" not in response.text, "the words are ours"

    def test_half_a_character(self, house: House) -> None:
        headers = {"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"}
        body = b'{"setting":"jail","person_id":"\\ud800"}'
        response = house.client.post("/api/v1/referrals", content=body, headers=headers)
        assert response.status_code == 422
        (error,) = (one for one in response.json()["errors"] if one["pointer"] == "/person_id")
        assert error["detail"] == "This contains characters that cannot be shown."

    def test_a_second_open_referral_for_the_same_person(self, house: House) -> None:
        first = house.file()
        person_id = house.get("planner", f"/referrals/{first}")["person_id"]
        second = REFERRAL | {"person": None, "person_id": person_id}
        response = house.call("planner", "POST", "/referrals", second)
        assert response.status_code == 409
        assert response.json()["code"] == "already_referred"
        assert house.get("planner", f"/referrals/{first}")["number"] in response.json()["detail"]

    def test_a_person_whom_another_facility_referred_is_acknowledged(self, house: House) -> None:
        """Both referrers are answered (scenario 12), and neither learns of the other's referral."""
        first = house.file()
        referral = house.get("planner", f"/referrals/{first}")
        second = REFERRAL | {"person": None, "person_id": referral["person_id"], "setting": "jail"}
        for _ in range(2):
            response = house.call("jailer", "POST", "/referrals", second)
            assert (response.status_code, response.json()["code"]) == (202, "already_supported")
            for told in (first, referral["number"], "location"):
                assert told not in response.text
        timeline = house.get("supervisor", f"/referrals/{first}/timeline")["items"]
        assert len([line for line in timeline if line["event"] == "referral.joined"]) == 1
        assert len(house.get("manager", "/referrals")["items"]) == 1

    def test_a_facility_that_is_not_yours(self, house: House) -> None:
        for facility in (house.facilities["jail"], "fac_none"):
            response = house.call("planner", "POST", "/referrals", REFERRAL | {"facility_id": facility})
            assert response.status_code == 404

    def test_an_illegal_state_says_what_is_allowed(self, house: House) -> None:
        referral_id = house.file()
        house.post("supervisor", f"/referrals/{referral_id}/close", {"reason": "not_eligible"})
        response = house.call("supervisor", "POST", f"/referrals/{referral_id}/hold", {"reason": "readmitted"})
        assert response.status_code == 409
        assert response.json()["state"] == "failed"
        assert response.json()["allowed"] == ["accepted", "in_progress"]


@pytest.mark.sqlite
def test_whoever_records_a_discharge_says_how_the_person_left(house: House) -> None:
    """A hospital's message may not know; a person and a system that tells of it by this address do."""
    referral_id = house.file()
    unsaid = {"at": "2026-11-03T14:00:00Z", "disposition": "not_said"}
    response = house.call("planner", "POST", f"/referrals/{referral_id}/discharge", unsaid)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["pointer"]) == (422, "/disposition")
    assert error["detail"] == "Say how and where to the person left."
    offered = house.client.get("/openapi.json").json()["components"]["schemas"]["DischargeIn"]["properties"]
    assert "home" in offered["disposition"]["enum"]
    assert "not_said" not in offered["disposition"]["enum"]


FOREIGN: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "", None),
    ("GET", "/agenda", None),
    ("GET", "/plan", None),
    ("GET", "/timeline", None),
    ("GET", "/attempts", None),
    ("GET", "/candidates", None),
    ("POST", "/notes", {"note": "x"}),
    ("POST", "/hold", {"reason": "readmitted"}),
    ("POST", "/resume", {}),
    ("POST", "/discharge", {"at": "2026-11-03T14:00:00Z", "disposition": "home"}),
    ("POST", "/discharge/cancel", {}),
    ("POST", "/expected-discharge", {"expected_on": None}),
    ("POST", "/accept", None),
    ("POST", "/reject", {"reason": "no_capacity", "note": "x"}),
    ("POST", "/close", {"reason": "no_capacity"}),
    ("POST", "/cancel/decide", {"agree": True}),
    ("POST", "/assign", {"bridger_id": "stf_x"}),
    ("POST", "/risks", {"risks": []}),
    ("POST", "/consent", {"status": "given"}),
    ("POST", "/appointment", {"at": None}),
    ("POST", "/attempts", {"mode": "call", "outcome": "reached"}),
    ("POST", "/submit", None),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("method", "path", "body"), FOREIGN, ids=[f"{m} {p}" for m, p, _ in FOREIGN])
def test_what_is_not_yours_answers_exactly_as_what_is_not_there(
    house: House, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Another program's manager, with every right there."""
    theirs = house.file()
    answers = []
    for referral_id in (theirs, "ref_0000000000000000000000", "no such id!", "../referrals"):
        response = house.call("stranger", method, f"/referrals/{referral_id}{path}", body, If_Match='"1"')
        answers.append((response.status_code, response.json() | {"request_id": ""}))
        if referral_id == "no such id!":
            break
    statuses = {status for status, _ in answers}
    assert statuses == {404}
    assert answers[0] == answers[1]


def test_who_sees_which_referrals(house: House) -> None:
    mine = house.file()
    theirs = house.file(who="jailer", setting="jail", person=ADA | {"given_name": "Bo", "birth_on": "1980-05-05"})
    seen = {who: {r["id"] for r in house.get(who, "/referrals")["items"]}
            for who in ("planner", "jailer", "bridger", "supervisor", "clinician", "manager", "stranger")}  # fmt: skip
    assert seen == {
        "planner": {mine},
        "jailer": {theirs},
        "bridger": set(),
        "supervisor": {mine, theirs},
        "clinician": set(),
        "manager": {mine, theirs},
        "stranger": set(),
    }
    assert house.call("admin", "GET", "/referrals").status_code == 403


def test_lists_page_by_cursor_and_filter(house: House) -> None:
    filed = []
    for number in range(5):
        clock.advance(timedelta(minutes=1))
        filed.append(house.file(person=ADA | {"given_name": f"Ada{'abcde'[number]}"}))
    house.post("supervisor", f"/referrals/{filed[0]}/close", {"reason": "not_eligible"})
    seen, path = [], "/referrals?limit=2"
    for _ in range(3):
        page = house.get("planner", path)
        seen += [row["id"] for row in page["items"]]
        path = f"/referrals?limit=2&cursor={page['next_cursor']}"
    assert seen == list(reversed(filed))
    assert page["next_cursor"] is None
    over = house.get("planner", "/referrals?status=failed&status=completed")["items"]
    assert [row["id"] for row in over] == [filed[0]]
    assert house.get("planner", f"/referrals?facility_id={house.facilities['jail']}")["items"] == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=nonsense",
        "cursor=WzEsMl0",
        "cursor=W251bGwsIngiXQ",
        "status=open",
        "bridger_id=a%20b",
    ],
)
def test_a_wrong_parameter_is_named(house: House, query: str) -> None:
    response = house.call("manager", "GET", f"/referrals?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["parameter"].split(".")[0] == query.split("=")[0]


def test_commands_answer_with_the_new_version_and_honor_if_match(house: House) -> None:
    referral_id = house.file()
    path = f"/referrals/{referral_id}/notes"
    first = house.call("planner", "POST", path, {"note": "one"}, If_Match='"1"')
    assert first.status_code == 200
    assert first.headers["etag"] == f'"{first.json()["version"]}"'
    stale = house.call("planner", "POST", path, {"note": "two"}, If_Match='"1"')
    assert stale.status_code == 412
    assert stale.json()["code"] == "stale"
    fresh = house.call("planner", "POST", path, {"note": "two"}, If_Match=first.headers["etag"])
    assert fresh.status_code == 200
    assert house.call("planner", "POST", path, {"note": "three"}, If_Match="7").status_code == 422
    lines = house.get("planner", f"/referrals/{referral_id}/timeline")["items"]
    assert [line["event"] for line in lines].count("note.added") == 2


def test_the_whole_way_by_commands(house: House) -> None:
    referral_id = house.accepted()
    base = f"/referrals/{referral_id}"
    house.post("planner", f"{base}/expected-discharge", {"expected_on": "2026-11-05", "certainty": "confirmed"})
    house.post("planner", f"{base}/appointment", {"at": "2026-11-10T10:00:00-05:00", "where": "Example clinic"})
    house.post("planner", f"{base}/risks", {"risks": ["suicide_risk"]})
    house.post("planner", f"{base}/consent", {"status": "given", "expires_at": "2027-11-05T00:00:00Z"})
    clock.set_to(NOW + timedelta(days=2))
    house.post("planner", f"{base}/discharge", {"at": clock.now().isoformat(), "disposition": "home"})
    house.post("bridger", f"{base}/hold", {"reason": "readmitted", "note": "back on the unit"})
    assert house.get("planner", base)["status"] == "on_hold"
    clock.advance(timedelta(days=3))
    house.post("planner", f"{base}/resume", {"discharged_at": clock.now().isoformat()})
    resumed = house.get("planner", base)
    assert (resumed["status"], resumed["cycle"]) == ("in_progress", 2)
    house.post("planner", f"{base}/cancel", {"reason": "another program has them"})
    assert house.get("planner", base)["cancel_requested_at"]
    refused = house.call("supervisor", "POST", f"{base}/cancel/decide", {"agree": False})
    assert refused.status_code == 422
    house.post("supervisor", f"{base}/cancel/decide", {"agree": False, "note": "the person wants to stay"})
    house.post("supervisor", f"{base}/close", {"reason": "services_received_completed", "note": "well"})
    over = house.get("planner", base)
    assert (over["status"], over["closure_reason"]) == ("completed", "services_received_completed")


def test_a_draft_waits_and_is_submitted(house: House) -> None:
    referral_id = house.file(is_draft=True)
    assert house.get("planner", f"/referrals/{referral_id}")["status"] == "draft"
    house.post("planner", f"/referrals/{referral_id}/submit")
    assert house.get("planner", f"/referrals/{referral_id}")["status"] == "accepted"
    assert house.call("planner", "POST", f"/referrals/{referral_id}/submit").status_code == 409


def test_assigning_by_hand(house: House) -> None:
    referral_id = house.file()
    done = house.post("supervisor", f"/referrals/{referral_id}/assign", {"bridger_id": house.staff["bridger"]})
    shown = house.get("planner", f"/referrals/{referral_id}")
    assert (shown["bridger_name"], shown["version"]) == ("Bridger Pretend", done["version"])
    unknown = house.call("supervisor", "POST", f"/referrals/{referral_id}/assign", {"bridger_id": "stf_nobody"})
    assert unknown.status_code == 404


def test_who_can_be_assigned_is_asked_of_the_api_too(house: House) -> None:
    """Ranked as on the page, with why; somebody who cannot be asked says why, and what is private says nothing."""
    referral_id = house.file()
    with engine.transaction() as session:
        person_id = session.get_one(Referral, referral_id).person_id
        hand = system_actor(house.program_id)
        for name, gone in (("far", {"areas": ["99999"]}), ("barred", {"conflicts": [{"person_id": person_id}]})):
            row = staff.add_staff(
                session, hand, email=f"{name}@program.example", name=f"{name.title()} Pretend", roles=[Role.BRIDGER],
                supervisor_id=house.staff["supervisor"],
            )  # fmt: skip
            for field, value in gone.items():
                setattr(session.get_one(Bridger, row.id), field, value)
            house.staff[name] = row.id
        session.get_one(Person, person_id).area = "10001"
    for who in ("supervisor", "manager"):
        found = house.get(who, f"/referrals/{referral_id}/candidates")
        (best,) = found["ranked"]
        assert (best["bridger_id"], best["name"]) == (house.staff["bridger"], "Bridger Pretend")
        assert best["reasons_for"]
        out = {one["bridger_id"]: one for one in found["excluded"]}
        assert out[house.staff["far"]]["may_be_overridden"]
        assert "area" in out[house.staff["far"]]["reasons"][0].lower()
        barred = out[house.staff["barred"]]
        assert (barred["reasons"], barred["may_be_overridden"]) == (["Not available for this person."], False)
    for who in ("planner", "bridger", "clinician", "admin"):
        assert house.call(who, "GET", f"/referrals/{referral_id}/candidates").status_code == 403
    house.post("supervisor", f"/referrals/{referral_id}/assign", {"bridger_id": best["bridger_id"]})
    (now,) = house.get("supervisor", f"/referrals/{referral_id}/candidates")["ranked"]
    assert (best["is_current"], now["is_current"], now["caseload"]) == (False, True, 1)


def test_a_preview_shows_what_filing_then_does(house: House) -> None:
    body = {key: value for key, value in REFERRAL.items() if key != "person"}
    seen = house.post("planner", "/referrals/preview", body)
    assert seen["promised_by"]
    assert seen["items"]
    assert house.get("planner", "/referrals")["items"] == [], "nothing is written"
    referral_id = house.file()
    planned = {contact["title"] for contact in house.get("planner", f"/referrals/{referral_id}/plan")["items"]}
    assert planned <= {item["title"] for item in seen["items"]}


@pytest.mark.sqlite
def test_a_planner_reads_how_it_stands_and_not_what_passes_between_bridger_and_person(house: House) -> None:
    referral_id = house.accepted()
    tried = {"mode": "call", "outcome": "no_answer", "note": "private"}
    house.post("bridger", f"/referrals/{referral_id}/attempts", tried)
    house.post("bridger", f"/referrals/{referral_id}/notes", {"note": "between us"})
    house.post("planner", f"/referrals/{referral_id}/notes", {"note": "mine"})
    clock.advance(timedelta(minutes=1))
    for read in (f"/referrals/{referral_id}/timeline", "/events"):
        planners, bridgers = str(house.get("planner", read)).lower(), str(house.get("bridger", read)).lower()
        assert "private" in bridgers
        assert "between us" in bridgers
        assert "private" not in planners
        assert "between us" not in planners
        assert "mine" in planners
    assert house.call("planner", "GET", f"/referrals/{referral_id}/attempts").status_code == 403


def test_a_timeline_is_read_page_by_page(house: House) -> None:
    referral_id = house.file()
    for number in range(4):
        house.post("planner", f"/referrals/{referral_id}/notes", {"note": f"note {number}"})
    whole = [line["event"] for line in house.get("planner", f"/referrals/{referral_id}/timeline")["items"]]
    pages: list[str] = []
    path = f"/referrals/{referral_id}/timeline?limit=2"
    while True:
        page = house.get("planner", path)
        pages += [line["event"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/referrals/{referral_id}/timeline?limit=2&before={page['next_cursor']}"
    assert pages == whole
