"""My referrals, and one of them as its planner sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import (
    ConsentStatus,
    DateCertainty,
)
from records import clock, engine
from records.tables import Reading, Referral
from tests.pages.bridging import NOW, counted_queries, said
from tests.pages.harness import check_page
from tests.pages.planning import ADA, Planning, begin, facts_of, opened, press

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Planning]:
    with clock.stopped_at(NOW):
        yield begin()


# --- My referrals


def test_unanswered_ones_come_first_and_each_says_whose_move_it_is(town: Planning) -> None:
    town.refer("Ada")
    town.refer("Bo", left=True)
    town.waits_to_be_accepted()
    town.refer("Cleo", bridger=None)
    clock.advance(timedelta(minutes=5))
    town.refer("Dee", bridger=None, expected_on=None, certainty=DateCertainty.UNKNOWN)
    text = said(town.browser("planner").get("/referrals"))
    places = [text.index(f"{name} Sample") for name in ("Cleo", "Dee", "Ada")]
    assert places == sorted(places)
    assert text.count("The program's move.") == 2
    assert text.count("The bridger's move.") == 2
    assert "Warm handoff on the day is due." in text
    assert "with Bridger" in text


def test_a_promise_that_was_not_kept_says_who_was_told(town: Planning) -> None:
    town.waits_to_be_accepted()
    referral_id = town.refer("Ada", bridger=None)
    town.time_passes(days=2)
    for page in ("/referrals", f"/referrals/{referral_id}"):
        text = said(town.browser("planner").get(page))
        assert "No answer by Wed Nov 4, 5 pm, as promised: the supervisor was told." in text


def test_what_was_due_by_the_end_of_a_day_is_said_of_that_day(town: Planning) -> None:
    town.refer("Ada", left=True)
    clock.advance(timedelta(hours=15))  # nobody carried it out: the engine is away
    text = said(town.browser("planner").get("/referrals"))
    assert "Warm handoff on the day was due by the end of Tue Nov 3." in text


def test_the_date_has_passed_and_it_is_their_move(town: Planning) -> None:
    town.refer("Ada")
    town.time_passes(days=3)
    text = said(town.browser("planner").get("/referrals"))
    assert "Your move. Record the discharge, or move the date." in text


def test_names_are_searched_by_a_form_and_never_stand_in_an_address(town: Planning) -> None:
    town.refer("Ada")
    other = town.refer("Bo")
    planner = town.browser("planner")
    page = check_page(planner.post("/referrals", name="sam ad").text)
    assert "Ada Sample" in said(page)
    assert "Bo Sample" not in said(page)
    by_number = check_page(planner.post("/referrals", name=town.row(other).number.lower()).text)
    assert "Bo Sample" in said(by_number)
    assert "Nobody of that name" in said(check_page(planner.post("/referrals", name="%").text))
    assert planner.goes_to("/referrals", name="") == "/referrals"
    assert "Nobody of that name" in said(check_page(town.browser("jailer").post("/referrals", name="Ada").text))


def test_the_two_hundredth_row_is_a_page_away_and_costs_no_more(town: Planning) -> None:
    first = town.refer("Ada", bridger=None)
    planner = town.browser("planner")
    planner.get("/referrals")
    with counted_queries() as few:
        planner.get("/referrals")
    _two_hundred_like(first)
    with counted_queries() as many:
        page = planner.get("/referrals")
    assert "Open 200" in said(page)
    assert len(many) <= len(few) + 1
    assert len(many) <= 20
    last = planner.get("/referrals?show=open&page_number=8")
    assert len([e for e in last.all("li") if "pl-ref" in e.attributes.get("class", "").split()]) == 25
    assert "Page 8 of 8" in said(last)
    assert "Page 8 of 8" in said(planner.get("/referrals?page_number=99"))
    planner.get("/referrals?page_number=-3")


def _two_hundred_like(referral_id: str) -> None:
    with engine.transaction() as session:
        first = session.get_one(Referral, referral_id)
        for number in range(199):
            copy = first.model_dump() | {"id": f"ref_copy{number:03}", "number": f"COPY-{number:03}"}
            session.add(Referral(**copy))


# --- One referral


@pytest.mark.postgresql
def test_one_referral_tells_where_it_stands_and_nothing_that_was_said(town: Planning) -> None:
    referral_id = town.refer("Ada", left=True)
    town.reached(referral_id, "told me a secret")
    page = town.browser("planner").get(f"/referrals/{referral_id}")
    text, facts = said(page), facts_of(page)
    assert "A peer bridger was named." in text
    assert (facts["First contact made"], facts["Consent"]) == ("Yes, Tue Nov 3, 10 am", "Given")
    assert facts["Bridger"] == "Bridger"
    assert "secret" not in text
    assert "Bridger Pretend" not in text, "the first name is enough"
    assert town.rows(Reading, Reading.referral_id == referral_id)


def test_without_consent_the_facility_hears_less(town: Planning) -> None:
    referral_id = town.refer("Ada", left=True, consent=ConsentStatus.PENDING)
    town.reached(referral_id, "")
    planner = town.browser("planner")
    for text in (said(planner.get(f"/referrals/{referral_id}")), said(planner.get("/referrals"))):
        assert "How it goes is told once the person has agreed to it." in text
        assert "Yes, Tue Nov 3" not in text
        assert "Safety-net" not in text
    planner.goes_to(f"/referrals/{referral_id}/consent", status="given", until="")
    assert facts_of(planner.get(f"/referrals/{referral_id}"))["First contact made"].startswith("Yes")
    planner.goes_to(f"/referrals/{referral_id}/consent", status="revoked", until="")
    assert facts_of(planner.get(f"/referrals/{referral_id}"))["First contact made"].startswith("Told once")


PLACES = ["", "/filed", "/date", "/discharge", "/discharge/cancel", "/consent", "/risks", "/ask-to-cancel", "/handoff",
          "/report"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_other_facilities_referrals_do_not_exist(town: Planning, place: str) -> None:
    referral_id = town.refer("Ada", left=True)
    town.browser("planner").get(f"/referrals/{referral_id}{place}")
    text = said(town.browser("jailer").get(f"/referrals/{referral_id}{place}", status=404))
    assert "Ada" not in text


def test_a_page_asks_the_database_a_bounded_number_of_times(town: Planning) -> None:
    referral_id = town.refer("Ada", left=True)
    planner = town.browser("planner")
    for place, most in (("", 30), ("/filed", 20), ("/date", 15), ("/discharge", 15), ("/handoff", 15), ("/report", 15)):
        with counted_queries() as asked:
            planner.get(f"/referrals/{referral_id}{place}")
        assert len(asked) <= most, f"{place}: {len(asked)}"
    draft = opened(planner)
    press(planner, draft, "preview", **(ADA | {"birth_on_day": "9"}))
    for address in (f"/referrals/new?draft={draft}", f"/referrals/new/preview?draft={draft}", "/imports"):
        with counted_queries() as asked:
            planner.get(address)
        assert len(asked) <= 25, f"{address}: {len(asked)}"
