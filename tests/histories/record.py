"""Records what running workflows leave behind, so that tomorrow's code is replayed on today's histories.

`make histories` writes a new set beside the older ones, which stay: transitions of a year ago must still run.
Host and folder names of the machine that records are taken out.
"""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from temporalio.client import WorkflowHistory

from cli.temporal_server import temporal_server
from domain import agenda
from records import clock
from tests.engine.paper import PaperRecords
from tests.engine.running import DYNAMIC_CONFIG, SOON_TOO_LONG, Engine, Handle, engine, settled, until
from tests.engine.watched import ninety_days_alone
from workflows import names
from workflows.delivery import DeliveryWorkflow
from workflows.upkeep import NightlyWorkflow, UpkeepWorkflow

HERE = Path(__file__).parent
Scenario = Callable[[Engine, PaperRecords], Awaitable[Handle]]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def journey(running: Engine, paper: PaperRecords) -> Handle:
    """Waits, wakes for nothing, carries out, is nudged, ends."""
    began = clock.now()
    paper.plan("ref_journey", (began + HOUR, agenda.OFFER_EXPIRES), (began + 2 * DAY, agenda.CONTACT_MISSED))
    handle = await running.start("ref_journey")
    await settled(handle)
    paper.plan("ref_journey", (began + 5 * HOUR, agenda.OFFER_EXPIRES), (began + 2 * DAY, agenda.CONTACT_MISSED))
    await running.forward(handle, 3 * HOUR)
    await running.forward(handle, 3 * HOUR)
    paper.plan("ref_journey", (began + 12 * HOUR, agenda.REMIND), (began + 2 * DAY, agenda.CONTACT_MISSED))
    await running.start("ref_journey")
    await settled(handle)
    await running.forward(handle, 3 * DAY)
    await handle.result()
    return handle


async def continued(running: Engine, paper: PaperRecords) -> Handle:
    """So long that it goes on in a new run."""
    began = clock.now()
    paper.plan("ref_continued", *((began + day * DAY, agenda.REMIND) for day in range(1, 6)))
    handle = await running.start("ref_continued")
    await settled(handle)
    await running.forward(handle, 6 * DAY)
    await until(lambda: len(paper.carried_out) == 5)
    return running.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)


async def records_away(running: Engine, paper: PaperRecords) -> Handle:
    """The database is away, first when asked, then when something is due."""
    paper.plan("ref_away", (clock.now() - HOUR, agenda.OFFER))
    tries = []

    def away(referral_id: str) -> None:
        tries.append(referral_id)
        if len(tries) % 4:
            raise ConnectionError

    paper.before_answer = paper.before_carrying_out = away
    handle = await running.start("ref_away")
    await handle.result()
    return handle


async def delivery(running: Engine, paper: PaperRecords) -> Handle:
    """A message that goes out at the second try."""
    handle = await running.client.start_workflow(
        DeliveryWorkflow.run, "ntf_invented", id=names.delivery_id("ntf_invented"), task_queue=running.queue
    )
    await handle.result()
    return handle


async def upkeep(running: Engine, paper: PaperRecords) -> Handle:
    """One run of upkeep."""
    handle = await running.client.start_workflow(UpkeepWorkflow.run, id="upkeep", task_queue=running.queue)
    await handle.result()
    return handle


async def nightly(running: Engine, paper: PaperRecords) -> Handle:
    """One nightly check."""
    handle = await running.client.start_workflow(NightlyWorkflow.run, id="nightly", task_queue=running.queue)
    await handle.result()
    return handle


async def record(address: str, folder: Path, *scenarios: Scenario) -> None:
    """Run each scenario and write its history into `folder`."""
    for scenario in scenarios:
        clock.run_real()
        paper = PaperRecords()
        async with engine(address, paper.activities(), skipping=scenario in (journey, continued)) as running:
            handle = await scenario(running, paper)
            _write(folder / f"{scenario.__name__}.json", await handle.fetch_history())


async def record_ninety_days(address: str, folder: Path) -> None:
    """The same for the real records."""
    _write(folder / "ninety_days.json", (await ninety_days_alone(address)).history)


def _write(path: Path, history: WorkflowHistory) -> None:
    path.write_text(_without_this_machine(history.to_json()) + "\n")
    print(f"{path.relative_to(HERE)}: {len(history.events)} events")


def _without_this_machine(text: str) -> str:
    text = text.replace(str(HERE.parent.parent), "").replace(socket.gethostname(), "recorder")
    text = re.sub(r'"stackTrace": "(?:[^"\\]|\\.)*"', '"stackTrace": ""', text)
    return re.sub(r'"identity": "[^"]*"', '"identity": "recorder"', text)


def main() -> None:
    """Write the next numbered set."""
    sets = [int(path.name) for path in HERE.iterdir() if path.name.isdigit()]
    folder = HERE / f"{max(sets, default=0) + 1:03}"
    folder.mkdir()
    with tempfile.TemporaryDirectory() as data, temporal_server(Path(data), dynamic_config=DYNAMIC_CONFIG) as server:
        asyncio.run(record(server.address, folder, journey, records_away, delivery, upkeep, nightly))
        asyncio.run(record_ninety_days(server.address, folder))
    impatient = (*DYNAMIC_CONFIG, SOON_TOO_LONG)
    with tempfile.TemporaryDirectory() as data, temporal_server(Path(data), dynamic_config=impatient) as server:
        asyncio.run(record(server.address, folder, continued))


if __name__ == "__main__":
    main()
