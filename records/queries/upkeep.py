"""What upkeep asks of the records alone: whose workflow was not told, what is overdue, what was not sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case
from sqlmodel import Session, col, func, or_, select

from domain.vocabulary import NotificationState
from records import clock
from records.queries.notifications import STUCK
from records.tables import Meta, Notification, PersonText, Referral

PATIENCE = timedelta(seconds=5)
"""So long a due item may wait for its own timer before upkeep tells the workflow as well."""
STALE_CLAIM = timedelta(minutes=2)
UNTOLD = timedelta(minutes=2)
"""Upkeep tells workflows each minute: after two it tried, and they could not be told."""


UPKEEP_RUN = "upkeep_run"
"""Under which key the last run of upkeep stands, by its workflow and run at Temporal."""
LAST_CHECK = "check"
"""Under which key the nightly check keeps what it found."""


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the last nightly check found: of how many referrals, how many things do not hold, how long ago (real
    seconds), and the first of them: the referral's number and a sentence that names nobody."""

    referrals: int
    violations: int
    seconds_ago: float
    findings: tuple[tuple[str, str], ...]


def find_last_check(session: Session) -> LastCheck | None:
    """The last nightly check; None when there was none."""
    row = session.get(Meta, LAST_CHECK)
    if row is None:
        return None
    kept = json.loads(row.value)
    found = tuple((one["referral"], f"{one['name']}: {one['sentence']}") for one in kept["findings"])
    return LastCheck(kept["referrals"], kept["violations"], clock.unix_time() - kept["ran_at"], found)


WORKFLOWS_STUCK = "workflows_stuck"
"""Under which key workers keep how many workflows are stuck."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many workflows were stuck, and how long ago a worker looked (real seconds)."""

    count: int
    seconds_ago: float


def find_stuck(session: Session) -> Stuck | None:
    """How many workflows were stuck when a worker last looked; None when none ever did."""
    row = session.get(Meta, WORKFLOWS_STUCK)
    if row is None:
        return None
    kept = json.loads(row.value)
    return Stuck(kept["count"], clock.unix_time() - kept["at"])


@dataclass(frozen=True, slots=True)
class Lateness:
    """How the appointments are kept: items whose time has passed, and how long ago the oldest was due (seconds).

    Of what was not told or sent yet, the late ones are those that upkeep should have seen to long ago.
    """

    overdue_items: int
    oldest_seconds: float
    untold: int
    undelivered: int
    untold_late: int
    undelivered_late: int
    upkeep_ran_seconds_ago: float | None

    @property
    def oldest_felt_seconds(self) -> float:
        """For how long a worker could have carried out the oldest: a fast clock runs away from every worker."""
        return self.oldest_seconds / max(clock.speed(), 1.0)


def list_untold(session: Session, limit: int = 1000) -> list[str]:
    """Referrals whose next item has passed, or whose workflow was not told of it; the longest waiting first."""
    due = clock.now() - PATIENCE * max(clock.speed(), 1.0)
    return list(
        session.exec(
            select(Referral.id)
            .where(
                or_(
                    col(Referral.untold_since).is_not(None),
                    (col(Referral.next_at).is_not(None)) & (col(Referral.next_at) <= due),
                )
            )
            .order_by(func.coalesce(Referral.next_at, Referral.untold_since))
            .limit(limit)
        )
    )


def told_by_program(session: Session) -> dict[str, int]:
    """How many referrals of each program wait for something and their workflow was told: so many workflows run at the
    least when all is well."""
    counted = select(Referral.program_id, func.count()).where(
        col(Referral.next_at).is_not(None), col(Referral.untold_since).is_(None)
    )
    return dict(session.exec(counted.group_by(Referral.program_id)).all())


def list_awaited_ids(session: Session) -> set[str]:
    """Every referral that waits for something: so many transitions should run, and no others."""
    return set(session.exec(select(Referral.id).where(col(Referral.next_at).is_not(None))))


def find_upkeep_run(session: Session) -> str:
    """The last run of upkeep that these records know, as workflow and run of Temporal; empty: none."""
    row = session.get(Meta, UPKEEP_RUN)
    return row.value if row is not None else ""


def list_undelivered(session: Session, limit: int = 1000) -> list[str]:
    """Messages to staff and texts to people that wait to be sent, or whose sender died while sending; the oldest first.

    When there are more than `limit`, half of them are of each kind, as far as there are so many: however much waits for
    staff, texts to people get their turn, and the other way round.
    """
    now, found = clock.now(), list[list[tuple[datetime, str]]]()
    for table in (Notification, PersonText):
        queued = (col(table.state) == NotificationState.QUEUED) & (col(table.not_before) <= now)
        dropped = (col(table.state) == NotificationState.SENDING) & (col(table.claimed_at) <= now - STALE_CLAIM)
        waiting = select(table.not_before, table.id).where(or_(queued, dropped)).order_by(col(table.not_before))
        found.append(list(session.exec(waiting.limit(limit)).all()))
    to_staff, to_people = found
    to_people = to_people[: max(limit // 2, limit - len(to_staff))]
    return [message_id for _, message_id in sorted([*to_staff[: limit - len(to_people)], *to_people])]


def known_messages(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these messages to staff and texts to people that are on record."""
    found: set[str] = set()
    for some in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        for table in (Notification, PersonText):
            found.update(session.exec(select(table.id).where(col(table.id).in_(some))))
    return found


def agenda_lateness(session: Session) -> Lateness:
    """The figures that matter most, from the records alone, so that a dead worker is seen."""
    now, pace = clock.now(), max(clock.speed(), 1.0)
    overdue, oldest = session.exec(
        select(func.count(), func.min(Referral.next_at)).where(
            col(Referral.next_at).is_not(None), col(Referral.next_at) <= now
        )
    ).one()
    untold, untold_late = session.exec(
        select(func.count(), _how_many(col(Referral.untold_since) <= now - UNTOLD * pace)).where(
            col(Referral.untold_since).is_not(None)
        )
    ).one()
    waiting = waiting_late = 0
    for table in (Notification, PersonText):
        some, some_late = session.exec(
            select(func.count(), _how_many(col(table.not_before) <= now - STUCK * pace)).where(
                col(table.state).in_((NotificationState.QUEUED, NotificationState.SENDING)),
                col(table.not_before) <= now,
            )
        ).one()
        waiting, waiting_late = waiting + some, waiting_late + some_late
    ran = session.get(Meta, "upkeep_ran_at")
    ago = clock.unix_time() - float(ran.value) if ran is not None else None
    return Lateness(
        overdue_items=overdue,
        oldest_seconds=max((now - oldest).total_seconds(), 0.0) if oldest is not None else 0.0,
        untold=untold,
        undelivered=waiting,
        untold_late=untold_late,
        undelivered_late=waiting_late,
        upkeep_ran_seconds_ago=ago,
    )


def _how_many(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
