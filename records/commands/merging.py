"""Two records of one person joined by a human, and parted again. One person has one open referral at a time."""

from __future__ import annotations

from sqlmodel import Session, col, select

from domain.errors import Conflict
from domain.vocabulary import OPEN_STATUSES, ClosureReason
from records import clock, journal
from records.access import Actor, person_for
from records.commands.closing import end_work, undo_work
from records.commands.planning import replan_case
from records.commands.work import Work
from records.queries.case import load_case
from records.queries.people import find_merge
from records.tables import Person, Referral


def merge_people(session: Session, actor: Actor, keep_id: str, merge_id: str) -> Person:
    """A human says that two records are one person. Both histories stay; `unmerge_people` takes it back.

    When both have an open referral the one filed first goes on, and the other ends as its double; its referrer is told.
    """
    actor.require("merge_people")
    keep, merged = person_for(session, actor, keep_id), person_for(session, actor, merge_id)
    if keep.id == merged.id or keep.merged_into_id:
        raise Conflict("merge", "Choose two different records, and keep one that was not merged itself.")
    if merged.merged_into_id == keep.id:
        return keep
    if merged.merged_into_id:
        raise Conflict("merge", "This record was merged before. Take that back first.")
    moved = list(session.exec(select(Referral.id).where(Referral.person_id == merged.id).order_by(Referral.id)))
    merged.merged_into_id = keep.id
    _move(session, actor, moved, keep)
    journal.append_for_program(
        session,
        actor.program_id,
        "person.merged",
        actor=actor.id,
        subject_id=keep.id,
        merged=merged.id,
        referrals=moved,
        closed=_end_doubles(session, actor, keep),
    )
    return keep


def unmerge_people(session: Session, actor: Actor, merged_id: str) -> Person:
    """Take a merge back: each referral returns to the record it came from, and goes on if it had ended as a double."""
    actor.require("merge_people")
    merged = session.get(Person, merged_id)
    if merged is None or merged.program_id != actor.program_id or merged.merged_into_id is None:
        raise Conflict("unmerge", "This record is not merged with another.")
    entry, kept_id = find_merge(session, merged), merged.merged_into_id
    data = entry.data if entry is not None else {}
    merged.merged_into_id = None
    _move(session, actor, data.get("referrals", []), merged)
    for referral_id in data.get("closed", []):
        work = _open(session, actor, referral_id)
        if work.referral.closure_reason is ClosureReason.DUPLICATE:
            undo_work(work, "The two are not one person.")
            work.settle()
    journal.append_for_program(
        session, actor.program_id, "person.unmerged", actor=actor.id, subject_id=kept_id, merged=merged.id
    )
    return merged


def _move(session: Session, actor: Actor, referral_ids: list[str], person: Person) -> None:
    """Put referrals under another record, whose time zone they follow from now on."""
    for referral_id in referral_ids:
        session.get_one(Referral, referral_id).person_id = person.id
        session.flush()
        work = _open(session, actor, referral_id)
        work.record("person.corrected", zone=person.zone)
        replan_case(work, "the person’s record changed")
        work.settle()


def _end_doubles(session: Session, actor: Actor, person: Person) -> list[str]:
    open_ones = select(Referral.id).where(Referral.person_id == person.id, col(Referral.status).in_(OPEN_STATUSES))
    ended = list(session.exec(open_ones.order_by(col(Referral.submitted_at), col(Referral.id))))[1:]
    for referral_id in ended:
        work = _open(session, actor, referral_id)
        end_work(work, ClosureReason.DUPLICATE, "The program has another referral for the same person.")
        work.settle()
    return ended


def _open(session: Session, actor: Actor, referral_id: str) -> Work:
    return Work(session, actor, load_case(session, referral_id, lock=True), clock.now())
