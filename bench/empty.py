"""What a herd of deadlines is held against: workflows that fire one timer and call one activity that does nothing.

`python -m bench.empty ADDRESS` works for them until it is ended, as one process with the settings of our worker.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from records import clock

QUEUE = "bench-empty"
_LOCAL_ACTIVITIES, _THREADS, _TASKS, _CACHED = 20, 40, 100, 2_000  # as workflows/worker.py has them


@activity.defn
def nothing() -> str:
    """When it was called."""
    return clock.now().isoformat()


@workflow.defn
class EmptyWorkflow:
    """One timer, one local activity."""

    @workflow.run
    async def run(self, due: str) -> float:
        """How many seconds after `due` (ISO 8601) the activity was called."""
        due_at = datetime.fromisoformat(due)
        if due_at > workflow.now():
            await workflow.sleep(due_at - workflow.now())
        called = await workflow.execute_local_activity(nothing, start_to_close_timeout=timedelta(seconds=10))
        return (datetime.fromisoformat(called) - due_at).total_seconds()


async def work(address: str) -> None:
    """Until the process is ended."""
    client = await Client.connect(address)
    with ThreadPoolExecutor(_THREADS) as threads:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[EmptyWorkflow],
            activities=[nothing],
            activity_executor=threads,
            max_concurrent_local_activities=_LOCAL_ACTIVITIES,
            max_concurrent_workflow_tasks=_TASKS,
            max_cached_workflows=_CACHED,
        )
        await worker.run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
