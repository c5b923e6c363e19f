"""The nightly check as a worker runs it: in a process of its own, what it found kept and shown, and admins told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select
from temporalio.client import Client

from cli.temporal_server import TemporalServer
from domain.vocabulary import Role
from records import clock, engine
from records.access import system_actor
from records.commands.staff import add_staff
from records.queries.upkeep import find_last_check
from records.tables import Notification
from tests.engine.program import SmallProgram, small_program
from tests.engine.running import whole_system
from workflows import names
from workflows.names import Held
from workflows.upkeep import NightlyWorkflow, ensure_schedules


@pytest.fixture
def program(database: str, shared_secret: None) -> SmallProgram:
    """One whose records the process that checks can open."""
    return small_program()


def test_what_it_finds_is_kept_and_administrators_are_told_once_a_day(
    server: TemporalServer, program: SmallProgram
) -> None:
    program_id = program.planner.program_id
    with engine.transaction() as session:
        admin = add_staff(
            session, system_actor(program_id), email="admin@example.org", name="Ad Min", roles=[Role.ADMIN]
        )
    program.file("First")
    with engine.transaction() as session:
        session.execute(text("UPDATE referral SET owner_id = NULL"))

    async def scenario() -> Held:
        async with whole_system(server.address, skipping=False) as running:
            for _ in range(2):
                held = await running.client.execute_workflow(
                    NightlyWorkflow.run, id=f"nightly-{program_id}", task_queue=running.queue
                )
            return held

    held = asyncio.run(scenario())
    with engine.read_session() as session:
        last = find_last_check(session)
        told = session.exec(select(Notification).where(Notification.template == "promises_broken")).all()
    assert last is not None
    assert (held.referrals, last.referrals, last.violations) == (1, 1, held.violations)
    assert last.violations >= 1
    assert "open means awaited: nobody owns it" in {sentence for _, sentence in last.findings}
    assert last.seconds_ago < 60
    assert {(row.staff_id, row.channel.value) for row in told} == {(admin.id, "in_app"), (admin.id, "email")}
    assert len(told) == 2, "twice in a day, told once"


@pytest.mark.sqlite
def test_it_is_on_the_schedule_every_night(server: TemporalServer) -> None:
    async def scenario() -> None:
        client = await Client.connect(server.address)
        for _ in range(2):  # every worker does so when it starts
            await ensure_schedules(client)
        nightly = await client.get_schedule_handle(names.NIGHTLY_SCHEDULE).describe()
        soonest = nightly.info.next_action_times[0]
        assert (soonest.hour, soonest.minute) == names.NIGHTLY_AT
        assert soonest - clock.now() <= timedelta(days=1)

    asyncio.run(scenario())
