"""What is written into records that were put back from a backup, before anybody uses them, and how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, text, update
from sqlmodel import Session, col, select

from domain.errors import Conflict
from domain.vocabulary import NotificationState, Role
from records import clock, journal
from records.access import Actor
from records.commands.messages import tell
from records.commands.sealing import seal
from records.commands.upkeep import keep_fact, mark_all_untold
from records.engine import BEING_RESTORED, OF_TRANSACTION
from records.queries.restored import MAY_HAVE_GONE, RECONCILED, RELEASED, RESTORED, find_hold, find_restored
from records.tables import Notification, PersonText, Program, Staff, StaffSession

_LOOK_AT_ONCE = (Role.SUPERVISOR, Role.CLINICIAN, Role.MANAGER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was marked: referrals whose workflow is told anew, messages to staff and texts to people that may have gone
    out, browsers that were signed out, and members of staff who are told."""

    untold: int
    messages: int
    texts: int
    sessions: int
    told: int


def put_back(session: Session, *, copy_at: datetime, head: str) -> PutBack:
    """The records are those of `copy_at` again: nothing of what waited there goes out unasked, every workflow is told
    anew, everybody signs in anew and is told, and the journal says so."""
    now = clock.now()
    keep_fact(session, RESTORED, json.dumps({"copy_at": copy_at.isoformat(), "at": now.isoformat(), "head": head}))
    session.info.pop(OF_TRANSACTION, None)
    done = PutBack(
        untold=mark_all_untold(session),
        messages=_settle(session, Notification, now, NotificationState.UNCONFIRMED),
        texts=_settle(session, PersonText, now, NotificationState.CANCELLED),
        sessions=_count(session.execute(delete(StaffSession))),
        told=0,
    )
    for program in session.exec(select(Program).order_by(col(Program.id))).all():
        journal.append_for_program(
            session, program.id, "records.put_back", actor=journal.SYSTEM, copy_at=copy_at, head=head
        )
    told = _tell_everybody(session, now)
    session.flush()
    seal(session)
    session.execute(text(f"DROP TABLE IF EXISTS {BEING_RESTORED}"))
    return PutBack(done.untold, done.messages, done.texts, done.sessions, told)


def _settle(session: Session, table: Any, now: datetime, queued: NotificationState) -> int:
    """What waited and was due by now may have gone out since the copy. What was being sent is as uncertain as ever."""
    gone = 0
    for state, then in (
        (NotificationState.QUEUED, queued),
        (NotificationState.SENDING, NotificationState.UNCONFIRMED),
    ):
        gone += _count(
            session.execute(
                update(table)
                .where(col(table.state) == state, col(table.not_before) <= now)
                .values(state=then, problem=MAY_HAVE_GONE)
                .execution_options(synchronize_session=False)
            )
        )
    return gone


def _tell_everybody(session: Session, now: datetime) -> int:
    """Each member of staff once, planners too: what they entered since the copy is not there."""
    everybody = session.exec(select(Staff).where(col(Staff.is_active)).order_by(col(Staff.id))).all()
    for staff in everybody:
        tell(
            session, staff, "records_put_back", key=f"records_put_back:{now.isoformat()}",
            program_id=staff.program_id, is_high_risk=any(staff.has(role) for role in _LOOK_AT_ONCE), now=now,
        )  # fmt: skip
    return len(everybody)


def mark_reconciled(session: Session) -> None:
    """Upkeep has told every workflow of the records that were put back."""
    restored = find_restored(session)
    if restored is not None:
        keep_fact(session, RECONCILED, restored.at.isoformat())


def release(session: Session, actor: Actor) -> None:
    """An administrator has seen to it that consents taken back since the copy, and STOPs, are on record again: what is
    about people may leave the program again. Raises NotAllowed, Conflict."""
    actor.require("release_records")
    restored = find_hold(session, actor.program_id)
    if restored is None:
        raise Conflict("nothing_held", "Nothing is held: the records were not put back, or were released already.")
    kept = {"of": restored.at.isoformat(), "by": actor.id, "at": clock.now().isoformat()}
    keep_fact(session, f"{RELEASED}:{actor.program_id}", json.dumps(kept))
    journal.append_for_program(session, actor.program_id, "records.released", actor=actor.id, copy_at=restored.copy_at)


def _count(result: Any) -> int:
    return int(getattr(result, "rowcount", 0))
