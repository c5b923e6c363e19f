"""Workflow files import first-party modules inside one block only; a stray import costs every workflow."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from cli.temporal_server import TemporalServer
from tests.engine.running import STRICT_SANDBOX
from tests.engine.stray_import import StrayWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.transition import TransitionWorkflow
from workflows.upkeep import NightlyWorkflow, UpkeepWorkflow


async def _load(address: str, *workflows: type) -> None:
    client = await Client.connect(address)
    with ThreadPoolExecutor(1) as threads:
        Worker(
            client,
            task_queue="sandbox",
            workflows=workflows,
            activity_executor=threads,
            workflow_runner=STRICT_SANDBOX,
        )


def test_every_workflow_file_loads_in_the_strict_sandbox(server: TemporalServer) -> None:
    asyncio.run(_load(server.address, TransitionWorkflow, DeliveryWorkflow, UpkeepWorkflow, NightlyWorkflow))


def test_a_stray_import_is_caught(server: TemporalServer) -> None:
    with pytest.raises(RuntimeError, match="StrayWorkflow"):
        asyncio.run(_load(server.address, StrayWorkflow))
