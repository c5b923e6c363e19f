"""The drills of `footbridge conformance`: the promises, tried on the operator's own cluster and database.

Each drill proves one thing and says what it saw. Real processes do it: a worker of the drill's own, which is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text
from sqlmodel import col, func, select
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, GetSystemInfoRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.drill.deadline import bring_there, count_escalated, lateness
from cli.processes import spawn, stop
from domain.vocabulary import Channel, NotificationState
from records import clock, engine
from records.checking.promises import NAMES
from records.checking.run import check
from records.commands.upkeep import mark_upkeep_ran
from records.queries.upkeep import list_undelivered
from records.tables import Notification, Outbox, Referral
from workflows import names
from workflows.checking import check_temporal
from workflows.client import connect
from workflows.rebuilding import rebuild
from workflows.transition import TransitionWorkflow
from workflows.worker import NotRegistered, require_search_attributes

ROUND_TRIPS = 20
SLOWEST_TRIP = 0.5
"""Seconds. Slower, a page that asks twenty times would not be usable."""
CLOCKS_AGREE_WITHIN = 2.0
"""Seconds between the clock here and those of database and Temporal: what is due is judged by the clock here."""
_POLLED_LATELY = 90.0  # a worker's poll lasts a minute
_PATIENCE = 180.0
_TRANSITION = TransitionWorkflow.__name__
_OURS = f"WorkflowType IN ('{_TRANSITION}', 'DeliveryWorkflow', 'UpkeepWorkflow') AND ExecutionStatus = 'Running'"


class InUse(Exception):
    """Somebody works in this namespace: a drill in it would take what is theirs."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One promise, whether it held, and what was seen."""

    promise: str
    held: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the drill takes place: the worker's environment, its log, and how many people."""

    env: dict[str, str]
    log: Path
    people: int


def drill(ground: Ground) -> Iterator[Proof]:
    """Every drill in turn, each proof as soon as it is there; nothing of it runs afterwards.

    Raises InUse, RuntimeError or TimeoutError when Temporal cannot be reached.
    """
    asyncio.run(_require_unused())
    try:
        yield asyncio.run(_temporal_answers())
        yield _database_answers()
        yield asyncio.run(_clock_of_temporal())
        yield _clock_of_database()
        known = asyncio.run(_search_attributes())
        yield known
        if known.held:
            yield from _with_people(ground)
    finally:
        asyncio.run(_clear_away())


def _with_people(ground: Ground) -> Iterator[Proof]:
    due_at = bring_there(ground.people)
    with _worker(ground) as first:
        _until(lambda: clock.now() >= due_at, first)
        _until(lambda: count_escalated() > 0, first)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        before, died = count_escalated(), time.monotonic()
    with _worker(ground) as second:
        _until(lambda: count_escalated() >= ground.people, second)
        took = time.monotonic() - died
        yield _burst(ground.people, due_at)
        yield Proof(
            "A worker that is killed loses nothing and does nothing twice",
            count_escalated() == ground.people,
            f"killed when {before} of {ground.people} were escalated; the rest {took:.0f} s later, by another",
        )
        yield _rebuilt(second)
        yield _delivered(second)
        yield from _checked()


def _burst(people: int, due_at: datetime) -> Proof:
    try:
        late = [one.seconds for one in lateness(people, due_at)]
    except RuntimeError as error:
        return Proof(_BURST, False, str(error))
    seen = f"{people} due at one moment; the last {max(late):.0f} s late, the worker having been killed"
    return Proof(_BURST, min(late) >= 0, seen)


_BURST = "Each missed contact is escalated, once, and none early"


