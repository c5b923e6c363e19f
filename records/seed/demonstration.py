"""Loading the demonstration: set up months ago, played up to now."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from records import clock
from records.commands.messages import mark_seen
from records.queries.notifications import list_told_to, list_unseen_ids
from records.seed import before_leaving, first_days, weeks_after
from records.seed.people import Staffed, staff_the_program
from records.seed.world import Deliver, World

BEGAN = timedelta(days=120)
"""How long the program has been at work when somebody looks at it."""


UNSEEN_FOR = timedelta(hours=24)
UNSEEN_AT_MOST = 5
"""What waits under the bell when the demonstration begins: the latest few notices of the last day, no backlog."""


def load(session: Session, now: datetime, *, deliver: Deliver) -> Staffed:
    """Fill empty records within the caller's transaction, in a session that keeps its cases.

    `deliver` sends one message of the past (its id). The clock is moved meanwhile and then as it was. Every journal
    entry, contact and call is what the commands left; nothing is written beside them.
    """
    with clock.stopped_at(now - BEGAN):
        world = World(session, staff_the_program(session, now.date()), now, deliver)
        world.play([
            *weeks_after.stories(world),
            *first_days.stories(world),
            *before_leaving.stories(world),
        ])  # fmt: skip
        _look_at_notices(session, world)
        session.flush()
    return world.staff


def _look_at_notices(session: Session, world: World) -> None:
    for actor in world.staff.by.values():
        mark_seen(session, actor.id, list_unseen_ids(session, actor.id, world.now - UNSEEN_FOR))
        for earlier in list_told_to(session, actor, offset=UNSEEN_AT_MOST, limit=1):
            mark_seen(session, actor.id, list_unseen_ids(session, actor.id, earlier.last_at))
