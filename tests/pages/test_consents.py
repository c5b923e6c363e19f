"""The pages of consent: agreed, signed on a screen or on paper, taken back; and the accounting of what was told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date

import pytest
from sqlmodel import col

from domain.consent import NOTICE_LONG, notice_text
from domain.vocabulary import ConsentStatus, SignerKind, SigningMethod
from records import clock
from records.tables import ConsentRevocation, ConsentVersion, Disclosure, Referral
from tests.pages.bridging import NOW, Bridging, begin, said, words

SIGNED = {"signer": "person", "method": "screen", "signature": "Ada Sample", "agrees": "yes"}


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def sign(town: Bridging, referral_id: str, who: str = "bridger", **fields: str) -> None:
    town.browser(who).goes_to(f"/referrals/{referral_id}/consents", **(SIGNED | fields))


def versions(town: Bridging, referral_id: str) -> list[ConsentVersion]:
    rows = town.rows(ConsentVersion, ConsentVersion.referral_id == referral_id)
    return sorted(rows, key=lambda row: (row.line, row.version))


def test_what_was_said_at_filing_stands_there_in_plain_words(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}/consents"))
    assert "Being referred and contacted Given" in text
    assert "until the program’s work with them ends" in text.lower()
    assert "on paper, seen by" in text
    page = town.browser("bridger").get(f"/referrals/{referral_id}/consents")
    assert [one.text.strip() for one in page.all("dt")] == [
        "The program's own people",
        "The facility that referred them",
    ]
    assert "The program's own people:" not in text, "who is told stands apart from what"


def test_a_relative_is_agreed_to_by_name_and_signed_on_the_bridgers_screen(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    form = town.browser("bridger").get(f"/referrals/{referral_id}/consents/new?scope=contact")
    assert "You can take this back at any time" in said(form)
    sign(town, referral_id, scope="contact", name="Rosa Example", categories="standing")
    row = versions(town, referral_id)[0]
    assert (row.line, row.signer, row.method) == (
        "contact:contact:rosa example",
        SignerKind.PERSON,
        SigningMethod.SCREEN,
    )
    assert (row.signer_name, row.seen_by) == ("Ada Sample", town.staff["bridger"])
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}/consents"))
    assert "Rosa Example that they are referred, and how it stands. At their own request." in text


def test_the_copy_has_every_element_and_can_be_printed(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    sign(town, referral_id, scope="treating", categories="coordination")
    row = next(one for one in versions(town, referral_id) if one.line == "treating")
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}/consents/{row.id}"))
    for element in (
        "Whose consent",
        "Who may tell",
        "A provider who treats them: what is needed to arrange care. For treatment, payment and health care",
        "When the program’s work with them ends",
        "on the screen of",
        "take this back",
        "pass it on",
        "need not agree",
    ):
        assert element in text, element


def test_without_the_tick_it_is_not_signed_and_what_was_typed_stays(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    fields = {k: v for k, v in SIGNED.items() if k != "agrees"} | {"scope": "justice", "name": "Officer Example"}
    answer = town.browser("bridger").post(f"/referrals/{referral_id}/consents", **fields)
    assert answer.status_code == 422
    assert "Tick this to sign." in words(answer.text)
    assert "Officer Example" in answer.text
    assert [row.line for row in versions(town, referral_id)] == ["intake"]


def test_a_paper_needs_its_day_and_no_tick(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    paper = {"method": "paper", "signed_on": "2026-11-02", "agrees": ""}
    sign(town, referral_id, "planner", scope="organization", name="Example Housing", categories="coordination", **paper)
    row = next(one for one in versions(town, referral_id) if one.line.startswith("organization"))
    assert (row.method, str(row.signed_on), row.seen_by) == (SigningMethod.PAPER, "2026-11-02", town.staff["planner"])


def test_taking_it_back_counts_at_once_and_stays_on_record(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    planner, [intake] = town.browser("planner"), versions(town, referral_id)
    assert notice_text(NOTICE_LONG).split("\n")[0] in said(planner.get(f"/referrals/{referral_id}"))
    town.browser("bridger").goes_to(f"/referrals/{referral_id}/consents/{intake.id}/revoke")
    assert len(town.rows(ConsentRevocation)) == 1
    assert town.rows(Referral, col(Referral.id) == referral_id)[0].consent is ConsentStatus.REVOKED
    page = said(planner.get(f"/referrals/{referral_id}"))
    assert "Told once the person has agreed to it" in page
    assert "42 CFR" not in page
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}/consents"))
    assert "Revoked" in text
    told = {(row.is_allowed, row.what) for row in town.rows(Disclosure, Disclosure.referral_id == referral_id)}
    assert told == {(True, "status"), (False, "status")}


def test_a_facility_reads_of_no_consent_that_is_not_its_business(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    sign(town, referral_id, scope="justice", name="Officer Example")
    other = next(one for one in versions(town, referral_id) if one.line.startswith("justice"))
    planner = town.browser("planner")
    assert "Officer Example" not in said(planner.get(f"/referrals/{referral_id}/consents"))
    planner.get(f"/referrals/{referral_id}/consents/{other.id}", status=404)
    assert planner.post(f"/referrals/{referral_id}/consents/{other.id}/revoke").status_code == 404
    assert "Officer Example" not in said(planner.get(f"/referrals/{referral_id}"))


def test_a_minor_signs_with_a_parent_beside_them(town: Bridging) -> None:
    referral_id = town.refer("Ada", person={"birth_on": date(2010, 5, 5)})
    bridger, address = town.browser("bridger"), f"/referrals/{referral_id}/consents"
    assert "They are not of age" not in said(bridger.get(f"{address}/new?scope=contact"))
    assert "Ask them first whether a parent may hear of this" in said(bridger.get(f"{address}/new?scope=substance_use"))
    use = SIGNED | {"scope": "substance_use", "to": "treating", "second_signature": "", "second_authority": ""}
    refused = bridger.post(address, **use)
    assert (refused.status_code, "signature of a parent or guardian" in words(refused.text)) == (422, True)
    copy = bridger.follow(address, **use | {"second_signature": "Gil Example", "second_authority": "their father"})
    assert "Ada Sample and Gil Example (their father)" in said(copy)


def test_changing_what_is_agreed_is_a_new_version_and_the_old_one_stays(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    sign(town, referral_id, scope="referred")
    old, new = versions(town, referral_id)
    assert [grant["scope"] for grant in old.grants] == ["referred", "share_back"]
    assert [grant["scope"] for grant in new.grants] == ["referred"], "the box was not ticked"
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}/consents"))
    assert "Earlier versions (1)" in text


def test_the_accounting_says_who_was_told_what_and_what_was_refused(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    planner = town.browser("planner")
    planner.get(f"/referrals/{referral_id}")
    planner.get(f"/referrals/{referral_id}/handoff")
    [intake] = versions(town, referral_id)
    town.browser("bridger").goes_to(f"/referrals/{referral_id}/consents/{intake.id}/revoke")
    planner.get(f"/referrals/{referral_id}")
    person_id = town.rows(Referral, col(Referral.id) == referral_id)[0].person_id
    supervisor = town.browser("supervisor")
    text = said(supervisor.get(f"/people/{person_id}/disclosures"))
    told, refused = text.split("Told under a consent that names a group")
    assert "Handoff card" in told
    assert "Nov 3, 2026, 10 am" in told
    assert "how it stands" in refused
    assert "The consent is revoked" in refused or "the consent is revoked" in refused
    file = supervisor.fetch(f"/people/{person_id}/disclosures.csv").content
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    assert sorted(row["result"] for row in rows) == ["refused", "told", "told"]
    status = next(row for row in rows if row["result"] == "told" and row["what"] == "status")
    assert status["when"] == "2026-11-03T10:00-05:00"
    assert (status["notice"], status["consent"]) == (NOTICE_LONG, intake.id)
    town.browser("bridger").get(f"/people/{person_id}/disclosures", status=403)
