"""Whether these records were put back from a backup, and what follows from it until somebody has looked.

Records that were put back are older than the world: what was said since the copy is not in them, and neither is a
consent that was taken back since, nor a STOP. docs/reliability.md tells what is done about it, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.vocabulary import NotificationState, Subject
from records.engine import OF_TRANSACTION
from records.queries.case import CaseRows
from records.tables import Escalation, Meta, Notification, PersonText, Program

RESTORED, RECONCILED, RELEASED = "restored", "reconciled", "released"
MAY_HAVE_GONE = "it may have gone out before the records were put back"
HELD = "the records were put back, and nobody has confirmed yet that their consent still stands"
_DOUBT = "footbridge_may_have_been_said"


@dataclass(frozen=True, slots=True)
class Restored:
    """The records are those of `copy_at`, and were put back `at`; in between they say nothing. `head`: the copy's."""

    copy_at: datetime
    at: datetime
    head: str


def find_restored(session: Session) -> Restored | None:
    """The last time that these records were put back; None: never. Asked once a transaction."""
    known = session.info.setdefault(OF_TRANSACTION, {})
    if RESTORED not in known:
        row = session.get(Meta, RESTORED)
        kept = json.loads(row.value) if row is not None else None
        known[RESTORED] = kept and Restored(
            datetime.fromisoformat(kept["copy_at"]), datetime.fromisoformat(kept["at"]), kept["head"]
        )
    found: Restored | None = known[RESTORED]
    return found


def is_reconciled(session: Session) -> bool:
    """Whether upkeep has brought Temporal in step with records that were put back; true where they never were."""
    restored, row = find_restored(session), session.get(Meta, RECONCILED)
    return restored is None or (row is not None and row.value == restored.at.isoformat())


def find_hold(session: Session, program_id: str) -> Restored | None:
    """Why nothing about a person leaves this program now: the records were put back, and no administrator has released
    them yet. None: nothing is held."""
    restored = find_restored(session)
    if restored is None:
        return None
    row = session.get(Meta, f"{RELEASED}:{program_id}")
    return None if row is not None and json.loads(row.value)["of"] == restored.at.isoformat() else restored


def list_held(session: Session) -> list[Program]:
    """The programs that wait for an administrator after the records were put back."""
    if find_restored(session) is None:
        return []
    programs = session.exec(select(Program).order_by(Program.name)).all()
    return [program for program in programs if find_hold(session, program.id)]


@contextmanager
def once_due(session: Session, at: datetime) -> Iterator[None]:
    """What is told within was due at `at`. From before the records were put back, it may have been told already."""
    restored = find_restored(session)
    if restored is None or at > restored.at or doubt(session):
        yield
        return
    session.info[_DOUBT] = MAY_HAVE_GONE
    try:
        yield
    finally:
        session.info.pop(_DOUBT, None)


def earliest_rung(rows: CaseRows, row: Escalation) -> datetime:
    """When this rung can have been reached at the earliest, in a life that the records know no more because they were
    put back: everything before it as early as the protocol lets it come, at whatever risk."""
    first = (e for e in rows.escalations if e.rung == 0 and e.occurrence == row.occurrence)
    at = next((e.due_at for e in first if (e.subject, e.subject_id) == (row.subject, row.subject_id)), row.due_at)
    if row.subject is Subject.ASSIGNMENT:  # whoever was asked may have declined at once
        at = min(at, rows.referral.unassigned_since or at)
    zone, calendar = rows.person.zone, rows.calendar
    for rung in rows.rungs(row.ladder)[: row.rung]:
        at = min(time.of(risk).after(at, zone, calendar) for time in (rung.answer, rung.act) for risk in (False, True))
    return at


def doubt(session: Session) -> str:
    """Why what is told now may have been told before the records were put back; empty: it cannot."""
    return str(session.info.get(_DOUBT, ""))


def list_doubtful(session: Session, program_id: str) -> list[Notification]:
    """The e-mails and texts to staff that may or may not have gone out, since the records were put back; the oldest
    first. They are in the app as well."""
    return list(
        session.exec(
            select(Notification)
            .where(
                Notification.program_id == program_id,
                Notification.state == NotificationState.UNCONFIRMED,
                Notification.problem == MAY_HAVE_GONE,
            )
            .order_by(col(Notification.created_at), col(Notification.id))
        )
    )


def list_doubtful_texts(session: Session, program_id: str) -> list[PersonText]:
    """The same for texts to people: they are not sent by themselves any more."""
    return list(
        session.exec(
            select(PersonText)
            .where(PersonText.program_id == program_id, PersonText.problem == MAY_HAVE_GONE)
            .order_by(col(PersonText.created_at), col(PersonText.id))
        )
    )
