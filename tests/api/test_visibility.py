"""When access ends, and what may be read after it: handing over, closing, the grace, and broken glass."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from domain.vocabulary import EndReason, Role
from records import clock, engine
from records.access import actor_of, system_actor
from records.beyond import AT_ONCE
from records.commands import assignments, programs, staff
from records.commands.escalations import raise_concern
from records.commands.glass import break_glass
from records.commands.sign_in import create_token
from records.queries.audit import verify_all
from records.tables import BrokenGlass, Contact, JournalEntry, Program, Reading, Referral, Staff
from tests.api.house import House


@pytest.fixture
def handed(house: House) -> tuple[House, str]:
    """A person whom the bridger had and another has now."""
    referral_id = house.accepted()
    with engine.transaction() as session:
        hand = system_actor(house.program_id)
        for name in ("bridger2", "clinician2"):
            role = Role(name[:-1])
            row = staff.add_staff(session, hand, email=f"{name}@program.example", name=f"{name} Pretend", roles=[role])
            house.staff[name], house.tokens[name] = row.id, create_token(session, row, "tests", 30)
    house.post(
        "manager", f"/referrals/{referral_id}/assign",
        {"bridger_id": house.staff["bridger2"], "override_reason": "x"},
    )  # fmt: skip
    return house, referral_id


def set_rules(house: House, **rules: Any) -> None:
    with engine.transaction() as session:
        programs.set_access_rules(session, system_actor(house.program_id), **rules)


def test_for_72_hours_who_handed_over_reads_and_writes_nothing(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    for path in ("", "/timeline", "/plan", "/agenda", "/attempts"):
        assert house.call("bridger", "GET", f"/referrals/{referral_id}{path}").status_code == 200
    refused = house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "read_only")
    assert "You can still read this record" in refused.json()["detail"]
    assert referral_id not in house.call("bridger", "GET", "/referrals").text, "lists are what one works with"
    clock.advance(timedelta(hours=72, minutes=1))
    assert house.call("bridger", "GET", f"/referrals/{referral_id}").status_code == 404
    assert house.call("bridger", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 404
    assert house.call("bridger2", "GET", f"/referrals/{referral_id}").status_code == 200


def test_in_the_grace_whatever_writes_says_that_it_may_be_read_and_nothing_more(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    sent = {"mode": "call", "outcome": "no_answer"}
    attempt = house.post("bridger2", f"/referrals/{referral_id}/attempts", sent)["attempt"]["id"]
    house.post("planner", f"/referrals/{referral_id}/discharge", {"at": "2026-11-03T15:00:00Z", "disposition": "home"})
    with engine.transaction() as session:
        worried = actor_of(session.get_one(Staff, house.staff["bridger2"]))
        escalation_id = raise_concern(session, worried, referral_id, "worried").id
        contact_id = session.exec(select(Contact.id).where(Contact.referral_id == referral_id)).first()
        person_id = session.get_one(Referral, referral_id).person_id
    for method, path, body in (
        ("POST", f"/attempts/{attempt}/take-back", {"why": "words"}),
        ("POST", f"/contacts/{contact_id}/attempts", sent),
        ("POST", f"/contacts/{contact_id}/complete", {"note": "words"}),
        ("POST", f"/escalations/{escalation_id}/acknowledge", None),
        ("POST", f"/escalations/{escalation_id}/act", {"note": "words"}),
        ("PATCH", f"/people/{person_id}", {"pronouns": "they"}),
    ):
        answer = house.call("bridger", method, path, body, If_Match="*")
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only"), path
    assert house.get("bridger", f"/people/{person_id}")["id"] == person_id
    assert house.get("bridger", f"/escalations/{escalation_id}")["id"] == escalation_id
    clock.advance(timedelta(hours=73))
    for path in (f"/people/{person_id}", f"/escalations/{escalation_id}"):
        assert house.call("bridger", "GET", path).status_code == 404
    assert house.call("bridger", "PATCH", f"/people/{person_id}", {"pronouns": "x"}, If_Match="*").status_code == 404


def test_a_grace_of_nothing_ends_reading_at_once(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    set_rules(house, handover_grace_hours=0)
    assert house.call("bridger", "GET", f"/referrals/{referral_id}").status_code == 404


@pytest.mark.sqlite
@pytest.mark.parametrize("why", AT_ONCE)
def test_whom_the_person_does_not_want_reads_nothing_more(house: House, why: EndReason) -> None:
    referral_id = house.accepted()
    with engine.transaction() as session:
        manager = actor_of(session.get_one(Staff, house.staff["manager"]))
        assignments.release_bridger(session, manager, referral_id, why)
    assert house.call("bridger", "GET", f"/referrals/{referral_id}").status_code == 404


def test_closing_ends_the_access_of_the_bridger_and_of_who_was_called(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    house.post("manager", f"/referrals/{referral_id}/attempts", {"mode": "call", "outcome": "no_answer"})
    with engine.transaction() as session:
        raise_concern(session, actor_of(session.get_one(Staff, house.staff["manager"])), referral_id, "x")
    assert house.call("clinician", "GET", f"/referrals/{referral_id}").status_code == 200
    house.post("manager", f"/referrals/{referral_id}/close", {"reason": "no_capacity"})
    for who in ("bridger2", "clinician"):
        assert house.call(who, "GET", f"/referrals/{referral_id}").status_code == 200
        assert house.call(who, "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 403
    clock.advance(timedelta(hours=72, minutes=1))
    for who in ("bridger2", "clinician"):
        assert house.call(who, "GET", f"/referrals/{referral_id}").status_code == 404
    assert house.call("planner", "GET", f"/referrals/{referral_id}").status_code == 200


def test_a_role_that_is_taken_away_is_gone_with_the_next_request(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    assert house.call("manager", "GET", f"/referrals/{referral_id}").status_code == 200
    with engine.transaction() as session:
        session.get_one(Staff, house.staff["manager"]).roles = [Role.ADMIN.value]
    assert house.call("manager", "GET", f"/referrals/{referral_id}").status_code == 403


def _break(house: House, referral_id: str, who: str = "clinician2") -> BrokenGlass:
    with engine.transaction() as session:
        number = session.get_one(Referral, referral_id).number
        return break_glass(session, actor_of(session.get_one(Staff, house.staff[who])), number, "They called me")


def test_broken_glass_opens_a_record_to_read_for_four_hours(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    assert house.call("clinician2", "GET", f"/referrals/{referral_id}").status_code == 404
    row = _break(house, referral_id)
    assert house.call("clinician2", "GET", f"/referrals/{referral_id}").status_code == 200
    refused = house.call("clinician2", "POST", f"/referrals/{referral_id}/notes", {"note": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "read_only")
    assert "with a reason" in refused.json()["detail"]
    assert house.call("clinician", "GET", f"/referrals/{referral_id}").status_code == 404, "for whoever broke it alone"
    with engine.read_session() as session:
        look = session.exec(select(Reading).where(Reading.staff_id == house.staff["clinician2"])).one()
        assert (look.glass_id, look.referral_id) == (row.id, referral_id)
        event = session.exec(select(JournalEntry).where(JournalEntry.event == "glass.broken")).one()
        assert (event.stream, event.actor) == (referral_id, house.staff["clinician2"])
        assert verify_all(session).problems == []
    clock.advance(timedelta(hours=4, minutes=1))
    assert house.call("clinician2", "GET", f"/referrals/{referral_id}").status_code == 404


def test_how_long_it_stays_open_is_the_programs_own(handed: tuple[House, str]) -> None:
    house, referral_id = handed
    set_rules(house, break_glass_hours=1)
    _break(house, referral_id)
    clock.advance(timedelta(minutes=61))
    assert house.call("clinician2", "GET", f"/referrals/{referral_id}").status_code == 404


def test_the_rules_are_in_the_journal_of_the_program(handed: tuple[House, str]) -> None:
    house, _ = handed
    set_rules(house, handover_grace_hours=24)
    with engine.read_session() as session:
        assert session.get_one(Program, house.program_id).handover_grace_hours == 24
        event = session.exec(select(JournalEntry).where(JournalEntry.event == "program.access_rules")).one()
        assert event.data == {"handover_grace_hours": 24, "break_glass_hours": 4, "minors_sign_alone": False}
