"""The operators' page: what is late, what stands still, in words that say what to do; and nobody's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import Channel
from records import clock, engine
from records.checking.run import Checked
from records.commands.upkeep import keep_check, mark_upkeep_ran
from records.tables import Notification, Referral
from tests.pages.bridging import NOW, Bridging, counted_queries, said
from tests.pages.charge import begin_in_charge, missed

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def upkeep_ran() -> None:
    with engine.transaction() as session:
        mark_upkeep_ran(session)


@pytest.mark.postgresql
def test_all_is_well_when_upkeep_runs_and_nothing_is_late(town: Bridging) -> None:
    town.refer("Ada")
    upkeep_ran()
    text = said(town.browser("admin").get("/status"))
    assert "All is well" in text
    assert "look here" not in text
    assert "None is late" in text


@pytest.mark.postgresql
def test_a_dead_worker_is_seen_from_the_records_alone(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    with engine.transaction() as session:
        due = session.get_one(Referral, referral_id).next_at
    assert due is not None
    with clock.stopped_at(due + timedelta(seconds=91)):
        text = said(town.browser("admin").get("/status"))
    assert "Something needs you" in text
    assert "1 late, the oldest by 1 minute" in text
    assert "It never ran" in text
    assert "Ada" not in text


def test_messages_and_calls_that_wait_too_long_say_what_to_do(town: Bridging) -> None:
    missed(town)
    upkeep_ran()
    waiting = town.rows(Notification, Notification.channel == Channel.EMAIL)
    with clock.stopped_at(waiting[0].not_before + timedelta(minutes=11)):
        text = said(town.browser("manager").get("/status"))
    assert "should have gone ten minutes ago" in text
    with clock.stopped_at(clock.now() + timedelta(days=3)):
        assert "call the supervisors who are on duty" in said(town.browser("admin").get("/status"))


def test_what_the_nightly_check_found_is_named_and_nobody_is(town: Bridging) -> None:
    town.refer("Ada")
    upkeep_ran()
    assert "Not checked yet; they are every night" in said(town.browser("admin").get("/status"))
    with engine.transaction() as session:
        keep_check(session, Checked(referrals=1).as_data())
    text = said(town.browser("admin").get("/status"))
    assert "All is well" in text
    assert "All hold for 1 referrals, checked" in text
    broken = Checked(referrals=1)
    broken.found(2, "ABCDE-12345", "weekly was missed and nobody was called")
    with engine.transaction() as session:
        keep_check(session, broken.as_data())
    text = said(town.browser("admin").get("/status"))
    assert "Something needs you" in text
    assert "1 things do not hold" in text
    assert "ABCDE-12345: no silent miss: weekly was missed and nobody was called" in text


def test_the_status_is_for_those_who_look_after_it(town: Bridging) -> None:
    for name in ("supervisor", "bridger", "planner", "clinician"):
        town.browser(name).get("/status", 403)
    with counted_queries() as asked:
        town.browser("admin").get("/status")
    assert len(asked) <= 15
