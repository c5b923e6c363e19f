"""A clearance that ends ends access to whoever is still inside, and somebody else is sought for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlmodel import select

from records import clock, engine
from records.access import actor_of, system_actor
from records.commands.clearances import keep_clearances
from records.commands.staff import set_profile
from records.tables import Assignment, Facility, Referral, Staff
from tests.api.house import NOW as NOON
from tests.api.house import House, build_house


@pytest.fixture
def inside(database: str) -> Iterator[tuple[House, str]]:
    """Somebody in a jail that asks for clearance, with a bridger whose clearance ends on November 10."""
    with clock.stopped_at(NOON):
        house = build_house()
        with engine.transaction() as session:
            session.get_one(Facility, house.facilities["jail"]).needs_clearance = True
        profile(house, date(2026, 11, 10))
        referral_id = house.file("jailer", setting="jail", expected_on="2026-11-05")
        house.post("manager", f"/referrals/{referral_id}/assign", {"bridger_id": house.staff["bridger"]})
        yield house, referral_id


def profile(house: House, until: date | None) -> None:
    """Until when the bridger may enter the jail; None: not any more."""
    with engine.transaction() as session:
        cleared = [(house.facilities["jail"], until)] if until else []
        set_profile(
            session, system_actor(house.program_id), house.staff["bridger"], languages=["en"], clearances=cleared
        )


def kept() -> int:
    with engine.transaction() as session:
        return keep_clearances(session)


def test_the_last_day_counts_and_the_next_does_not(inside: tuple[House, str]) -> None:
    house, referral_id = inside
    clock.set_to(NOON + timedelta(days=7))
    assert kept() == 0
    assert house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 200
    clock.set_to(NOON + timedelta(days=8))
    assert (kept(), kept()) == (1, 0)
    assert house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 403
    assert house.call("bridger", "GET", f"/referrals/{referral_id}").status_code == 200, "the grace"
    with engine.read_session() as session:
        row = session.get_one(Referral, referral_id)
        assert (row.bridger_id, row.next_at is not None) == (None, True), "somebody else is sought"


def test_a_clearance_taken_away_ends_access_at_once(inside: tuple[House, str]) -> None:
    house, referral_id = inside
    profile(house, None)
    assert house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 403


def test_whoever_has_left_the_facility_stays_with_their_bridger(inside: tuple[House, str]) -> None:
    house, referral_id = inside
    house.post("jailer", f"/referrals/{referral_id}/discharge", {"at": NOON.isoformat(), "disposition": "home"})
    clock.set_to(NOON + timedelta(days=8))
    assert kept() == 0
    assert house.call("bridger", "GET", f"/referrals/{referral_id}").status_code == 200


def test_whoever_was_assigned_in_spite_of_it_stays(inside: tuple[House, str]) -> None:
    house, referral_id = inside
    with engine.transaction() as session:
        row = session.exec(select(Assignment).where(Assignment.referral_id == referral_id)).one()
        row.override_by = actor_of(session.get_one(Staff, house.staff["manager"])).id
    clock.set_to(NOON + timedelta(days=8))
    assert kept() == 0
