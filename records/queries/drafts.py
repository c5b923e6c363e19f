"""Drafts, for whoever began them and for colleagues at the same facility: shifts end before forms do."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from records.access import Actor
from records.tables import Draft


def _theirs(actor: Actor) -> ColumnElement[bool]:
    mine = col(Draft.staff_id) == actor.id
    if actor.facility_id is not None:
        mine = or_(mine, col(Draft.facility_id) == actor.facility_id)
    return and_(col(Draft.program_id) == actor.program_id, mine)


def find_draft(session: Session, actor: Actor, draft_id: str) -> Draft | None:
    """A draft that this actor may go on with, sent or not."""
    return session.exec(select(Draft).where(col(Draft.id) == draft_id, _theirs(actor))).first()


def list_drafts(session: Session, actor: Actor, *, limit: int = 50) -> list[Draft]:
    """The drafts that wait to be finished, the latest first."""
    waiting = col(Draft.sent_referral_id).is_(None)
    return list(
        session.exec(select(Draft).where(waiting, _theirs(actor)).order_by(col(Draft.updated_at).desc()).limit(limit))
    )
