"""Over which channels staff are told, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gsm import GSM_7, to_gsm_7
from domain.messaging import Recipient, Sending, StaffMessage, Urgency, plan_sending
from domain.vocabulary import Channel

NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)  # 02:00 in New York
MORNING = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)  # 08:00 there
SOMEBODY = Recipient("America/New_York", has_phone=True, wants_sms=True)


def channels(message: StaffMessage, recipient: Recipient, now: datetime = NOON, *, high: bool = False) -> set[Channel]:
    return {s.channel for s in plan_sending(message, recipient, now, is_high_risk=high)}


EVERYTHING = {Channel.IN_APP, Channel.EMAIL, Channel.SMS}


@pytest.mark.parametrize("message", StaffMessage)
def test_every_message_is_in_the_app_at_once_at_any_hour(message: StaffMessage) -> None:
    assert plan_sending(message, SOMEBODY, NIGHT)[0] == Sending(Channel.IN_APP, NIGHT)


@pytest.mark.parametrize("message", [m for m in StaffMessage if m.urgency is Urgency.NOW])
def test_what_cannot_wait_goes_out_at_night(message: StaffMessage) -> None:
    assert {(s.channel, s.not_before) for s in plan_sending(message, SOMEBODY, NIGHT)} == {
        (c, NIGHT) for c in EVERYTHING
    }


def test_a_safety_concern_cannot_wait() -> None:
    """Scenario 44."""
    assert StaffMessage.SAFETY_CONCERN.urgency is Urgency.NOW


def test_whoever_is_on_call_is_told_by_every_means_whatever_they_prefer() -> None:
    on_call = replace(SOMEBODY, wants_email=False, wants_sms=False, is_on_call=True)

    assert channels(StaffMessage.SAFETY_CONCERN, on_call) == EVERYTHING
    assert channels(StaffMessage.SAFETY_CONCERN, replace(on_call, has_phone=False)) == {Channel.IN_APP, Channel.EMAIL}
    assert channels(StaffMessage.REFERRAL_ACCEPTED, on_call) == {Channel.IN_APP}


def test_what_cannot_wait_never_stays_in_the_app_alone() -> None:
    quiet = replace(SOMEBODY, wants_email=False, wants_sms=False)

    assert channels(StaffMessage.ESCALATION_RAISED, quiet) == {Channel.IN_APP, Channel.EMAIL}
    assert channels(StaffMessage.ESCALATION_RAISED, replace(quiet, wants_sms=True)) == {Channel.IN_APP, Channel.SMS}
    assert channels(StaffMessage.ESCALATION_RAISED, replace(quiet, has_email=False)) == {Channel.IN_APP}
    assert channels(StaffMessage.OFFER_MADE, quiet) == {Channel.IN_APP}


def test_texts_for_today_wait_until_morning_and_mails_do_not() -> None:
    assert set(plan_sending(StaffMessage.OFFER_MADE, SOMEBODY, NIGHT)) == {
        Sending(Channel.IN_APP, NIGHT),
        Sending(Channel.EMAIL, NIGHT),
        Sending(Channel.SMS, MORNING),
    }


def test_high_risk_makes_what_is_for_today_a_matter_of_now() -> None:
    sendings = plan_sending(StaffMessage.OFFER_MADE, SOMEBODY, NIGHT, is_high_risk=True)

    assert Sending(Channel.SMS, NIGHT) in sendings


def test_routine_stays_in_the_app_even_at_high_risk() -> None:
    assert channels(StaffMessage.REFERRAL_ACCEPTED, SOMEBODY, high=True) == {Channel.IN_APP}


recipients = st.builds(
    Recipient,
    zone=st.sampled_from(["America/New_York", "Pacific/Honolulu"]),
    has_email=st.booleans(),
    has_phone=st.booleans(),
    wants_email=st.booleans(),
    wants_sms=st.booleans(),
    is_on_call=st.booleans(),
)


@given(st.sampled_from(StaffMessage), recipients, st.integers(0, 8784), st.booleans())
def test_no_channel_without_an_address_none_twice_none_early(
    message: StaffMessage, recipient: Recipient, hours: int, high: bool
) -> None:
    now = NOON + timedelta(hours=hours)
    sendings = plan_sending(message, recipient, now, is_high_risk=high)

    found = [s.channel for s in sendings]
    assert len(set(found)) == len(found)
    assert Channel.EMAIL not in found or recipient.has_email
    assert Channel.SMS not in found or recipient.has_phone
    assert all(s.not_before >= now for s in sendings)


@given(st.text())
def test_what_is_left_of_a_text_is_gsm_7(text: str) -> None:
    assert set(to_gsm_7(text)) <= GSM_7


@pytest.mark.parametrize(
    ("text", "plain"), [("José’s – “ok”…", 'José\'s - "ok"...'), ("Ágnes Łukasz 😀", "Agnes ukasz "), ("Ü{}", "Ü")]
)
def test_letters_that_a_text_cannot_hold_are_made_plain(text: str, plain: str) -> None:
    assert to_gsm_7(text) == plain
