"""Logging a contact from a phone: two taps, once however often sent, and what it leads to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.vocabulary import (
    ContactState,
    HoldReason,
    Mode,
    Outcome,
    ReferralStatus,
    SafetyFlag,
)
from records import clock, engine
from records.commands import holds
from records.tables import JournalEntry, Referral
from tests.pages.bridging import NOW, Bridging, Browser, attempts, begin, contact, said
from tests.pages.harness import check_page

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def chosen_beforehand(bridger: Browser, log: str) -> dict[str, str]:
    """What the form sends when only an outcome is tapped."""
    page = bridger.get(bridger.fetch(log).headers.get("location", log))
    return {
        i.attributes["name"]: i.attributes["value"]
        for i in page.all("input")
        if i.attributes.get("name") in ("once", "usual") or "checked" in i.attributes
    }


@pytest.mark.postgresql
def test_two_taps_from_today_log_a_contact(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    today = bridger.get("/today")
    first = next(a.attributes["href"] for a in today.all("a") if "/log?contact=" in a.attributes["href"])
    address, _ = form_of(bridger, first)
    page = bridger.get(address)
    form = next(f for f in page.all("form") if f.attributes["action"] == first)
    sent = {
        one.attributes["name"]: one.attributes.get("value", "")
        for one in page.inside(form)
        if one.tag == "input"
        and one.attributes["name"] != "csrf_token"
        and (one.attributes.get("type") != "radio" or "checked" in one.attributes)
    }
    second = next(b for b in page.all("button") if b.attributes.get("value") == "reached")
    after = bridger.follow(first, **sent, outcome=second.attributes["value"])
    assert "Warm handoff on the day met" in said(after)
    assert "First contact met" in said(after), "one talk meets every window that holds it"
    row = attempts(town, referral_id)[0]
    assert (row.mode, row.outcome, row.at) == (Mode.CALL, Outcome.REACHED, clock.now())


@pytest.mark.postgresql
def test_the_same_form_sent_twice_is_one_entry(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    log = f"/referrals/{referral_id}/log"
    once = bridger.goes_to(log, mode="call", outcome="no_answer", once="same")
    assert bridger.goes_to(log, mode="call", outcome="no_answer", once="same") == once
    assert len(attempts(town, referral_id)) == 1
    bridger.goes_to(log, mode="call", outcome="no_answer", once="another")
    assert len(attempts(town, referral_id)) == 2, "two calls nobody answered are two tries"


def form_of(bridger: Browser, address: str) -> tuple[str, dict[str, str]]:
    """The form that somebody sees who goes to an address, and the address that their browser shows then."""
    answer = bridger.fetch(address)
    shown = answer.headers["location"] if answer.status_code == 303 else address
    page = bridger.get(shown)
    once = next(i for i in page.all("input") if i.attributes.get("name") == "once")
    return shown, {"once": once.attributes["value"], "mode": "call"}


def test_going_back_to_the_form_and_tapping_again_is_the_same_entry(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger, log = town.browser("bridger"), f"/referrals/{referral_id}/log"
    address, form = form_of(bridger, log)
    first = bridger.goes_to(log, **form, outcome="no_answer")
    clock.advance(timedelta(minutes=2))
    back, again = form_of(bridger, address)
    assert (back, again) == (address, form)
    page = bridger.follow(log, **again, outcome="no_answer")
    assert "This form was saved already, and it is one entry." in said(page)
    assert len(attempts(town, referral_id)) == 1
    _, fresh = form_of(bridger, log)
    assert bridger.goes_to(log, **fresh, outcome="no_answer") != first
    assert len(attempts(town, referral_id)) == 2, "opened anew it is another try"


@pytest.mark.parametrize("kept", ["", "x", "1-abc", "99999999999-abc", "-abc", "12345"])
def test_an_address_found_open_later_gets_a_new_form(town: Bridging, kept: str) -> None:
    referral_id = town.refer("Ada", left=True)
    address, _ = form_of(town.browser("bridger"), f"/referrals/{referral_id}/log?once={kept}")
    assert not address.endswith(f"once={kept}")


def test_a_form_in_the_address_is_over_after_a_while(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    address, form = form_of(bridger, f"/referrals/{referral_id}/log")
    clock.advance(timedelta(minutes=16))
    later, new = form_of(bridger, address)
    assert later != address
    assert new["once"] != form["once"]


def test_going_back_and_choosing_differently_is_another_entry(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    log = f"/referrals/{referral_id}/log"
    bridger.goes_to(log, mode="call", outcome="no_answer", once="same")
    bridger.goes_to(log, mode="call", outcome="left_message", once="same")
    assert {a.outcome for a in attempts(town, referral_id)} == {Outcome.NO_ANSWER, Outcome.LEFT_MESSAGE}


def test_an_attempt_says_how_many_are_still_wanted(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    chosen = contact(town, referral_id, "first-contact")
    after = town.browser("bridger").follow(
        f"/referrals/{referral_id}/log?contact={chosen.id}", mode="call", outcome="no_answer", once="a"
    )
    assert "1 of 2 tried for First contact, due Wed Nov 4, 10 am. Still to try: one more attempt." in said(after)
    assert "Also open for Ada" in said(after)


def test_what_was_typed_survives_an_error(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    answer = town.browser("bridger").post(
        f"/referrals/{referral_id}/log", mode="visit", outcome="reached", minutes="a lot", note="Met at the park.",
        at="2026-11-03T09:30", once="keep",
    )  # fmt: skip
    assert answer.status_code == 422
    assert "Enter a whole number between 0 and 600." in answer.text
    for kept in ("Met at the park.", 'value="a lot"', 'value="2026-11-03T09:30"', 'name="once" value="keep"'):
        assert kept in answer.text
    assert attempts(town, referral_id) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"at": "2026-11-03T18:00"}, "This time has not come yet."),
        ({"at": "2026-10-01T18:00"}, "Contacts can be entered up to 7 days later."),
        ({"mode": "collateral"}, "is information, not a contact. Choose “News of them”."),
        ({"mode": "visit", "outcome": "wrong_number"}, "A wrong number goes with a call or a text."),
        ({"outcome": "eaten"}, "Choose one of these."),
        ({"mode": ""}, "Choose one of these."),
        ({"surprise": "yes"}, "This form has changed since you opened it."),
    ],
)
def test_what_cannot_be_is_refused_in_words_on_the_same_page(
    town: Bridging, fields: dict[str, str], sentence: str
) -> None:
    referral_id = town.refer("Ada", left=True)
    sent = {"mode": "call", "outcome": "reached", "once": "a"} | fields
    answer = town.browser("bridger").post(f"/referrals/{referral_id}/log", **sent)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "What came of it?" in answer.text
    assert attempts(town, referral_id) == []


@pytest.mark.parametrize(("worked", "stands"), [("visit", "call"), ("video", "video")])
def test_a_visit_is_chosen_by_hand_where_a_call_would_do(town: Bridging, worked: str, stands: str) -> None:
    """Tired, at night, after a call: what stood there beforehand must not count as the visit that is owed."""
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    log = f"/referrals/{referral_id}/log"
    bridger.goes_to(log, mode=worked, outcome="reached", once="a")
    assert chosen_beforehand(bridger, log)["mode"] == stands


def test_a_wrong_number_is_two_taps_though_a_visit_stands_chosen_beforehand(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    log = f"/referrals/{referral_id}/log?contact={contact(town, referral_id, 'face-to-face').id}"
    sent = chosen_beforehand(bridger, log)
    assert sent["mode"] == "visit", "what the contact asks for stands chosen"
    bridger.goes_to(log, **sent, outcome="wrong_number")
    assert attempts(town, referral_id)[-1].mode is Mode.CALL


def test_the_summary_names_the_field_that_it_speaks_of(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    sent = {"mode": "", "outcome": "", "minutes": "a lot", "once": "a"}
    page = check_page(town.browser("bridger").post(f"/referrals/{referral_id}/log", **sent).text)
    summary = next(one for one in page.elements if one.attributes.get("id") == "error-summary")
    assert [" ".join(one.text.split()) for one in page.inside(summary) if one.tag == "a"] == [
        "How? Choose one of these.",
        "Minutes: enter a whole number between 0 and 600.",
        "What came of it? Choose one of these.",
    ]


def test_back_dating_is_marked_and_counts_when_it_happened(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    town.time_passes(hours=25)
    after = town.browser("bridger").follow(
        f"/referrals/{referral_id}/log", mode="call", outcome="reached", at="2026-11-03T12:00", once="a"
    )
    assert "Late entry" in said(after)
    assert contact(town, referral_id, "first-contact").state is ContactState.MET


def test_with_no_voicemail_nobody_is_invited_to_leave_one(town: Bridging) -> None:
    flagged = town.refer("Ada", left=True, person={"safety_flags": [SafetyFlag.NO_VOICEMAIL]})
    page = town.browser("bridger").get(form_of(town.browser("bridger"), f"/referrals/{flagged}/log")[0])
    assert "left_message" not in [b.attributes.get("value") for b in page.all("button")]
    assert "Do not leave voicemail." in said(page)
    unflagged = town.refer("Bo", left=True)
    free = town.browser("bridger").get(form_of(town.browser("bridger"), f"/referrals/{unflagged}/log")[0])
    assert "left_message" in [b.attributes.get("value") for b in free.all("button")]


def test_call_later_asks_when_and_keeps_it(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger, log = town.browser("bridger"), f"/referrals/{referral_id}/log"
    asked = bridger.post(log, mode="call", outcome="call_later", note="Busy cooking.", once="a")
    assert asked.status_code == 200
    assert "This evening, 6 pm" in asked.text
    assert 'name="note" value="Busy cooking."' in asked.text
    assert attempts(town, referral_id) == [], "nothing is saved before the time is known"
    refused = bridger.post(log, mode="call", outcome="call_later", call_back_at="2026-11-03T09:00", once="a")
    assert refused.status_code == 422
    assert "This time has passed." in refused.text
    after = bridger.follow(
        log, mode="call", outcome="call_later", call_back_at="2026-11-03T18:00", note="Busy cooking.", once="a"
    )
    assert "You call back Tue Nov 3, 6 pm" in said(after)
    assert attempts(town, referral_id)[0].note == "Busy cooking."


@pytest.mark.parametrize("outcome", ["in_hospital", "in_custody", "declined", "died"])
def test_what_changes_everything_is_said_before_it_is_saved(town: Bridging, outcome: str) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger, log = town.browser("bridger"), f"/referrals/{referral_id}/log"
    asked = bridger.post(log, mode="visit", outcome=outcome, note="Seen there.", once="a")
    assert asked.status_code == 200
    assert "What happens then" in asked.text
    assert attempts(town, referral_id) == []
    fields = {"mode": "visit", "outcome": outcome, "note": "Seen there.", "once": "a", "confirmed": "yes"}
    leads_to = bridger.goes_to(log, **fields)
    assert bridger.goes_to(log, **fields) == leads_to, "a second tap is harmless"
    assert len(attempts(town, referral_id)) == 1
    bridger.get(leads_to)
    status = town.rows(Referral, Referral.id == referral_id)[0].status
    ends = {"declined": ReferralStatus.CANCELLED, "died": ReferralStatus.FAILED}
    assert status is ends.get(outcome, ReferralStatus.ON_HOLD)


@pytest.mark.parametrize("outcome", ["in_hospital", "in_custody"])
def test_word_of_where_somebody_is_was_no_try_to_meet_them_there(town: Bridging, outcome: str) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger, log = town.browser("bridger"), f"/referrals/{referral_id}/log"
    bridger.goes_to(log, mode="collateral", outcome=outcome, note="On the roster.", once="a", confirmed="yes")
    for page in ("/today", f"/referrals/{referral_id}"):
        shown = said(bridger.get(page))
        assert "Meeting where the person is now" in shown
        assert "1 of 2 tried" not in shown
    town.time_passes(hours=2)
    bridger.goes_to(log, mode="visit", outcome="no_answer", note="Not let in.", once="b")
    assert "1 of 2 tried" in said(bridger.get("/today")), "the first visit counts"


def test_an_entry_is_taken_back_with_a_reason_and_only_once(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    page = bridger.follow(f"/referrals/{referral_id}/log", mode="call", outcome="reached", once="a")
    undo = next(a.attributes["href"] for a in page.all("a") if a.attributes["href"].endswith("/take-back"))
    assert "Phone call, reached: we talked, Tue Nov 3, 10 am" in said(bridger.get(undo))
    refused = bridger.post(undo, why="other")
    assert (refused.status_code, "Write a few words here." in refused.text) == (422, True)
    bridger.goes_to(undo, why="wrong_person")
    bridger.goes_to(undo, why="wrong_person")
    assert [a.is_retracted for a in attempts(town, referral_id)] == [True]
    assert contact(town, referral_id, "first-contact").state is ContactState.PLANNED
    events = town.rows(JournalEntry, JournalEntry.stream == referral_id, JournalEntry.event == "attempt.retracted")
    assert len(events) == 1
    back = f"/referrals/{referral_id}/attempts/{attempts(town, referral_id)[0].id}/take-back"
    answer = town.browser("second").post(back, why="twice")
    assert answer.status_code == 404, "who may not see it is not told that it was taken back"


def test_nobody_takes_back_what_a_colleague_entered(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    town.browser("supervisor").goes_to(f"/referrals/{referral_id}/log", mode="call", outcome="reached", once="a")
    entry = attempts(town, referral_id)[0].id
    answer = town.browser("bridger").post(f"/referrals/{referral_id}/attempts/{entry}/take-back", why="twice")
    assert answer.status_code == 409
    assert not attempts(town, referral_id)[0].is_retracted


def test_a_check_on_the_plan_is_ticked_off(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    check = contact(town, referral_id, "appointment-check")
    path = f"/referrals/{referral_id}/contacts/{check.id}/done"
    bridger = town.browser("bridger")
    assert "First appointment and releases are settled" in said(bridger.get(path))
    bridger.goes_to(path, note="Thursday at nine.")
    bridger.goes_to(path, note="Thursday at nine.")
    assert contact(town, referral_id, "appointment-check").state is ContactState.MET


def test_on_hold_nothing_is_overdue_and_the_page_says_so(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    with engine.transaction() as session:
        holds.put_on_hold(
            session, town.actor("planner"), referral_id, HoldReason.IN_CUSTODY, where="Example County Jail"
        )
    town.time_passes(days=5)
    text = said(town.browser("bridger").get(f"/referrals/{referral_id}"))
    assert "On hold" in text
    assert "In custody, Example County Jail" in text
    assert "They are out again: go on" in text


@pytest.mark.postgresql
def test_two_thumbs_in_the_same_moment_make_one_entry(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    start = threading.Barrier(4)

    def tap(_: int) -> str:
        start.wait()
        return bridger.goes_to(f"/referrals/{referral_id}/log", mode="call", outcome="no_answer", once="same")

    with ThreadPoolExecutor(4) as taps:
        assert len(set(taps.map(tap, range(4)))) == 1
    assert len(attempts(town, referral_id)) == 1
