"""Ninety days on the real engine, on both databases, in seconds: the server skips the time between appointments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from cli.temporal_server import TemporalServer
from records import clock
from tests.engine.program import SmallProgram, events, small_program
from tests.engine.running import OF_THE_SKIPPING, until, whole_system
from tests.engine.watched import MINUTE, Watched

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def program(database: str) -> SmallProgram:
    return small_program()


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
        await watched.ninety_days(program)
        history = await watched.handle.fetch_history()
        kept = [e for e in history.events if not EventType.Name(e.event_type).endswith(OF_THE_SKIPPING)]
        contacts = events(referral_id).count("contact.met")
        assert "contact.missed" not in events(referral_id)
        assert contacts >= 20
        assert len(kept) <= 8 * contacts
        assert len(kept) <= 200

    run(server, program, story)