def _rebuilt(worker: subprocess.Popen[bytes]) -> Proof:
    """Half of the workflows are gone; the command brings them back, and nothing is said or raised again."""
    ids = sorted(_awaited())
    gone, before = ids[: max(1, len(ids) // 2)], count_escalated()
    asyncio.run(_terminate(gone))
    rebuild(lambda _told, _of: None)
    _until(lambda: not asyncio.run(_not_running(ids)), worker)
    return Proof(
        "Workflows that are lost are made anew from the records",
        count_escalated() == before,
        f"{len(gone)} of {len(ids)} terminated, all of them running again; escalations before and after: "
        f"{before}, {count_escalated()}",
    )


def _delivered(worker: subprocess.Popen[bytes]) -> Proof:
    """Into the outbox, whatever gateway is set: nobody is written to by a drill. What was on its way when the worker
    was killed may have arrived or not; it is never sent again."""
    _until(lambda: not _waiting_to_be_sent(), worker)
    with engine.read_session() as session:
        emails = select(func.count()).where(Notification.channel == Channel.EMAIL)
        sent = session.exec(emails.where(Notification.state == NotificationState.SENT)).one()
        on_their_way = session.exec(emails.where(Notification.state == NotificationState.SENDING)).one()
        there = session.exec(select(func.count()).where(Outbox.channel == Channel.EMAIL)).one()
    seen = f"{sent} e-mails sent, {on_their_way} on their way when the worker was killed, {there} in the outbox"
    return Proof("Each message is delivered, once", 0 < sent <= there <= sent + on_their_way, seen)


def _checked() -> Iterator[Proof]:
    result = check(processes=1)
    workflows = check_temporal(result)
    for number, name in NAMES.items():
        found = next((one.sentence for one in result.findings if one.invariant == number), "")
        seen = found or f"{result.referrals} referrals" + (f", {workflows} workflows" if number == 10 else "")
        yield Proof(f"Checked independently: {name}", not result.counts.get(number), seen)


async def _temporal_answers() -> Proof:
    client = await connect()

    async def ask() -> float:
        began = time.perf_counter()
        await client.workflow_service.get_system_info(GetSystemInfoRequest())
        return time.perf_counter() - began

    return _trips("Temporal answers", [await ask() for _ in range(ROUND_TRIPS)])


def _database_answers() -> Proof:
    def write() -> float:
        began = time.perf_counter()
        with engine.transaction() as session:
            mark_upkeep_ran(session)
        return time.perf_counter() - began

    return _trips("The database takes and keeps what is written", [write() for _ in range(ROUND_TRIPS)])


def _trips(promise: str, times: Sequence[float]) -> Proof:
    seen = f"{median(times) * 1000:.1f} ms, the slowest of {len(times)} {max(times) * 1000:.1f} ms"
    return Proof(promise, median(times) <= SLOWEST_TRIP, seen)


async def _clock_of_temporal() -> Proof:
    """By when it says that a workflow began, which is ended at once."""
    client = await connect()
    before = clock.unix_time()
    handle = await client.start_workflow(
        TransitionWorkflow.run, "ref_0drill0drill", id=names.transition_id("ref_0drill0drill"), task_queue="drill"
    )
    after = clock.unix_time()
    began = (await handle.describe()).start_time.timestamp()
    await handle.terminate("the drill is over")
    return _apart("Temporal", before, began, after)


def _clock_of_database() -> Proof:
    if engine.writers_lock() is not None:
        return Proof("The database's clock agrees with the one here", True, "SQLite has none of its own")
    before = clock.unix_time()
    with engine.read_session() as session:
        told: datetime = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    return _apart("The database", before, told.astimezone(UTC).timestamp(), clock.unix_time())


def _apart(whose: str, before: float, told: float, after: float) -> Proof:
    """How far a clock that was read between two moments lies outside of them."""
    apart = max(before - told, told - after, 0.0)
    return Proof(f"{whose}'s clock agrees with the one here", apart <= CLOCKS_AGREE_WITHIN, f"{apart:.3f} s apart")


async def _search_attributes() -> Proof:
    client = await connect()
    promise = "The namespace has the search attributes"
    try:
        await require_search_attributes(client)
    except NotRegistered as error:
        return Proof(promise, False, str(error))
    return Proof(promise, True, f"namespace {client.namespace}")


async def _require_unused() -> None:
    client = await connect()
    polled = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=names.TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    lately = clock.unix_time() - _POLLED_LATELY
    running = (await client.count_workflows(_OURS)).count
    if running or any(one.last_access_time.ToDatetime(UTC).timestamp() > lately for one in polled.pollers):
        raise InUse(
            f"Namespace {client.namespace} is in use: {running} of our workflows run, or a worker asked for work in "
            f"the last {_POLLED_LATELY:.0f} s. A drill needs a namespace of its own in the same cluster: make one with "
            "deploy/temporal-namespace.sh, and name it as TEMPORAL_NAMESPACE."
        )


async def _clear_away() -> None:
    """End what runs. Closed histories stay until the namespace forgets them."""
    client = await connect()
    for schedule in (names.UPKEEP_SCHEDULE, names.NIGHTLY_SCHEDULE):
        await _if_there(client.get_schedule_handle(schedule).delete())
    async for one in client.list_workflows(_OURS):
        await _if_there(client.get_workflow_handle(one.id).terminate("the drill is over"))


async def _terminate(referral_ids: Sequence[str]) -> None:
    client = await connect()
    for referral_id in referral_ids:
        await _if_there(client.get_workflow_handle(names.transition_id(referral_id)).terminate("a drill"))


async def _if_there(call: Any) -> None:
    try:
        await call
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def _not_running(referral_ids: Sequence[str]) -> list[str]:
    client = await connect()
    return [one for one in referral_ids if not await _runs(client, one)]


async def _runs(client: Client, referral_id: str) -> bool:
    described = await client.get_workflow_handle(names.transition_id(referral_id)).describe()
    return described.status is WorkflowExecutionStatus.RUNNING


def _awaited() -> list[str]:
    with engine.read_session() as session:
        return list(session.exec(select(Referral.id).where(col(Referral.next_at).is_not(None))))


def _waiting_to_be_sent() -> list[str]:
    with engine.read_session() as session:
        return list_undelivered(session)


@contextmanager
def _worker(ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    process = spawn([sys.executable, "-m", "cli.main", "worker"], log=ground.log, env=ground.env)
    try:
        yield process
    finally:
        stop(process, within_seconds=40)


def _until(is_so: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    """Wait until it is so. Raises RuntimeError when the worker ends, TimeoutError after three minutes."""
    give_up_at = time.monotonic() + _PATIENCE
    while not is_so():
        if worker.poll() is not None:
            raise RuntimeError(f"the drill's worker ended with {worker.returncode}")
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"what was waited for did not come within {timedelta(seconds=_PATIENCE)}")
        time.sleep(0.02)
