"""Telling somebody outside: only what they agreed to, with what goes with it; a refusal says why, and is kept too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.consent import NOTICE_LONG, notice_text
from domain.vocabulary import ClosureReason, Need, RiskFlag
from records import clock, engine
from records.commands import closing
from records.tables import ConsentVersion, Disclosure, Referral
from tests.pages.bridging import NOW, Bridging, Browser, begin, said, words
from tests.pages.test_consents import sign


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def ada(town: Bridging) -> str:
    """Somebody with something in every category."""
    return town.refer("Ada", left=True, risks=[RiskFlag.OVERDOSE], needs=[Need.HOUSING, Need.TREATMENT])


def way_to(browser: Browser, referral_id: str, name: str) -> str:
    """Where the list of those who may be told leads for one of them."""
    listed = browser.get(f"/referrals/{referral_id}/tell")
    return next(a.attributes["href"] for a in listed.all("a") if name in a.text)


def tell(town: Bridging, referral_id: str, to: str, *categories: str, **fields: str) -> str:
    """Tell somebody whom they agreed to; what the page says that is to be read out."""
    bridger = town.browser("bridger")
    sent: dict[str, Any] = {"way": "phone", "where": "", "once": "a", "categories": list(categories)} | fields
    return said(bridger.follow(way_to(bridger, referral_id, to), **sent))


def rows(town: Bridging, referral_id: str) -> list[tuple[str, str, bool]]:
    found = town.rows(Disclosure, Disclosure.referral_id == referral_id)
    return sorted((row.recipient, str(row.category), row.is_allowed) for row in found if row.subject_id is not None)


def test_a_relative_is_told_what_was_agreed_with_the_scope_and_the_statement(town: Bridging) -> None:
    referral_id = ada(town)
    sign(town, referral_id, scope="contact", name="Rosa Example", categories="standing")
    assert "Tell somebody" in said(town.browser("bridger").get(f"/referrals/{referral_id}/consents"))
    text = tell(town, referral_id, "Rosa Example", "standing", where="(212) 555-0177")
    assert "Supported by" in text
    assert "Rosa Example: that they are referred, and how it stands. At their own request." in text
    assert notice_text(NOTICE_LONG).split("\n")[0] in text
    for never in ("Riverside", "Overdose", "Treatment", "psychiatric"):
        assert never not in text, never
    [row] = [one for one in town.rows(Disclosure) if one.recipient == "Rosa Example, (212) 555-0177"]
    consent = next(one for one in town.rows(ConsentVersion) if one.line.startswith("contact"))
    assert (row.consent_id, row.notice, row.by, row.sent_at) == (consent.id, NOTICE_LONG, town.staff["bridger"], NOW)
    assert "Rosa Example, (212) 555-0177" in said(
        town.browser("supervisor").get(f"/people/{town.rows(Referral)[0].person_id}/disclosures")
    )
    timeline = said(town.browser("bridger").get(f"/referrals/{referral_id}"))
    assert "Rosa Example was told (by phone): that they are referred, and how it stands." in timeline


def test_a_class_of_providers_is_told_by_name_and_substance_use_takes_its_own_consent(town: Bridging) -> None:
    referral_id = ada(town)
    sign(town, referral_id, scope="treating", categories="coordination")
    form = town.browser("bridger").get(way_to(town.browser("bridger"), referral_id, "A provider who treats them"))
    assert "What concerns substance use" not in said(form)
    refused = town.browser("bridger").post(
        way_to(town.browser("bridger"), referral_id, "A provider"), way="fax", where="", categories="coordination",
        name="", once="a",
    )  # fmt: skip
    assert "Who exactly, by name: write something here." in words(refused.text)
    text = tell(town, referral_id, "A provider", "coordination", name="Dr. Example, Elm Street", way="fax")
    assert ("Housing" in text, "Treatment" in text) == (True, False)
    sign(town, referral_id, scope="substance_use", to="treating")
    text = tell(town, referral_id, "A provider", "substance_use", name="Dr. Example, Elm Street", once="b")
    assert "Overdose history or risk" in text
    assert "Passing on" not in text


def test_probation_hears_whether_they_keep_their_contacts_and_nothing_else(town: Bridging) -> None:
    referral_id = ada(town)
    sign(town, referral_id, scope="justice", name="Officer Example")
    bridger = town.browser("bridger")
    address = way_to(bridger, referral_id, "Officer Example")
    boxes = [box for box in bridger.get(address).all("input") if box.attributes.get("name") == "categories"]
    assert [(box.attributes["value"], "checked" in box.attributes) for box in boxes] == [("attendance", True)]
    text = tell(town, referral_id, "Officer Example", "attendance", "contact_data", way="secure_mail")
    assert "Contacts kept in time" in text
    assert "555" not in text
    assert "How and where to reach them: no consent covers it." in text
    assert [row[1:] for row in rows(town, referral_id)] == [("attendance", True), ("contact_data", False)]


def test_whoever_stands_in_no_consent_is_told_nothing_and_that_is_written_down(town: Bridging) -> None:
    referral_id = ada(town)
    fields = {"to": "justice", "name": "Officer Example", "way": "phone", "where": "", "categories": "attendance"}
    page = said(town.browser("bridger").follow(f"/referrals/{referral_id}/tell/anybody", **fields, once="a"))
    assert "Nothing may be told" in page
    assert "Whether they keep their contacts: no consent covers it." in page
    assert "Contacts kept" not in page
    assert rows(town, referral_id) == [("Officer Example", "attendance", False)]
    timeline = said(town.browser("supervisor").get(f"/referrals/{referral_id}"))
    assert "Officer Example was not told: no consent covers it." in timeline


def test_what_was_taken_back_is_told_no_more_and_an_end_ends_it(town: Bridging) -> None:
    referral_id = ada(town)
    sign(town, referral_id, scope="contact", name="Rosa Example", categories="standing")
    bridger = town.browser("bridger")
    address = way_to(bridger, referral_id, "Rosa Example")
    consent = next(one for one in town.rows(ConsentVersion) if one.line.startswith("contact"))
    bridger.goes_to(f"/referrals/{referral_id}/consents/{consent.id}/revoke")
    assert "Rosa Example" not in said(bridger.get(f"/referrals/{referral_id}/tell"))
    bridger.get(address, status=404)
    sign(town, referral_id, scope="contact", name="Rosa Example", categories="standing")
    with engine.transaction() as session:
        closing.close_referral(session, town.actor("supervisor"), referral_id, ClosureReason.OUT_OF_AREA)
    sent = {"way": "phone", "where": "", "categories": "standing", "once": "a"}
    assert town.browser("supervisor").post(address, **sent).status_code == 409
    assert rows(town, referral_id) == []


def test_who_tells_is_of_the_program_and_works_with_them(town: Bridging) -> None:
    referral_id = ada(town)
    town.browser("planner").get(f"/referrals/{referral_id}/tell", status=403)
    town.browser("second").get(f"/referrals/{referral_id}/tell", status=404)
    town.browser("bridger").get(f"/referrals/{referral_id}/told/tel_madeup", status=404)
