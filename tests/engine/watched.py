"""One transition that is watched while its time is skipped."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from temporalio.client import WorkflowHistory

from records import clock, migrate
from records import engine as records_engine
from records.engine import read_session
from records.queries.next_item import find_next_item
from tests.engine.program import SmallProgram, awaited, events, is_told, small_program
from tests.engine.running import Engine, Handle, settled, until, whole_system

MINUTE = timedelta(minutes=1)


class Watched:
    """From filing on, with the time that is made to pass for it."""

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

    async def make_contacts(self, program: SmallProgram, until_at: datetime, into: float = 1 / 3) -> int:
        """Make every contact so far into its window, until then; returns how many meetings that took."""
        meetings = 0
        while (contacts := awaited(self.referral_id)) and contacts[0].opens_at < until_at:
            contact = contacts[0]
            await self.to(max(contact.opens_at + (contact.due_at - contact.opens_at) * into, clock.now() + MINUTE))
            program.reach(self.referral_id)
            meetings += 1
        return meetings

    async def ninety_days(self, program: SmallProgram, into: float = 1 / 3) -> None:
        """The whole journey after the first offer, every contact made, to the closing report."""
        referral_id = self.referral_id
        program.accept_open_offer(referral_id)
        await self.to(clock.now() + timedelta(hours=4))
        program.reach(referral_id)
        program.finish_task(referral_id, "appointment-check")
        await self.to(clock.now() + timedelta(days=2))
        program.discharge(referral_id)
        end = clock.now() + timedelta(days=90)
        await self.make_contacts(program, end, into)
        await self.to(end + timedelta(hours=1))
        program.close(referral_id)
        await asyncio.wait_for(self.handle.result(), 10)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a whole journey left behind: in Temporal, and on record."""

    history: WorkflowHistory
    events: list[str]


async def ninety_days_alone(address: str, into: float = 1 / 3) -> Kept:
    """A whole journey on real records of its own, every contact made so far into its window."""
    clock.run_real()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'footbridge.sqlite3'}"
        migrate.upgrade(url)
        records_engine.configure(url)
        try:
            program = small_program()
            async with whole_system(address) as running:
                watched = Watched(running, program.file())
                await until(lambda: "offer.made" in events(watched.referral_id))
                await watched.ninety_days(program, into)
                return Kept(await watched.handle.fetch_history(), events(watched.referral_id))
        finally:
            records_engine.dispose()
            clock.run_real()
