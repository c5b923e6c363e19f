"""Temporal's data is gone: every appointment is made anew from the records, by command and by upkeep itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from cli.temporal_server import TemporalServer, temporal_server
from domain.vocabulary import Channel
from records import clock
from records.engine import read_session
from records.queries.upkeep import list_untold, told_by_program
from records.tables import Escalation, Notification, Outbox, Referral
from tests.engine.program import SmallProgram, small_program
from tests.engine.running import until, whole_system
from workflows.activities.catch_up import CatchUp
from workflows.client import connect, count_running
from workflows.rebuilding import rebuild

MANY = 12


@pytest.fixture
def program(database: str) -> SmallProgram:
    return small_program()


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[TemporalServer]:
    """A Temporal server that knows nothing: what is there after its data were lost."""
    with temporal_server(tmp_path / "new") as running:
        yield running


def _filed_and_told(server: TemporalServer, program: SmallProgram) -> list[str]:
    async def scenario() -> list[str]:
        async with whole_system(server.address, skipping=False):
            filed = [program.file(f"Placeholder {'abcdefghijkl'[n]}") for n in range(MANY)]
            await until(lambda: not _untold(), seconds=20)
            return filed

    return asyncio.run(scenario())


def _untold() -> list[str]:
    with read_session() as session:
        return list_untold(session)


async def _running(client: Client, program: SmallProgram) -> int:
    return await count_running(client, program.supervisor.program_id or "")


def test_the_command_starts_every_workflow_anew_and_nothing_is_done_twice(
    server: TemporalServer, emptied: TemporalServer, program: SmallProgram
) -> None:
    filed = _filed_and_told(server, program)
    before = _sent()
    heard: list[tuple[int, int]] = []

    async def scenario() -> None:
        async with whole_system(emptied.address, skipping=False) as running:
            assert await _running(running.client, program) == 0
            for _ in range(2):  # again changes nothing
                done = await asyncio.to_thread(rebuild, lambda *said: heard.append(said), emptied.address)
                assert (done.awaited, done.told) == (MANY, MANY)
            await _all_run(running.client, program)

    asyncio.run(scenario())
    assert heard[-1] == (MANY, MANY)
    after = _sent()
    assert set(before) <= set(after)
    assert len(after) == len(set(after)), "what was on its way may have arrived, and nothing twice"
    assert set(filed) == _transitions()


def test_upkeep_notices_by_itself_and_what_is_overdue_is_escalated_once(
    server: TemporalServer, emptied: TemporalServer, program: SmallProgram
) -> None:
    filed = _filed_and_told(server, program)
    clock.set_to(clock.now() + timedelta(days=7))  # nobody carried out what fell due meanwhile

    async def scenario() -> None:
        async with whole_system(emptied.address, skipping=False) as running:
            upkeep = CatchUp(await connect(emptied.address))
            await ActivityEnvironment().run(upkeep.catch_up)
            await _all_run(running.client, program)
            await until(lambda: len(_escalated()) >= MANY, seconds=30)
            await ActivityEnvironment().run(upkeep.catch_up)  # all is well now: nobody is told again
            assert await asyncio.to_thread(_told) == {program.supervisor.program_id: MANY}

    asyncio.run(scenario())
    escalated = _escalated()
    assert len(escalated) == len(set(escalated))
    assert {referral_id for referral_id, *_ in escalated} == set(filed)


async def _all_run(client: Client, program: SmallProgram) -> None:
    async with asyncio.timeout(20):
        while await _running(client, program) < MANY:
            await asyncio.sleep(0.1)


def _told() -> dict[str, int]:
    with read_session() as session:
        return told_by_program(session)


def _transitions() -> set[str]:
    with read_session() as session:
        return set(session.exec(select(Referral.id).where(col(Referral.next_at).is_not(None))))


def _sent() -> list[str]:
    with read_session() as session:
        kept = session.exec(
            select(Notification.key, Notification.staff_id).where(Notification.channel == Channel.IN_APP)
        )
        return sorted(map(str, kept)) + sorted(session.exec(select(Outbox.key)))


def _escalated() -> list[tuple[str, str, str, int, int]]:
    with read_session() as session:
        rows = session.exec(select(Escalation)).all()
        return [(e.referral_id, e.subject.value, e.subject_id, e.occurrence, e.rung) for e in rows]
