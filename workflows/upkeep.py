"""Every minute: whoever was not told is told. What happens on a schedule stands in this file."""

from __future__ import annotations

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)

with workflow.unsafe.imports_passed_through():
    from workflows import names
    from workflows.names import CaughtUp


@workflow.defn
class UpkeepWorkflow:
    """Tells the transitions that were not told, restores the lost ones, and sets waiting messages going."""

    @workflow.run
    async def run(self) -> CaughtUp:
        """One pass over the records."""
        return await workflow.execute_activity(
            names.CATCH_UP,
            result_type=CaughtUp,
            start_to_close_timeout=names.CATCH_UP_TIMEOUT,
            retry_policy=names.CATCH_UP_RETRY,
            summary="Tell whoever was not told",
        )


async def ensure_schedules(client: Client) -> None:
    """Create every schedule, or bring it up to date. Any number of workers may do so at once."""
    upkeep = Schedule(
        action=ScheduleActionStartWorkflow(
            UpkeepWorkflow.run,
            id=names.UPKEEP_WORKFLOW,
            task_queue=names.TASK_QUEUE,
            execution_timeout=names.UPKEEP_GIVES_UP,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=names.UPKEEP_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=names.UPKEEP_EVERY),
    )
    try:
        await client.create_schedule(names.UPKEEP_SCHEDULE, upkeep, trigger_immediately=True)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(names.UPKEEP_SCHEDULE)
        await handle.update(lambda _: ScheduleUpdate(schedule=upkeep))
        await handle.trigger(overlap=ScheduleOverlapPolicy.SKIP)
