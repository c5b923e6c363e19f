"""The pages about texts: what they said about them, what they wrote, a wrong number set aside and cleared;
incidents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.vocabulary import Role
from records import clock, engine
from records.access import system_actor
from records.commands import changes, replies, staff
from records.commands.people import PersonDetails, Phone
from records.commands.replies import IncomingText
from records.tables import Escalation, Incident, Person, PersonText, Referral, Staff, TextPermission, TextReply
from tests.pages.bridging import NOW, Bridging, begin, said

pytestmark = pytest.mark.sqlite

NUMBER = "+12125550123"


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


@pytest.fixture
def ada(town: Bridging) -> str:
    """Somebody who has left; the bridger walks with them."""
    return town.refer("Ada", left=True)


def writes(body: str, message_id: str = "SM00000001") -> None:
    with engine.transaction() as session:
        replies.take_reply(session, IncomingText(message_id, NUMBER, body))


def allow(town: Bridging, ada: str) -> None:
    town.browser("bridger").goes_to(f"/referrals/{ada}/texts/allow", number=NUMBER, how="in_person")


def test_a_yes_is_on_record_with_who_heard_it_and_the_words_they_were_told(town: Bridging, ada: str) -> None:
    page = said(town.browser("bridger").get(f"/referrals/{ada}/texts"))
    assert "Nobody has asked them about automatic texts yet." in page
    assert "Text messages are not encrypted" in page
    shown = said(town.browser("bridger").follow(f"/referrals/{ada}/texts/allow", number=NUMBER, how="by_phone"))
    assert "They said yes" in shown
    assert "on the phone, heard by Bridger Pretend" in shown
    [row] = town.rows(TextPermission)
    assert (row.number, row.version, row.is_given, row.seen_by) == (NUMBER, 1, True, town.staff["bridger"])
    assert row.wording == "2026-11"
    assert "automatic texts on" in said(town.browser("bridger").get(f"/referrals/{ada}"))
    assert "They agreed to texts (on the phone)." in said(town.browser("supervisor").get(f"/referrals/{ada}"))


def test_they_take_it_back_and_what_waits_does_not_go(town: Bridging, ada: str) -> None:
    allow(town, ada)
    shown = said(town.browser("bridger").follow(f"/referrals/{ada}/texts/refuse", number=NUMBER))
    assert "They want none, since" in shown
    assert [row.is_given for row in sorted(town.rows(TextPermission), key=lambda one: one.version)] == [True, False]
    assert [row.state for row in town.rows(PersonText)] == ["cancelled"]


def test_a_yes_is_for_one_of_their_numbers_only(town: Bridging, ada: str) -> None:
    answer = town.browser("bridger").post(f"/referrals/{ada}/texts/allow", number="+13125550100", how="in_person")
    assert answer.status_code == 422
    assert town.rows(TextPermission) == []


def test_what_they_wrote_waits_on_today_until_it_is_read(town: Bridging, ada: str) -> None:
    allow(town, ada)
    writes("Could we meet on <b>Friday</b> instead?")
    clock.advance(timedelta(minutes=10))
    today = said(town.browser("bridger").get("/today"))
    assert "A text from Ada Sample, 10 min ago" in today
    assert "Friday" not in today, "the words are on the person's page, which is written down when it is opened"
    shown = town.browser("bridger").get(f"/referrals/{ada}")
    assert "Could we meet on <b>Friday</b> instead?" in said(shown)
    [reply] = town.rows(TextReply)
    after = town.browser("bridger").goes_to(f"/referrals/{ada}/replies/{reply.id}/seen")
    assert after.startswith(f"/referrals/{ada}")
    assert "A text from" not in said(town.browser("bridger").get("/today"))
    assert "read by Bridger Pretend" in said(town.browser("bridger").get(f"/referrals/{ada}/texts"))
    notices = said(town.browser("bridger").get("/notifications"))
    assert "Friday" not in notices


def test_words_of_danger_stand_first_and_say_what_to_do(town: Bridging, ada: str) -> None:
    allow(town, ada)
    writes("i want to die")
    assert "It may mean danger: read it now, and call them." in said(town.browser("bridger").get("/today"))
    shown = said(town.browser("bridger").get(f"/referrals/{ada}"))
    assert "“want to die” may mean danger" in shown
    [call] = town.rows(Escalation, Escalation.referral_id == ada)
    told = said(town.browser("clinician").get(f"/referrals/{ada}/escalations/{call.id}"))
    assert "It came from their own text" in told


def test_the_planner_sees_nothing_of_what_they_write(town: Bridging, ada: str) -> None:
    allow(town, ada)
    writes("the jail took my jacket")
    assert town.browser("planner").fetch(f"/referrals/{ada}/texts").status_code == 403
    page = said(town.browser("planner").get(f"/referrals/{ada}"))
    assert "jacket" not in page


def test_a_wrong_number_is_struck_and_cleared_with_a_reason(town: Bridging, ada: str) -> None:
    allow(town, ada)
    writes("wrong number")
    page = town.browser("bridger").get(f"/referrals/{ada}")
    assert "somebody else answered a text there. Do not call it until somebody clears it." in said(page)
    assert f'href="tel:{NUMBER}"' not in page.html
    refused = town.browser("bridger").post(f"/referrals/{ada}/texts/clear/0", number=NUMBER, reason=" ")
    assert refused.status_code == 422
    shown = town.browser("bridger").follow(
        f"/referrals/{ada}/texts/clear/0", number=NUMBER, reason="They called me from it."
    )
    assert "The number can be called again." in said(shown)
    page = town.browser("bridger").get(f"/referrals/{ada}")
    assert f'href="tel:{NUMBER}"' in page.html
    assert "They called me from it." in said(page)


def test_correcting_something_else_does_not_clear_a_number(town: Bridging, ada: str) -> None:
    allow(town, ada)
    writes("wrong number")
    [referral] = town.rows(Referral, Referral.id == ada)
    details = PersonDetails("Ada", "Sample", phones=(Phone("(212) 555-0123", may_text=True),))
    with engine.transaction() as session:
        changes.correct_person(session, town.actor("supervisor"), referral.person_id, replace(details, pronouns="they"))
    [person] = town.rows(Person, Person.id == referral.person_id)
    assert [phone.get("is_quarantined") for phone in person.phones] == [True]


def test_an_incident_is_looked_into_by_the_privacy_officer(town: Bridging, ada: str) -> None:
    with engine.transaction() as session:
        hand = system_actor(session.get_one(Staff, town.staff["manager"]).program_id)
        row = staff.add_staff(session, hand, email="officer@program.example", name="Officer Pretend",
                              roles=[Role.PRIVACY])  # fmt: skip
        town.staff["officer"] = row.id
    allow(town, ada)
    writes("You have the wrong number, I am not them")
    officer = town.browser("officer")
    listed = said(officer.get("/incidents"))
    assert "Ada Sample" in listed
    assert "With Officer Pretend" in listed
    [incident] = town.rows(Incident)
    shown = said(officer.get(f"/incidents/{incident.id}"))
    assert "You have the wrong number, I am not them" in shown
    assert officer.post(f"/incidents/{incident.id}/resolve", resolution=" ").status_code == 422
    settled = said(officer.follow(f"/incidents/{incident.id}/resolve", resolution="Ada knows; no text had gone there."))
    assert "Ada knows; no text had gone there." in settled
    assert "Settled" in said(town.browser("supervisor").get("/incidents"))
    assert officer.fetch(f"/referrals/{ada}").status_code == 403, "who looks into it sees no record"
