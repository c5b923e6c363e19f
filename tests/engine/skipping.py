"""Time that is skipped: the activities' clock follows the time of the workflow that called them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from records import clock

_HEADER = "time-of-the-workflow"


class ClockFollowsWorkflow(Interceptor):
    """One activity at a time, with the clock stopped at the moment at which its workflow asked for it.

    The clock never goes back: other workflows, whose time was not skipped, may run beside the one that is watched.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _SetsClock(next, self.turn)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return _SaysTime


class _SetsClock(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, turn: asyncio.Lock) -> None:
        super().__init__(next)
        self._turn = turn

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        said = PayloadConverter.default.from_payload(input.headers[_HEADER], str)
        async with self._turn:
            clock.set_to(max(clock.now(), datetime.fromisoformat(said)))
            return await super().execute_activity(input)


class _SaysTime(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_SendsTime(outbound))


class _SendsTime(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = {**input.headers, _HEADER: _time()}
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = {**input.headers, _HEADER: _time()}
        return super().start_local_activity(input)


def _time() -> Any:
    return PayloadConverter.default.to_payload(workflow.now().isoformat())
