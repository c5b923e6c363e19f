"""Every minute whoever was not told is told, every night every promise is checked. Whatever happens on a schedule
stands in this file.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
)

with workflow.unsafe.imports_passed_through():
    from workflows import names
    from workflows.names import CaughtUp, Held


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
            heartbeat_timeout=names.CATCH_UP_HEARTBEAT,
            retry_policy=names.CATCH_UP_RETRY,
            summary="Tell whoever was not told",
        )


@workflow.defn
class NightlyWorkflow:
    """Has every promise checked, by a reading that shares no rule with what it checks."""

    @workflow.run
    async def run(self) -> Held:
        """One look at everything."""
        return await workflow.execute_activity(
            names.CHECK,
            result_type=Held,
            start_to_close_timeout=names.CHECK_TIMEOUT,
            retry_policy=names.CATCH_UP_RETRY,
            summary="Check every promise",
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
    if not await _created(client, names.UPKEEP_SCHEDULE, upkeep, at_once=True):
        handle = client.get_schedule_handle(names.UPKEEP_SCHEDULE)
        await handle.trigger(overlap=ScheduleOverlapPolicy.SKIP)
    await _created(client, names.NIGHTLY_SCHEDULE, _nightly())


def _nightly() -> Schedule:
    hour, minute = names.NIGHTLY_AT
    return Schedule(
        action=ScheduleActionStartWorkflow(
            NightlyWorkflow.run,
            id=names.NIGHTLY_WORKFLOW,
            task_queue=names.TASK_QUEUE,
            execution_timeout=2 * names.CHECK_TIMEOUT,
        ),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(hour)], minute=[ScheduleRange(minute)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=2 * names.CHECK_TIMEOUT),
    )


async def _created(client: Client, name: str, schedule: Schedule, *, at_once: bool = False) -> bool:
    """Whether the schedule was not there; one that was is brought up to date."""
    try:
        await client.create_schedule(name, schedule, trigger_immediately=at_once)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(name).update(lambda _: ScheduleUpdate(schedule=schedule))
        return False
    return True
