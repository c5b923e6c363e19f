"""The bridger's face, on a phone in the street: accept, two taps, a concern; and the same without scripts."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from domain.vocabulary import OfferState, Outcome, Subject
from records.engine import read_session
from records.tables import Attempt, Escalation, Offer, Person, Referral, Staff
from tests.browser.conftest import Visit


def attempts_with(family_name: str) -> list[Attempt]:
    """The tries on record for somebody, the oldest first."""
    with read_session() as session:
        rows = select(Attempt, Person).join(Referral, col(Referral.id) == col(Attempt.referral_id))
        rows = rows.join(Person, col(Person.id) == col(Referral.person_id)).order_by(col(Attempt.at))
        return [row for row, person in session.exec(rows) if person.family_name == family_name]


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_an_offer_is_read_and_accepted(visit: Visit, size: str) -> None:
    with visit("bridger1", size) as rosa:
        rosa.reads("Today", "overdue", "Boris Example")
        rosa.follows("Offers")
        rosa.reads("Elena", "Answer by", "Speaks Spanish.", "Why you")
        assert "Muestra" not in rosa.main.inner_text(), "no last name before the yes"
        rosa.presses("Accept")
        rosa.reads("Elena Muestra")
        with read_session() as session:
            states = session.exec(select(Offer.state).where(Offer.bridger_id == _id_of("bridger1"))).all()
        assert OfferState.OPEN not in states
        rosa.goes_to("/people")
        rosa.reads("Elena Muestra", "Boris Example")


def test_a_contact_is_logged_in_two_taps_and_a_nervous_thumb_logs_no_second(visit: Visit) -> None:
    before = len(attempts_with("Example"))
    with visit("bridger1") as rosa:
        rosa.follows("Log for Boris Example")
        rosa.reads("Log a contact", "Boris Example")
        rosa.page.get_by_role("button", name="Reached").dblclick()
        rosa.page.wait_for_url("**/logged/*")
        rosa.looks()
        rosa.reads("Saved", "First contact met, late", "What happens next")
        made = attempts_with("Example")
        assert (len(made), made[-1].outcome) == (before + 1, Outcome.REACHED)


def test_going_back_after_saving_and_tapping_again_is_the_same_entry(visit: Visit) -> None:
    before = len(attempts_with("Example"))
    with visit("bridger1") as rosa:
        rosa.follows("Log for Boris Example")
        for _ in range(2):
            rosa.page.get_by_role("button", name="No answer").click()
            rosa.page.wait_for_url("**/logged/*")
            rosa.reads("Saved")
            rosa.page.go_back()
        assert len(attempts_with("Example")) == before + 1


def test_a_safety_concern_is_two_taps_away_and_says_who_was_told(visit: Visit) -> None:
    with visit("bridger1") as rosa:
        rosa.follows("Safety concern")
        rosa.reads("911", "988", "About whom?")
        rosa.follows("Ada Sample", within=rosa.main)
        rosa.reads("Kit Placeholder, on-call clinician, is told at once")
        rosa.presses("Tell the clinician now")
        rosa.reads("Kit Placeholder was told", "To answer by", "If you are safe, stay with them")
        with read_session() as session:
            raised = session.exec(
                select(Person)
                .join(Referral, col(Referral.person_id) == col(Person.id))
                .join(Escalation, col(Escalation.referral_id) == col(Referral.id))
                .where(Escalation.subject == Subject.SAFETY)
            ).all()
        assert [p.family_name for p in raised if p.given_name == "Ada"] == ["Sample"]


def test_being_out_shows_what_it_means_before_it_counts(visit: Visit) -> None:
    with visit("bridger1") as rosa:
        rosa.follows("I'm out")
        rosa.fills(first="2026-11-04", last="2026-11-06")
        rosa.presses("See what it means")
        rosa.reads("Nov")


def test_everything_a_bridger_does_works_without_scripts(visit: Visit) -> None:
    before = len(attempts_with("Example"))
    with visit("bridger1", scripts=False) as rosa:
        rosa.follows("Offers")
        rosa.presses("Accept")
        rosa.reads("Elena Muestra")
        rosa.goes_to("/today")
        rosa.follows("Log for Boris Example")
        rosa.presses("Reached")
        rosa.reads("Saved")
        assert len(attempts_with("Example")) == before + 1
        rosa.follows("Back to Today")
        rosa.follows("Safety concern")
        rosa.follows("Ada Sample", within=rosa.main)
        rosa.presses("Tell the clinician now")
        rosa.reads("Kit Placeholder was told")


def _id_of(word: str) -> str:
    with read_session() as session:
        return session.exec(select(Staff.id).where(Staff.email == f"{word}@footbridge.example")).one()
