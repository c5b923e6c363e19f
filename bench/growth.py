"""How things grow: what pages, starts, memory and disk take with so many open referrals and as many closed ones.

`python -m bench growth` measures 1,000; sizes may be named: `python -m bench.growth 1000 10000 100000`, and
`--closed 1000000` adds closed ones to the last size. The large ones want a quiet machine and an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from temporalio.client import Client

from bench.children import memory
from bench.figures import Figure, median, show
from bench.filled import Filled, fill
from bench.pages import get, sign_in
from bench.serving import SECRET, footbridge, free_port, server
from bench.storm import WORKER, process, worker_environment
from cli.temporal_server import TemporalServer, temporal_server
from records.settings import get_settings
from workflows.names import NEXT_KIND

ROUNDS = 15
_GIVE_UP_AFTER = 3600.0
_OPEN_OF_ALL = 0.5
"""Of the referrals of a size so many are open, unless the closed ones are counted apart."""


def run(sizes: Sequence[int] = (1_000,), closed: int = 0) -> list[Figure]:
    """Each size on records and a Temporal server of its own. `closed`: so many more, at the last size."""
    figures: list[Figure] = []
    for size in sizes:
        figures += _measure(size, closed if size == sizes[-1] and closed else round(size / _OPEN_OF_ALL) - size)
    return figures


def _measure(still_open: int, closed: int) -> list[Figure]:
    label = f"{still_open:,} open, {closed:,} closed"
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path = folder / "footbridge.sqlite3"
        url = f"sqlite:///{path}"
        began = time.perf_counter()
        filled = fill(url, still_open + closed, still_open)
        print(f"  {label}: written in {time.perf_counter() - began:.0f} s", flush=True)
        temporal = stack.enter_context(temporal_server(folder / "temporal"))
        tables = temporal.data_dir / "temporal.sqlite3"
        empty = _written(tables)
        told = [
            *_of_web_server(folder, url, filled),
            *_of_engine(folder, url, temporal, still_open),
            ("database, a referral", _written(path) / filled.referrals, "bytes"),
            ("Temporal's database, an open referral", (_written(tables) - empty) / still_open, "bytes"),
        ]
    return [Figure("growth", f"{label}: {what}", value, unit) for what, value, unit in told]


_Told = list[tuple[str, float, str]]


def _of_web_server(folder: Path, url: str, filled: Filled) -> _Told:
    port = free_port()
    command, environment = footbridge(folder, port, url)
    environment["FOOTBRIDGE_SECRET_KEY"] = get_settings().secret_key.get_secret_value()  # it opens what was sealed here
    began = time.perf_counter()
    told: _Told = []
    with server(command, port, folder, **environment):
        told.append(("web server, until it answers", time.perf_counter() - began, "s"))
        asked = (
            ("Today", "/today", filled.bridger_email),
            ("board", "/board", filled.supervisor_email),
            ("measures", "/measures", filled.supervisor_email),
        )
        for page, where, email in asked:
            cookie = sign_in(port, email)
            times = [get(port, where, cookie) for _ in range(ROUNDS)]
            told.append((f"page {page}, median", median(times) * 1000, "ms"))
        told.append(("web server, memory", memory()["the web server"], "MB"))
    return told


def _of_engine(folder: Path, url: str, temporal: TemporalServer, still_open: int) -> _Told:
    """A worker with nothing in Temporal yet: upkeep starts every workflow, as after the loss of its data."""
    env = worker_environment(url, temporal.address, folder)
    began = time.monotonic()
    with process(*WORKER, log=folder / "worker.log", env=env) as worker:
        asyncio.run(_all_asleep(temporal.address, still_open, worker))
        took = time.monotonic() - began
        return [
            ("worker begins, until every workflow sleeps", took, "s"),
            ("worker, memory", memory()["the worker"], "MB"),
            ("Temporal, memory", memory()["Temporal"], "MB"),
        ]


async def _all_asleep(address: str, count: int, worker: subprocess.Popen[bytes]) -> None:
    client = await Client.connect(address)
    asleep = f"{NEXT_KIND.name} IS NOT NULL AND ExecutionStatus = 'Running'"
    async with asyncio.timeout(_GIVE_UP_AFTER):
        while (await client.count_workflows(asleep)).count < count:
            if worker.poll() is not None:
                raise RuntimeError(f"the worker ended with {worker.returncode}")
            await asyncio.sleep(1)


def _bytes(*paths: Path) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def _written(file: Path) -> int:
    """A database of SQLite with what is not in its file yet."""
    return _bytes(file, file.with_name(f"{file.name}-wal"))


def main() -> None:
    """The sizes and the closed ones that the command line names."""
    asked = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    asked.add_argument("sizes", type=int, nargs="*", default=[1_000], help="open referrals")
    asked.add_argument("--closed", type=int, default=0, help="closed ones at the last size")
    given = asked.parse_args()
    os.environ["FOOTBRIDGE_SECRET_KEY"] = SECRET  # what this process writes, the servers it starts can open
    show(run(given.sizes, given.closed), Path("var/growth.json"))


if __name__ == "__main__":
    main()
