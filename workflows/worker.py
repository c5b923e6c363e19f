"""The process that keeps the appointments: `footbridge worker`. Any number of them share one task queue."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from records import engine
from workflows import names
from workflows.activities.appointments import carry_out, herd, next_item
from workflows.activities.catch_up import CatchUp
from workflows.activities.nightly import Nightly
from workflows.activities.send import deliver
from workflows.client import Teller, connect
from workflows.delivery import DeliveryWorkflow
from workflows.discretion import DiscreetFailures
from workflows.own_figures import own_figures
from workflows.transition import TransitionWorkflow
from workflows.upkeep import NightlyWorkflow, UpkeepWorkflow, ensure_schedules
from workflows.watching import watch

WORKFLOWS: list[type] = [TransitionWorkflow, DeliveryWorkflow, UpkeepWorkflow, NightlyWorkflow]

_log = logging.getLogger(__name__)
_ACTIVITIES_AT_ONCE = 20  # of each sort; the database's pool holds twice as many connections
_CACHED_WORKFLOWS = 2_000  # a thousand take about 60 MB; too few in a herd costs ten seconds each
_WAIT_FOR_A_DEAD_WORKER = timedelta(seconds=10)  # then its tasks go to another, which replays them from their start
_GRACE = timedelta(seconds=30)
_TRY_AGAIN_SECONDS = 1.0


def activities_of(client: Client) -> list[Callable[..., Any]]:
    """Every activity a worker runs."""
    return [next_item, carry_out, deliver, CatchUp(client).catch_up, Nightly(client).check]


def activity_threads() -> ThreadPoolExecutor:
    """Threads for regular and local activities together."""
    return ThreadPoolExecutor(2 * _ACTIVITIES_AT_ONCE, thread_name_prefix="activity")


def build_worker(
    client: Client,
    executor: ThreadPoolExecutor,
    *,
    activities: Sequence[Callable[..., Any]] | None = None,
    interceptors: Sequence[Interceptor] = (),
    runner: WorkflowRunner | None = None,
    task_queue: str = names.TASK_QUEUE,
    grace: timedelta = _GRACE,
) -> Worker:
    """A worker for everything, its activities in the threads of `executor`. Tests bring their own parts."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=activities_of(client) if activities is None else activities,
        activity_executor=executor,
        workflow_runner=runner or SandboxedWorkflowRunner(),
        interceptors=[DiscreetFailures(), *interceptors],
        max_concurrent_activities=_ACTIVITIES_AT_ONCE,
        max_concurrent_local_activities=_ACTIVITIES_AT_ONCE,
        max_concurrent_workflow_tasks=100,
        max_cached_workflows=_CACHED_WORKFLOWS,
        sticky_queue_schedule_to_start_timeout=_WAIT_FOR_A_DEAD_WORKER,
        graceful_shutdown_timeout=grace,
        deployment_config=_deployment(),
    )


def run_worker(address: str = "") -> None:
    """Work until SIGINT or SIGTERM; then finish what is under way, for at most 30 seconds.

    The records are open already. Temporal being away at the start is waited out.
    """
    teller = Teller(lambda: connect(address)).start()
    engine.on_commit(teller.hear)
    try:
        asyncio.run(_work(address))
    finally:
        herd.close()
        teller.close()


async def _work(address: str) -> None:
    stop = asyncio.Event()
    runtime, door = own_figures()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with door:
        client = await _patiently(address, stop, runtime)
        if client is None:
            return
        await require_search_attributes(client)
        await ensure_schedules(client)
        with activity_threads() as executor:
            async with build_worker(client, executor), asyncio.TaskGroup() as beside:
                beside.create_task(watch(client, stop))
                herd.see_to_it()
                _log.info("the worker keeps appointments")
                await stop.wait()
    _log.info("the worker has stopped")


class NotRegistered(RuntimeError):
    """The namespace lacks search attributes; a workflow that sets one would be stuck for good."""


async def require_search_attributes(client: Client) -> None:
    """Raises NotRegistered with the names that are missing. A service that does not tell is taken at its word."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status not in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            raise
        _log.warning("temporal does not tell which search attributes it knows; all of ours must be registered")
        return
    missing = [key.name for key in names.SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]
    if missing:
        raise NotRegistered(f"register these search attributes in namespace {client.namespace}: {', '.join(missing)}")


async def _patiently(address: str, stop: asyncio.Event, runtime: Runtime | None) -> Client | None:
    """The client, once Temporal is there; None when told to stop before."""
    while not stop.is_set():
        try:
            return await connect(address, runtime=runtime)
        except (RuntimeError, TimeoutError) as error:
            _log.warning("temporal is not there yet (%s)", type(error).__name__)
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
    return None


def _deployment() -> WorkerDeploymentConfig | None:
    """Worker versioning, when the two variables of Temporal's worker controller are set.

    Running transitions move to new code by themselves: months of them pinned to old code would need old workers.
    """
    name, build = os.environ.get("TEMPORAL_DEPLOYMENT_NAME"), os.environ.get("TEMPORAL_WORKER_BUILD_ID")
    if not name or not build:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=name, build_id=build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
