"""Incidents: something may have been told to somebody who should not know. Opened by the program, handled by a
person."""

from __future__ import annotations

from sqlmodel import Session, col, select

from domain.errors import NotFound
from domain.vocabulary import IncidentKind, Role
from records import clock, journal
from records.access import Actor
from records.commands.messages import tell
from records.commands.text import checked_text
from records.commands.work import Work
from records.ids import new_id
from records.marks import is_phone, phone_mark
from records.queries.incidents import get_incident
from records.queries.staff import supervisor_of
from records.queries.texting import texts_to
from records.tables import Incident, Staff


def open_incident(work: Work, number: str, *, reply_id: str) -> Incident:
    """A number turned out to be somebody else's: what had gone there is listed, and somebody named looks into it.

    Within a command that is under way. While one about this number is open, no other is opened.
    """
    session, program_id = work.session, work.referral.program_id
    known = session.exec(
        select(Incident).where(
            Incident.program_id == program_id,
            is_phone(col(Incident.number_mark), number),
            col(Incident.resolved_at).is_(None),
        )
    ).first()
    if known is not None:
        return known
    told = _who_looks(work)
    row = Incident(
        id=new_id("inc"),
        program_id=program_id,
        kind=IncidentKind.WRONG_NUMBER,
        referral_id=work.referral.id,
        person_id=work.rows.person.id,
        number=number,
        number_mark=phone_mark(number),
        reply_id=reply_id,
        opened_at=work.now,
        text_ids=[text.id for text in texts_to(session, number, program_id)],
        owner_id=told[0].id if told else None,
    )
    work.add(row)
    work.record("incident.opened", subject_id=row.id, kind=row.kind)
    for staff in told:
        tell(
            session,
            staff,
            "incident_opened",
            key=f"incident:{row.id}",
            program_id=program_id,
            subject_id=row.id,
            now=work.now,
        )
    return row


def _who_looks(work: Work) -> list[Staff]:
    """The privacy officers, or else a supervisor; the supervisor is told in any case, the first of them handles it."""
    everybody = work.session.exec(
        select(Staff).where(Staff.program_id == work.referral.program_id, col(Staff.is_active)).order_by(col(Staff.id))
    )
    officers = [staff for staff in everybody if staff.has(Role.PRIVACY)]
    above = supervisor_of(work.session, work.rows)
    return officers if above is None or above in officers else [*officers, above]


def take_incident(session: Session, actor: Actor, incident_id: str) -> Incident:
    """“I look into this”: whoever says so handles it from now on. Twice changes nothing. Raises NotFound."""
    row = _open(session, actor, incident_id)
    if row.resolved_at is None and row.owner_id != actor.id:
        row.owner_id = actor.id
        journal.append_for_program(session, actor.program_id, "incident.taken", actor=actor.id, subject_id=row.id)
    return row


def resolve_incident(session: Session, actor: Actor, incident_id: str, what_was_done: str) -> Incident:
    """It was looked into; what was done stays. Twice changes nothing. Raises Invalid without words, NotFound."""
    row = _open(session, actor, incident_id)
    said = checked_text(what_was_done, "resolution", required=True)
    if row.resolved_at is None:
        row.resolved_at, row.resolved_by, row.resolution = clock.now(), actor.id, said
        row.owner_id = row.owner_id or actor.id
        journal.append_for_program(session, actor.program_id, "incident.resolved", actor=actor.id, subject_id=row.id)
    return row


def _open(session: Session, actor: Actor, incident_id: str) -> Incident:
    actor.require("handle_incidents")
    get_incident(session, actor, incident_id)
    row = session.exec(
        select(Incident)
        .where(Incident.id == incident_id, Incident.program_id == actor.program_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("That incident")
    return row
