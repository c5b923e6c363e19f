"""Decisions about a referral: what will happen stands before the yes, reasons are kept, twice is once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import (
    ClosureReason,
    ContactState,
    HoldReason,
    ReferralStatus,
    Role,
    Strength,
    Subject,
)
from records import clock, engine
from records.access import system_actor
from records.commands import cancelling, holds, staff
from records.tables import Assignment, Bridger, Contact, Escalation, Person, Referral, Staff
from tests.pages.bridging import NOW, Bridging, counted_queries, said
from tests.pages.charge import answers_by_hand, begin_in_charge, missed
from tests.pages.harness import Page

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def referral(town: Bridging, referral_id: str) -> Referral:
    found: Referral = town.rows(Referral, Referral.id == referral_id)[0]
    return found


# --- taken on, or not


def test_accepting_says_who_is_asked_first_and_twice_is_once(town: Bridging) -> None:
    answers_by_hand(town)
    referral_id = town.refer("Ada", bridger=None)
    supervisor = town.browser("supervisor")
    assert "is asked first" in said(supervisor.get(f"/referrals/{referral_id}/accept"))
    for _ in range(2):
        supervisor.goes_to(f"/referrals/{referral_id}/accept", once="a")
    assert referral(town, referral_id).status is ReferralStatus.ACCEPTED
    assert "nothing to decide here" in said(supervisor.get(f"/referrals/{referral_id}/accept"))


def test_not_accepting_needs_a_reason_and_words_for_the_referrer(town: Bridging) -> None:
    answers_by_hand(town)
    referral_id = town.refer("Ada", bridger=None)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/reject"
    answer = supervisor.post(here, reason="no_capacity", note="", once="a")
    assert answer.status_code == 422
    assert "Write something here." in answer.text
    assert supervisor.post(here, reason="deceased", note="x", once="b").status_code == 422, "not among the choices"
    supervisor.goes_to(here, reason="no_capacity", note="Ask Example Friends", once="c")
    row = referral(town, referral_id)
    assert (row.status, row.closure_note) == (ReferralStatus.REJECTED, "Ask Example Friends")


def test_a_request_to_cancel_is_answered_and_going_on_needs_words(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/cancel"
    assert "Nobody asks to cancel" in said(supervisor.get(here))
    with engine.transaction() as session:
        cancelling.request_cancel(session, town.actor("planner"), referral_id, "The family moves away")
    assert "The family moves away" in said(supervisor.get(here))
    assert supervisor.post(here, answer="refuse", note="", once="a").status_code == 422
    supervisor.goes_to(here, answer="refuse", note="She wants it", once="b")
    assert referral(town, referral_id).cancel_requested_at is None
    assert referral(town, referral_id).status is ReferralStatus.IN_PROGRESS


# --- the plan


def test_a_contact_is_waived_with_a_reason_that_stays(town: Bridging) -> None:
    referral_id, call = missed(town)
    supervisor = town.browser("supervisor")
    listed = supervisor.get(f"/referrals/{referral_id}/waive")
    here = f"/referrals/{referral_id}/waive/{call.subject_id}"
    assert here in [a.attributes.get("href") for a in listed.all("a")]
    assert "Those who were called about it are not asked any more." in said(supervisor.get(here))
    assert supervisor.post(here, reason="", once="a").status_code == 422
    for _ in range(2):
        supervisor.goes_to(here, reason="Met at the clinic by a colleague", once="b")
    row = town.rows(Contact, Contact.id == call.subject_id)[0]
    assert (row.state, row.reason) == (ContactState.WAIVED, "Met at the clinic by a colleague")


def test_the_rhythm_changes_and_says_how_many_are_waived(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/rhythm"
    assert supervisor.post(here, key="weekly", every_days="500", reason="x", once="a").status_code == 422
    page = supervisor.follow(here, key="weekly", every_days="28", reason="Call me monthly", once="b")
    assert "waived. The others stay" in said(page)
    assert [c for c in town.rows(Contact) if c.reason == "Call me monthly"]


def test_the_search_begins_only_when_everything_was_tried(town: Bridging) -> None:
    referral_id, _ = missed(town)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/search"
    assert here not in links(supervisor.get(f"/referrals/{referral_id}")), "not offered before it can be done"
    assert "Still to be tried: 2 more attempts" in said(supervisor.get(here))
    assert supervisor.post(here, note="All of it", once="a").status_code == 409
    assert referral(town, referral_id).lost_at is None
    for mode in ("call", "visit"):
        log = f"/referrals/{referral_id}/log"
        town.browser("bridger").goes_to(log, mode=mode, outcome="no_answer", once=mode)
        clock.advance(timedelta(minutes=30))
    assert here in links(supervisor.get(f"/referrals/{referral_id}"))
    supervisor.goes_to(here, note="All of it", once="b")
    assert referral(town, referral_id).lost_at is not None


def test_nobody_is_searched_for_who_is_not_missed(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/search"
    assert here not in links(supervisor.get(f"/referrals/{referral_id}"))
    assert "Ada is not missed" in said(supervisor.get(here))


def test_a_call_about_misses_in_a_row_offers_the_search_only_when_it_can_begin(town: Bridging) -> None:
    """As the person's page does: not while something is still to be tried, nor once the search is on."""
    referral_id = town.refer("Ada", left=True)
    bridger, supervisor, base = town.browser("bridger"), town.browser("supervisor"), f"/referrals/{referral_id}"
    log = f"{base}/log"
    bridger.goes_to(log, mode="visit", outcome="reached", once="first")
    town.time_passes(days=22)
    call = town.rows(Escalation, Escalation.subject == Subject.STREAK)[0]
    page = f"{base}/escalations/{call.id}"
    assert f"{base}/search" not in links(supervisor.get(page)), "there is still something to try"
    assert log in links(supervisor.get(page))
    tries = 0
    while "Not yet. Still to be tried" in said(supervisor.get(f"{base}/search")):
        tries += 1
        assert tries < 12
        bridger.goes_to(log, mode=("visit", "call", "text")[tries % 3], outcome="no_answer", once=str(tries))
        clock.advance(timedelta(hours=11))
    assert f"{base}/search" in links(supervisor.get(page))
    supervisor.goes_to(f"{base}/search", note="All of it", once="b")
    assert f"{base}/search" not in links(supervisor.get(page)), "it is on already"


