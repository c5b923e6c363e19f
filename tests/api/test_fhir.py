"""`POST /fhir/$process-message`: the answers that a hospital's interface engine gets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlmodel import select

from records import engine
from records.tables import Facility, Inbound, Referral
from tests.api.house import NOW, House
from tests.records.notices import notice

PATH = "/fhir/$process-message"
FHIR = "application/fhir+json"


def send(house: House, message: Any, who: str = "planner", kind: str = FHIR) -> Response:
    body = message if isinstance(message, (str, bytes)) else json.dumps(message)
    headers = {"Authorization": f"Bearer {house.tokens[who]}", "Content-Type": kind}
    response: Response = house.client.post(PATH, content=body, headers=headers)
    return response


def issue_of(response: Response) -> dict[str, Any]:
    """The one issue of an OperationOutcome, alone or in the response Bundle."""
    resource = response.json()
    assert response.headers["content-type"].startswith(FHIR)
    if resource["resourceType"] == "Bundle":
        resource = resource["entry"][1]["resource"]
    assert resource["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = resource["issue"][0]
    return issue


def count(table: Any) -> int:
    with engine.read_session() as session:
        return len(session.exec(select(table)).all())


def test_a_notification_is_answered_with_a_message(house: House) -> None:
    response = send(house, notice("discharge", message_id="m-1"))
    assert response.status_code == 200
    bundle = response.json()
    header = bundle["entry"][0]["resource"]
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "message")
    assert header["resourceType"] == "MessageHeader"
    assert header["response"] == {"identifier": "m-1", "code": "ok"}
    assert issue_of(response)["severity"] == "information"
    assert bundle["meta"]["tag"][0]["code"] == "drafted"


@pytest.mark.parametrize("kind", [FHIR, "application/json", f"{FHIR}; charset=utf-8"])
def test_both_types_are_taken(house: House, kind: str) -> None:
    assert send(house, notice("admit"), kind=kind).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
@pytest.mark.sqlite
def test_other_types_are_not(house: House, kind: str) -> None:
    response = send(house, notice("discharge"), kind=kind)
    assert response.status_code == 415
    assert issue_of(response)["code"] == "not-supported"
    assert count(Referral) == 0


def test_sent_twice_it_is_done_once(house: House) -> None:
    first, again = send(house, notice("discharge")), send(house, notice("discharge"))
    assert (first.status_code, again.status_code) == (200, 200)
    assert "came before" in issue_of(again)["details"]["text"]
    assert (count(Referral), count(Inbound)) == (1, 1)


def test_another_message_under_the_same_id_is_a_conflict(house: House) -> None:
    send(house, notice("discharge", message_id="m-1"))
    response = send(house, notice("discharge", message_id="m-1", end=NOW - timedelta(hours=1)))
    assert response.status_code == 409
    assert issue_of(response)["code"] == "duplicate"


@pytest.mark.sqlite
def test_a_refusal_points_at_the_element(house: House) -> None:
    message = notice("discharge")
    index = next(i for i, e in enumerate(message["entry"]) if e["resource"]["resourceType"] == "Encounter")
    del message["entry"][index]["resource"]["period"]["end"]
    response = send(house, message)
    issue = issue_of(response)
    assert response.status_code == 422
    assert issue["code"] == "required"
    assert issue["expression"] == [f"Bundle.entry[{index}].resource.period.end"]
    assert issue["diagnostics"] == f"/entry/{index}/resource/period/end"
    assert count(Inbound) == 0


@pytest.mark.sqlite
def test_a_refused_message_leaves_nothing_of_what_it_began(house: House) -> None:
    """A discharge that lies ahead is refused by the command after the facility was made: that is taken back too."""
    house.file(visit_id="http://example.org|v")
    before = count(Facility)
    ahead = notice("discharge", visit="v", start=NOW - timedelta(days=3), end=NOW + timedelta(days=3))
    response = send(house, ahead, who="admin")
    assert (response.status_code, issue_of(response)["code"]) == (422, "business-rule")
    assert (count(Facility), count(Inbound)) == (before, 0)
    now = notice("discharge", visit="v", start=NOW - timedelta(days=3), end=NOW)
    assert send(house, now, who="admin").status_code == 200
    assert (count(Facility), count(Inbound)) == (before + 1, 1)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"NaN",
        b'{"a": Infinity}',
        b"[" * 100_000,
        b"1" * 5000,
        '"\ud800"'.encode("utf-8", "surrogatepass"),
    ],
)
def test_what_is_no_json_is_refused_as_such(house: House, body: bytes) -> None:
    response = send(house, body)
    assert response.status_code in (400, 422)
    assert issue_of(response)["severity"] == "error"


@pytest.mark.sqlite
def test_it_takes_a_token_and_the_right_role(house: House) -> None:
    nobody = house.client.post(PATH, json=notice("discharge"))
    assert (nobody.status_code, issue_of(nobody)["code"]) == (401, "login")
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    bridger = send(house, notice("discharge"), who="bridger")
    assert (bridger.status_code, issue_of(bridger)["code"]) == (403, "forbidden")


@pytest.mark.sqlite
def test_what_is_not_there_is_answered_in_fhir_too(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.tokens['planner']}"}
    elsewhere = house.client.get("/fhir/Patient/1", headers=headers)
    assert (elsewhere.status_code, issue_of(elsewhere)["code"]) == (404, "not-found")
    wrongly = house.client.get(PATH, headers=headers)
    assert (wrongly.status_code, issue_of(wrongly)["code"]) == (405, "not-supported")
    heavy = house.client.post(PATH, content=b" " * 9_000_000, headers=headers | {"Content-Type": FHIR})
    assert (heavy.status_code, issue_of(heavy)["code"]) == (413, "too-long")


@pytest.mark.sqlite
def test_an_answer_repeats_nothing_of_the_person(house: House) -> None:
    message = notice("discharge")
    patient = next(e["resource"] for e in message["entry"] if e["resource"]["resourceType"] == "Patient")
    patient["birthDate"] = "20226-01-01"
    family = patient["name"][0]["family"]
    for response in (send(house, message), send(house, notice("discharge"))):
        assert family not in response.text
        assert "20226" not in response.text
