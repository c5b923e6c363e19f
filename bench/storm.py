"""Contacts that fall due at one moment, as after a day on which a ward let many people go: how late is each escalation?

As `make run` has it: the Temporal server of the package, a SQLite file, one worker process told by upkeep. On the same
server as many workflows that do nothing show what of the lateness is Temporal's own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from temporalio.client import Client

from bench.empty import QUEUE, EmptyWorkflow
from bench.figures import Figure, at_least, percentile
from cli.drill.deadline import Late, bring_there, count_escalated, lateness
from cli.processes import spawn, stop
from cli.temporal_server import temporal_server
from domain.agenda import CONTACT_MISSED
from domain.vocabulary import NotificationState
from records import clock, engine, migrate
from records.settings import get_settings
from records.tables import Notification
from workflows.names import NEXT_KIND

_ASLEEP_A_SECOND = 12  # a workflow that begins is loaded into its sandbox first
WORKER = ("-m", "cli.main", "worker")
_GIVE_UP_AFTER = 300.0


def run(count: int = 2_000) -> list[Figure]:
    """Lateness of each escalation, and as a ratio against the empty workflows.

    Raises RuntimeError when a contact was not escalated exactly once.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with temporal_server(folder / "temporal") as server:
            with process("-m", "bench.empty", server.address, log=folder / "empty.log"):
                empty = asyncio.run(empty_lateness(server.address, count))
            url = f"sqlite:///{folder / 'footbridge.sqlite3'}"
            migrate.upgrade(url)
            engine.configure(url)
            try:
                asleep, late = _storm(url, server.address, folder, count)
                ours = [one.seconds for one in late]
            finally:
                clock.run_real()
                engine.dispose()
    figures = [
        Figure("storm", "contacts due at one moment, each escalated once", len(ours), ""),
        at_least("storm", "workflows asleep before (fewer: the machine is too slow)", asleep, "", count),
    ]
    for what, percent in (("median", 50), ("p99", 99), ("max", 100)):
        figures.append(Figure("storm", f"late, {what}", percentile(ours, percent), "s"))
    for what, percent in (("median", 50), ("p99", 99), ("max", 100)):
        figures.append(Figure("storm", f"empty workflows, late, {what}", percentile(empty, percent), "s"))
    ratio = percentile(ours, 99) / percentile(empty, 99)
    return [*figures, Figure("storm", "ours of the empty workflows, p99", ratio, "×")]


async def empty_lateness(address: str, count: int) -> list[float]:
    """Seconds that each of the workflows that do nothing was late."""
    client = await Client.connect(address)
    due_at = clock.now() + timedelta(seconds=3 + count / _ASLEEP_A_SECOND)
    places = asyncio.Semaphore(20)

    async def start(number: int) -> Any:
        async with places:
            return await client.start_workflow(
                EmptyWorkflow.run, due_at.isoformat(), id=f"empty-{number}", task_queue=QUEUE
            )

    async def result(handle: Any) -> float:
        async with places:
            return float(await handle.result())

    handles = await asyncio.gather(*map(start, range(count)))
    ahead = max((due_at - clock.now()).total_seconds(), 0.0)
    async with asyncio.timeout(ahead + _GIVE_UP_AFTER):
        await asyncio.sleep(ahead)
        while (await client.count_workflows("ExecutionStatus = 'Running'")).count:  # asking each would slow them down
            await asyncio.sleep(0.5)
        return list(await asyncio.gather(*map(result, handles)))


def _storm(url: str, address: str, folder: Path, count: int) -> tuple[int, list[Late]]:
    """How many workflows slept before; of each escalation, how late it was recorded."""
    due_at = bring_there(count)
    forget_what_was_said()
    with process(*WORKER, log=folder / "worker.log", env=worker_environment(url, address, folder)) as worker:
        asleep = asyncio.run(all_asleep(address, count, due_at))
        until_escalated(count, due_at, worker, folder / "worker.log")
    return asleep, lateness(count, due_at)


def forget_what_was_said() -> None:
    """What was said until now has long been delivered."""
    with engine.transaction() as session:
        session.connection().execute(update(Notification).values(state=NotificationState.SENT))


def until_escalated(count: int, due_at: datetime, worker: subprocess.Popen[bytes], log: Path) -> None:
    """Return when all are. Raises RuntimeError when the worker ended, or five minutes after they were due."""
    give_up_at = due_at + timedelta(seconds=_GIVE_UP_AFTER)
    while count_escalated() < count:
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended: {log.read_text()[-500:]}")
        if clock.now() > give_up_at:
            raise RuntimeError(f"only {count_escalated()} of {count} contacts were escalated")
        time.sleep(0.5)


def worker_environment(url: str, address: str, folder: Path) -> dict[str, str]:
    """What a worker, or a command, of ours needs to know."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TEMPORAL_")} | {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "FOOTBRIDGE_DATABASE_URL": url,
        "FOOTBRIDGE_DATA_DIR": str(folder),
        "FOOTBRIDGE_SECRET_KEY": get_settings().secret_key.get_secret_value(),  # it opens what this process sealed
    }


async def all_asleep(address: str, count: int, due_at: datetime) -> int:
    """How many workflows wait for their contact by then: upkeep has told them, and they have asked. Waits for all."""
    client = await Client.connect(address)
    while True:
        waiting = (await client.count_workflows(f"{NEXT_KIND.name} = '{CONTACT_MISSED}'")).count
        if waiting >= count or clock.now() >= due_at:
            return waiting
        await asyncio.sleep(0.5)


@contextmanager
def process(*arguments: str, log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process for the length of the block."""
    started = spawn([sys.executable, *arguments], log=log, env=env)
    try:
        yield started
    finally:
        stop(started, within_seconds=40)