def links(page: Page) -> list[str]:
    """Where a page leads."""
    return [a.attributes["href"] for a in page.all("a")]


# --- rest and go on


def test_on_hold_and_on_again_with_the_new_discharge(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    clock.advance(timedelta(hours=5))
    supervisor, base = town.browser("supervisor"), f"/referrals/{referral_id}"
    assert (
        supervisor.post(base + "/hold", reason="", since="", where="", return_on="", note="", once="a").status_code
        == 422
    )
    future = supervisor.post(base + "/hold", reason="in_custody", since="2027-01-01T10:00", where="", return_on="",
                             note="", once="b")  # fmt: skip
    assert future.status_code == 422
    assert "This time has not come yet" in future.text
    for _ in range(2):
        supervisor.goes_to(base + "/hold", reason="in_custody", since="", where="Example Jail", return_on="", note="",
                           once="c")  # fmt: skip
    assert referral(town, referral_id).status is ReferralStatus.ON_HOLD
    clock.advance(timedelta(hours=5))
    missing = supervisor.post(base + "/resume", discharged_at="", note="", once="d")
    assert missing.status_code == 422
    assert "Enter when the person left" in missing.text
    supervisor.goes_to(base + "/resume", discharged_at="2026-11-03T18:00", note="", once="e")
    row = referral(town, referral_id)
    assert (row.status, row.cycle) == (ReferralStatus.IN_PROGRESS, 2)


def test_a_hold_by_mistake_is_taken_back(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    with engine.transaction() as session:
        holds.put_on_hold(session, town.actor("supervisor"), referral_id, HoldReason.READMITTED)
    supervisor = town.browser("supervisor")
    supervisor.goes_to(f"/referrals/{referral_id}/undo-hold", why="Another person", once="a")
    assert referral(town, referral_id).status is ReferralStatus.IN_PROGRESS


# --- endings


def test_closing_says_what_stops_and_can_be_taken_back(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    supervisor, base = town.browser("supervisor"), f"/referrals/{referral_id}"
    assert "will not happen any more" in said(supervisor.get(base + "/close"))
    for _ in range(2):
        supervisor.goes_to(base + "/close", reason="services_received_completed", note="Housed", once="a")
    assert referral(town, referral_id).closure_reason is ClosureReason.SERVICES_RECEIVED
    text = said(supervisor.get(base))
    assert "The referrer hears how it ended, as far as the person agreed. Now" in text
    assert "less than a minute late" not in text, "what happens by itself is not late the moment it is asked for"
    supervisor.goes_to(base + "/undo", why="The wrong person", once="b")
    row = referral(town, referral_id)
    assert (row.status, row.bridger_id) == (ReferralStatus.IN_PROGRESS, town.staff["bridger"])


def test_what_came_of_it_is_for_the_program_and_the_page_says_so(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    browser, path = town.browser("supervisor"), f"/referrals/{referral_id}/close"
    assert "The closing report tells the reason and the figures, never these words." in said(browser.get(path))
    browser.goes_to(path, reason="services_received_completed", note="Her sister drives her", once="a")
    town.keep_appointments()
    report = said(town.browser("planner").get(f"/referrals/{referral_id}/report"))
    assert "Services received, completed." in report
    assert "Her sister" not in report


def test_a_death_is_not_a_reason_to_close_but_a_page_of_its_own(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    supervisor, base = town.browser("supervisor"), f"/referrals/{referral_id}"
    answer = supervisor.post(base + "/close", reason="deceased", note="", once="a")
    assert answer.status_code == 422
    assert "Record the death instead" in answer.text
    supervisor.goes_to(base + "/death", died_at="", once="b")
    assert referral(town, referral_id).closure_reason is ClosureReason.DECEASED


def test_the_plan_is_extended_until_a_day(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/extend"
    past = supervisor.post(here, until="2026-11-01", why="x", once="a")
    assert past.status_code == 422
    supervisor.goes_to(here, until="2027-05-01", why="Not settled yet", once="b")
    finish = referral(town, referral_id).finish_at
    assert finish is not None
    assert finish.isoformat().startswith("2027-05-02T0"), "the end of that day where the person is"


def test_only_those_in_charge_decide(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    for path in ("accept", "reject", "cancel", "waive", "rhythm", "search", "close", "extend", "undo", "assign"):
        town.browser("bridger").get(f"/referrals/{referral_id}/{path}", 403)
        town.browser("stranger").get(f"/referrals/{referral_id}/{path}", 404)
        town.browser("admin").get(f"/referrals/{referral_id}/{path}", 403)
    town.browser("second").get(f"/referrals/{referral_id}/hold", 404)


# --- assigning


def test_every_candidate_has_reasons_and_what_is_private_stays_private(town: Bridging) -> None:
    referral_id = town.refer("Ada", bridger=None)
    person_id = referral(town, referral_id).person_id
    with engine.transaction() as session:
        staff.declare_conflict(
            session, town.actor("supervisor"), referral_id, town.staff["second"], "was married to her"
        )
    assert town.rows(Bridger, Bridger.staff_id == town.staff["second"])[0].conflicts[0]["person_id"] == person_id
    supervisor = town.browser("supervisor")
    text = said(supervisor.get(f"/referrals/{referral_id}/assign"))
    fits, out = text.split("Who cannot be asked, and why")
    assert "Bridger Pretend" in fits
    assert "Speaks English." in fits
    assert "0 of at most 15 people" in fits
    assert "Second Pretend" in out
    assert "Not available for this person." in out
    assert "married" not in text
    assert "conflict" not in text.lower()
    page = supervisor.get(f"/referrals/{referral_id}/assign/{town.staff['second']}")
    assert "This cannot be set aside." in said(page)
    refused = supervisor.post(f"/referrals/{referral_id}/assign/{town.staff['second']}", override_reason="all the same")
    assert refused.status_code == 409


def test_a_bridger_is_assigned_once_and_what_happens_now_is_said(town: Bridging) -> None:
    referral_id = town.refer("Ada", bridger=None)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/assign/{town.staff['bridger']}"
    assert "The referrer hears who the bridger is." in said(supervisor.get(here))
    for _ in range(2):
        assert supervisor.goes_to(here) == f"/referrals/{referral_id}/assigned"
    assert len(town.rows(Assignment)) == 1
    text = said(supervisor.get(f"/referrals/{referral_id}/assigned"))
    assert "Bridger Pretend has Ada now" in text
    assert "Bridger Pretend was told, and so was the referrer." in text


def test_what_may_be_set_aside_needs_a_reason_beside_the_field(town: Bridging) -> None:
    referral_id = town.refer("Ada", bridger=None, person={"language": "vi", "language_strength": Strength.HARD})
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/assign/{town.staff['bridger']}"
    refused = supervisor.post(here, override_reason="")
    assert refused.status_code == 422
    assert 'id="override_reason-error"' in refused.text
    supervisor.goes_to(here, override_reason="She brings her sister to interpret")
    row = town.rows(Assignment)[0]
    assert (row.override_by, row.override_reason) == (town.staff["supervisor"], "She brings her sister to interpret")


def test_assigning_asks_a_bounded_number_of_questions(town: Bridging) -> None:
    referral_id = town.refer("Ada", bridger=None)
    supervisor, here = town.browser("supervisor"), f"/referrals/{referral_id}/assign"
    with counted_queries() as few:
        supervisor.get(here)
    with engine.transaction() as session:
        hand = system_actor(session.get_one(Staff, town.staff["manager"]).program_id)
        for number in range(6):
            staff.add_staff(session, hand, email=f"more{number}@program.example", name=f"More {number}",
                            roles=[Role.BRIDGER])  # fmt: skip
    with counted_queries() as many:
        supervisor.get(here)
    assert len(many) == len(few) <= 30


def test_nobody_of_another_program_can_be_assigned(town: Bridging) -> None:
    referral_id = town.refer("Ada", bridger=None)
    answer = town.browser("supervisor").post(f"/referrals/{referral_id}/assign/{town.staff['stranger']}")
    assert answer.status_code == 404
    assert town.rows(Person)[0].given_name == "Ada"
    assert town.rows(Assignment) == []
