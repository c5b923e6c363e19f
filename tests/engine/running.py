"""A worker on a real server for the length of one test, and what tests ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from records.engine import on_commit
from tests.engine.skipping import ClockFollowsWorkflow
from workflows import names
from workflows.client import Teller, connect
from workflows.delivery import DeliveryWorkflow
from workflows.discretion import DiscreetFailures
from workflows.transition import TransitionWorkflow
from workflows.upkeep import NightlyWorkflow, UpkeepWorkflow
from workflows.worker import activity_threads, build_worker

STRICT_SANDBOX = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_import_notification_policy(
        SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    )
)
"""An import that slips into a workflow file past its block fails the test: it would cost every workflow."""

DYNAMIC_CONFIG = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1",  # told of at the first failure
    'history.timerProcessorMaxTimeShift="20ms"',  # timers fire as much as this late; a second by default
)
"""Of the test server."""

SOON_TOO_LONG = "limit.historyCount.suggestContinueAsNew=30"
"""By default a history is too long at 4,096 events, which no test reaches."""

OF_THE_SKIPPING = ("OPTIONS_UPDATED", "TIME_SKIPPING_TRANSITIONED")

Handle = WorkflowHandle[Any, Any]


@dataclass
class Engine:
    """One running worker and its client."""

    client: Client
    queue: str
    skipper: TimeSkipper

    async def start(self, referral_id: str) -> Handle:
        """Nudge the referral's transition, starting it when it does not run."""
        return await self.client.start_workflow(
            TransitionWorkflow.run,
            referral_id,
            id=names.transition_id(referral_id),
            task_queue=self.queue,
            start_signal="nudge",
        )

    def transition(self, referral_id: str) -> Handle:
        """The referral's transition."""
        return self.client.get_workflow_handle(names.transition_id(referral_id))

    async def forward(self, handle: Handle, by: timedelta) -> None:
        """Let so much of the workflow's time pass."""
        await self.skipper.fast_forward(handle, by)

    async def now(self, handle: Handle) -> datetime:
        """What time it is for the workflow."""
        return await self.skipper.get_current_time(handle)


@asynccontextmanager
async def engine(
    address: str, activities: Sequence[Callable[..., Any]], *, skipping: bool = True
) -> AsyncIterator[Engine]:
    """A worker with these activities on a queue of its own. With `skipping`, time stands still until forwarded."""
    client = await Client.connect(address)
    queue = f"test-{uuid4()}"
    with ThreadPoolExecutor(8) as threads:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[TransitionWorkflow, DeliveryWorkflow, UpkeepWorkflow, NightlyWorkflow],
            activities=activities,
            activity_executor=threads,
            workflow_runner=STRICT_SANDBOX,
            interceptors=[DiscreetFailures(), *([ClockFollowsWorkflow()] if skipping else [])],
        ):
            yield Engine(client, queue, TimeSkipper(client))


@asynccontextmanager
async def whole_system(address: str, *, skipping: bool = True) -> AsyncIterator[Engine]:
    """The real worker on the open database, told by commits as in production."""
    client = await connect(address)
    teller = Teller(lambda: connect(address)).start()
    stop_hearing = on_commit(teller.hear)
    try:
        with activity_threads() as threads:
            async with build_worker(
                client,
                threads,
                interceptors=[ClockFollowsWorkflow()] if skipping else [],
                runner=STRICT_SANDBOX,
                grace=timedelta(0),
            ):
                yield Engine(client, names.TASK_QUEUE, TimeSkipper(client))
    finally:
        stop_hearing()
        await asyncio.to_thread(teller.close)


async def events_of(handle: Handle) -> list[str]:
    """The events of the workflow's history by name, without those of the time skipping itself."""
    history = await handle.fetch_history()
    every = [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events]
    return [name for name in every if not name.endswith(OF_THE_SKIPPING)]


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for something to become so; TimeoutError when it does not."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def settled(handle: Handle, *, seconds: float = 10.0) -> list[str]:
    """The events once the workflow sleeps or is over: no task and no activity under way."""
    async with asyncio.timeout(seconds):
        while True:
            events = await events_of(handle)
            tasks = events.count("WORKFLOW_TASK_SCHEDULED") == events.count("WORKFLOW_TASK_COMPLETED")
            activities = events.count("ACTIVITY_TASK_SCHEDULED") == events.count("ACTIVITY_TASK_COMPLETED")
            if tasks and activities and len(events) > 2:
                return events
            await asyncio.sleep(0.02)
