"""Ninety days on the real engine, on both databases, in seconds: the server skips the time between appointments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from cli.temporal_server import TemporalServer
from records import clock
from records.engine import read_session
from records.queries.next_item import find_next_item
from tests.engine.program import SmallProgram, awaited, events, is_told, small_program
from tests.engine.running import OF_THE_SKIPPING, Engine, Handle, settled, until, whole_system

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def program(database: str) -> SmallProgram:
    return small_program()


class Watched:
    """One transition that is watched from filing on, and the time that is made to pass for it."""

    def __init__(self, engine: Engine, referral_id: str) -> None:
        self.engine = engine
        self.referral_id = referral_id
        self.handle: Handle = engine.transition(referral_id)

    async def at_rest(self) -> None:
        """The workflow has heard of every change and sleeps."""
        await until(lambda: is_told(self.referral_id))
        await settled(self.handle)

    async def to(self, at: datetime) -> None:
        """Let time pass until `at`, and everything that is due on the way be carried out."""
        await self.at_rest()
        by = at - await self.engine.now(self.handle)
        assert by > timedelta(0), "time does not run backwards"
        await self.engine.forward(self.handle, by)
        await settled(self.handle)
        clock.set_to(max(at, await self.engine.now(self.handle)))

    def next_kind(self) -> str:
        """What the workflow waits for."""
        with read_session() as session:
            item = find_next_item(session, self.referral_id)
        return item.kind if item else ""

    async def make_contacts(self, program: SmallProgram, until_at: datetime) -> int:
        """Make every contact a third into its window, until then; returns how many meetings that took."""
        meetings = 0
        while (contacts := awaited(self.referral_id)) and contacts[0].opens_at < until_at:
            contact = contacts[0]
            await self.to(max(contact.opens_at + (contact.due_at - contact.opens_at) / 3, clock.now() + MINUTE))
            program.reach(self.referral_id)
            meetings += 1
        return meetings


def run(server: TemporalServer, program: SmallProgram, story: Callable[[Watched], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with whole_system(server.address) as engine:
            watched = Watched(engine, program.file())
            await until(lambda: "offer.made" in events(watched.referral_id))
            await watched.at_rest()
            await story(watched)

    asyncio.run(scenario())


def test_a_journey_with_a_missed_contact_ends_with_the_referrer_told(
    server: TemporalServer, program: SmallProgram
) -> None:
    async def story(watched: Watched) -> None:
        referral_id = watched.referral_id
        began = clock.now()
        await watched.to(began + 4 * HOUR + MINUTE)
        assert events(referral_id).count("offer.expired") == 1
        assert events(referral_id).count("offer.made") == 2

        program.accept_open_offer(referral_id)
        program.move_date(referral_id, (began + 5 * DAY).date())
        program.reach(referral_id)
        program.finish_task(referral_id, "appointment-check")
        await watched.to(began + 5 * DAY)
        assert "contact.missed" not in events(referral_id)

        program.discharge(referral_id)
        left = clock.now()
        await watched.to(left + DAY + MINUTE)
        assert "contact.missed" in events(referral_id)
        await watched.to(left + DAY + 4 * HOUR + 2 * MINUTE)
        raised = events(referral_id).count("escalation.raised")
        assert raised >= 2
        program.reach(referral_id)
        assert "contact.met_late" in events(referral_id)

        await watched.make_contacts(program, left + 90 * DAY)
        await watched.to(left + 90 * DAY + HOUR)
        program.close(referral_id)
        await asyncio.wait_for(watched.handle.result(), 10)
        assert events(referral_id)[-1] == "report.sent"
        assert watched.next_kind() == ""

    run(server, program, story)


@pytest.mark.sqlite
def test_ninety_days_with_every_contact_made_cost_at_most_200_events(
    server: TemporalServer, program: SmallProgram
) -> None:
    async def story(watched: Watched) -> None:
        referral_id = watched.referral_id
        program.accept_open_offer(referral_id)
        await watched.to(clock.now() + 4 * HOUR)
        program.reach(referral_id)
        program.finish_task(referral_id, "appointment-check")
        await watched.to(clock.now() + 2 * DAY)
        program.discharge(referral_id)
        left = clock.now()
        await watched.make_contacts(program, left + 90 * DAY)
        await watched.to(left + 90 * DAY + HOUR)
        program.close(referral_id)
        await asyncio.wait_for(watched.handle.result(), 10)

        history = await watched.handle.fetch_history()
        kept = [e for e in history.events if not EventType.Name(e.event_type).endswith(OF_THE_SKIPPING)]
        contacts = events(referral_id).count("contact.met")
        assert "contact.missed" not in events(referral_id)
        assert contacts >= 20
        assert len(kept) <= 8 * contacts
        assert len(kept) <= 200

    run(server, program, story)
