"""A safety concern: told at once, to whom by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import (
    EscalationState,
    Subject,
)
from records import clock
from records.tables import Escalation
from tests.pages.bridging import NOW, Bridging, begin, said

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def test_a_safety_concern_tells_the_clinician_at_once_and_says_whom_to_call(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    page = bridger.get(f"/referrals/{referral_id}/concern")
    assert "Clinician Pretend, on-call clinician, is told at once, at any hour." in said(page)
    assert {"tel:988", "tel:911"} <= {a.attributes["href"] for a in page.all("a")}
    after = bridger.follow(f"/referrals/{referral_id}/concern", note="", once="a")
    assert "Clinician Pretend was told" in said(after)
    assert "tel:+12125550199" in [a.attributes["href"] for a in after.all("a")]
    assert "To answer by 10:15 am, or Supervisor Pretend and Manager Pretend are told too." in said(after)
    call = town.rows(Escalation, Escalation.subject == Subject.SAFETY)[0]
    assert call.answer_by == clock.now() + timedelta(minutes=15)


@pytest.mark.postgresql
def test_a_concern_sent_twice_calls_once_and_two_concerns_call_twice(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    path, bridger = f"/referrals/{referral_id}/concern", town.browser("bridger")
    assert bridger.goes_to(path, note="x", once="a") == bridger.goes_to(path, note="x", once="a")
    assert len(town.rows(Escalation, Escalation.subject == Subject.SAFETY)) == 1
    bridger.goes_to(path, note="x", once="b")
    assert len(town.rows(Escalation, Escalation.subject == Subject.SAFETY)) == 2


def test_the_clinician_takes_it_and_whoever_raised_it_reads_so(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    told = town.browser("bridger").goes_to(f"/referrals/{referral_id}/concern", note="Worried.", once="a")
    page = town.browser("clinician").get(f"/referrals/{referral_id}")
    assert "Why you were told" in said(page)
    take = next(f.attributes["action"] for f in page.all("form") if f.attributes["action"].endswith("/acknowledge"))
    town.browser("clinician").goes_to(take)
    assert "Clinician Pretend has taken it." in said(town.browser("bridger").get(told))
    assert town.rows(Escalation, Escalation.subject == Subject.SAFETY)[0].state is EscalationState.ACKNOWLEDGED


def test_the_button_on_today_asks_about_whom(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    town.refer("Cy", bridger="second")
    page = town.browser("bridger").get("/concern")
    links = [a.attributes["href"] for a in page.all("a") if a.attributes["href"].endswith("/concern")]
    assert links == [f"/referrals/{referral_id}/concern"]


def test_a_concern_about_somebody_whose_referral_ended_says_whom_to_call(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    fields = {"mode": "call", "outcome": "declined", "confirmed": "yes", "once": "a"}
    town.browser("supervisor").goes_to(f"/referrals/{referral_id}/log", **fields)
    page = town.browser("supervisor").get(f"/referrals/{referral_id}/concern")
    assert "Footbridge calls nobody for it" in said(page)
    assert not [f for f in page.all("form") if f.attributes["action"].endswith("/concern")]
