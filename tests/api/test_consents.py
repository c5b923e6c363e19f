"""Consents by the API: signed, listed, taken back, by the rules of the pages; and a minor's, with two signatures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from domain.consent import Recipient
from domain.vocabulary import Category, Purpose, RecipientKind
from records import clock, engine
from records.access import system_actor
from records.commands.programs import set_access_rules
from records.queries.consents import decide, list_versions
from tests.api.house import ADA, NOW, House, build_house

ROSA: dict[str, Any] = {
    "scope": "contact", "name": "Rosa Example", "categories": ["standing"],
    "signature": "Ada Sample", "method": "paper", "signed_on": "2026-11-02",
}  # fmt: skip
USE: dict[str, Any] = {
    "scope": "substance_use", "to": "treating", "signature": "Ada Sample", "method": "screen", "agrees": True,
}  # fmt: skip
YOUNG = ADA | {"birth_on": "2010-05-05"}


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with clock.stopped_at(NOW):
        yield build_house()


def listed(house: House, referral_id: str, who: str = "bridger") -> list[Any]:
    items: list[Any] = house.get(who, f"/referrals/{referral_id}/consents")["items"]
    return items


def test_a_consent_is_signed_listed_and_taken_back(house: House) -> None:
    referral_id = house.accepted()
    clock.advance(timedelta(minutes=1))
    made = house.post("bridger", f"/referrals/{referral_id}/consents", ROSA, Idempotency_Key="k1")
    again = house.call("bridger", "POST", f"/referrals/{referral_id}/consents", ROSA, Idempotency_Key="k1")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (made, "true")
    assert (made["line"], made["counts"], made["signed_on"]) == ("contact:contact:rosa example", True, "2026-11-02")
    assert made["grants"] == [
        {"scope": "contact", "to": "contact", "name": "Rosa Example", "categories": ["standing"],
         "purpose": "at_request"}
    ]  # fmt: skip
    assert [one["line"] for one in listed(house, referral_id)] == ["intake", made["line"]]
    house.post("bridger", f"/referrals/{referral_id}/consents/{made['id']}/revoke")
    last = listed(house, referral_id)[-1]
    assert (last["status"], last["counts"], last["revoked_at"]) == ("revoked", False, "2026-11-03T15:01:00Z")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"categories": ["substance_use"]}, "/categories"),
        ({"scope": "substance_use"}, "/to"),
        ({"signature": " "}, "/signature"),
        ({"signer": "representative"}, "/authority"),
        ({"signed_on": "2026-12-01"}, "/signed_on"),
        ({"expires_at": "2026-11-01T00:00:00Z"}, "/expires_at"),
        ({"method": "screen"}, "/agrees"),
        ({"scope": "everything"}, "/scope"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_what_does_not_count_is_refused_with_its_place(house: House, change: dict[str, Any], pointer: str) -> None:
    referral_id = house.accepted()
    answer = house.call("bridger", "POST", f"/referrals/{referral_id}/consents", ROSA | change)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert len(listed(house, referral_id)) == 1


def test_a_facility_neither_reads_nor_takes_back_what_is_not_its_business(house: House) -> None:
    referral_id = house.accepted()
    made = house.post("bridger", f"/referrals/{referral_id}/consents", ROSA)
    assert [one["line"] for one in listed(house, referral_id, "planner")] == ["intake"]
    path = f"/referrals/{referral_id}/consents/{made['id']}/revoke"
    assert house.call("planner", "POST", path).status_code == 404
    assert house.call("jailer", "GET", f"/referrals/{referral_id}/consents").status_code == 404


def test_a_minors_yes_at_filing_tells_nothing_of_substance_use(house: House) -> None:
    referral_id = house.accepted(person=YOUNG, risks=["overdose"])
    assert listed(house, referral_id)[0]["counts"]
    assert house.get("bridger", f"/referrals/{referral_id}")["withheld"] == ["risks"]
    both = {"scope": "referred", "signature": "Ada Sample", "method": "paper"} | {
        "second_signature": "Gil Example", "second_authority": "Their father",
    }  # fmt: skip
    house.post("bridger", f"/referrals/{referral_id}/consents", both)
    assert house.get("bridger", f"/referrals/{referral_id}")["withheld"] == []


def test_without_the_second_signature_a_minors_consent_is_refused(house: House) -> None:
    referral_id = house.accepted(person=YOUNG)
    path = f"/referrals/{referral_id}/consents"
    answer = house.call("bridger", "POST", path, USE)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/second_signature")
    answer = house.call("bridger", "POST", path, USE | {"second_signature": "Gil Example"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/second_authority")
    guardian = {"signer": "guardian", "authority": "Their father", "signature": "Gil Example"}
    assert house.call("bridger", "POST", path, USE | guardian).json()["errors"][0]["pointer"] == "/signer"
    made = house.post("bridger", path, USE | {"second_signature": "Gil Example", "second_authority": "Their father"})
    assert (made["counts"], made["second_name"]) == (True, "Gil Example")
    assert house.post("bridger", path, ROSA)["counts"], "what does not concern substance use takes one signature"


def test_where_the_state_lets_them_a_minor_signs_alone(house: House) -> None:
    with engine.transaction() as session:
        set_access_rules(session, system_actor(house.program_id), minors_sign_alone=True)
    referral_id = house.accepted(person=YOUNG, risks=["overdose"])
    assert house.get("bridger", f"/referrals/{referral_id}")["withheld"] == []
    assert house.post("bridger", f"/referrals/{referral_id}/consents", USE)["counts"]


def test_a_version_that_lacks_the_second_signature_does_not_count_however_it_came_there(house: House) -> None:
    referral_id = house.accepted(person=YOUNG)
    signed = USE | {"second_signature": "Gil Example", "second_authority": "Their father"}
    made = house.post("bridger", f"/referrals/{referral_id}/consents", signed)
    asked = (Recipient(RecipientKind.TREATING), Category.SUBSTANCE_USE, Purpose.TREATMENT)
    with engine.transaction() as session:
        row = next(row for row, _ in list_versions(session, [referral_id]) if row.id == made["id"])
        assert decide(session, referral_id, *asked, clock.now()).is_allowed
        row.second_name = ""
    with engine.read_session() as session:
        found = decide(session, referral_id, *asked, clock.now())
    assert (found.is_allowed, found.reason) == (
        False,
        "the consent is not complete: the signature of a parent or guardian",
    )
