"""What the pages about texts show: how it stands with each number, what waits to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.vocabulary import OPEN_STATUSES
from records.access import Actor, visible
from records.queries.staff import names_of
from records.queries.texting import answers_of, permissions_of, quarantines_of
from records.tables import NumberAnswer, NumberQuarantine, Person, Referral, TextPermission, TextReply

MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class NumberStanding:
    """One number of a person: what they said about texts on it, whether STOP came from it, whether it is set aside."""

    number: str
    permission: TextPermission | None
    answer: NumberAnswer | None
    quarantine: NumberQuarantine | None
    is_set_aside: bool
    seen_by: str

    @property
    def is_stopped(self) -> bool:
        """Whether STOP came from it, and no START since."""
        return self.answer is not None and self.answer.is_stop

    @property
    def is_on(self) -> bool:
        """Whether automatic texts may go to it."""
        said_yes = self.permission is not None and self.permission.is_given
        return said_yes and not self.is_stopped and not self.is_set_aside


def number_standings(session: Session, program_id: str, person: Person) -> list[NumberStanding]:
    """Each of the person's numbers, in their order; four queries."""
    numbers = [str(phone.get("number", "")) for phone in person.phones]
    if not numbers:
        return []
    permissions, answers = permissions_of(session, person.id), answers_of(session, numbers)
    aside = quarantines_of(session, program_id, numbers)
    names = names_of(session, {row.seen_by for row in permissions.values()})
    found = []
    for phone, number in zip(person.phones, numbers, strict=True):
        permission = permissions.get(number)
        found.append(
            NumberStanding(
                number=number,
                permission=permission,
                answer=answers.get(number),
                quarantine=aside.get(number),
                is_set_aside=number in aside or bool(phone.get("is_quarantined")),
                seen_by=names.get(permission.seen_by or "", "") if permission is not None else "",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class WaitingReply:
    """A text that nobody has read yet, and whose it is; not its words."""

    reply_id: str
    referral_id: str
    person: Person
    received_at: datetime
    is_danger: bool


def replies_waiting(session: Session, actor: Actor) -> list[WaitingReply]:
    """The unread texts of the people whom this bridger walks with, the latest of each person; danger first."""
    rows = session.exec(
        select(TextReply, Person)
        .join(Referral, col(Referral.id) == col(TextReply.referral_id))
        .join(Person, col(Person.id) == col(TextReply.person_id))
        .where(
            col(TextReply.seen_at).is_(None),
            Referral.bridger_id == actor.id,
            col(Referral.status).in_(OPEN_STATUSES),
            visible(actor),
        )
        .order_by(col(TextReply.is_danger).desc(), col(TextReply.received_at).desc(), col(TextReply.id))
        .limit(MOST_WAITING)
    )
    found: dict[str, WaitingReply] = {}
    for row, person in rows.all():
        one = WaitingReply(row.id, row.referral_id, person, row.received_at, row.is_danger)
        found.setdefault(row.referral_id, one)
    return list(found.values())


def replies_of(session: Session, referral_id: str, limit: int = 50) -> Sequence[TextReply]:
    """What came from the person's number, the newest first."""
    rows = select(TextReply).where(TextReply.referral_id == referral_id)
    newest = rows.order_by(col(TextReply.received_at).desc(), col(TextReply.id).desc())
    return session.exec(newest.limit(limit)).all()
