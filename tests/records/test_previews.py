"""What a preview says is what then happens: the same plan, the same agenda."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlmodel import select

from domain import agenda as rules
from domain.agenda import promised_by
from domain.clock import at_local
from domain.errors import NotFound
from domain.vocabulary import ConsentStatus, ContactState, DateCertainty, Disposition, RiskFlag, Setting
from records import clock, engine
from records.access import Actor, actor_of
from records.commands import assignments, discharges, referrals
from records.commands.people import PersonDetails, Phone
from records.commands.referrals import ReferralDetails
from records.queries.case import load_case
from records.queries.previews import Preview, preview
from records.tables import Contact, Program, Referral, Staff
from tests.api.house import NOW, House, build_house

DETAILS = ReferralDetails(
    Setting.PSYCHIATRIC_INPATIENT,
    expected_on=(NOW + timedelta(days=3)).date(),
    certainty=DateCertainty.LIKELY,
    consent=ConsentStatus.GIVEN,
)
LEFT = replace(
    DETAILS, expected_on=None, discharged_at=NOW - timedelta(hours=5), disposition=Disposition.AGAINST_ADVICE
)


@pytest.fixture
def house(database: str) -> Iterator[House]:
    """A program with a hospital, on a stopped clock."""
    with clock.stopped_at(NOW):
        yield build_house()


def actor(house: House, name: str = "planner") -> Actor:
    with engine.read_session() as session:
        return actor_of(session.get_one(Staff, house.staff[name]))


def previewed(house: House, details: ReferralDetails, who: str = "planner") -> Preview:
    with engine.read_session() as session:
        return preview(session, actor(house, who), details)


def played(house: House, details: ReferralDetails) -> dict[str, object]:
    """File it and let the person leave on the day; when the first of each contact is due."""
    person = PersonDetails("Ada", "Invented", phones=[Phone("212-555-0123")])
    with engine.transaction() as session:
        row = referrals.file_referral(session, actor(house), person, details)
        assert promised_by(load_case(session, row.id).facts()) == previewed(house, details).promised_by
        assignments.assign(session, actor(house, "supervisor"), row.id, house.staff["bridger"])
        first = {c.title: c.due_at for c in reversed(load_case(session, row.id).contacts)}  # the soonest stays
    if details.expected_on is not None:
        clock.set_to(at_local(details.expected_on, time(12), "America/New_York"))
        with engine.transaction() as session:
            discharges.record_discharge(session, actor(house), row.id, clock.now(), Disposition.HOME)
    with engine.read_session() as session:
        query = select(Contact).where(Contact.referral_id == row.id).order_by(Contact.due_at)  # type: ignore[arg-type]
        for contact in session.exec(query):
            if contact.state is not ContactState.CLOSED:
                first.setdefault(contact.title, contact.due_at)
    return dict(first)


@pytest.mark.parametrize(
    "details", [DETAILS, replace(DETAILS, risks=[RiskFlag.SUICIDE_RISK]), LEFT], ids=["planned", "high risk", "left"]
)
def test_every_contact_is_due_when_the_preview_said(house: House, details: ReferralDetails) -> None:
    said = {i.title: i.at for i in previewed(house, details).items if i.kind == rules.CONTACT_MISSED}
    assert len(said) > 5
    assert played(house, details) == said


def test_a_series_is_one_item_that_says_how_often(house: House) -> None:
    weekly = next(i for i in previewed(house, DETAILS).items if i.title == "Weekly contact")
    assert (weekly.every, weekly.count) == ("7 days", 12)
    assert weekly.until is not None
    assert weekly.until > weekly.at


def test_without_a_date_only_what_comes_before_is_previewed(house: House) -> None:
    found = previewed(house, ReferralDetails(Setting.PSYCHIATRIC_INPATIENT))
    assert found.assumed_leaving is None
    assert {i.stage for i in found.items} <= {"program", "before"}
    assert rules.DATE_CHECK in {i.kind for i in found.items}


def test_a_program_that_accepts_by_hand_answers_first(house: House) -> None:
    at_once = previewed(house, DETAILS)
    with engine.transaction() as session:
        session.get_one(Program, house.program_id).accepts_at_once = False
    by_hand = previewed(house, DETAILS)
    assert (at_once.accepts_at_once, by_hand.accepts_at_once) == (True, False)
    kinds = {i.kind: i.at for i in by_hand.items}
    assert by_hand.promised_by == kinds[rules.UNACCEPTED]
    assert kinds[rules.UNASSIGNED] > kinds[rules.UNACCEPTED]
    assert rules.UNACCEPTED not in {i.kind for i in at_once.items}


def test_a_preview_changes_nothing_and_knows_whose_facility_it_is(house: House) -> None:
    previewed(house, DETAILS)
    with engine.read_session() as session:
        assert session.exec(select(Referral)).all() == []
        with pytest.raises(NotFound):
            preview(session, actor(house), DETAILS, facility_id=house.facilities["jail"])
        with pytest.raises(NotFound):
            preview(session, actor(house, "manager"), DETAILS)
