"""What upkeep and the teller write: that workflows were told, that upkeep ran, the anchor of a fast clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, update
from sqlmodel import Session, col, select

from domain.vocabulary import Role
from records import clock
from records.commands.messages import tell
from records.queries.upkeep import LAST_CHECK, UPKEEP_RUN, WORKFLOWS_STUCK, find_stuck
from records.tables import Meta, Referral, Staff


def mark_told(session: Session, referral_ids: Sequence[str], *, before: datetime) -> None:
    """These workflows were told; what became untold after `before` (when the telling began) stays marked."""
    session.execute(
        update(Referral)
        .where(col(Referral.id).in_(referral_ids), col(Referral.untold_since) <= before)
        .values(untold_since=None)
        .execution_options(synchronize_session=False)
    )


def mark_all_untold(session: Session, program_id: str | None = None) -> int:
    """Every referral that waits for something counts as untold, of one program or of all: then upkeep tells each, and
    starts the workflows that are gone. Returns how many there are. Whoever was told before hears it again, which
    changes nothing."""
    waiting = col(Referral.next_at).is_not(None)
    done = session.execute(
        update(Referral)
        .where(waiting if program_id is None else and_(waiting, col(Referral.program_id) == program_id))
        .values(untold_since=func.coalesce(Referral.untold_since, clock.now()))
        .execution_options(synchronize_session=False)
    )
    return int(getattr(done, "rowcount", 0))


def mark_upkeep_ran(session: Session, run: str = "") -> None:
    """Upkeep ran now, in real time; `run` is the workflow and run of Temporal."""
    if run:
        keep_fact(session, UPKEEP_RUN, run)
    keep_fact(session, "upkeep_ran_at", str(clock.unix_time()))


def keep_stuck(session: Session, count: int) -> None:
    """So many workflows are stuck at this moment: their code fails, and they wait for code that does not."""
    kept = find_stuck(session)
    if kept is None or kept.count != count or kept.seconds_ago > _KNOWN_ANYWAY:
        keep_fact(session, WORKFLOWS_STUCK, json.dumps({"count": count, "at": clock.unix_time()}))


_KNOWN_ANYWAY = 30.0
"""Seconds for which a number that did not change is not written again."""


MOST_KEPT = 50
"""So many findings of a check are kept; `footbridge check` shows all."""


def keep_check(session: Session, found: Mapping[str, Any]) -> None:
    """Keep what the nightly check found, for pages and metrics; when something does not hold, administrators are told.

    Once a day each, however often it is checked. What was found names nobody.
    """
    now = clock.now()
    kept = {**found, "findings": list(found["findings"])[:MOST_KEPT], "ran_at": clock.unix_time()}
    keep_fact(session, LAST_CHECK, json.dumps(kept))
    if not found["violations"]:
        return
    for staff in session.exec(select(Staff).where(col(Staff.is_active)).order_by(col(Staff.id))).all():
        if staff.has(Role.ADMIN):
            key = f"promises_broken:{now.date().isoformat()}"
            tell(session, staff, "promises_broken", key=key, program_id=staff.program_id)


def share_clock(session: Session, speed: float) -> None:
    """Run this process's clock at `speed`, from the anchor that every process of this database shares.

    The first process writes the anchor; a change of speed anchors anew at the time that the clock showed, so that the
    clock never goes back.
    """
    row = session.get(Meta, "clock")
    if row is not None:
        kept = json.loads(row.value)
        anchor = datetime.fromisoformat(kept["anchor"])
        clock.run_fast(kept["speed"], real_anchor=kept["real_anchor"], anchor=anchor)
        if kept["speed"] == speed:
            return
        real, anchor = clock.unix_time(), clock.now()
    elif speed == 1.0:
        return
    else:
        real, anchor = clock.unix_time(), clock.now()
    keep_fact(session, "clock", json.dumps({"speed": speed, "real_anchor": real, "anchor": anchor.isoformat()}))
    clock.run_fast(speed, real_anchor=real, anchor=anchor)


def keep_fact(session: Session, key: str, value: str) -> None:
    """Keep a fact about this database, in place of what it was."""
    row = session.get(Meta, key)
    if row is None:
        session.add(Meta(key=key, value=value))
    else:
        row.value = value
