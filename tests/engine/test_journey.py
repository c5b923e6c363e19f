"""What ninety days cost the engine. The whole story, on both databases, is in `tests/journeys`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.api.enums.v1 import EventType

from cli.temporal_server import TemporalServer
from tests.engine.program import SmallProgram, events, small_program
from tests.engine.running import OF_THE_SKIPPING, until, whole_system
from tests.engine.watched import Watched


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
