"""The planner's face: file, preview, send once, follow, correct, hand over; on a phone and on a desk."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import col, select

from domain.vocabulary import DateCertainty
from records.engine import read_session
from records.tables import Person, Referral
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor

PLANNER = "planner@riverside.example"


def referrals_of(family_name: str) -> list[Referral]:
    """What is on record, the oldest first."""
    with read_session() as session:
        rows = select(Referral, Person).join(Person, col(Person.id) == col(Referral.person_id))
        found = session.exec(rows.order_by(col(Referral.number)))
        return [row for row, person in found if person.family_name == family_name]


def types_a_referral(planner: Visitor, given: str, family: str, born: tuple[str, str, str]) -> None:
    """Fill in what the program needs at least."""
    planner.goes_to("/referrals/new")
    planner.page.get_by_label("A day is expected").check()
    planner.fills(expected_on="2026-11-06", expected_time="11:00")
    planner.page.get_by_label("Likely", exact=True).check()
    month, day, year = born
    planner.fills(given_name=given, family_name=family, birth_on_month=month, birth_on_day=day, birth_on_year=year)
    planner.page.locator('[name="phones.0.number"]').fill("(212) 555-0199")
    planner.page.locator('[name="consent"][value="given"]').check()


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_referral_from_typing_to_the_handoff_card(visit: Visit, size: str) -> None:
    with visit(PLANNER, size) as planner:
        planner.looks()
        planner.follows("New referral")
        types_a_referral(planner, "Wanda", "Pretend", ("2", "29", "1984"))
        planner.presses("Check and preview")
        planner.reads("Wanda Pretend", "born Feb 29, 1984", "Expected Fri Nov 6", "Nothing has been sent yet")
        planner.reads("What you can count on", "What will happen, and when", "First contact")
        assert referrals_of("Pretend") == [], "a preview files nothing"

        planner.presses("Send the referral")
        planner.reads("Referral filed", "Wanda Pretend", "Filed by Pat Pattern", "What you can count on")
        (filed,) = referrals_of("Pretend")
        planner.reads(f"No. {filed.number}")
        planner.follows("See where it stands")

        planner.follows("Move the date")
        planner.fills(expected_on="2026-11-09")
        planner.page.get_by_label("Confirmed", exact=True).check()
        planner.presses("Save the date")
        planner.reads("Mon Nov 9")
        (moved,) = referrals_of("Pretend")
        assert (moved.expected_on, moved.date_certainty) == (date(2026, 11, 9), DateCertainty.CONFIRMED)

        planner.goes_to(f"/referrals/{filed.id}/discharge")
        planner.page.get_by_label("Just now").check()
        planner.page.locator('[name="disposition"][value="home"]').check()
        planner.presses("Save")
        (left,) = referrals_of("Pretend")
        assert left.discharged_at is not None
        planner.reads("Left")

        planner.goes_to(f"/referrals/{filed.id}/handoff")
        planner.reads("Wanda")
        planner.page.emulate_media(media="print")
        assert planner.page.get_by_role("navigation").count() == 0, "the card is printed without the frame"
        printed = planner.page.locator("body").inner_text()
        assert "call or text 988" in printed
        for ours in ("Print it from your browser", "Handoff card", "In crisis?", "Go back"):
            assert ours not in printed, "the person reads nothing that is for the planner"


def test_somebody_who_looks_alike_is_shown_while_typing_and_asked_about_before_sending(visit: Visit) -> None:
    with visit(PLANNER, "desk") as planner:
        types_a_referral(planner, "Grace", "Sample", ("4", "12", "1979"))
        shown = planner.page.get_by_text("Somebody on record looks alike")
        shown.wait_for()
        planner.looks()
        planner.presses("Check and preview")
        planner.reads("Somebody on record looks alike. Who is it?", "The same person as Grace Sample")
        planner.presses("Send the referral")
        planner.reads("Somebody on record looks alike")
        planner.is_asked_again()
        planner.page.get_by_label("The same person as Grace Sample").check()
        before = len(referrals_of("Sample"))
        planner.presses("Send the referral")
        assert len(referrals_of("Sample")) == before, "one person has one open referral"
        assert planner.where.startswith("/referrals/ref_"), "and the planner is taken to it"


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_name_of_a_hundred_letters_scrolls_no_page_sideways(visit: Visit, size: str) -> None:
    with visit(PLANNER, size) as planner:
        types_a_referral(planner, "W" * 100, "W" * 100, ("2", "29", "1984"))
        planner.presses("Finish later")
        planner.goes_to("/referrals?show=drafts")
        planner.follows("WWW", within=planner.main)
        planner.presses("Check and preview")
        planner.presses("Send the referral")
        planner.follows("See where it stands")
        here = planner.where
        planner.goes_to("/referrals")
        for page in ("/date", "/note", "/handoff"):
            planner.goes_to(here + page)


def test_a_second_click_and_the_back_button_file_nothing_twice(visit: Visit) -> None:
    with visit(PLANNER, "desk") as planner:
        types_a_referral(planner, "Wanda", "Pretend", ("2", "29", "1984"))
        planner.presses("Check and preview")
        planner.page.get_by_role("button", name="Send the referral").dblclick()
        planner.page.wait_for_url("**/filed")
        planner.looks()
        receipt = planner.where
        assert len(referrals_of("Pretend")) == 1
        planner.page.go_back()
        send = planner.page.get_by_role("button", name="Send the referral")
        if send.count():
            planner.presses("Send the referral")
        planner.reads("Wanda Pretend")
        assert planner.where in (receipt, receipt.removesuffix("/filed")), "who sends again is shown what was filed"
        assert len(referrals_of("Pretend")) == 1


def test_an_error_is_said_where_it_is_and_what_was_typed_stays(visit: Visit) -> None:
    with visit(PLANNER) as planner:
        types_a_referral(planner, "Wanda", "", ("13", "1", "1984"))
        planner.presses("Check and preview")
        planner.is_asked_again()
        assert planner.page.locator('[name="given_name"]').input_value() == "Wanda"
        planner.page.get_by_role("alert").get_by_role("link").first.click()
        focused = planner.page.evaluate("document.activeElement.name")
        assert focused in ("family_name", "birth_on_month"), "a link of the summary leads to its field"
