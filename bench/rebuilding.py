"""Temporal's data is gone under many open referrals: how long until every workflow is there and asleep again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from temporalio.client import Client

from bench.figures import Figure, at_most
from bench.filled import fill
from bench.storm import worker_environment
from cli.processes import spawn, stop
from cli.temporal_server import temporal_server
from workflows.names import NEXT_KIND

LONGEST = 300.0
_GIVE_UP_AFTER = 1200.0


def run(count: int = 10_000) -> list[Figure]:
    """`footbridge rebuild` on an empty Temporal server, beside one worker. Raises RuntimeError when it fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'footbridge.sqlite3'}"
        fill(url, count, count)
        with temporal_server(folder / "temporal") as server:
            env = worker_environment(url, server.address, folder)
            worker = spawn([sys.executable, "-m", "cli.main", "worker"], log=folder / "worker.log", env=env)
            try:
                began = time.monotonic()
                line = [sys.executable, "-m", "cli.main", "rebuild"]
                done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RuntimeError(done.stderr)
                told = time.monotonic() - began
                asyncio.run(_all_asleep(server.address, count))
                took = time.monotonic() - began
            finally:
                stop(worker, within_seconds=45)
    return [
        Figure("rebuild", f"{count:,} workflows told or started", told, "s"),
        at_most("rebuild", f"{count:,} workflows know their next item", took, "s", LONGEST),
    ]


async def _all_asleep(address: str, count: int) -> None:
    """Each shows what it waits for once it has asked the records."""
    client, asleep = await Client.connect(address), f"{NEXT_KIND.name} IS NOT NULL AND ExecutionStatus = 'Running'"
    async with asyncio.timeout(_GIVE_UP_AFTER):
        while (await client.count_workflows(asleep)).count < count:
            await asyncio.sleep(0.5)
