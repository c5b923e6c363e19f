"""Acceptance scenarios 50 to 54: elapsed hours, local dates and business days, each where it belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.clock import CALLS_FROM, CALLS_UNTIL, local, parse_span
from domain.vocabulary import Channel, ContactState, Mode, Outcome
from records import engine
from records.commands import changes
from records.commands.people import PersonDetails, Phone
from records.queries.case import load_case
from records.queries.protocols import calendar_of
from records.tables import Program
from tests.scenarios.world import NEW_YORK, World, instant

PACIFIC = "America/Los_Angeles"
LABOR_DAY_WEEKEND = "2026-09-04 17:00"
SPRING_NIGHT = "2027-03-13 17:00"


@pytest.mark.parametrize("world", [LABOR_DAY_WEEKEND], indirect=True)
def test_50_friday_evening_before_a_monday_holiday(world: World) -> None:
    """Friday 18:00 before Monday holiday: 24 h due Saturday 18:00; TCM due end of Wednesday."""
    ada = world.follow()
    assert world.wall(ada.row.discharged_at) == "Fri 2026-09-04 18:00"
    assert world.wall(ada.contact("first-contact").due_at) == "Sat 2026-09-05 18:00"
    with engine.read_session() as session:
        calendar = calendar_of(session.get_one(Program, world.program_id))
    tcm = parse_span("P2BD").after(world.now, NEW_YORK, calendar)
    assert world.wall(tcm) == "Thu 2026-09-10 00:00", "the end of Wednesday, since Monday is a holiday"
    bea = world.refer("Bea Sample", facility="General", phones=["212-555-0124"], bridger="Ines", leaves_in_days=9)
    assert world.wall(bea.contact("in-reach").due_at) == "Thu 2026-09-10 00:00"
    bea.discharge()
    assert world.wall(bea.contact("first-contact").due_at) == "Mon 2026-09-07 18:00", "72 hours are never exceeded"
    world.time_is("2026-09-05 18:00")
    assert ada.contact("first-contact").state is ContactState.MISSED, "on a Saturday, on a holiday weekend"
    assert ada.calls(about=ada.contact("first-contact").id)[0].raised_at == instant("2026-09-05 18:00")


@pytest.mark.parametrize("world", [SPRING_NIGHT], indirect=True)
def test_51_dst_spring_night(world: World) -> None:
    """DST spring night: 24 elapsed hours = 24; day-7 date due by local date."""
    ada = world.follow()
    left_at = ada.row.discharged_at
    assert left_at is not None
    first = ada.contact("first-contact").due_at
    assert first - left_at == timedelta(hours=24)
    assert world.wall(first) == "Sun 2027-03-14 19:00", "the wall clock lost an hour, the person did not"
    seven = ada.contact("face-to-face")
    assert world.wall(seven.opens_at) == "Sun 2027-03-14 00:00"
    assert world.wall(seven.due_at) == "Sun 2027-03-21 00:00", "to the end of day 7, by the dates there"
    assert seven.due_at - seven.opens_at == timedelta(days=7) - timedelta(hours=1)
    world.time_is(first)
    assert ada.contact("first-contact").state is ContactState.MISSED
    assert ada.contact("first-contact").missed_at == left_at + timedelta(hours=24)


def test_52_person_moves_from_pacific_to_eastern_time(world: World) -> None:
    """Person moves PST → EST: future quiet hours/dates use new zone; past results unchanged."""
    details = PersonDetails("Ada", "Sample", zone=PACIFIC, phones=[Phone("212-555-0123")])
    ada = world.follow(person={"zone": PACIFIC})
    assert world.wall(ada.contact("handoff").due_at, PACIFIC) == "Tue 2026-11-03 00:00"
    world.time_is(instant("2026-11-03 01:00", PACIFIC))
    past = {c.id: (c.state, c.due_at) for c in ada.contacts() if c.state is not ContactState.PLANNED}
    assert ada.contact("handoff").state is ContactState.MISSED
    before = ada.contact("face-to-face").due_at
    first = ada.contact("first-contact").due_at
    world.do("Ben", changes.correct_person, ada.row.person_id, replace(details, zone=NEW_YORK))
    assert world.wall(ada.contact("face-to-face").due_at) == "Tue 2026-11-10 00:00"
    assert before - ada.contact("face-to-face").due_at == timedelta(hours=3)
    assert ada.contact("first-contact").due_at == first, "elapsed hours know no zone"
    assert {c.id: (c.state, c.due_at) for c in ada.contacts() if c.id in past} == past
    world.time_is("2026-11-12 12:00")
    asked = [e for e in ada.events("contact.reminded") if e.at > instant("2026-11-03 04:00")]
    assert asked
    assert all(CALLS_FROM <= local(e.at, NEW_YORK).time() <= CALLS_UNTIL for e in asked), "by the clocks there now"


def test_53_the_day_of_leaving_counts_in_an_ed_and_not_on_a_ward(world: World) -> None:
    """FUH contact on discharge day not in 7-day; FUM contact on ED day is."""
    ada = world.follow()
    bea = world.follow("Bea Sample", facility="Riverside ED", phones=["212-555-0124"])
    world.time_passes(hours=2)
    for journey in (ada, bea):
        journey.log(Mode.VISIT, Outcome.REACHED)
    assert ada.contact("handoff").state is ContactState.MET
    assert ada.contact("face-to-face").state is ContactState.PLANNED
    assert ada.contact("thirty-day-check").state is ContactState.PLANNED
    assert bea.contact("seven-day-check").state is ContactState.MET
    assert bea.contact("thirty-day-check").state is ContactState.MET
    world.time_is("2026-11-04 00:00")
    ada.log(Mode.VISIT, Outcome.REACHED)
    assert ada.contact("face-to-face").state is ContactState.MET, "day 1 counts"


@pytest.mark.parametrize("world", ["2026-11-03 02:00"], indirect=True)
def test_54_due_at_three_in_the_morning(world: World) -> None:
    """Due at 03:00: attempts scheduled before 21:00; no 03:00 text; due not moved."""
    ada = world.follow()
    first = ada.contact("first-contact")
    assert world.wall(first.due_at) == "Wed 2026-11-04 03:00"
    world.time_is(first.due_at - timedelta(minutes=1))
    reminded = [e.at for e in ada.events("contact.reminded") if e.subject_id == first.id]
    assert [world.wall(at) for at in reminded] == ["Tue 2026-11-03 15:00", "Tue 2026-11-03 21:00"]
    prompts = [m for m in ada.messages() if m.template == "contact_reminder"]
    assert prompts
    assert all(8 <= local(m.not_before, NEW_YORK).hour <= 21 for m in prompts if m.channel is not Channel.IN_APP)
    assert ada.contact("first-contact").state is ContactState.PLANNED
    world.time_passes(minutes=1)
    missed = ada.contact("first-contact")
    assert (missed.state, world.wall(missed.missed_at)) == (ContactState.MISSED, "Wed 2026-11-04 03:00")
    texts = [m for m in ada.messages() if m.channel is Channel.SMS and m.created_at == missed.missed_at]
    assert all(8 <= local(m.not_before, NEW_YORK).hour < 21 for m in texts), "nobody is on call for this rung"
    with engine.read_session() as session:
        assert load_case(session, ada.id).contact(first.id).due_at == first.due_at
