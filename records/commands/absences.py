"""Bridgers who are away, who covers, and what the clock does about it: people move to the cover, and back."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid, NotFound
from domain.vocabulary import EndReason, Resolution, Role, Subject
from records import clock, journal
from records.access import Actor
from records.commands.assignments import assign
from records.commands.escalations import raise_ladder, settle_ladder
from records.commands.messages import tell
from records.commands.staff import colleague, people_of
from records.commands.work import open_case
from records.ids import new_id
from records.queries.staff import find_active
from records.tables import Absence, Assignment, Staff


def set_absence(
    session: Session,
    actor: Actor,
    bridger_id: str,
    *,
    from_at: datetime,
    until_at: datetime | None,
    cover_id: str | None = None,
) -> Absence:
    """A bridger is away. The people move to the cover when it begins: at once, or when `keep_absences` sees it.

    Raises Invalid when it ends before it begins, NotFound for somebody else's absence.
    """
    actor.require("set_absence")
    _require_theirs(session, actor, bridger_id, "That bridger")
    if until_at is not None and until_at <= from_at:
        raise Invalid("until_at", "The absence ends after it begins. Check the dates.", field="until_at")
    if cover_id is not None:
        if cover_id == bridger_id:
            raise Invalid("cover_id", "Choose somebody else to cover.", field="cover_id")
        colleague(session, actor, cover_id)
    row = Absence(
        id=new_id("abs"),
        program_id=actor.program_id,
        bridger_id=bridger_id,
        from_at=from_at,
        until_at=until_at,
        cover_id=cover_id,
        created_at=clock.now(),
    )
    session.add(row)
    journal.append_for_program(
        session,
        actor.program_id,
        "absence.set",
        actor=actor.id,
        subject_id=bridger_id,
        from_at=from_at,
        until_at=until_at,
        cover=cover_id,
    )
    session.flush()
    if from_at <= clock.now():
        _begin(session, row)
    return row


def end_absence(session: Session, actor: Actor, absence_id: str) -> list[str]:
    """The bridger is back: the people whom a cover holds return, with what is to come. Returns the referral ids."""
    row = session.get(Absence, absence_id)
    if row is None or row.program_id != actor.program_id:
        raise NotFound("That absence")
    _require_theirs(session, actor, row.bridger_id, "That absence")
    return [] if row.ended_at is not None else _end(session, row, by=actor.id)


def _require_theirs(session: Session, actor: Actor, bridger_id: str, what: str) -> None:
    """Absences are one's own, or those of one's team. Anybody else's answers as if it did not exist (NotFound)."""
    staff = session.get(Staff, bridger_id)
    leads = actor.is_system or Role.MANAGER in actor.roles or (staff is not None and staff.supervisor_id == actor.id)
    is_theirs = actor.id == bridger_id or (leads and actor.may("assign"))
    if staff is None or staff.program_id != actor.program_id or not is_theirs:
        raise NotFound(what)


def keep_absences(session: Session) -> int:
    """What the clock does: absences whose time has come begin, those whose time is over end. Returns how many.

    Doing it twice changes nothing (acceptance scenario 66).
    """
    now = clock.now()
    awaited = select(Absence).where(col(Absence.ended_at).is_(None)).order_by(col(Absence.from_at), col(Absence.id))
    over = list(session.exec(awaited.where(col(Absence.until_at) <= now)))
    begun = list(session.exec(awaited.where(col(Absence.from_at) <= now, col(Absence.begun_at).is_(None))))
    for row in over:
        _end(session, row, by="system")
    for row in begun:
        if row.ended_at is None:
            _begin(session, row)
    return len({row.id for row in (*over, *begun)})


def _begin(session: Session, row: Absence) -> None:
    row.begun_at = clock.now()
    session.flush()
    people = people_of(session, row.bridger_id)
    for referral_id in people:
        if row.cover_id is None or not _move(session, row, referral_id, row.cover_id, EndReason.COVER, row.bridger_id):
            _call_for_cover(session, row, referral_id)
    journal.append_for_program(
        session, row.program_id, "absence.began", actor="system", subject_id=row.bridger_id, people=len(people)
    )
    if row.cover_id is not None:
        tell(
            session,
            find_active(session, row.cover_id),
            "absence_cover",
            key=f"cover:{row.id}",
            program_id=row.program_id,
            until=row.until_at.isoformat() if row.until_at is not None else "",
        )


def _end(session: Session, row: Absence, *, by: str) -> list[str]:
    row.ended_at = clock.now()
    session.flush()
    covered = session.exec(
        select(Assignment.referral_id).where(
            Assignment.covers_for_id == row.bridger_id, col(Assignment.ended_at).is_(None)
        )
    )
    back = [
        referral_id
        for referral_id in list(covered)
        if _move(session, row, referral_id, row.bridger_id, EndReason.COVER_OVER, None)
    ]
    for referral_id in people_of(session, row.bridger_id):
        work = open_case(session, _hand(row), referral_id, "assign")
        if settle_ladder(work, Resolution.ARRANGED, subject=Subject.ASSIGNMENT, note="The bridger is back."):
            work.settle()
    journal.append_for_program(session, row.program_id, "absence.ended", actor=by, subject_id=row.bridger_id)
    return back


def _move(
    session: Session, row: Absence, referral_id: str, to_id: str, reason: EndReason, covers_for_id: str | None
) -> bool:
    """Hand one person over for the absence, or leave them where they are when a rule stands against it."""
    words = "cover during an absence" if reason is EndReason.COVER else "back from an absence"
    try:
        assign(
            session,
            _hand(row),
            referral_id,
            to_id,
            override_reason=words,
            end_reason=reason,
            covers_for_id=covers_for_id,
        )
    except (Conflict, NotFound):
        return False
    return True


def _call_for_cover(session: Session, row: Absence, referral_id: str) -> None:
    """Nobody covers for this person: somebody in charge is told, if anything is due before the bridger is back."""
    work = open_case(session, _hand(row), referral_id, "assign")
    is_due = any(c.state.is_awaited and (row.until_at is None or c.due_at < row.until_at) for c in work.rows.contacts)
    if is_due:
        raise_ladder(
            work,
            Subject.ASSIGNMENT,
            referral_id,
            "supervisor",
            due_at=row.from_at,
            why="The bridger is away and nobody covers, while contacts fall due.",
        )
        work.settle()


def _hand(row: Absence) -> Actor:
    return Actor(id="system", program_id=row.program_id, name="Footbridge", is_system=True)
