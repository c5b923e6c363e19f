"""The drill that an operator holds: every promise is seen kept, nothing stays; who is at work is left alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from temporalio.client import Client

from cli.drill import drills
from cli.local_postgres import PostgresServer
from cli.temporal_server import TemporalServer, temporal_server
from records.checking.promises import NAMES
from workflows import names
from workflows.transition import TransitionWorkflow


def conformance(address: str, folder: Path, database_url: str = "") -> subprocess.CompletedProcess[str]:
    """Hold a small one, as an operator does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBRIDGE_", "TEMPORAL_"))}
    env = kept | {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "FOOTBRIDGE_DATA_DIR": str(folder),
        "FOOTBRIDGE_DATABASE_URL": database_url,
    }
    line = [sys.executable, "-m", "cli.main", "conformance", "--json", "--people", "4"]
    return subprocess.run(line, env=env, capture_output=True, text=True, check=False)


def test_every_promise_is_seen_kept_and_nothing_stays(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.execute("CREATE DATABASE of_an_operator")
    with temporal_server(tmp_path) as server:
        done = conformance(server.address, tmp_path, postgres.url("of_an_operator"))
        assert asyncio.run(_still_there(server)) == 0
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    assert told["held"] is True
    promises = [proof["promise"] for proof in told["proofs"]]
    assert [one for one in promises if one.startswith("Checked")] == [
        f"Checked independently: {name}" for name in NAMES.values()
    ]
    assert len(promises) == len(NAMES) + 9
    with psycopg.connect(host=str(postgres.folder), user="postgres", dbname="of_an_operator") as connection:
        left = connection.execute("SELECT schema_name FROM information_schema.schemata").fetchall()
    assert {name for (name,) in left} == {"information_schema", "pg_catalog", "pg_toast", "public"}


async def _still_there(server: TemporalServer) -> int:
    client = await Client.connect(server.address)
    running = (await client.count_workflows("ExecutionStatus = 'Running' AND WorkflowType != 'temporal-sys'")).count
    return running + len([one async for one in await client.list_schedules()])


def test_nothing_is_touched_where_somebody_works(tmp_path: Path) -> None:
    with temporal_server(tmp_path) as server:
        asyncio.run(_somebody_waits(server))
        done = conformance(server.address, tmp_path)
        assert done.returncode == 2
        assert "Namespace default is in use: 1 of our workflows run" in done.stderr
        assert asyncio.run(_still_there(server)) == 1
    assert list(tmp_path.glob("*drill*")) == []


async def _somebody_waits(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    await client.start_workflow(
        TransitionWorkflow.run, "ref_1", id=names.transition_id("ref_1"), task_queue=names.TASK_QUEUE
    )


@pytest.mark.parametrize(("told", "held"), [(99.0, True), (101.5, True), (103.5, False), (96.0, False)])
def test_a_clock_that_is_wrong_is_seen(told: float, held: bool) -> None:
    assert drills._apart("A database", 100.0, told, 101.0).held is held


def test_a_slow_way_is_seen() -> None:
    assert drills._trips("It answers", [0.01] * 3).held
    assert not drills._trips("It answers", [0.01, 2.0, 3.0]).held
