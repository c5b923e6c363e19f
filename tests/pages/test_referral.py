"""A person's page, logging a contact from it, and a safety concern."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import col

from domain.vocabulary import (
    ConsentStatus,
    ContactState,
    EscalationState,
    HoldReason,
    Mode,
    Outcome,
    PhoneKind,
    ReferralStatus,
    RiskFlag,
    SafetyFlag,
    Subject,
)
from records import clock, engine, journal
from records.commands import assignments, holds
from records.commands.people import Phone
from records.tables import Attempt, Contact, Escalation, JournalEntry, Person, Referral
from tests.pages.bridging import NOW, Bridging, begin, counted_queries, said

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def attempts(town: Bridging, referral_id: str) -> list[Attempt]:
    return town.rows(Attempt, Attempt.referral_id == referral_id)


def contact(town: Bridging, referral_id: str, key: str) -> Contact:
    found: Contact = town.rows(Contact, Contact.referral_id == referral_id, Contact.key == key)[0]
    return found


# --- the page


def test_safety_comes_before_the_name_and_everything_else(town: Bridging) -> None:
    flags = {"safety_flags": [SafetyFlag.VISIT_IN_PAIRS], "safety_note": "Large dog in the yard"}
    page = town.browser("bridger").get(f"/referrals/{town.refer('Ada', person=flags)}")
    text = said(page)
    assert text.startswith("Before you go Visit in pairs.Large dog in the yard")
    assert text.index("Large dog") < text.index("Ada Sample")


def test_numbers_and_places_are_links_that_a_phone_opens(town: Bridging) -> None:
    page = town.browser("bridger").get(f"/referrals/{town.refer('Ada')}")
    links = [a.attributes["href"] for a in page.all("a")]
    assert "tel:+12125550123" in links
    assert any("maps" in link and "40+Example+Avenue" in link for link in links)
    assert "voicemail ok · text ok" in said(page)


@pytest.mark.parametrize("flags", [[SafetyFlag.NO_VOICEMAIL], []])
def test_do_not_leave_voicemail_is_said_for_the_person_or_for_the_number(
    town: Bridging, flags: list[SafetyFlag]
) -> None:
    number = Phone("(212) 555-0123", PhoneKind.SHARED, may_voicemail=bool(flags), may_text=False)
    referral_id = town.refer("Ada", person={"phones": [number], "safety_flags": flags})
    page = town.browser("bridger").get(f"/referrals/{referral_id}")
    assert "Shared phone · Do not leave voicemail · no texts" in said(page)


def test_a_number_found_wrong_is_no_link_any_more(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    bridger.goes_to(f"/referrals/{referral_id}/log", mode="call", outcome="wrong_number", once="a")
    page = bridger.get(f"/referrals/{referral_id}")
    assert "Wrong number: do not call until somebody corrects it" in said(page)
    assert "tel:+12125550123" not in [a.attributes["href"] for a in page.all("a")]


def test_what_happens_next_names_who_is_told_and_when(town: Bridging) -> None:
    text = said(town.browser("bridger").get(f"/referrals/{town.refer('Ada', left=True)}"))
    told = "If nothing is logged by the end of Tue 3 Nov, Supervisor Pretend, supervisor on duty, is told."
    assert told in text
    assert "Warm handoff on the day" in text


def test_what_the_page_says_will_happen_is_what_happens(town: Bridging) -> None:
    """The sentence comes from the rules that run: whoever it names is whoever is told."""
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    bridger.goes_to(f"/referrals/{referral_id}/concern", note="Worried.", once="a")
    promised = (
        "If nobody takes it by Tue 3 Nov, 10:15 am, Supervisor Pretend, supervisor on duty, "
        "and Manager Pretend, program manager, are told too."
    )
    assert promised in said(bridger.get(f"/referrals/{referral_id}"))
    town.time_passes(minutes=16)
    calls = sorted(town.rows(Escalation, Escalation.referral_id == referral_id), key=lambda call: call.rung)
    assert [one["name"] for one in calls[1].told] == ["Supervisor Pretend", "Manager Pretend"]


def test_whoever_reads_is_you(town: Bridging) -> None:
    text = said(town.browser("supervisor").get(f"/referrals/{town.refer('Ada', left=True)}"))
    assert "If nothing is logged by the end of Tue 3 Nov, you are told." in text


def test_the_timeline_is_filtered_and_marks_late_entries(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    town.time_passes(hours=20)
    bridger = town.browser("bridger")
    bridger.goes_to(f"/referrals/{referral_id}/log", mode="call", outcome="reached", at="2026-11-03T11:00", once="a")
    bridger.goes_to(f"/referrals/{referral_id}/note", note="Likes chess.", once="b")
    base = f"/referrals/{referral_id}?more=yes&show="

    def lines(show: str) -> list[str]:
        page = bridger.get(base + show)
        return [" ".join(p.text.split()) for p in page.all("p") if p.attributes.get("class") == "fb-entry__sentence"]

    assert "Phone call, reached: we talked. Late entry" in lines("contacts")
    assert lines("notes") == ["Note."]
    assert "Referral filed." in lines("system")
    assert not set(lines("contacts")) & (set(lines("notes")) | set(lines("system")))
    assert sorted(lines("all")) == sorted(lines("contacts") + lines("notes") + lines("system"))
    assert "Likes chess." in said(bridger.get(base + "notes"))


@pytest.mark.postgresql
def test_opening_the_record_is_journalled_once_a_look(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    bridger = town.browser("bridger")
    for _ in range(3):
        bridger.get(f"/referrals/{referral_id}")
    town.browser("supervisor").get(f"/referrals/{referral_id}")
    looks = town.rows(JournalEntry, JournalEntry.stream == referral_id, JournalEntry.event == "record.viewed")
    assert [look.actor for look in looks] == [town.staff["bridger"], town.staff["supervisor"]]
    entries = town.rows(JournalEntry, JournalEntry.stream == referral_id)
    head = town.rows(Referral, Referral.id == referral_id)[0].journal_head
    assert journal.verify(sorted(entries, key=lambda e: e.seq), head=head) == []
    assert "The record was opened" not in said(bridger.get(f"/referrals/{referral_id}?more=yes"))


@pytest.mark.parametrize("who", ["bridger", "supervisor", "planner"])
def test_the_page_asks_a_bounded_number_of_queries(town: Bridging, who: str) -> None:
    referral_id = town.refer("Ada", left=True, risks=[RiskFlag.SUICIDE_RISK])
    town.time_passes(days=30)  # many contacts missed, many calls raised
    browser = town.browser(who)
    browser.get(f"/referrals/{referral_id}")
    with counted_queries() as asked:
        browser.get(f"/referrals/{referral_id}?more=yes")
    assert len(asked) <= 25, "\n".join(asked)


def test_the_page_of_a_long_case_stays_small(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    town.time_passes(days=30)
    assert len(town.browser("bridger").fetch(f"/referrals/{referral_id}").content) < 60_000
    assert len(town.browser("bridger").fetch(f"/referrals/{referral_id}/log").content) < 15_000


# --- whose it is


def test_other_bridgers_do_not_find_it(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    for path in ("", "/log", "/note", "/concern", "/meeting", "/another-bridger"):
        town.browser("second").get(f"/referrals/{referral_id}{path}", status=404)
    answer = town.browser("second").post(f"/referrals/{referral_id}/log", mode="call", outcome="reached", once="a")
    assert answer.status_code == 404
    assert attempts(town, referral_id) == []


def test_handing_over_ends_access_at_once(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    town.browser("bridger").get(f"/referrals/{referral_id}")
    with engine.transaction() as session:
        assignments.assign(session, town.actor("supervisor"), referral_id, town.staff["second"])
    town.browser("bridger").get(f"/referrals/{referral_id}", status=404)
    town.browser("second").get(f"/referrals/{referral_id}")


def test_planners_read_where_it_stands_and_no_contact_notes(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    secret = "Cried about the brother."
    town.browser("bridger").goes_to(
        f"/referrals/{referral_id}/log", mode="call", outcome="reached", note=secret, once="a"
    )
    assert secret in said(town.browser("supervisor").get(f"/referrals/{referral_id}?more=yes"))
    text = said(town.browser("planner").get(f"/referrals/{referral_id}?more=yes"))
    assert "Bridger named, done" in text
    assert secret not in text
    town.browser("planner").get(f"/referrals/{referral_id}/log", status=403)


@pytest.mark.parametrize(
    ("who", "offered", "withheld"),
    [
        (
            "bridger",
            {"/note", "/meeting", "/appointment", "/hold", "/another-bridger"},
            {"/assign", "/close", "/extend"},
        ),
        ("supervisor", {"/note", "/hold", "/assign", "/close", "/extend", "/search"}, {"/another-bridger", "/undo"}),
    ],
)
def test_each_role_is_offered_what_it_may_do(town: Bridging, who: str, offered: set[str], withheld: set[str]) -> None:
    referral_id = town.refer("Ada", left=True)
    page = town.browser(who).get(f"/referrals/{referral_id}")
    links = {a.attributes["href"].removeprefix(f"/referrals/{referral_id}") for a in page.all("a")}
    assert offered <= links
    assert not withheld & links


# --- logging


@pytest.mark.postgresql
def test_two_taps_from_today_log_a_contact(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    today = bridger.get("/today")
    first = next(a.attributes["href"] for a in today.all("a") if "/log?contact=" in a.attributes["href"])
    page = bridger.get(first)
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
    assert "1 of 2 tried for First contact, due Wed 4 Nov, 10:00 am. Still to try: one more attempt." in said(after)
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
        ({"mode": "collateral"}, "is information, not a contact"),
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
    page = town.browser("bridger").get(f"/referrals/{flagged}/log")
    assert "left_message" not in [b.attributes.get("value") for b in page.all("button")]
    assert "Do not leave voicemail." in said(page)
    free = town.browser("bridger").get(f"/referrals/{town.refer('Bo', left=True)}/log")
    assert "left_message" in [b.attributes.get("value") for b in free.all("button")]


def test_call_later_asks_when_and_keeps_it(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger, log = town.browser("bridger"), f"/referrals/{referral_id}/log"
    asked = bridger.post(log, mode="call", outcome="call_later", note="Busy cooking.", once="a")
    assert asked.status_code == 200
    assert "This evening, 6:00 pm" in asked.text
    assert 'name="note" value="Busy cooking."' in asked.text
    assert attempts(town, referral_id) == [], "nothing is saved before the time is known"
    refused = bridger.post(log, mode="call", outcome="call_later", call_back_at="2026-11-03T09:00", once="a")
    assert refused.status_code == 422
    assert "This time has passed." in refused.text
    after = bridger.follow(
        log, mode="call", outcome="call_later", call_back_at="2026-11-03T18:00", note="Busy cooking.", once="a"
    )
    assert "You call back Tue 3 Nov, 6:00 pm" in said(after)
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


def test_an_entry_is_taken_back_with_a_reason_and_only_once(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    page = bridger.follow(f"/referrals/{referral_id}/log", mode="call", outcome="reached", once="a")
    undo = next(a.attributes["href"] for a in page.all("a") if a.attributes["href"].endswith("/take-back"))
    assert "Phone call, reached: we talked, Tue 3 Nov, 10:00 am" in said(bridger.get(undo))
    refused = bridger.post(undo, why="other")
    assert (refused.status_code, "Write a few words here." in refused.text) == (422, True)
    bridger.goes_to(undo, why="wrong_person")
    bridger.goes_to(undo, why="wrong_person")
    assert [a.is_retracted for a in attempts(town, referral_id)] == [True]
    assert contact(town, referral_id, "first-contact").state is ContactState.PLANNED
    events = town.rows(JournalEntry, JournalEntry.stream == referral_id, JournalEntry.event == "attempt.retracted")
    assert len(events) == 1


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


# --- a safety concern


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


# --- small changes


def test_a_note_is_written_once_however_often_it_is_sent(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    bridger = town.browser("bridger")
    for _ in range(2):
        bridger.goes_to(f"/referrals/{referral_id}/note", note="Likes chess.", once="a")
    assert len(town.rows(JournalEntry, JournalEntry.stream == referral_id, JournalEntry.event == "note.added")) == 1
    empty = bridger.post(f"/referrals/{referral_id}/note", note="  ", once="b")
    assert (empty.status_code, "Write something here." in empty.text) == (422, True)


@pytest.mark.parametrize(("kind", "field"), [("meeting", "meeting"), ("appointment", "first_appointment")])
def test_meeting_and_appointment_are_kept_in_local_time(town: Bridging, kind: str, field: str) -> None:
    referral_id = town.refer("Ada")
    bridger = town.browser("bridger")
    path = f"/referrals/{referral_id}/{kind}"
    page = bridger.follow(path, at="2026-11-05T14:30", where="Main entrance")
    assert "Thu 5 Nov, 2:30 pm, Main entrance" in said(page)
    row = town.rows(Referral, Referral.id == referral_id)[0]
    assert getattr(row, f"{field}_at").isoformat() == "2026-11-05T19:30:00+00:00"
    assert 'value="2026-11-05T14:30"' in bridger.fetch(path).text
    refused = bridger.post(path, at="20226-11-05T14:30", where="Main entrance")
    assert refused.status_code == 422
    assert 'value="Main entrance"' in refused.text


@pytest.mark.parametrize("reason", ["person_asked", "bridger_asked", "conflict"])
def test_another_bridger_is_asked_for_without_a_reason_and_the_next_is_sought(town: Bridging, reason: str) -> None:
    referral_id = town.refer("Ada", left=True)
    before = contact(town, referral_id, "first-contact").due_at
    bridger = town.browser("bridger")
    assert "Who wishes it?" in said(bridger.get(f"/referrals/{referral_id}/another-bridger"))
    assert bridger.goes_to(f"/referrals/{referral_id}/another-bridger", reason=reason, note="") == "/today"
    bridger.get(f"/referrals/{referral_id}", status=404)
    town.keep_appointments()
    assert "Ada" in said(town.browser("second").get("/offers"))
    assert "Ada" not in said(bridger.get("/offers"))
    assert contact(town, referral_id, "first-contact").due_at == before, "no due time moves"


def test_consent_that_waits_and_a_death_are_plain_to_see(town: Bridging) -> None:
    pending = town.refer("Ada", left=True, consent=ConsentStatus.PENDING)
    assert "Consent pending" in said(town.browser("bridger").get(f"/referrals/{pending}"))
    fields = {"mode": "collateral", "outcome": "died", "confirmed": "yes", "once": "a"}
    assert town.browser("bridger").goes_to(f"/referrals/{pending}/log", **fields) == "/today"
    assert "your supervisor was told" in said(town.browser("bridger").get("/today"))
    text = said(town.browser("supervisor").get(f"/referrals/{pending}"))
    assert "Every reminder and message has stopped." in text
    assert town.rows(Person, col(Person.died_at).is_not(None))


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
