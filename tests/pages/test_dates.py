"""What a planner records, hands over and hears at the end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    Disposition,
    ReferralStatus,
)
from records import clock, engine
from records.access import system_actor
from records.commands import closing, discharges
from tests.pages.bridging import NOW, said
from tests.pages.harness import check_page
from tests.pages.planning import Planning, begin, facts_of, filed, value_of

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Planning]:
    with clock.stopped_at(NOW):
        yield begin()


# --- What a planner records


def test_the_date_moves_and_may_be_taken_away(town: Planning) -> None:
    referral_id = town.refer("Ada")
    planner, here = town.browser("planner"), f"/referrals/{referral_id}/date"
    assert value_of(planner.get(here), "expected_on") == "2026-11-05"
    planner.goes_to(here, known="yes", expected_on="2026-11-12", expected_time="", certainty="confirmed")
    assert town.row(referral_id).expected_on == date(2026, 11, 12)
    assert "and what hangs on it. The bridger is told." in said(planner.get(f"/referrals/{referral_id}"))
    planner.goes_to(here, known="no", expected_on="2026-11-12", certainty="confirmed")
    assert town.row(referral_id).expected_on is None
    past = planner.post(here, known="yes", expected_on="2026-10-01", certainty="likely")
    assert "This date has passed. If the person has left, record that instead." in past.text
    empty = planner.post(here, known="yes", expected_on="", certainty="likely")
    assert "Enter the day, or say that it is not known for now." in empty.text


def test_nobody_is_said_to_be_told_where_nobody_is_named(town: Planning) -> None:
    town.waits_to_be_accepted()
    planner = town.browser("planner")
    referral_id = filed(planner)
    assert "the bridger is told" not in said(planner.get(f"/referrals/{referral_id}/date"))
    planner.goes_to(f"/referrals/{referral_id}/date", known="yes", expected_on="2026-11-12", certainty="confirmed")
    text = said(planner.get(f"/referrals/{referral_id}"))
    assert "The date is moved, and what hangs on it." in text
    assert "The bridger is told" not in text


def test_a_discharge_is_recorded_now_or_late_then_corrected_then_taken_back(town: Planning) -> None:
    referral_id = town.refer("Ada")
    planner, here = town.browser("planner"), f"/referrals/{referral_id}/discharge"
    clock.advance(timedelta(hours=5))
    planner.goes_to(here, when="then", at_on="2026-11-03", at_time="11:15", disposition="shelter", where="")
    row = town.row(referral_id)
    assert row.discharged_at == datetime.fromisoformat("2026-11-03T16:15:00+00:00")
    assert row.disposition is Disposition.SHELTER
    correction = planner.get(here)
    assert "Correct the discharge" in said(correction)
    assert (value_of(correction, "at_time"), value_of(correction, "disposition")) == ("11:15", "shelter")
    planner.goes_to(here, when="then", at_on="2026-11-03", at_time="12:00", disposition="home", where="")
    assert town.row(referral_id).discharged_at == datetime.fromisoformat("2026-11-03T17:00:00+00:00")
    planner.goes_to(f"{here}/cancel", why="Stayed another night.")
    assert town.row(referral_id).discharged_at is None
    planner.goes_to(here, when="now", at_on="2001-01-01", at_time="", disposition="home", where="")
    assert town.row(referral_id).discharged_at == clock.now()


def test_how_somebody_left_is_asked_and_never_guessed(town: Planning) -> None:
    referral_id = town.refer("Ada")
    planner, here = town.browser("planner"), f"/referrals/{referral_id}/discharge"
    ways = [i for i in planner.get(here).all("input") if i.attributes.get("name") == "disposition"]
    assert len(ways) > 5
    assert not [way for way in ways if "checked" in way.attributes]
    assert planner.post(here, when="now", where="").status_code == 422
    assert town.row(referral_id).discharged_at is None


def test_where_a_message_did_not_say_how_they_left_whoever_may_know_is_asked(town: Planning) -> None:
    referral_id = town.refer("Ada")
    planner, here = town.browser("planner"), f"/referrals/{referral_id}"
    with engine.transaction() as session:
        hand = system_actor(town.program().id, "system:fhir")
        discharges.record_discharge(session, hand, referral_id, clock.now(), Disposition.NOT_SAID)
    shown = planner.get(here)
    assert "Left: how was not said." in said(shown)
    asked = next(a for a in shown.all("a") if a.text == "How did they leave?")
    ways = [i for i in planner.get(asked.attributes["href"]).all("input") if i.attributes["name"] == "disposition"]
    assert ways
    assert not [way for way in ways if "checked" in way.attributes or way.attributes["value"] == "not_said"]
    supervisors = said(town.browser("supervisor").get(here))
    assert "(how was not said)" in supervisors
    assert "Say how they left" in supervisors
    unsaid = planner.post(f"{here}/discharge", when="now", disposition="not_said", where="")
    assert (unsaid.status_code, "Say how and where to the person left." in unsaid.text) == (422, True)
    planner.goes_to(f"{here}/discharge", when="now", disposition="shelter", where="")
    assert town.row(referral_id).disposition is Disposition.SHELTER
    for who in ("planner", "supervisor"):
        text = said(town.browser(who).get(here))
        assert "How did they leave?" not in text
        assert "Say how they left" not in text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"at_on": "2026-11-09", "at_time": "9:00"}, "This time has not come yet."),
        ({"at_on": "2024-11-09", "at_time": "9:00"}, "This is more than a year ago."),
        ({"at_on": "2026-11-03", "at_time": ""}, "Enter both the date and the time."),
        ({"at_on": "20226-01-01", "at_time": "9:00"}, "Enter a date, such as 2026-11-26."),
        ({"at_on": "2026-11-03", "at_time": "9:00", "disposition": "the moon"}, "Choose one of these."),
    ],
)
def test_a_discharge_that_cannot_be_is_said_beside_its_field(
    town: Planning, fields: dict[str, str], sentence: str
) -> None:
    referral_id = town.refer("Ada")
    sent = {"when": "then", "disposition": "home", "where": ""} | fields
    response = town.browser("planner").post(f"/referrals/{referral_id}/discharge", **sent)
    assert response.status_code == 422
    assert sentence in said(check_page(response.text))
    assert town.row(referral_id).discharged_at is None


def test_into_custody_the_referral_waits(town: Planning) -> None:
    referral_id = town.refer("Ada")
    page = town.browser("planner").follow(
        f"/referrals/{referral_id}/discharge", when="now", disposition="custody", where="County jail"
    )
    assert town.row(referral_id).status is ReferralStatus.ON_HOLD
    assert "Follow-up rests" in said(page)


def test_risks_are_set_and_shorten_what_is_ahead(town: Planning) -> None:
    referral_id = town.refer("Ada")
    town.browser("planner").goes_to(f"/referrals/{referral_id}/risks", risks="suicide_risk")
    assert town.row(referral_id).risks == ["suicide_risk"]


def test_asking_to_cancel_is_a_handshake_once_somebody_walks_along(town: Planning) -> None:
    planner = town.browser("planner")
    begun = town.refer("Ada")
    here = f"/referrals/{begun}/ask-to-cancel"
    assert planner.post(here, reason="").status_code == 422
    page = planner.follow(here, reason="Went home with family.")
    assert "You asked to cancel" in said(page)
    assert town.row(begun).status.is_open
    town.waits_to_be_accepted()
    waiting = town.refer("Bo", bridger=None)
    planner.goes_to(f"/referrals/{waiting}/ask-to-cancel", reason="Filed by mistake.")
    assert town.row(waiting).status is ReferralStatus.CANCELLED


def test_the_handoff_card_names_no_illness_and_no_place(town: Planning) -> None:
    referral_id = town.refer("Ada")
    planner = town.browser("planner")
    planner.goes_to(f"/referrals/{referral_id}/meeting", at="2026-11-05T09:30", where="Library, front steps")
    page = planner.get(f"/referrals/{referral_id}/handoff")
    card = next(e for e in page.all("div") if "pl-card" in e.attributes.get("class", "").split()).text
    for told in ("For Ada", "Bridger walks along with you", "Thu Nov 5, 9:30 am", "Library, front steps", "988"):
        assert told in card
    for never in (
        "Riverside",
        "psychiatric",
        "Psychiatric",
        "discharge",
        "Sample",
        "jail",
        "hospital",
        town.program().name,
    ):
        assert never not in card


@pytest.mark.parametrize(("left", "promised"), [(False, "once you have left"), (True, "soon")])
def test_the_handoff_card_promises_no_time_that_nobody_keeps(town: Planning, left: bool, promised: str) -> None:
    """Each protocol has a time of its own for the first contact, and it counts from leaving."""
    referral_id = town.refer("Ada", left=left)
    page = said(town.browser("planner").get(f"/referrals/{referral_id}/handoff"))
    assert f"Bridger gets in touch with you {promised}." in page


def test_the_closing_report_tells_what_the_person_agreed_to(town: Planning) -> None:
    told, untold = town.refer("Ada", left=True), town.refer("Bo", left=True, consent=ConsentStatus.PENDING)
    for referral_id in (told, untold):
        town.reached(referral_id, "a secret")
    planner = town.browser("planner")
    assert "It is not over yet." in said(planner.get(f"/referrals/{told}/report"))
    for referral_id in (told, untold):
        with engine.transaction() as session:
            supervisor = town.actor("supervisor")
            closing.close_referral(session, supervisor, referral_id, ClosureReason.SERVICES_RECEIVED, "fine, secret")
    assert "The report is on its way." in said(planner.get(f"/referrals/{told}/report"))
    town.keep_appointments()
    page = planner.get(f"/referrals/{told}/report")
    report = said(page)
    assert "Services received, completed." in report
    assert facts_of(page)["First reached"] == "Tue Nov 3, 10 am"
    withheld = said(planner.get(f"/referrals/{untold}/report"))
    assert "This referral is closed." in withheld
    for never in ("Services", "First reached", "Contacts"):
        assert never not in withheld
    assert "Services" not in said(planner.get(f"/referrals/{untold}"))
    assert "secret" not in report + withheld
    assert "Not named yet" not in said(planner.get(f"/referrals/{told}")), "nobody is waited for when it is over"
