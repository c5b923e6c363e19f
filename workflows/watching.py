"""Looking whether workflows are stuck, beside the work: a bad deploy parks transitions without any error at our edge.

The server marks a workflow whose tasks fail again and again; how many there are is kept in the records every few
seconds, so that pages and metrics, which ask the records alone, tell of it. What is stuck goes on by itself as soon as
good code runs, and the mark goes away with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from records.commands.upkeep import keep_stuck
from records.engine import transaction

EVERY_SECONDS = 10.0
STUCK = (
    'ExecutionStatus = "Running" AND TemporalReportedProblems IN '
    '("category=WorkflowTaskFailed", "category=WorkflowTaskTimedOut")'
)
_log = logging.getLogger(__name__)


async def watch(client: Client, stop: asyncio.Event) -> None:
    """Look every ten seconds until stopped. That Temporal or the database does not answer is not for this to tell."""
    said = 0
    while not stop.is_set():
        try:
            stuck = (await client.count_workflows(STUCK)).count
            await asyncio.to_thread(_keep, stuck)
            if stuck > said:
                _log.error("%d workflows are stuck: their code fails. Roll back what was deployed last", stuck)
            said = stuck
        except (RPCError, SQLAlchemyError, TimeoutError) as error:
            _log.warning("nobody knows whether workflows are stuck (%s)", type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)


def _keep(stuck: int) -> None:
    with transaction() as session:
        keep_stuck(session, stuck)
