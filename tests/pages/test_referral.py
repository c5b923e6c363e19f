"""A person's page, whose it is, and the small changes made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from api.filters import local
from domain.vocabulary import (
    ConsentStatus,
    Disposition,
    PhoneKind,
    RiskFlag,
    SafetyFlag,
)
from records import clock, engine, journal
from records.commands import assignments, changes, discharges
from records.commands.people import Phone
from records.tables import Bridger, Escalation, JournalEntry, Person, Reading, Referral
from tests.pages.bridging import NOW, Bridging, attempts, begin, contact, counted_queries, said

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


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
    assert "somebody else answered a call there. Do not call it until somebody clears it. Correct it" in said(page)
    assert "tel:+12125550123" not in [a.attributes["href"] for a in page.all("a")]


def test_what_happens_next_names_who_is_told_and_when(town: Bridging) -> None:
    text = said(town.browser("bridger").get(f"/referrals/{town.refer('Ada', left=True)}"))
    told = "If nothing is logged by the end of Tue Nov 3, Supervisor Pretend, supervisor on duty, is told."
    assert told in text
    assert "Warm handoff on the day" in text


def test_what_the_page_says_will_happen_is_what_happens(town: Bridging) -> None:
    """The sentence comes from the rules that run: whoever it names is whoever is told."""
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    bridger.goes_to(f"/referrals/{referral_id}/concern", note="Worried.", once="a")
    promised = (
        "If nobody takes it by Tue Nov 3, 10:15 am, Supervisor Pretend, supervisor on duty, "
        "and Manager Pretend, program manager, are told too."
    )
    assert promised in said(bridger.get(f"/referrals/{referral_id}"))
    town.time_passes(minutes=16)
    calls = sorted(town.rows(Escalation, Escalation.referral_id == referral_id), key=lambda call: call.rung)
    assert [one["name"] for one in calls[1].told] == ["Supervisor Pretend", "Manager Pretend"]


def test_whoever_reads_is_you(town: Bridging) -> None:
    text = said(town.browser("supervisor").get(f"/referrals/{town.refer('Ada', left=True)}"))
    assert "If nothing is logged by the end of Tue Nov 3, you are told." in text


def test_a_call_to_the_reader_stands_once_on_the_page(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    town.browser("bridger").goes_to(f"/referrals/{referral_id}/concern", note="Worried.", once="a")
    clinician, supervisor = (
        town.browser(name).get(f"/referrals/{referral_id}") for name in ("clinician", "supervisor")
    )
    assert "Why you were told" in said(clinician)
    assert "told: Clinician Pretend" in said(clinician)
    assert "Calls for other people" not in said(clinician), "the only call is theirs, and stands above"
    assert "Why you were told" not in said(supervisor)
    assert "Calls for other people" in said(supervisor)


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
@pytest.mark.parametrize("who", ["bridger", "planner"])
def test_every_day_stands_once_in_the_timeline_though_somebody_heard_late(town: Bridging, who: str) -> None:
    referral_id = town.refer("Ada")
    clock.advance(timedelta(days=2))
    with engine.transaction() as session:
        left_at = clock.now() - timedelta(days=1)
        changes.add_note(session, town.actor("planner"), referral_id, "Nobody knows yet whether they left")
        discharges.record_discharge(session, town.actor("planner"), referral_id, left_at, Disposition.HOME)
        changes.add_note(session, town.actor("planner"), referral_id, "Took the bus")
    page = town.browser(who).get(f"/referrals/{referral_id}?more=1")
    days = [h.text for h in page.all("h3") if "fb-timeline__day" in h.attributes.get("class", "")]
    assert [day.split(",")[0] for day in days] == ["Thu Nov 5", "Wed Nov 4", "Tue Nov 3"]


@pytest.mark.postgresql
def test_what_happens_again_and_again_leaves_room_in_the_timeline(town: Bridging) -> None:
    """Nobody can be asked and nobody answers for three weeks: more than what a page reads of a journal."""
    with engine.transaction() as session:
        for bridger in session.exec(select(Bridger)):
            bridger.is_taking_people = False
    referral_id = town.refer("Ada", bridger=None)
    town.time_passes(days=21)
    told = town.rows(JournalEntry, JournalEntry.stream == referral_id)
    asked = sorted(e.at for e in told if e.event == "offers.exhausted")
    repeated = Counter(e.subject_id for e in told if e.event == "escalation.repeated")
    assert len(asked) + repeated.total() > 180, "the test must see some"
    browser = town.browser("supervisor")
    page = browser.get(f"/referrals/{referral_id}?more=yes")
    lines = [" ".join(p.text.split()) for p in page.all("p") if p.attributes.get("class") == "fb-entry__sentence"]
    assert len([line for line in lines if line.startswith("No bridger can be asked now: ")]) == 1
    assert lines.count("Still open: told again.") == len(repeated)
    assert "Referral filed." in lines
    assert f"{len(asked)} times, first {local(asked[0], 'America/New_York')}" in said(page)
    assert f"{max(repeated.values())} times" in said(page)


def test_every_look_at_the_record_is_written_down(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    bridger = town.browser("bridger")
    for _ in range(3):
        bridger.get(f"/referrals/{referral_id}")
    town.browser("supervisor").get(f"/referrals/{referral_id}")
    looks = sorted(town.rows(Reading, Reading.referral_id == referral_id), key=lambda look: look.seq)
    assert [look.staff_id for look in looks] == [town.staff["bridger"]] * 3 + [town.staff["supervisor"]]
    assert {look.route for look in looks} == {"GET /referrals/{referral_id}"}
    assert all(look.key.startswith("session ") and look.address for look in looks)
    entries = town.rows(JournalEntry, JournalEntry.stream == referral_id)
    head = town.rows(Referral, Referral.id == referral_id)[0].journal_head
    assert journal.verify(sorted(entries, key=lambda e: e.seq), head=head) == []


@pytest.mark.parametrize("who", ["bridger", "supervisor", "planner"])
def test_the_page_asks_a_bounded_number_of_queries(town: Bridging, who: str) -> None:
    referral_id = town.refer("Ada", left=True, risks=[RiskFlag.SUICIDE_RISK])
    town.time_passes(days=30)  # many contacts missed, many calls raised
    browser = town.browser(who)
    browser.get(f"/referrals/{referral_id}")
    with counted_queries() as asked:
        browser.get(f"/referrals/{referral_id}?more=yes")
    assert len(asked) <= 28, "\n".join(asked)


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


def test_handing_over_leaves_three_days_to_read_and_nothing_to_do(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    town.browser("bridger").get(f"/referrals/{referral_id}")
    with engine.transaction() as session:
        assignments.assign(session, town.actor("supervisor"), referral_id, town.staff["second"])
    page = town.browser("bridger").get(f"/referrals/{referral_id}")
    assert "You can read this record until Fri Nov 6, 10 am, and nothing more" in said(page)
    assert not [a for a in page.all("a") if a.attributes.get("href", "").startswith(f"/referrals/{referral_id}/")]
    town.browser("bridger").get(f"/referrals/{referral_id}/log", status=403)
    town.browser("second").get(f"/referrals/{referral_id}")
    clock.advance(timedelta(hours=73))
    town.browser("bridger").get(f"/referrals/{referral_id}", status=404)


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
        ("supervisor", {"/note", "/hold", "/assign", "/close", "/extend"}, {"/another-bridger", "/undo", "/search"}),
    ],
)
def test_each_role_is_offered_what_it_may_do(town: Bridging, who: str, offered: set[str], withheld: set[str]) -> None:
    referral_id = town.refer("Ada", left=True)
    page = town.browser(who).get(f"/referrals/{referral_id}")
    links = {a.attributes["href"].removeprefix(f"/referrals/{referral_id}") for a in page.all("a")}
    assert offered <= links
    assert not withheld & links


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
    assert "Thu Nov 5, 2:30 pm, Main entrance" in said(page)
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
    bridger.get(f"/referrals/{referral_id}", status=200 if reason == "bridger_asked" else 404)
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
