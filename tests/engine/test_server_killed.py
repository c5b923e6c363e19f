"""The embedded server dies in the middle of a transition, as by a power cut, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from cli.processes import free_port, spawn, stop
from cli.temporal_server import TemporalServer
from domain import agenda
from records import clock
from tests.engine.paper import PaperRecords
from tests.engine.running import engine, settled, until


def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path, free_port())
    first = spawn(server.argv(), log=server.log)
    second = None
    paper = PaperRecords()

    async def scenario() -> None:
        nonlocal second
        server.wait_until_serving(first)
        began = clock.now()
        paper.plan(
            "ref_killed",
            (began + timedelta(seconds=1), agenda.OFFER),
            (began + timedelta(seconds=4), agenda.OFFER_EXPIRES),
        )
        async with engine(server.address, paper.activities(), skipping=False) as running:
            handle = await running.start("ref_killed")
            await until(lambda: len(paper.carried_out) == 1)
            await settled(handle)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait(5)
            second = spawn(server.argv(), log=server.log)
            await asyncio.to_thread(server.wait_until_serving, second)
            await asyncio.wait_for(handle.result(), 20)

    try:
        asyncio.run(scenario())
    finally:
        stop(first, within_seconds=1)
        if second is not None:
            stop(second, within_seconds=5)
    assert paper.carried_out == [("ref_killed", agenda.OFFER), ("ref_killed", agenda.OFFER_EXPIRES)]
