"""Break glass: somebody opens a record that is not theirs, because they must, with a reason that stays."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, func, select

from domain.errors import Conflict, NotFound
from domain.vocabulary import ReferralStatus, Role
from records import clock, journal
from records.access import Actor, visible
from records.commands.messages import tell
from records.commands.text import checked_text
from records.commands.work import Work
from records.ids import new_id
from records.queries.case import load_case
from records.queries.staff import list_with_role, told_for
from records.tables import BrokenGlass, Program, Referral

LONGEST_REASON = 500


def break_glass(session: Session, actor: Actor, number: str, reason: str) -> BrokenGlass:
    """Open the record behind a referral's number for the program's hours, to read it. The privacy officers and the
    person's supervisor are told at once that it was done, and find the reason on their pages.

    Raises NotFound for a number that nobody has, Conflict when the record is theirs anyway.
    """
    actor.require("break_glass")
    text = checked_text(reason, "reason", limit=LONGEST_REASON, required=True)
    wanted = func.lower(Referral.number) == number.strip().lower()
    referral = session.exec(
        select(Referral)
        .where(wanted, Referral.program_id == actor.program_id, Referral.status != ReferralStatus.DRAFT)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if referral is None:
        raise NotFound("A referral with this number")
    if session.exec(select(Referral.id).where(Referral.id == referral.id, visible(actor))).first() is not None:
        raise Conflict("already_yours", "You may see this record anyway; no reason is needed.")
    now = clock.now()
    hours = session.get_one(Program, actor.program_id).break_glass_hours
    row = BrokenGlass(
        id=new_id("gls"),
        program_id=actor.program_id,
        referral_id=referral.id,
        staff_id=actor.id,
        reason=text,
        at=now,
        until_at=now + timedelta(hours=hours),
    )
    session.add(row)
    journal.append(session, referral, "glass.broken", actor=actor.id, subject_id=row.id, until=row.until_at, note=text)
    session.flush()
    _tell(session, Work(session, actor, load_case(session, referral.id, lock=True), now), row)
    return row


def _tell(session: Session, work: Work, row: BrokenGlass) -> None:
    """The notice names nobody: not the person, not who opened the record, not why."""
    for _, supervisor in told_for(session, work.rows, ("peer_supervisor",)):
        if supervisor.id != row.staff_id:
            work.tell(supervisor, "glass_broken", row.id)
    for officer in list_with_role(session, row.program_id, Role.PRIVACY):
        tell(session, officer, "glass_broken", key=f"glass_broken:{row.id}", program_id=row.program_id, now=row.at)


def take_note_of_glass(session: Session, actor: Actor, glass_id: str) -> BrokenGlass:
    """The privacy officer has seen it. Twice changes nothing. Raises NotFound."""
    actor.require("see_readings")
    row = session.exec(
        select(BrokenGlass)
        .where(BrokenGlass.id == glass_id, BrokenGlass.program_id == actor.program_id)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound("That entry")
    if row.looked_at is None:
        row.looked_by, row.looked_at = actor.id, clock.now()
        journal.append_for_program(session, actor.program_id, "glass.noted", actor=actor.id, subject_id=row.id)
    return row
