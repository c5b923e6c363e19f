"""Temporal held beside the records: the check says which appointments nobody keeps, and which nobody needs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.client import Client, WorkflowHandle

from cli.temporal_server import TemporalServer, temporal_server
from records import clock
from records.checking.run import Checked
from records.engine import transaction
from tests.engine.program import SmallProgram, events, small_program
from tests.engine.running import Engine, until, whole_system
from workflows import names
from workflows.checking import UNTOLD_FOR, check_temporal


@pytest.fixture
def program(database: str) -> SmallProgram:
    return small_program()


async def _asked(address: str, *, has: int) -> list[tuple[int, str, str]]:
    """What the check says, once Temporal's own list, which lags behind, has so many findings."""
    async with asyncio.timeout(20):
        while True:
            result = Checked()
            await asyncio.to_thread(check_temporal, result, address)
            if result.violations == has:
                return [(one.invariant, one.referral, one.sentence) for one in result.findings]
            await asyncio.sleep(0.2)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TemporalServer]:
    """One of its own: whatever runs on it is of this test."""
    with temporal_server(tmp_path / "temporal") as running:
        yield running


@pytest.mark.sqlite
def test_each_who_waits_has_a_workflow_and_nobody_else(server: TemporalServer, program: SmallProgram) -> None:
    async def scenario() -> None:
        async with whole_system(server.address, skipping=False) as engine:
            kept, ended = program.file("First"), program.file("Second")
            await until(lambda: "offer.made" in events(kept) and "offer.made" in events(ended), seconds=20)
            assert await _asked(server.address, has=0) == []

            await engine.transition(kept).terminate()
            [found] = await _asked(server.address, has=1)
            assert found[0] == 10
            assert found[2] == "it waits for something, and no workflow keeps its appointments"
            await engine.start(kept)

            _write("UPDATE referral SET next_at = NULL WHERE id = :id", ended)
            assert await _asked(server.address, has=0) == [], "whoever wrote that may have died before it said so"
            clock.set_to(clock.now() + UNTOLD_FOR + timedelta(seconds=1))
            [found] = await _asked(server.address, has=1)
            assert found[2] == "a workflow runs for a referral that waits for nothing"
            await engine.transition(ended).terminate()

            _write("UPDATE referral SET untold_since = :at WHERE id = :id", kept, at=clock.now() - timedelta(hours=1))
            [found] = await _asked(server.address, has=1)
            assert found[2].startswith("its workflow was not told")
            _write("UPDATE referral SET untold_since = NULL WHERE id = :id", kept)

            named = await _name_somebody(engine)
            [found] = await _asked(server.address, has=1)
            assert found[0] == 12
            await named.terminate()

    asyncio.run(scenario())


async def _name_somebody(engine: Engine) -> WorkflowHandle:
    client: Client = engine.client
    return await client.start_workflow("TransitionOfSomebody", id="transition-Ada-Sample", task_queue="nobody")


def _write(statement: str, referral_id: str, **values: object) -> None:
    written = {name: f"{at:%Y-%m-%d %H:%M:%S.%f}" for name, at in values.items()}
    with transaction() as session:
        session.execute(text(statement), {"id": referral_id, **written})


def test_the_ids_of_workflows_are_those_that_the_check_takes_for_granted() -> None:
    from workflows.checking import _ID

    for an_id in (names.transition_id("ref_01m6e5gr4040jsqf160nsx"), names.delivery_id("ntf_01m6e5gr4040jsqf160nsx")):
        assert _ID.fullmatch(an_id)
