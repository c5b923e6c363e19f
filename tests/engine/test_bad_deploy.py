"""Code that fails, put under running transitions: the records tell of it within seconds, and good code goes on."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.pages.status import status_lines
from api.routes.health import _registry
from cli.temporal_server import TemporalServer
from domain import agenda
from records import clock, engine
from records.queries.upkeep import find_stuck
from tests.engine.paper import PaperRecords
from tests.engine.running import settled
from workflows import names, watching
from workflows.activities.catch_up import CatchUp
from workflows.client import list_unfit
from workflows.transition import TransitionWorkflow

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("database")]
MANY, QUEUES, WITHIN = 2, ("raises", "does-not-fit"), 60.0


@workflow.defn(name="TransitionWorkflow")
class Raises:
    """A mistake in the code."""

    @workflow.run
    async def run(self, referral_id: str) -> None:
        raise RuntimeError("a mistake")


@workflow.defn(name="TransitionWorkflow")
class DoesNotFit:
    """Other steps than the histories have."""

    @workflow.run
    async def run(self, referral_id: str) -> None:
        await workflow.sleep(timedelta(days=1))


GOOD = ((TransitionWorkflow, TransitionWorkflow), 0)
DEPLOYS: tuple[tuple[tuple[type, type], int], ...] = (GOOD, ((Raises, DoesNotFit), 2 * MANY), GOOD)
"""What runs on either of two queues, one after the other, and how many workflows are stuck then."""


def workers(client: Client, code: tuple[type, type], paper: PaperRecords, threads: ThreadPoolExecutor) -> list[Worker]:
    return [
        Worker(
            client, task_queue=queue, workflows=[one], activities=paper.activities(), activity_executor=threads,
            workflow_runner=UnsandboxedWorkflowRunner(), max_cached_workflows=0,
        )
        for queue, one in zip(QUEUES, code, strict=True)
    ]  # fmt: skip


async def told(stuck: int) -> None:
    """The records say so, in time."""
    began = time.monotonic()
    while (found := await asyncio.to_thread(_told)) != stuck:
        assert time.monotonic() - began < WITHIN, found
        await asyncio.sleep(0.1)


def _told() -> int | None:
    with engine.read_session() as session:
        found = find_stuck(session)
        return found.count if found is not None else None


def shown() -> tuple[str, bool, float | None]:
    """What the page and the metrics say."""
    with engine.read_session() as session:
        line = next(one for one in status_lines(session) if one.what == "Workflows run")
        return line.stands, line.is_well, _registry(session).get_sample_value("footbridge_workflows_stuck")


async def deploys(address: str) -> list[tuple[str, bool, float | None]]:
    """Good code, code that fails in either way, good code; what was shown after each."""
    client, paper = await Client.connect(address), PaperRecords()
    seen: list[tuple[str, bool, float | None]] = []
    ids = [(f"ref_{queue}_{number}", queue) for number in range(MANY) for queue in QUEUES]
    for referral_id, _ in ids:
        paper.plan(referral_id, (clock.now() + timedelta(days=1), agenda.CONTACT_MISSED))
    stop = asyncio.Event()
    watch = asyncio.create_task(watching.watch(client, stop))
    with ThreadPoolExecutor(4) as threads:
        for code, stuck in DEPLOYS:
            first, second = workers(client, code, paper, threads)
            async with first, second:
                for referral_id, queue in ids:
                    handle = await client.start_workflow(
                        "TransitionWorkflow", referral_id, id=names.transition_id(referral_id), task_queue=queue,
                        start_signal="nudge",
                    )  # fmt: skip
                    if not seen:  # later the mark that goes away says that good code has run
                        await settled(handle)
                await told(stuck)
                seen.append(await asyncio.to_thread(shown))
    stop.set()
    await watch
    return seen


def test_stuck_workflows_are_told_of_and_go_on_with_good_code(
    server: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.2)
    seen = asyncio.run(deploys(server.address))
    assert seen == [("None is stuck", True, 0.0), ("4 are stuck, as of 0 seconds ago", False, 4.0), seen[0]]


async def begun_under_bad_code(address: str) -> tuple[set[str], set[str], str]:
    """Begun by code that was rolled back: what is stuck before and after upkeep has run twice, and how it ends."""
    client, paper = await Client.connect(address), PaperRecords()
    paper.plan("ref_begun_badly", (clock.now() + timedelta(days=1), agenda.CONTACT_MISSED))
    upkeep = CatchUp(client)
    with ThreadPoolExecutor(4) as threads:

        def worker(code: type) -> Worker:
            return Worker(
                client, task_queue=names.TASK_QUEUE, workflows=[code], activities=paper.activities(),
                activity_executor=threads, workflow_runner=UnsandboxedWorkflowRunner(), max_cached_workflows=0,
            )  # fmt: skip

        async with worker(DoesNotFit):
            await client.start_workflow(
                "TransitionWorkflow", "ref_begun_badly", id=names.transition_id("ref_begun_badly"),
                task_queue=names.TASK_QUEUE,
            )  # fmt: skip
            await asyncio.sleep(1)
        async with worker(TransitionWorkflow):
            await client.get_workflow_handle(names.transition_id("ref_begun_badly")).signal("nudge")
            began = time.monotonic()
            while not (stuck := await list_unfit(client)) and time.monotonic() - began < WITHIN:
                await asyncio.sleep(0.2)
            await ActivityEnvironment().run(upkeep.catch_up)
            still = await list_unfit(client)
            await ActivityEnvironment().run(upkeep.catch_up)
            await settled(client.get_workflow_handle(names.transition_id("ref_begun_badly")))
    return stuck, still, "goes on"


def test_what_was_begun_under_bad_code_is_begun_anew_by_upkeep(server: TemporalServer) -> None:
    only = {"ref_begun_badly"}
    assert asyncio.run(begun_under_bad_code(server.address)) == (only, only, "goes on")
