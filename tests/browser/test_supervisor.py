"""The supervisor's and the manager's face: the board, a call taken and settled, somebody assigned, a hold, an end."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from domain.vocabulary import ClosureReason, EscalationState, HoldReason, ReferralStatus, Resolution
from records.engine import read_session
from records.tables import Escalation, Person, Referral, Staff
from tests.browser.conftest import Visit


def referral_of(given: str, family: str) -> Referral:
    """The open or latest referral of somebody of the demonstration."""
    with read_session() as session:
        rows = session.exec(select(Referral, Person).join(Person, col(Person.id) == col(Referral.person_id)))
        (found,) = (row for row, person in rows if (person.given_name, person.family_name) == (given, family))
        return found


def calls_about(referral_id: str) -> list[Escalation]:
    """Every rung that was raised about them."""
    with read_session() as session:
        return list(session.exec(select(Escalation).where(Escalation.referral_id == referral_id)))


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_call_is_taken_and_settled(visit: Visit, size: str) -> None:
    boris = referral_of("Boris", "Example")
    with visit("supervisor", size) as sam:
        sam.reads("Handoff board", "First, because nobody took it yet", "Escalated", "Overdue", "Leaving soon")
        sam.follows("Escalations")
        sam.reads("Boris Example", "Told: Sam Sample")
        sam.page.locator(".fb-call").filter(has_text="First contact was due").get_by_role(
            "link", name="Open"
        ).first.click()
        sam.looks()
        sam.presses("I have this")
        sam.reads("Sam Sample has it.")
        sam.page.get_by_label("How", exact=True).select_option(Resolution.ARRANGED.value)
        sam.fills(how="Rosa meets him at the meal site at noon.")
        sam.presses("Settle it")
        sam.goes_to(f"/referrals/{boris.id}")
        sam.reads("Rosa meets him at the meal site at noon.")
        assert not [call for call in calls_about(boris.id) if call.state is EscalationState.RAISED]


def test_somebody_is_assigned_by_hand_with_the_reasons_for_and_against(visit: Visit) -> None:
    farid = referral_of("Farid", "Namuna")
    with visit("supervisor", "desk") as sam:
        sam.goes_to(f"/referrals/{farid.id}/assign")
        sam.reads("Who fits, best first", "of 100", "Who cannot be asked, and why")
        sam.follows("Choose Dana Beispiel")
        sam.reads("Dana Beispiel?", "What happens then", "Dana Beispiel then supports")
        sam.presses("Assign Dana Beispiel")
        sam.reads("Dana Beispiel was told")
    with read_session() as session:
        assert session.get_one(Staff, referral_of("Farid", "Namuna").bridger_id or "").name == "Dana Beispiel"


def test_follow_up_rests_goes_on_and_ends(visit: Visit) -> None:
    carla = referral_of("Carla", "Muster")
    with visit("supervisor", "desk") as sam:
        sam.goes_to(f"/referrals/{carla.id}/hold")
        sam.reads("What happens then", "nobody is told of missed contacts")
        sam.page.get_by_label("Why", exact=True).select_option(HoldReason.READMITTED.value)
        sam.presses("Put on hold")
        sam.reads("On hold")
        assert referral_of("Carla", "Muster").status is ReferralStatus.ON_HOLD
        sam.goes_to(f"/referrals/{carla.id}/resume")
        sam.presses("Go on")
        assert referral_of("Carla", "Muster").status is ReferralStatus.IN_PROGRESS
        sam.goes_to(f"/referrals/{carla.id}/close")
        sam.reads("You can take it back for 30 days.")
        sam.page.get_by_label("How it ended").select_option(ClosureReason.SERVICES_RECEIVED.value)
        sam.fills(note="At home, and well looked after.")
        sam.presses("Close")
        assert referral_of("Carla", "Muster").status is ReferralStatus.COMPLETED


def test_the_board_works_without_scripts(visit: Visit) -> None:
    with visit("supervisor", scripts=False) as sam:
        sam.reads("Handoff board", "Linh Vidu")
        sam.presses("I have this")
        linh = referral_of("Linh", "Vidu")
        assert [call.state for call in calls_about(linh.id)] == [EscalationState.ACKNOWLEDGED]


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_figure_leads_to_the_people_behind_it(visit: Visit, size: str) -> None:
    with visit("manager", size) as morgan:
        morgan.goes_to("/measures")
        morgan.reads("Measures", "First two-way contact within 72 hours", "Caseloads")
        morgan.page.locator('main a[href*="/measures/"][href*="/cases"]').first.click()
        morgan.looks()
        morgan.reads("First two-way contact within 72 hours", "Reached in time", "How this is counted")


def test_what_is_not_yours_is_not_there(visit: Visit) -> None:
    theirs = referral_of("Hiro", "Mihon")
    with visit("planner@riverside.example", "desk") as planner:
        answer = planner.page.goto(f"{planner.address}/referrals/{theirs.id}")
        assert answer is not None
        assert answer.status == 404
        planner.troubles.clear()
        planner.reads("We could not find that", "or is not yours to see")
