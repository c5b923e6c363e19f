"""What goes out passes one gate: by page, by the API, by message; each with its row in the accounting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from domain.consent import NOTICE_LONG, NOTICE_SHORT, grant_of, notice_text
from domain.errors import Invalid, NotFound
from domain.vocabulary import Category, ClosureReason, ConsentStatus, RecipientKind, Scope, SignerKind, SigningMethod
from records import clock, engine
from records.access import Actor, actor_of
from records.commands import agenda, changes, closing, consents
from records.commands.consents import Signature
from records.queries.invariants import broken_invariants
from records.tables import ConsentRevocation, ConsentVersion, Disclosure, JournalEntry, Referral, Staff
from tests.api.house import NOW, House

PAPER = Signature("Ada Sample")


def actor(house: House, name: str = "supervisor") -> Actor:
    with engine.read_session() as session:
        return actor_of(session.get_one(Staff, house.staff[name]))


def revoke(house: House, referral_id: str) -> None:
    with engine.transaction() as session:
        changes.record_consent(session, actor(house), referral_id, ConsentStatus.REVOKED)


def disclosures(referral_id: str) -> list[Disclosure]:
    with engine.read_session() as session:
        query = select(Disclosure).where(Disclosure.referral_id == referral_id)
        return list(session.exec(query.order_by(col(Disclosure.at), col(Disclosure.id))))


def versions(referral_id: str) -> list[ConsentVersion]:
    with engine.read_session() as session:
        query = select(ConsentVersion).where(ConsentVersion.referral_id == referral_id)
        return list(session.exec(query.order_by(col(ConsentVersion.recorded_at), col(ConsentVersion.version))))


def test_a_yes_at_filing_is_one_version_with_every_element(house: House) -> None:
    referral_id = house.file()
    [version] = versions(referral_id)
    assert (version.line, version.version, version.answer) == ("intake", 1, ConsentStatus.GIVEN)
    assert version.person_name == version.signer_name == "Ada Sample"
    assert version.discloser == "Riverside Example; Example Bridges"
    assert (version.method, version.seen_by) == (SigningMethod.PAPER, house.staff["planner"])
    assert version.expires_when
    assert [grant["scope"] for grant in version.grants] == ["referred", "share_back"]


@pytest.mark.parametrize("answer", ["pending", "given"])
def test_filing_writes_at_most_one_row_for_the_answer(house: House, answer: str) -> None:
    assert len(versions(house.file(consent=answer))) == (answer == "given")


def test_the_facilitys_own_system_hears_how_it_stands_with_the_statement_and_the_scope(house: House) -> None:
    referral_id = house.accepted()
    answer = house.call("planner", "GET", f"/referrals/{referral_id}")
    assert answer.json()["next_item"]
    assert answer.headers["Footbridge-Notice"] == notice_text(NOTICE_SHORT)
    assert "how it stands" in answer.headers["Footbridge-Consent"]
    assert house.get("planner", f"/referrals/{referral_id}/plan")["items"]
    [row] = [one for one in disclosures(referral_id) if one.what == "status"]
    assert (row.is_allowed, row.notice, row.sent_at) == (True, NOTICE_LONG, NOW)
    assert row.consent_id == versions(referral_id)[0].id
    assert row.recipient == f"facility:{house.facilities['hospital']}"


@pytest.mark.parametrize("path", ["/agenda", "/plan"])
def test_after_it_was_taken_back_the_facilitys_system_hears_nothing_more(house: House, path: str) -> None:
    referral_id = house.accepted()
    revoke(house, referral_id)
    answer = house.call("planner", "GET", f"/referrals/{referral_id}{path}")
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert "Footbridge-Notice" not in answer.headers
    assert answer.headers["Footbridge-Withheld"]
    assert house.get("planner", f"/referrals/{referral_id}")["next_at"] is None
    [row] = [one for one in disclosures(referral_id) if one.what == "status"]
    assert (row.is_allowed, row.reason, row.content) == (False, "the consent is revoked", {})
    assert house.get("bridger", f"/referrals/{referral_id}{path}")["items"], "the program's own people go on"


def test_the_lists_and_the_feed_ask_too(house: House) -> None:
    referral_id = house.accepted()
    revoke(house, referral_id)
    [listed] = house.get("planner", "/referrals")["items"]
    assert (listed["next_at"], listed["next_item"]) == (None, "")
    assert house.get("planner", "/contacts")["items"] == []
    clock.advance(timedelta(minutes=1))
    feed = house.get("planner", "/events")
    assert {one["event"] for one in feed["items"]} <= {
        "referral.submitted", "referral.accepted", "bridger.assigned", "consent.recorded",
    }  # fmt: skip
    assert feed["last_id"] >= max(one["id"] for one in feed["items"]), "what is left out is not asked for for ever"
    told = {line["event"] for line in house.get("planner", f"/referrals/{referral_id}/timeline")["items"]}
    assert "consent.recorded" in told
    assert "referral.closed" not in told


def test_how_it_ended_is_withheld_from_the_facility_once_it_was_taken_back(house: House) -> None:
    referral_id = house.accepted()
    revoke(house, referral_id)
    with engine.transaction() as session:
        closing.close_referral(session, actor(house), referral_id, ClosureReason.UNABLE_TO_REACH)
    with engine.transaction() as session:
        agenda.carry_out(session, referral_id)
    [report] = [one for one in disclosures(referral_id) if one.what == "closing report"]
    assert (report.is_allowed, report.content) == (False, {})
    assert house.get("planner", f"/referrals/{referral_id}")["closure_reason"] is None
    assert house.get("supervisor", f"/referrals/{referral_id}")["closure_reason"] == "unable_to_reach"


def test_opening_the_same_again_and_again_is_one_line_a_day(house: House) -> None:
    referral_id = house.accepted()
    for _ in range(3):
        house.get("planner", f"/referrals/{referral_id}")
    assert len([one for one in disclosures(referral_id) if one.what == "status"]) == 1
    clock.advance(timedelta(days=1, minutes=1))
    house.get("planner", f"/referrals/{referral_id}")
    assert len([one for one in disclosures(referral_id) if one.what == "status"]) == 2


def test_things_that_need_a_consent_of_their_own_are_not_signed_together(house: House) -> None:
    referral_id = house.file()
    grants = [grant_of(Scope.TREATING), grant_of(Scope.PROCEEDINGS, name="Example Court")]
    with engine.transaction() as session, pytest.raises(Invalid) as refusal:
        consents.give_consent(session, actor(house), referral_id, grants, PAPER)
    assert refusal.value.code == "consent_apart"


def test_a_consent_is_given_taken_back_and_both_stay_on_record(house: House) -> None:
    referral_id = house.file()
    with engine.transaction() as session:
        grants = [grant_of(Scope.CONTACT, name="Rosa Example", categories=[Category.STANDING])]
        given = consents.give_consent(session, actor(house), referral_id, grants, PAPER).id
    clock.advance(timedelta(minutes=1))
    for _ in range(2):
        with engine.transaction() as session:
            consents.revoke_consent(session, actor(house, "planner"), referral_id, given, said_by="by phone")
    with engine.read_session() as session:
        [event] = session.exec(select(ConsentRevocation)).all()
        kept = session.get_one(ConsentVersion, given)
        said = session.exec(select(JournalEntry.event).where(JournalEntry.stream == referral_id)).all()
        assert broken_invariants(session, referral_id, clock.now()) == []
    assert (event.consent_id, event.at, event.said_by) == (given, clock.now(), "by phone")
    assert kept.answer is ConsentStatus.GIVEN, "the version itself never changes"
    assert [e for e in said if e.startswith("permission.")] == ["permission.given", "permission.ended"]


def test_a_consent_can_be_taken_back_after_everything_is_over(house: House) -> None:
    referral_id = house.accepted()
    with engine.transaction() as session:
        closing.close_referral(session, actor(house), referral_id, ClosureReason.OUT_OF_AREA)
    [intake] = versions(referral_id)
    with engine.transaction() as session:
        row = consents.revoke_consent(session, actor(house), referral_id, intake.id)
        assert row.consent is ConsentStatus.REVOKED
    with engine.read_session() as session:
        assert broken_invariants(session, referral_id, clock.now()) == []


def test_nobody_takes_back_what_is_not_theirs_to_see(house: House) -> None:
    referral_id = house.file()
    [intake] = versions(referral_id)
    with engine.transaction() as session, pytest.raises(NotFound):
        consents.revoke_consent(session, actor(house, "jailer"), referral_id, intake.id)


@pytest.mark.parametrize(
    ("born", "signature", "field"),
    [
        ("1990-01-01", Signature("Gil Example", SignerKind.GUARDIAN, "Their parent"), "signer"),
        ("2012-01-01", Signature("Gil Example", SignerKind.GUARDIAN, "Their parent"), "signer"),
        ("1990-01-01", Signature("Gil Example", SignerKind.REPRESENTATIVE), "authority"),
        ("1990-01-01", Signature("  "), "signature"),
    ],
    ids=["a guardian of an adult", "a guardian alone for a minor", "nobody says why", "no signature"],
)
def test_a_signature_that_does_not_count_is_refused(house: House, born: str, signature: Signature, field: str) -> None:
    referral_id = house.file(person={"given_name": "Ada", "family_name": "Sample", "birth_on": born})
    grants = [grant_of(Scope.SUBSTANCE_USE, RecipientKind.TREATING)]
    with engine.transaction() as session, pytest.raises(Invalid) as refusal:
        consents.give_consent(session, actor(house), referral_id, grants, signature)
    assert refusal.value.field == field


def test_the_flag_is_only_what_the_versions_say(house: House) -> None:
    referral_id = house.file(consent="pending")
    for status in (ConsentStatus.GIVEN, ConsentStatus.DECLINED, ConsentStatus.PENDING, ConsentStatus.REVOKED):
        clock.advance(timedelta(seconds=1))
        with engine.transaction() as session:
            changes.record_consent(session, actor(house), referral_id, status)
        with engine.read_session() as session:
            assert broken_invariants(session, referral_id, clock.now()) == []
    with engine.transaction() as session:
        session.get_one(Referral, referral_id).consent = ConsentStatus.GIVEN
    with engine.read_session() as session:
        [problem] = broken_invariants(session, referral_id, clock.now())
    assert problem == "6: the flag says that consent is given, and the versions say revoked"
