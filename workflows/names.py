"""Every name, time-out, retry policy and wire type that workflows, activities and clients share.

What stands here is readable in Temporal's pages and database: identifiers, kinds and times, nothing about a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.common import Priority, RetryPolicy, SearchAttributeKey

from domain.agenda import TITLES

TASK_QUEUE = "footbridge"

NEXT_ITEM = "next_item"
CARRY_OUT = "carry_out"
DELIVER = "deliver"
CATCH_UP = "catch_up"
CHECK = "check"

UPKEEP_SCHEDULE = "footbridge-upkeep"
UPKEEP_WORKFLOW = "upkeep"
UPKEEP_EVERY = timedelta(minutes=1)
NIGHTLY_SCHEDULE = "footbridge-nightly"
NIGHTLY_WORKFLOW = "nightly"
NIGHTLY_AT = (8, 30)
"""Hour and minute, UTC: the small hours in all of the United States but Hawaii. Project choice."""
UPKEEP_GIVES_UP = timedelta(minutes=5)
"""A run of upkeep that is stuck, on a worker that died, makes way for the next."""

PROGRAM = SearchAttributeKey.for_keyword("FootbridgeProgram")
SETTING = SearchAttributeKey.for_keyword("FootbridgeSetting")
NEXT_KIND = SearchAttributeKey.for_keyword("FootbridgeNextItem")
NEXT_AT = SearchAttributeKey.for_datetime("FootbridgeNextAt")
SEARCH_ATTRIBUTES: tuple[SearchAttributeKey, ...] = (PROGRAM, SETTING, NEXT_KIND, NEXT_AT)

MINIMUM_WAIT = timedelta(seconds=1)
"""No wait is shorter: replay takes a zero timer for none, and the server's timers are no finer than a second."""

SHOWN_AT_MOST_STALE = timedelta(days=1)
"""How far the next item's time may move before the search attribute follows; each update is an event of history."""

LOCAL_TIMEOUT = timedelta(seconds=2)
LOCAL_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=2)
"""Short, because a local activity that hangs holds up the workflow task; afterwards it runs as a regular one."""

ACTIVITY_TIMEOUT = timedelta(seconds=10)
ACTIVITY_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))
"""Without end: a database that is away for an hour only delays."""

AFTER_APPOINTMENTS = Priority(priority_key=5)
"""Of deliveries: when many contacts are missed at once, every one is escalated (and told of in the app) first."""

DELIVERY_TIMEOUT = timedelta(seconds=60)
DELIVERY_RETRY = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=15))
"""Without end here: the records decide when a message is too old to send."""

CHECK_TIMEOUT = timedelta(hours=2)
"""100,000 referrals take five minutes; a machine that is busy, or has many more, is given its time."""
CATCH_UP_TIMEOUT = timedelta(minutes=2)
CATCH_UP_HEARTBEAT = timedelta(seconds=10)
"""A worker that dies in the middle of upkeep is missed so soon; without, upkeep would stand still for two minutes."""
CATCH_UP_RETRY = RetryPolicy(maximum_attempts=2)
"""Upkeep runs again a minute later anyway."""


@dataclass(frozen=True)
class Appointment:
    """What a transition waits for next. Nothing (`is_over`) when the referral waits for nothing more."""

    is_over: bool
    kind: str = ""
    at: datetime | None = None
    seconds: float = 0.0
    """Real seconds from the moment of asking until `at`, whatever speed the clock runs at; zero or less: due now."""
    program_id: str = ""
    setting: str = ""

    @property
    def is_due(self) -> bool:
        """Whether it is time, or past it."""
        return not self.is_over and self.seconds <= 0

    @property
    def summary(self) -> str:
        """What Temporal's pages call it."""
        return TITLES.get(self.kind, self.kind)


@dataclass(frozen=True)
class Held:
    """What the nightly check found: how many referrals it looked at, how many things do not hold."""

    referrals: int
    violations: int


@dataclass(frozen=True)
class CaughtUp:
    """What one run of upkeep did: how many transitions it told and how many messages it set going."""

    told: int
    deliveries: int
    lateness_seconds: float
    """How late the latest overdue agenda item was when the run began; zero: nothing was overdue."""


def transition_id(referral_id: str) -> str:
    """The workflow id of a referral's transition."""
    return f"transition-{referral_id}"


def delivery_id(notification_id: str) -> str:
    """The workflow id of a message's delivery."""
    return f"delivery-{notification_id}"
