"""Turns that no numbered scenario takes: the rarer moves of `domain/states.py`, made by their commands."""

from __future__ import annotations

import pytest

from domain.errors import IllegalState
from domain.vocabulary import ClosureReason, ContactState, HoldReason, ReferralStatus
from records.commands import cancelling, closing, contacts, discharges, holds, referrals
from tests.scenarios.world import World


def test_a_discharge_that_had_ended_a_hold_is_cancelled_and_the_hold_goes_on(world: World) -> None:
    ada = world.follow()
    world.time_passes(days=2)
    ada.hold(HoldReason.READMITTED)
    world.time_passes(days=3)
    ada.discharge()
    assert ada.row.status is ReferralStatus.IN_PROGRESS
    ada.cancel_discharge()
    assert ada.row.status is ReferralStatus.ON_HOLD
    with pytest.raises(IllegalState) as refusal:
        world.do(ada.planner, discharges.cancel_discharge, ada.id)
    assert refusal.value.state == "on_hold"
    world.keep_appointments()
    world.check()


def test_a_hold_without_a_bridger_ends_where_it_began(slow_world: World) -> None:
    world = slow_world
    ada = world.refer()
    with pytest.raises(IllegalState) as refusal:
        world.do("supervisor", holds.put_on_hold, ada.id, HoldReason.AWAY)
    assert refusal.value.allowed == ("accepted", "in_progress")
    world.do("supervisor", referrals.accept_referral, ada.id)
    world.do("supervisor", holds.put_on_hold, ada.id, HoldReason.AWAY)
    assert ada.row.status is ReferralStatus.ON_HOLD
    world.do("supervisor", holds.resume, ada.id)
    assert ada.row.status is ReferralStatus.ACCEPTED
    world.check()


def test_a_referral_cancelled_before_the_answer_waits_for_it_again_when_that_is_taken_back(slow_world: World) -> None:
    ada = slow_world.refer()
    slow_world.do(ada.planner, cancelling.request_cancel, ada.id, "Sent twice by mistake.")
    assert ada.row.status is ReferralStatus.CANCELLED
    slow_world.do("supervisor", closing.undo_end, ada.id, "It was the other one.")
    assert (ada.row.status, ada.row.next_item) == (ReferralStatus.SUBMITTED, "unaccepted")
    slow_world.check()


def test_a_missed_contact_may_be_waived_and_is_not_met_any_more(world: World) -> None:
    ada = world.follow()
    world.time_passes(hours=25)
    missed = next(contact for contact in ada.contacts() if contact.state is ContactState.MISSED)
    world.do("supervisor", contacts.waive_contact, ada.id, missed.id, "Seen at the clinic that morning.")
    assert ada.contact(missed.key).state is ContactState.WAIVED
    ada.log()
    assert ada.contact(missed.key).state is ContactState.WAIVED
    world.check()


def test_what_is_over_is_closed_once(world: World) -> None:
    ada = world.follow()
    world.do("supervisor", closing.close_referral, ada.id, ClosureReason.OUT_OF_AREA, "Moved away.")
    with pytest.raises(IllegalState) as refusal:
        world.do("supervisor", closing.close_referral, ada.id, ClosureReason.NOT_ELIGIBLE, "Again.")
    assert refusal.value.allowed == ("accepted", "in_progress", "on_hold", "submitted")
    assert ada.row.closure_reason is ClosureReason.OUT_OF_AREA
