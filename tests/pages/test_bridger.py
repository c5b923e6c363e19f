"""A bridger's own pages: Today, Offers, My people, absence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import (
    DeclineReason,
    Gender,
    HoldReason,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    RiskFlag,
    SafetyFlag,
    Strength,
)
from records import clock, engine
from records.commands import agenda, contacts, holds
from records.tables import Absence, Bridger, Escalation, Offer, Referral
from tests.pages.bridging import NOW, Bridging, begin, counted_queries, said

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


# --- Today


def test_today_is_kind_when_nothing_waits(town: Bridging) -> None:
    text = said(town.browser("bridger").get("/today"))
    assert "Nothing is due today." in text
    assert "Refresh" in text, "the list can be had anew without a script"


@pytest.mark.postgresql
def test_today_shows_overdue_then_due_then_what_comes_each_with_its_reason(town: Bridging) -> None:
    town.refer("Ada", left=True)
    town.time_passes(hours=20)
    town.refer("Bo", left=True)
    town.time_passes(hours=6)  # Ada's first contact was due two hours ago
    page = town.browser("bridger").get("/today")
    text = said(page)
    bands = [text.index(word) for word in ("Overdue", "Due today", "Coming")]
    assert bands == sorted(bands)
    assert "within 24 hours of leaving" in text
    assert "2 h late" in text
    assert text.index("Ada Sample") < text.index("Bo Sample")


def test_the_count_is_what_is_overdue_and_due_and_nothing_else(town: Bridging) -> None:
    town.refer("Ada", left=True)
    text = said(town.browser("bridger").get("/today"))
    assert "1 to do today" in text, "the warm handoff; the first contact is due tomorrow"


def test_a_card_tells_how_often_was_tried_what_came_of_it_and_what_is_still_to_be_tried(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    clock.advance(timedelta(hours=1))
    bridger = town.browser("bridger")
    bridger.goes_to(f"/referrals/{referral_id}/log", mode="call", outcome="no_answer", once="a")
    page = bridger.get("/today")
    assert "1 of 2 tried · last: Phone call, no answer, Tue Nov 3, 11 am" in said(page)
    assert "Still to try: one more attempt" in said(page)
    card = page.all("article")[0]
    dots = [one.attributes.get("class", "") for one in page.inside(card) if one.tag == "i"]
    assert dots == ["is-made", ""]


def test_a_missed_contact_stays_and_names_who_was_told(town: Bridging) -> None:
    town.refer("Ada", left=True)
    town.time_passes(hours=25)
    text = said(town.browser("bridger").get("/today"))
    assert "Supervisor Pretend was told Wed Nov 4, 10 am" in text


def test_a_call_told_to_the_bridger_says_why_and_is_taken_with_one_tap(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    town.time_passes(minutes=1)
    town.browser("bridger").goes_to(f"/referrals/{referral_id}/log", mode="visit", outcome="reached", once="a")
    town.time_passes(days=15)  # the first weekly contact was missed: its ladder tells the bridger first
    page = town.browser("bridger").get("/today")
    assert "You were told: Weekly contact was due by the end of Tue Nov 17. No attempt is on record." in said(page)
    take = next(f.attributes["action"] for f in page.all("form") if f.attributes["action"].endswith("/acknowledge"))
    after = town.browser("bridger").follow(take)
    assert "It is yours now." in said(after)
    town.browser("bridger").goes_to(take)  # a second tap changes nothing
    row = town.rows(Escalation, Escalation.id == take.split("/")[4])[0]
    assert row.acknowledged_by == town.staff["bridger"]


@pytest.mark.postgresql
def test_who_asked_to_be_called_later_comes_back_until_they_were_reached(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    log = f"/referrals/{referral_id}/log"
    bridger.goes_to(log, mode="call", outcome="call_later", call_back_at="2026-11-03T16:00", once="a")
    assert "Asked you to call" in said(bridger.get("/today"))
    clock.advance(timedelta(hours=1))
    bridger.goes_to(log, mode="call", outcome="no_answer", once="b")
    assert "Asked you to call" in said(bridger.get("/today")), "too early, and nobody was reached"
    bridger.goes_to(log, mode="call", outcome="reached", once="c")
    assert "Asked you to call" not in said(bridger.get("/today"))


def test_safety_stands_on_the_card_and_nobody_without_a_number_is_to_be_called(town: Bridging) -> None:
    person = {"phones": (), "safety_flags": [SafetyFlag.VISIT_IN_PAIRS]}
    town.refer("Ada", left=True, person=person, risks=[RiskFlag.SUICIDE_RISK])
    page = town.browser("bridger").get("/today")
    assert "Visit in pairs" in said(page)
    assert "No number on record: go and see them." in said(page)
    assert not [a for a in page.all("a") if a.attributes["href"].startswith("tel:+1")]


def test_today_asks_the_same_few_queries_however_much_there_is_to_do(town: Bridging) -> None:
    town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    with counted_queries() as few:
        bridger.get("/today")
    for name in ("Bo", "Cy", "Di", "Ed"):
        town.refer(name, left=True)
    town.time_passes(hours=2)
    bridger.wake()
    with counted_queries() as many:
        bridger.get("/today")
    assert len(many) <= len(few) + 1 <= 12, "one more: who was told about what is overdue"


# --- Offers


def test_an_offer_tells_what_is_needed_to_decide_and_only_the_first_name(town: Bridging) -> None:
    wish = {"bridger_gender": Gender.WOMAN, "bridger_gender_strength": Strength.SOFT, "area": "10001"}
    flags = [SafetyFlag.VISIT_IN_PAIRS, SafetyFlag.DOMESTIC_VIOLENCE]
    _, _, asked = town.offer("Ada", person=wish | {"safety_flags": flags}, risks=[RiskFlag.SUICIDE_RISK])
    text = said(town.browser(asked).get("/offers"))
    for told in ("Ada", "Psychiatric inpatient unit", "Expected to leave Thu Nov 5, 2026 (likely)", "10001", "English",
                 "Woman (if possible)", "Why you", "Visit in pairs.", "Answer by", "0 of at most 15"):  # fmt: skip
        assert told in text
    for kept in ("Sample", "1990", "555", "Example Avenue", "Domestic", "Suicide", "Riverside"):
        assert kept not in text, f"{kept} is not needed to decide"


@pytest.mark.postgresql
def test_an_offer_names_the_day_by_whose_end_something_is_due(town: Bridging) -> None:
    _, _, name = town.offer("Ada", expected_on=(NOW + timedelta(days=10)).date())
    assert "end of Thu Nov 5" in said(town.browser(name).get("/offers"))


def test_an_accepted_offer_leads_to_the_person_and_a_second_tap_is_harmless(town: Bridging) -> None:
    referral_id, offer_id, asked = town.offer("Ada")
    browser = town.browser(asked)
    assert browser.goes_to(f"/offers/{offer_id}/accept") == f"/referrals/{referral_id}"
    assert browser.goes_to(f"/offers/{offer_id}/accept") == f"/referrals/{referral_id}"
    text = said(browser.get(f"/referrals/{referral_id}"))
    assert "They are on your list now" in text
    assert "Ada Sample" in text


def test_who_comes_too_late_reads_why(town: Bridging) -> None:
    _, offer_id, asked = town.offer("Ada")
    clock.advance(timedelta(hours=5))
    answer = town.browser(asked).post(f"/offers/{offer_id}/accept")
    assert answer.status_code == 409
    assert "The time to answer this offer has passed; the next bridger is being asked." in answer.text
    town.keep_appointments()
    page = town.browser(asked).get("/offers")
    assert "The time to answer passed; the next bridger was asked" in said(page)


def test_an_offer_to_somebody_else_does_not_exist(town: Bridging) -> None:
    referral_id, offer_id, asked = town.offer("Ada")
    other = "second" if asked == "bridger" else "bridger"
    assert town.browser(other).post(f"/offers/{offer_id}/accept").status_code == 404
    assert town.rows(Referral, Referral.id == referral_id)[0].bridger_id is None


@pytest.mark.parametrize("reason", list(DeclineReason))
def test_one_tap_declines_with_any_reason_even_none_said(town: Bridging, reason: DeclineReason) -> None:
    _, offer_id, asked = town.offer("Ada")
    page = town.browser(asked).get(f"/offers/{offer_id}/decline")
    assert reason.value in [b.attributes.get("value") for b in page.all("button")]
    after = town.browser(asked).follow(f"/offers/{offer_id}/decline", reason=reason.value)
    assert "The next bridger is being asked now." in said(after)
    town.browser(asked).goes_to(f"/offers/{offer_id}/decline", reason=reason.value)
    row = town.rows(Offer, Offer.id == offer_id)[0]
    assert (row.state, row.decline_reason) == (OfferState.DECLINED, reason)


def test_knowing_the_person_is_kept_for_matching_and_shown_to_nobody(town: Bridging) -> None:
    referral_id, offer_id, asked = town.offer("Ada")
    town.browser(asked).goes_to(f"/offers/{offer_id}/decline", reason="know_the_person")
    kept = town.rows(Bridger, Bridger.staff_id == town.staff[asked])[0]
    assert [c["person_id"] for c in kept.conflicts] == [town.rows(Referral, Referral.id == referral_id)[0].person_id]
    timeline = said(town.browser("supervisor").get(f"/referrals/{referral_id}?more=yes"))
    assert "cannot take this" in timeline
    assert "know the person" not in timeline


def test_declining_what_is_answered_already_leads_back_to_the_offers(town: Bridging) -> None:
    _, offer_id, asked = town.offer("Ada")
    town.browser(asked).goes_to(f"/offers/{offer_id}/accept")
    gone = town.browser(asked).fetch(f"/offers/{offer_id}/decline")
    assert (gone.status_code, gone.headers["location"]) == (303, "/offers")


# --- My people


def test_my_people_are_mine_alone_whoever_needs_something_first_on_top(town: Bridging) -> None:
    town.refer("Ada")
    town.refer("Bo", left=True)
    town.refer("Cy", bridger="second")
    text = said(town.browser("bridger").get("/people"))
    assert text.index("Bo Sample") < text.index("Ada Sample")
    assert "Cy Sample" not in text
    assert "Cy Sample" in said(town.browser("supervisor").get("/people"))


@pytest.mark.postgresql
def test_somebody_is_found_by_a_part_of_the_name_and_the_name_stays_out_of_the_address(town: Bridging) -> None:
    town.refer("Ángel", person={"family_name": "Öst"})
    town.refer("Bo")
    browser = town.browser("bridger")
    for search in ("ángel", "ÖST", "Ángel öst"):
        answer = browser.post("/people", search=search)
        assert answer.status_code == 200
        assert answer.url.query == b""
        assert "Ángel Öst" in answer.text
        assert "Bo Sample" not in answer.text
    assert "0 found" in browser.post("/people", search="100%_nobody").text


def test_a_hold_is_said_in_the_list(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    with engine.transaction() as session:
        holds.put_on_hold(session, town.actor("bridger"), referral_id, HoldReason.READMITTED)
    assert "On hold: readmitted to hospital" in said(town.browser("bridger").get("/people"))


def test_the_list_of_people_asks_the_same_queries_for_one_and_for_many(town: Bridging) -> None:
    town.refer("Ada")
    bridger = town.browser("bridger")
    with counted_queries() as few:
        bridger.get("/people")
    for name in ("Bo", "Cy", "Di"):
        town.refer(name)
    with counted_queries() as many:
        bridger.get("/people")
    assert len(many) == len(few) <= 12


# --- Out


@pytest.mark.postgresql
def test_an_absence_says_what_it_means_before_it_counts(town: Bridging) -> None:
    town.refer("Ada", left=True)
    _, offer_id, asked = town.offer("Bo")
    bridger = town.browser(asked)
    assert "First day out" in said(bridger.get("/absence"))
    days = {"first": "2026-11-03", "last": "2026-11-05", "once": "a"}
    answer = bridger.post("/absence", **days)
    assert answer.status_code == 200
    assert "Supervisor Pretend is called for everybody with something due" in answer.text
    assert "The offer of Bo goes to the next bridger at once." in answer.text
    assert not town.rows(Absence), "nothing counts before the yes"
    bridger.goes_to("/absence", **days, confirmed="yes")
    bridger.goes_to("/absence", **days, confirmed="yes")
    assert len(town.rows(Absence)) == 1
    assert town.rows(Offer, Offer.id == offer_id)[0].decline_reason is DeclineReason.AWAY
    assert "You are out until" in said(bridger.get("/today"))


def test_what_falls_due_meanwhile_is_listed(town: Bridging) -> None:
    town.refer("Ada", left=True)
    text = town.browser("bridger").post("/absence", first="2026-11-04", last="2026-11-04", once="a").text
    assert "First contact" in text
    assert "Weekly contact" not in text


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-11-02", "2026-11-05", "Choose today or a later day."),
        ("2026-11-06", "2026-11-05", "The last day is on or after the first."),
        ("2026-11-06", "2028-11-05", "Choose at most a year."),
        ("", "2026-11-05", "Enter the date."),
    ],
)
def test_days_that_cannot_be_are_refused_beside_their_field(
    town: Bridging, first: str, last: str, sentence: str
) -> None:
    answer = town.browser("bridger").post("/absence", first=first, last=last, once="a")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{last}"' in answer.text, "what was typed is still there"


def test_back_again_ends_the_absence(town: Bridging) -> None:
    bridger = town.browser("bridger")
    bridger.goes_to("/absence", first="2026-11-03", last="2026-11-05", once="a", confirmed="yes")
    page = bridger.get("/absence")
    end = next(f.attributes["action"] for f in page.all("form") if f.attributes["action"].endswith("/end"))
    bridger.goes_to(end)
    bridger.goes_to(end)
    assert "You are out until" not in said(bridger.get("/today"))


# --- who may


@pytest.mark.parametrize("path", ["/today", "/offers", "/absence"])
def test_these_pages_are_for_bridgers(town: Bridging, path: str) -> None:
    town.browser("supervisor").get(path, status=403)
    town.browser("planner").get(path, status=403)


def test_planners_have_no_list_of_people(town: Bridging) -> None:
    town.browser("planner").get("/people", status=403)


def test_pages_of_a_phone_are_small(town: Bridging) -> None:
    """Bytes of HTML before compression; each is under two seconds on a slow 2G line (about 30 KB a second)."""
    for name in ("Ada", "Bo", "Cy", "Di"):
        town.refer(name, left=True)
    bridger = town.browser("bridger")
    sizes = {path: len(bridger.fetch(path).content) for path in ("/today", "/offers", "/people", "/absence")}
    assert max(sizes.values()) < 30_000, sizes


def test_ending_takes_somebody_off_the_list(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    with engine.transaction() as session:
        contacts.log_attempt(session, town.actor("bridger"), referral_id, Mode.CALL, Outcome.DECLINED)
        agenda.carry_out(session, referral_id)
    assert town.rows(Referral, Referral.id == referral_id)[0].status is ReferralStatus.CANCELLED
    assert "Nothing is due today." in said(town.browser("bridger").get("/today"))


def test_the_badge_counts_what_is_overdue_and_due_and_stands_on_every_page(town: Bridging) -> None:
    town.refer("Ada", left=True)
    town.time_passes(hours=25)
    town.refer("Bo", left=True)
    page = town.browser("bridger").get("/people")
    badges = [one.text.split() for one in page.all("span") if one.attributes.get("class") == "fb-nav__badge"]
    today = said(town.browser("bridger").get("/today"))
    assert ["3", "waiting"] in badges
    assert "3 to do today, 2 overdue" in today


def test_a_phone_left_lying_open_signs_out_although_its_list_refreshes_itself(town: Bridging) -> None:
    bridger = town.browser("bridger")
    headers = {"X-By-Itself": "yes", "HX-Request": "true"}
    for _ in range(14):
        clock.advance(timedelta(minutes=1))
        assert bridger.client.get("/today", headers=headers).status_code == 200
    clock.advance(timedelta(minutes=2))
    gone = bridger.client.get("/today", headers=headers)
    assert (gone.status_code, gone.headers["hx-redirect"]) == (401, "/sign-in")


def test_the_list_that_refreshes_itself_says_so(town: Bridging) -> None:
    page = town.browser("bridger").get("/today")
    polling = next(one.attributes for one in page.elements if "hx-get" in one.attributes)
    assert (polling["hx-get"], polling["hx-select"], polling["hx-trigger"]) == ("/today", "#worklist", "every 60s")
    assert polling["hx-headers"] == '{"X-By-Itself": "yes"}'
