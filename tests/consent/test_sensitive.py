"""What concerns substance use: nobody of the program reads it before the consent; that it is there, everybody sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from domain import sensitivity
from domain.vocabulary import ConsentStatus, Need, RiskFlag
from records import clock, engine
from records.commands import changes
from records.tables import Referral
from tests.api.house import House
from tests.consent.test_gate import actor
from tests.pages.bridging import NOW, Bridging, begin, said

SECRET = "methadone at seven every morning"
TOLD: dict[str, Any] = {
    "risks": ["overdose", "no_safe_place"],
    "needs": ["treatment", "housing"],
    "note": SECRET,
    "consent": "pending",
}


def record(house: House, referral_id: str, status: ConsentStatus) -> None:
    with engine.transaction() as session:
        changes.record_consent(session, actor(house), referral_id, status)


@pytest.mark.parametrize("who", ["bridger", "supervisor", "manager"])
def test_3_consent_pending(house: House, who: str) -> None:
    """Consent pending: accepted, but no field about substance use is readable until consent is recorded."""
    referral_id = house.accepted(**TOLD)
    house.post("planner", f"/referrals/{referral_id}/notes", {"note": SECRET})
    clock.advance(timedelta(minutes=1))
    for path in (f"/referrals/{referral_id}", "/referrals", f"/referrals/{referral_id}/timeline", "/events", "/offers"):
        if (who, path) in (("supervisor", "/offers"), ("manager", "/offers")):
            continue
        text = house.call(who, "GET", path).text
        for never in ("overdose", "treatment", SECRET):
            assert never not in text, (path, never)
    shown = house.get(who, f"/referrals/{referral_id}")
    assert shown["withheld"] == ["risks", "needs", "needs_note"], "that something is withheld, not what"
    assert (shown["risks"], shown["needs"]) == (["no_safe_place"], ["housing"])
    record(house, referral_id, ConsentStatus.GIVEN)
    shown = house.get(who, f"/referrals/{referral_id}")
    assert (shown["withheld"], shown["risks"]) == ([], ["overdose", "no_safe_place"])
    assert SECRET in house.call(who, "GET", f"/referrals/{referral_id}/timeline").text
    record(house, referral_id, ConsentStatus.REVOKED)
    assert "overdose" not in house.call(who, "GET", f"/referrals/{referral_id}").text


def test_the_facility_reads_what_it_wrote(house: House) -> None:
    referral_id = house.accepted(**TOLD)
    assert house.get("planner", f"/referrals/{referral_id}")["risks"] == ["overdose", "no_safe_place"]


def test_what_is_not_seen_is_not_lost_when_risks_are_set(house: House) -> None:
    referral_id = house.accepted(**TOLD)
    house.post("supervisor", f"/referrals/{referral_id}/risks", {"risks": ["suicide_risk"]})
    with engine.read_session() as session:
        assert set(session.get_one(Referral, referral_id).risks) == {"suicide_risk", "overdose"}


def test_a_facility_reads_the_risks_that_it_wrote_and_none_that_the_program_set(house: House) -> None:
    referral_id = house.accepted(risks=["no_safe_place"])
    house.post("supervisor", f"/referrals/{referral_id}/risks", {"risks": ["no_safe_place", "overdose"]})
    assert house.get("planner", f"/referrals/{referral_id}")["risks"] == ["no_safe_place"]
    assert house.get("planner", "/referrals")["items"][0]["risks"] == ["no_safe_place"]
    clock.advance(timedelta(minutes=1))
    for path in (f"/referrals/{referral_id}/timeline", "/events"):
        assert "overdose" not in house.call("planner", "GET", path).text
    house.post("planner", f"/referrals/{referral_id}/risks", {"risks": ["suicide_risk"]})
    with engine.read_session() as session:
        assert set(session.get_one(Referral, referral_id).risks) == {"suicide_risk", "overdose"}, "unseen, so it stays"
    assert house.get("planner", f"/referrals/{referral_id}")["risks"] == ["suicide_risk"]
    assert house.get("bridger", f"/referrals/{referral_id}")["risks"] == ["suicide_risk", "overdose"]


def test_a_note_that_was_marked_is_withheld_as_everything_about_substance_use_is(house: House) -> None:
    referral_id = house.accepted(consent="pending")
    house.post("bridger", f"/referrals/{referral_id}/notes", {"note": SECRET, "about_use": True})
    house.post("bridger", f"/referrals/{referral_id}/notes", {"note": "likes chess"})
    clock.advance(timedelta(minutes=1))
    for path in (f"/referrals/{referral_id}/timeline", "/events"):
        text = house.call("supervisor", "GET", path).text
        assert (SECRET in text, "likes chess" in text) == (False, True), path
    record(house, referral_id, ConsentStatus.GIVEN)
    assert SECRET in house.call("supervisor", "GET", f"/referrals/{referral_id}/timeline").text


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def test_the_persons_page_says_that_something_is_withheld(town: Bridging) -> None:
    referral_id = town.refer(
        "Ada", left=True, consent=ConsentStatus.PENDING, risks=[RiskFlag.OVERDOSE], needs=[Need.TREATMENT], note=SECRET
    )
    for path in ("/today", "/people", f"/referrals/{referral_id}"):
        text = said(town.browser("bridger").get(path))
        for never in ("Overdose", "Treatment", SECRET):
            assert never not in text, path
    assert sensitivity.WITHHELD in said(town.browser("bridger").get(f"/referrals/{referral_id}"))
    with engine.transaction() as session:
        changes.record_consent(session, town.actor("supervisor"), referral_id, ConsentStatus.GIVEN)
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}"))
    assert "Overdose history or risk" in text
    assert SECRET in text
    assert sensitivity.WITHHELD not in text


def test_a_planners_form_shows_the_risks_of_the_facility_alone(town: Bridging) -> None:
    referral_id = town.refer("Ada", risks=[RiskFlag.NO_SAFE_PLACE])
    with engine.transaction() as session:
        changes.set_risks(session, town.actor("supervisor"), referral_id, [RiskFlag.NO_SAFE_PLACE, RiskFlag.OVERDOSE])
    for who, seen in (("planner", ["no_safe_place"]), ("supervisor", ["overdose", "no_safe_place"])):
        boxes = town.browser(who).get(f"/referrals/{referral_id}/risks").all("input")
        ticked = [box.attributes["value"] for box in boxes if "checked" in box.attributes]
        assert sorted(ticked) == sorted(seen), who
    assert "Overdose" not in said(town.browser("planner").get(f"/referrals/{referral_id}"))


def test_a_note_is_marked_on_its_page(town: Bridging) -> None:
    referral_id = town.refer("Ada", consent=ConsentStatus.PENDING)
    bridger = town.browser("bridger")
    assert "This note is about substance use" in said(bridger.get(f"/referrals/{referral_id}/note"))
    assert "about substance use" not in said(town.browser("planner").get(f"/referrals/{referral_id}/note"))
    bridger.goes_to(f"/referrals/{referral_id}/note", note=SECRET, about_use="yes", once="a")
    assert SECRET not in said(bridger.get(f"/referrals/{referral_id}"))


def test_every_field_of_the_table_is_one_that_a_referral_has() -> None:
    assert set(sensitivity.FIELDS) - {"note"} <= set(Referral.model_fields)
    assert sensitivity.FIELDS["risks"] is not None
    assert sensitivity.FIELDS["risks"] <= {risk.value for risk in RiskFlag}
    assert sensitivity.FIELDS["needs"] is not None
    assert sensitivity.FIELDS["needs"] <= {need.value for need in Need}
