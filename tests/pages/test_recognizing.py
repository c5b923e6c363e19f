"""Likely doubles: shown, never merged without a human; drafts that came from a message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from domain import sensitivity
from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    ReferralStatus,
    Setting,
)
from records import clock, engine
from records.commands import changes, closing, sign_in
from records.tables import JournalEntry, NotDuplicate, Person, Referral, Staff
from tests.pages.bridging import NOW, said
from tests.pages.planning import ADA, Planning, begin, kept, opened, press, upload, value_of

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Planning]:
    with clock.stopped_at(NOW):
        yield begin()


# --- Likely doubles


def test_a_likely_double_is_shown_while_typing_with_only_what_tells_them_apart(town: Planning) -> None:
    town.refer("Ada", person={"birth_on": date(1990, 1, 4), "safety_note": "secret"})
    planner, jailer = town.browser("planner"), town.browser("jailer")
    ours = kept(planner, opened(planner), **(ADA | {"given_name": "Adah"}))
    assert "Somebody on record looks alike" in ours
    assert "the same birth date" in ours
    assert f'href="/referrals/{town.rows(Referral)[0].id}"' in ours
    same = kept(jailer, opened(jailer), **ADA)
    assert "Somebody of another facility" in same
    assert "you say on the next page whether it is the same person" in same
    alike = kept(jailer, opened(jailer), **(ADA | {"given_name": "Adah", "family_name": "Sampel"}))
    assert "Check the spelling; the program compares the two." in alike
    for theirs in (same, alike):
        assert "/referrals/ref_" not in theirs
        for told in ("secret", "555", "Riverside", "psychiatric", "Sample", "supports", town.rows(Referral)[0].number):
            assert told not in theirs


def test_somebody_of_another_facility_is_never_the_answer_unless_they_are_just_as_typed(town: Planning) -> None:
    """Their name is not shown, so nobody can compare: the program does, which sees both."""
    town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known = town.rows(Person)[0].id
    jailer = town.browser("jailer")
    draft = opened(jailer)
    press(jailer, draft, "preview", **(ADA | {"setting": "jail", "family_name": "Sampel"}))
    page = jailer.get(f"/referrals/new/preview?draft={draft}")
    assert "Somebody of another facility looks alike." in said(page)
    assert known not in page.html
    jailer.goes_to("/referrals/new/send", draft=draft, seen=known, who=known)
    assert len(town.rows(Person)) == 2
    assert town.rows(NotDuplicate) == [], "nobody told them apart"
    assert "Sampel" in said(town.browser("supervisor").get("/people/duplicates"))


def test_somebody_else_of_another_facility_is_for_the_program_to_tell_apart(town: Planning) -> None:
    town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known = town.rows(Person)[0].id
    jailer = town.browser("jailer")
    draft = opened(jailer)
    press(jailer, draft, "preview", **(ADA | {"setting": "jail"}))
    shown = said(jailer.get(f"/referrals/new/preview?draft={draft}"))
    assert "The same person as somebody of another facility" in shown
    assert "Choose this too when you cannot tell: the program compares." in shown
    jailer.goes_to("/referrals/new/send", draft=draft, seen=known, who="new")
    assert (len(town.rows(Person)), town.rows(NotDuplicate)) == (2, [])


def test_nobody_is_filed_before_the_question_is_answered(town: Planning) -> None:
    town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known = town.rows(Person)[0].id
    planner = town.browser("planner")
    draft = opened(planner)
    press(planner, draft, "preview", **ADA)
    page = planner.get(f"/referrals/new/preview?draft={draft}")
    assert "Somebody on record looks alike. Who is it?" in said(page)
    assert value_of(page, "who") == "", "no answer is chosen beforehand"
    unseen = planner.post("/referrals/new/send", draft=draft, who="new")
    assert unseen.status_code == 422, "whoever was not shown the likely double has not answered"
    unanswered = planner.post("/referrals/new/send", draft=draft, seen=known)
    assert unanswered.status_code == 422
    assert "Say whether this is one of these people, or somebody else." in unanswered.text
    assert len(town.rows(Referral)) == 1
    planner.goes_to("/referrals/new/send", draft=draft, seen=known, who="new")
    assert len(town.rows(Person)) == 2
    assert len(town.rows(NotDuplicate)) == 1, "they are not suggested to each other again"


def test_the_same_person_with_an_open_referral_here_leads_to_it(town: Planning) -> None:
    referral_id = town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known = town.rows(Person)[0].id
    planner = town.browser("planner")
    draft = opened(planner)
    press(planner, draft, "preview", **ADA)
    page = planner.follow("/referrals/new/send", draft=draft, seen=known, who=known)
    assert "This person has an open referral already: here it is." in said(page)
    assert [r.id for r in town.rows(Referral)] == [referral_id]


def test_the_same_person_referred_elsewhere_is_not_filed_twice_and_both_are_answered(town: Planning) -> None:
    referral_id = town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known = town.rows(Person)[0].id
    jailer = town.browser("jailer")
    for _ in range(2):
        draft = opened(jailer)
        press(jailer, draft, "preview", **(ADA | {"setting": "jail"}))
        page = jailer.follow("/referrals/new/send", draft=draft, seen=known, who=known)
        assert "The program supports this person already, so nothing was filed a second time." in said(page)
    assert len(town.rows(Referral)) == 1
    joined = town.rows(JournalEntry, JournalEntry.stream == referral_id, JournalEntry.event == "referral.joined")
    assert len(joined) == 1
    jailer.get(f"/referrals/{referral_id}", status=404)
    jailer.get(f"/referrals/{referral_id}/report", status=404)
    with engine.transaction() as session:
        closing.close_referral(session, town.actor("supervisor"), referral_id, ClosureReason.OUT_OF_AREA)
    town.time_passes(minutes=1)
    notices = jailer.get("/notifications")
    assert f"/referrals/{referral_id}/report" in [a.attributes["href"] for a in notices.all("a")]
    report = jailer.get(f"/referrals/{referral_id}/report")
    assert "Out of area" in said(report)
    assert f"/referrals/{referral_id}" not in [a.attributes["href"] for a in report.all("a")]
    jailer.get(f"/referrals/{referral_id}", status=404)


def test_somebody_known_from_before_keeps_what_was_known_of_them(town: Planning) -> None:
    referral_id = town.refer("Ada", bridger=None, person={"birth_on": date(1990, 1, 4), "safety_note": "Dog."})
    with engine.transaction() as session:
        closing.close_referral(session, town.actor("supervisor"), referral_id, ClosureReason.OUT_OF_AREA)
    known = town.rows(Person)[0]
    jailer = town.browser("jailer")
    draft = opened(jailer)
    new = ADA | {"setting": "jail", "phones.0.number": "212-555-0188"}
    press(jailer, draft, "preview", **new)
    jailer.goes_to("/referrals/new/send", draft=draft, seen=known.id, who=known.id)
    person = town.rows(Person)[0]
    assert len(town.rows(Person)) == 1
    assert [p["number"] for p in person.phones] == ["+12125550188", "+12125550123"]
    assert (person.full_name, person.safety_note) == ("Ada Sample", "Dog.")
    assert town.rows(Referral, Referral.setting == Setting.JAIL)[0].previous_id == referral_id


def told(town: Planning, who: str, person_id: str) -> Any:
    """A person by the API, as this planner is told of them."""
    with engine.transaction() as session:
        token = sign_in.create_token(session, session.get_one(Staff, town.staff[who]), "tests", 30)
    client = town.browser(who).client
    answer = client.get(f"/api/v1/people/{person_id}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.json(), token, client


def test_who_says_that_it_is_the_same_person_sees_their_own_words_and_nothing_else(town: Planning) -> None:
    first = {"birth_on": date(1990, 1, 4), "safety_note": "Dog.", "preferred_name": "Addie"}
    referral_id = town.refer("Ada", bridger=None, person=first)
    with engine.transaction() as session:
        closing.close_referral(session, town.actor("supervisor"), referral_id, ClosureReason.OUT_OF_AREA)
    known, jailer = town.rows(Person)[0], town.browser("jailer")
    draft = opened(jailer)
    new = ADA | {"setting": "jail", "phones.0.number": "212-555-0188"}
    press(jailer, draft, "preview", **new)
    jailer.goes_to("/referrals/new/send", draft=draft, seen=known.id, who=known.id)
    theirs, token, client = told(town, "jailer", known.id)
    assert [phone["number"] for phone in theirs["phones"]] == ["+12125550188"]
    assert (theirs["safety_note"], theirs["preferred_name"]) == ("", "")
    ours, _, _ = told(town, "planner", known.id)
    assert [phone["number"] for phone in ours["phones"]] == ["+12125550123"], "and the first facility sees its own"
    assert (ours["safety_note"], ours["preferred_name"]) == ("Dog.", "Addie")
    answer = client.patch(
        f"/api/v1/people/{known.id}",
        json={"phones": [{"number": "212-555-0189"}], "preferred_name": "Lovelace"},
        headers={"Authorization": f"Bearer {token}", "If-Match": f'"{theirs["version"]}"'},
    )
    assert (answer.status_code, answer.json()["preferred_name"]) == (200, "Lovelace")
    person = town.rows(Person)[0]
    assert [phone["number"] for phone in person.phones] == ["+12125550189", "+12125550123"], "it took its own away"
    assert (person.preferred_name, person.safety_note) == ("Addie", "Dog."), "what others know stays"


def test_what_a_second_facility_said_is_kept_for_the_program_when_nothing_is_filed(town: Planning) -> None:
    referral_id = town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known, jailer = town.rows(Person)[0].id, town.browser("jailer")
    draft = opened(jailer)
    new = {"setting": "jail", "phones.0.number": "212-555-0188", "needs": "housing", "note": "Asks for his sister."}
    press(jailer, draft, "preview", **(ADA | new))
    jailer.goes_to("/referrals/new/send", draft=draft, seen=known, who=known)
    assert len(town.rows(Referral)) == 1
    page = said(town.browser("bridger").get(f"/referrals/{referral_id}"))
    assert "Also told by Example County Jail" in page
    for words in ("Phone (212) 555-0188", "Housing", "Asks for his sister."):
        assert words in page, words
    assert [phone["number"] for phone in town.rows(Person)[0].phones] == ["+12125550123"], "beside it, not in it"
    assert "0188" not in said(town.browser("planner").get(f"/referrals/{referral_id}"))
    with engine.transaction() as session:
        changes.record_consent(session, town.actor("supervisor"), referral_id, ConsentStatus.REVOKED)
    page = said(town.browser("bridger").get(f"/referrals/{referral_id}"))
    assert "Asks for his sister." not in page
    assert sensitivity.WITHHELD in page


@pytest.mark.parametrize(
    ("known", "typed"),
    [
        ({"family_name": "Sample"}, {"family_name": "Sampelski"}),
        ({"family_name": "Sample"}, {"given_name": "Samplo", "family_name": "Ada"}),
        ({"aliases": ["Lovelace Byron"]}, {"given_name": "Lovelace", "family_name": "Byron"}),
        ({"preferred_name": "Augusta"}, {"given_name": "Augusta", "family_name": "Sample"}),
        ({"given_name": "Adelaide"}, {"given_name": "Adelaid", "family_name": "Quite-Other"}),
    ],
    ids=["spelled alike", "turned around", "an alias", "a preferred name", "the first name alike"],
)
def test_whoever_is_asked_about_on_sending_is_found_by_the_supervisor_too(
    town: Planning, known: dict[str, Any], typed: dict[str, Any]
) -> None:
    town.refer("Ada", person={"birth_on": date(1990, 1, 4)} | known)
    on_record, jailer = town.rows(Person)[0].id, town.browser("jailer")
    draft = opened(jailer)
    press(jailer, draft, "preview", **(ADA | {"setting": "jail"} | typed))
    asked = said(jailer.get(f"/referrals/new/preview?draft={draft}"))
    assert "Somebody of another facility" in asked or "The same person as somebody of another facility" in asked
    jailer.goes_to("/referrals/new/send", draft=draft, seen=on_record, who="new")
    assert len(town.rows(Person)) == 2
    assert on_record in town.browser("supervisor").get("/people/duplicates").html


# --- Drafts that came from a message


def test_a_message_without_a_referral_waits_to_be_completed(town: Planning) -> None:
    referral_id = town.draft_from_message()
    planner = town.browser("planner")
    listed = planner.get("/referrals?show=drafts")
    assert "From a message" in said(listed)
    assert planner.fetch(f"/referrals/{referral_id}").headers["location"] == f"/referrals/new?draft={referral_id}"
    form = planner.get(f"/referrals/new?draft={referral_id}")
    assert (value_of(form, "leaving"), value_of(form, "discharged_at_time")) == ("left", "07:00")
    fields = {
        e.attributes["name"]: e.attributes.get("value", "")
        for e in form.all("input")
        if e.attributes.get("name", "").partition(".")[0] in ("given_name", "family_name", "phones", "area")
        and e.attributes.get("type") != "checkbox"
    }
    sent = fields | {
        "leaving": "left", "discharged_at_on": "2026-11-03", "discharged_at_time": "07:00", "disposition": "home",
        "birth_on_month": "2", "birth_on_day": "3", "birth_on_year": "1980", "setting": "psychiatric_inpatient",
        "consent": "pending", "note": "Called the ward.", "places.0.kind": "home", "places.0.text": "With a cousin",
    }  # fmt: skip
    press(planner, referral_id, "preview", **sent)
    planner.goes_to("/referrals/new/send", draft=referral_id)
    row = town.row(referral_id)
    assert row.status is ReferralStatus.ACCEPTED
    assert (row.needs_note, row.planner_id) == ("Called the ward.", town.staff["planner"])
    assert len(town.rows(Referral)) == 1
    assert planner.fetch(f"/referrals/new?draft={referral_id}").headers["location"] == f"/referrals/{referral_id}"


def test_a_draft_about_somebody_whom_another_facility_referred_ends_as_their_double(town: Planning) -> None:
    referral_id = town.refer("Ada", person={"birth_on": date(1990, 1, 4)})
    known = town.rows(Person)[0].id
    jailer = town.browser("jailer")
    row = b"booking_number,first_name,last_name,birth_date,release_date\nB-1,Ada,Sample,1990-01-04,2026-11-20\n"
    report = jailer.get(upload(jailer, row).headers["location"])
    assert "Open it and say whether it is the same person." in said(report)
    number = town.row(referral_id).number
    assert number not in report.html
    [draft] = town.rows(Referral, Referral.status == ReferralStatus.DRAFT)
    assert (draft.person_id == known, draft.expected_on) == (False, date(2026, 11, 20))
    press(jailer, draft.id, "preview", **(ADA | {"setting": "jail"}))
    page = jailer.follow("/referrals/new/send", draft=draft.id, seen=known, who=known)
    assert "The program supports this person already, so nothing was filed a second time." in said(page)
    assert town.row(draft.id).closure_reason is ClosureReason.DUPLICATE
    assert "From a message" not in said(jailer.get("/referrals?show=drafts"))
    again = jailer.get(upload(jailer, row).headers["location"])
    assert "Already known 1" in said(again)
    assert number not in again.html
    assert len(town.rows(Referral)) == 2


def test_a_draft_about_somebody_known_goes_to_their_record(town: Planning) -> None:
    closed = town.refer("Ada", bridger=None, person={"birth_on": date(1990, 1, 4)})
    with engine.transaction() as session:
        closing.close_referral(session, town.actor("supervisor"), closed, ClosureReason.OUT_OF_AREA)
    known = town.rows(Person)[0].id
    referral_id = town.draft_from_message()
    planner = town.browser("planner")
    press(planner, referral_id, "preview", **(ADA | {"consent": "pending"}))
    planner.goes_to("/referrals/new/send", draft=referral_id, seen=known, who=known)
    row = town.row(referral_id)
    assert row.person_id == known
    other = town.rows(Person, Person.id != known)[0]
    assert other.merged_into_id == known
