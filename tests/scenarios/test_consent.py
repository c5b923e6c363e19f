"""Acceptance scenarios 55 to 60: consent, and what is told under it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from domain.consent import Recipient, grant_of
from domain.vocabulary import (
    Ask,
    Category,
    Channel,
    ClosureReason,
    ConsentStatus,
    Mode,
    NotificationState,
    Outcome,
    Purpose,
    RecipientKind,
    Resolution,
    Scope,
    Subject,
)
from records import engine
from records.commands import changes, closing, consents, disclosures, escalations, messages
from records.commands.consents import Signature
from records.queries.disclosures import accounting_of
from records.queries.invariants import broken_invariants
from records.tables import Disclosure, Staff
from tests.scenarios.world import Journey, World
from workflows.activities.send import deliver

COURT, OFFICER = Recipient(RecipientKind.JUSTICE, "Example Court"), Recipient(RecipientKind.JUSTICE, "Officer Example")
HOUSING = Recipient(RecipientKind.ORGANIZATION, "Example Housing")


def agree(ada: Journey, scope: Scope, name: str = "", *, who: str = "Ben", **more: object) -> None:
    """Ada signs a consent."""
    ada.world.do(who, consents.give_consent, ada.id, [grant_of(scope, name=name)], Signature("Ada Sample"), **more)


def ask(ada: Journey, recipient: Recipient, category: Category, purpose: Purpose) -> Disclosure:
    """Somebody of the program is about to tell something."""
    with ada.world.transaction() as session:
        return disclosures.disclose(
            session,
            ada.row,
            "a request",
            recipient,
            category,
            purpose,
            now=ada.world.now,
            content={"said": "something"},
        )


def letters(ada: Journey) -> list[str]:
    """The ids of what waits to be sent to the planner."""
    planner = ada.world.actors[ada.planner].id
    waiting = (NotificationState.QUEUED, Channel.EMAIL, planner)
    return [m.id for m in ada.messages() if (m.state, m.channel, m.staff_id) == waiting]


def test_55_revocation_mid_workflow(world: World) -> None:
    """Revocation mid-workflow: no disclosure after effect time, incl. already queued notification and closure notice to
    hospital; care continues if wanted."""
    ada = world.follow()
    with world.transaction() as session:
        planner = session.get_one(Staff, world.actors[ada.planner].id)
        messages.tell(
            session,
            planner,
            "referrer_told",
            key="news",
            program_id=world.program_id,
            referral_id=ada.id,
            now=world.now,
        )
    [queued] = letters(ada)
    world.do("Ben", changes.record_consent, ada.id, ConsentStatus.REVOKED)
    deliver(queued)
    assert next(m.state for m in ada.messages() if m.id == queued) is NotificationState.WITHHELD
    ada.log(Mode.CALL, Outcome.REACHED)
    assert ada.bridger == "Ben", "care goes on"
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.CONSENT_REVOKED)
    world.time_passes(minutes=1)
    for letter in letters(ada):
        deliver(letter)
    after = [d for d in ada.disclosures() if d.at >= ada.events("consent.recorded")[-1].at]
    assert after, "each refusal is recorded"
    assert [d.what for d in after if d.is_allowed] == []
    assert all(m.state is not NotificationState.SENT for m in ada.messages() if m.id == queued)


def test_56_consent_expires(world: World) -> None:
    """Consent expires tomorrow → warning; after expiry disclosures denied."""
    ada = world.follow()
    ends = world.now + timedelta(days=8)
    world.do("Ben", changes.record_consent, ada.id, ConsentStatus.GIVEN, expires_at=ends)
    facility = disclosures.facility(world.actors[ada.planner].facility_id or "")[0]
    told = (facility, Category.STANDING, Purpose.COORDINATION)
    world.time_is(ends - timedelta(days=1))
    assert ada.events("consent.expiring"), "somebody was warned"
    assert ask(ada, *told).is_allowed
    world.time_is(ends)
    denied = ask(ada, *told)
    assert (denied.is_allowed, denied.reason, denied.content) == (False, "the consent is expired", {})


@pytest.mark.parametrize(
    ("recipient", "category", "purpose"),
    [
        (Recipient(RecipientKind.TREATING), Category.COUNSELING_NOTES, Purpose.TREATMENT),
        (COURT, Category.STANDING, Purpose.PROCEEDINGS),
        (COURT, Category.ATTENDANCE, Purpose.MONITORING),
    ],
    ids=["counseling notes", "proceedings", "a court"],
)
def test_57_tpo_consent_does_not_unlock(
    world: World, recipient: Recipient, category: Category, purpose: Purpose
) -> None:
    """TPO consent does not unlock counselling notes or court disclosure."""
    ada = world.follow()
    agree(ada, Scope.TREATING)
    assert ask(ada, Recipient(RecipientKind.TREATING), Category.COORDINATION, Purpose.TREATMENT).is_allowed
    assert not ask(ada, recipient, category, purpose).is_allowed


def test_57c_told_and_declined_in_one_moment(world: World) -> None:
    """What was told and what ends the consent have the same time: nobody knows which came first, and neither broke a
    promise. A microsecond later it would have."""
    ada = world.follow()
    assert ask(ada, Recipient(RecipientKind.REFERRER), Category.STANDING, Purpose.COORDINATION).is_allowed
    world.do("Ben", changes.record_consent, ada.id, ConsentStatus.DECLINED)
    world.check()
    with engine.transaction() as session:
        for row in session.exec(select(Disclosure).where(col(Disclosure.is_allowed))):
            row.at += timedelta(microseconds=1)
        session.flush()
        assert any("went out" in one for one in broken_invariants(session, ada.id, world.now))
        session.rollback()


def test_58_every_disclosure(world: World) -> None:
    """Every disclosure has notice version + consent copy/scope; denied one is logged too; 3-year accounting returns
    all."""
    ada = world.follow()
    agree(ada, Scope.TREATING)
    first = ask(ada, Recipient(RecipientKind.TREATING), Category.COORDINATION, Purpose.TREATMENT)
    denied = ask(ada, OFFICER, Category.ATTENDANCE, Purpose.MONITORING)
    with_it = disclosures.accompanying(first)
    assert with_it is not None
    assert with_it.notice.startswith("This record which has been disclosed to you")
    assert "what is needed to arrange care" in with_it.covers
    assert first.consent_id
    person_id = ada.row.person_id
    with engine.read_session() as session:
        for days, count in ((0, 1), (3 * 365, 1), (3 * 366 + 1, 0)):
            at = world.now + timedelta(days=days)
            found = accounting_of(session, world.actors["manager"], person_id, at)
            assert [line.row.id for line in found.told if line.row.id == first.id] == [first.id] * count
            assert [line.row.id for line in found.refused if line.row.id == denied.id] == [denied.id] * count


def test_59_redisclosing_to_a_housing_provider(world: World) -> None:
    """Non-CE peer agency redisclosing to housing provider under TPO consent → allowed only if consent says so."""
    ada = world.follow()
    agree(ada, Scope.TREATING)
    asked = (HOUSING, Category.COORDINATION, Purpose.COORDINATION)
    assert not ask(ada, *asked).is_allowed
    agree(ada, Scope.ORGANIZATION, "Example Housing")
    assert ask(ada, *asked).is_allowed
    assert not ask(ada, Recipient(RecipientKind.ORGANIZATION, "Another House"), *asked[1:]).is_allowed


def test_60_probation_officer_request(world: World) -> None:
    """Probation officer request → attendance-only with criminal-justice consent; otherwise refused."""
    ada = world.follow()
    asked = (OFFICER, Category.ATTENDANCE, Purpose.MONITORING)
    assert not ask(ada, *asked).is_allowed
    agree(ada, Scope.JUSTICE, "Officer Example")
    assert ask(ada, *asked).is_allowed
    for more in (Category.STANDING, Category.COORDINATION, Category.SUBSTANCE_USE, Category.CONTACT_DATA):
        assert not ask(ada, OFFICER, more, Purpose.MONITORING).is_allowed


def test_57b_an_answer_that_never_comes_is_asked_for(world: World) -> None:
    """Consent is pending: a week later the supervisor is asked to record it or to close, and asked again after a week
    in which nothing came of it; with the answer on record nobody is asked any more."""
    ada = world.refer(consent=ConsentStatus.PENDING, leaves_in_days=30, bridger="Ben")
    asked_at = world.now + timedelta(days=7)
    world.time_is(asked_at - timedelta(minutes=1))
    assert not ada.calls(Subject.CONSENT)
    world.time_is(asked_at)
    [call] = ada.calls(Subject.CONSENT)
    assert (call.due_at, call.ask, call.told[0]["staff_id"]) == (asked_at, Ask.DECIDE, world.actors["supervisor"].id)
    settled = (call.id, Resolution.ARRANGED, "Ben asks next week.")
    world.do("supervisor", escalations.resolve, ada.id, *settled)
    world.time_passes(days=7)
    assert [c.state.is_open for c in ada.calls(Subject.CONSENT) if c.rung == 0] == [False, True]
    world.do("Ben", changes.record_consent, ada.id, ConsentStatus.GIVEN)
    world.time_passes(days=8)
    assert not ada.calls(Subject.CONSENT, is_open=True)
