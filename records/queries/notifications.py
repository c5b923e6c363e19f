"""What somebody was told in the app, and every message of the program on its way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, func, select

from domain.vocabulary import Channel, NotificationState
from records.access import Actor, visible
from records.tables import Notification, Outbox, Person, Referral, Staff

PAGE = 40
STUCK = timedelta(minutes=10)
"""A message that should have gone so long ago needs somebody's eye."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told in the same words about the same thing, however often, and the person it is about as far as the
    reader may still see them."""

    template: str
    referral_id: str | None
    subject_id: str
    times: int
    first_at: datetime
    last_at: datetime
    is_new: bool
    person: Person | None


_ABOUT = (col(Notification.template), col(Notification.referral_id), col(Notification.subject_id))
_ALONE = case((and_(_ABOUT[1].is_(None), _ABOUT[2] == ""), col(Notification.id)), else_="")
"""What is about nothing in particular is about something else each time."""


def _in_app(staff_id: str) -> ColumnElement[bool]:
    return and_(col(Notification.staff_id) == staff_id, col(Notification.channel) == Channel.IN_APP)


def list_told_to(session: Session, actor: Actor, *, offset: int = 0, limit: int = PAGE) -> list[Told]:
    """What this member of staff was told in the app, what was said last first. What was said again is one line."""
    at = col(Notification.created_at)
    last_at = func.max(at)
    rows = session.execute(
        sa_select(*_ABOUT, func.count(), func.min(at), last_at, func.count(col(Notification.seen_at)))
        .where(_in_app(actor.id))
        .group_by(*_ABOUT, _ALONE)
        .order_by(last_at.desc(), func.max(col(Notification.id)).desc())
        .limit(limit)
        .offset(offset)
    ).all()
    seen = session.exec(
        select(Referral.id, Person)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(col(Referral.id).in_({row.referral_id for row in rows if row.referral_id}), visible(actor))
    ).all()
    people = {referral_id: person for referral_id, person in seen}
    return [
        Told(template, about, subject_id, times, first, last, seen_times < times, people.get(about or ""))
        for template, about, subject_id, times, first, last, seen_times in rows
    ]


def count_unseen(session: Session, staff_id: str) -> int:
    """How many lines of what this member of staff was told in the app they have not seen."""
    unseen = sa_select(_ABOUT[0]).where(_in_app(staff_id), col(Notification.seen_at).is_(None))
    lines = unseen.group_by(*_ABOUT, _ALONE).subquery()
    return session.execute(sa_select(func.count()).select_from(lines)).scalar_one()


def list_unseen_ids(session: Session, staff_id: str, until: datetime, limit: int = 1000) -> list[str]:
    """The notices that this member of staff had when they looked at the list, and has not seen."""
    return list(
        session.exec(
            select(Notification.id)
            .where(_in_app(staff_id), col(Notification.seen_at).is_(None), col(Notification.created_at) <= until)
            .limit(limit)
        )
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """One e-mail or text, to whom, and the words where this machine delivered it itself."""

    row: Notification
    recipient: str
    outbox: Outbox | None


def count_by_state(session: Session, actor: Actor) -> dict[NotificationState, int]:
    """How many e-mails and texts of the program stand where."""
    rows = session.exec(
        select(Notification.state, func.count())
        .where(Notification.program_id == actor.program_id, Notification.channel != Channel.IN_APP)
        .group_by(col(Notification.state))
    )
    return {NotificationState(state): count for state, count in rows.all()}


def count_stuck(session: Session, actor: Actor, now: datetime) -> int:
    """How many should have gone a while ago and still wait."""
    return session.exec(
        select(func.count()).where(
            Notification.program_id == actor.program_id,
            col(Notification.state).in_((NotificationState.QUEUED, NotificationState.SENDING)),
            col(Notification.not_before) <= now - STUCK,
        )
    ).one()


def list_sent(
    session: Session, actor: Actor, state: NotificationState | None = None, *, offset: int = 0, limit: int = PAGE
) -> list[Sent]:
    """The program's e-mails and texts, the newest first; one more than `limit` tells that there is more."""
    query = (
        select(Notification, Staff.name, Outbox)
        .join(Staff, col(Staff.id) == col(Notification.staff_id))
        .outerjoin(Outbox, col(Outbox.key) == col(Notification.key))
        .where(Notification.program_id == actor.program_id, Notification.channel != Channel.IN_APP)
    )
    if state is not None:
        query = query.where(Notification.state == state)
    rows = session.exec(
        query.order_by(col(Notification.created_at).desc(), col(Notification.id).desc()).limit(limit + 1).offset(offset)
    ).all()
    return [Sent(row, name, outbox) for row, name, outbox in rows]
