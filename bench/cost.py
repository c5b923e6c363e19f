"""What a ninety-day psychiatric journey costs in Temporal, every contact made: events, bytes and billable actions.

Actions are counted as Temporal Cloud bills them (docs.temporal.io/cloud/actions): one for a workflow's start or its
continuation, each timer, signal, update of search attributes and try of an activity; all local activities of one
workflow task are one together. A signal that starts its workflow is two. Time that is skipped costs nothing in
production, so its own events are left out.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from bench.figures import Figure, at_most
from cli.temporal_server import temporal_server
from tests.engine.running import DYNAMIC_CONFIG, OF_THE_SKIPPING
from tests.engine.watched import ninety_days_alone

USUAL = 1 / 3
MOMENTS = (0.3, 0.6, 0.9)
"""How much of its window has passed when a contact is made. The later, the more reminders go out first."""

ACTIONS = {
    "WORKFLOW_EXECUTION_STARTED",
    "WORKFLOW_EXECUTION_SIGNALED",
    "TIMER_STARTED",
    "ACTIVITY_TASK_STARTED",
    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one journey."""

    contacts: int
    events: int
    size: int
    """Bytes of the events as Temporal serializes them."""
    actions: int


def run(moments: tuple[float, ...] = MOMENTS) -> list[Figure]:
    """The usual journey, of which something is asked, and what it costs when contacts are made early or late."""
    with (
        tempfile.TemporaryDirectory() as data,
        temporal_server(Path(data), dynamic_config=DYNAMIC_CONFIG) as server,
    ):
        usual, *others = [measure(server.address, into) for into in (USUAL, *moments)]
    figures = [
        Figure("cost", "contacts made", usual.contacts, ""),
        at_most("cost", "events a contact", usual.events / usual.contacts, "", 8),
        at_most("cost", "events in all", usual.events, "", 200),
        Figure("cost", "history", usual.size / 1024, "KiB"),
        Figure("cost", "billable actions", usual.actions, ""),
    ]
    for into, cost in zip(moments, others, strict=True):
        figures.append(Figure("cost", f"events, contacts made at {into:.0%} of their time", cost.events, ""))
    return figures


def measure(address: str, into: float) -> Cost:
    """One journey on the server at `address`. Raises RuntimeError when a contact was missed: it would be another."""
    kept = asyncio.run(ninety_days_alone(address, into))
    if "contact.missed" in kept.events:
        raise RuntimeError(f"a contact was missed although each is made {into:.0%} into its window")
    return _cost(kept.history, kept.events.count("contact.met"))


def _cost(history: WorkflowHistory, contacts: int) -> Cost:
    named = [(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_"), event) for event in history.events]
    ours = [(name, event) for name, event in named if not name.endswith(OF_THE_SKIPPING)]
    count = Counter(name for name, _ in ours)
    tasks_with_local_activities = {
        event.marker_recorded_event_attributes.workflow_task_completed_event_id
        for name, event in ours
        if name == "MARKER_RECORDED"
    }
    return Cost(
        contacts=contacts,
        events=len(ours),
        size=sum(event.ByteSize() for _, event in ours),
        actions=sum(count[name] for name in ACTIONS) + len(tasks_with_local_activities),
    )
