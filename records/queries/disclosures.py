"""The accounting of disclosures: what was told of a person, to whom, when and why (42 CFR 2.24, 2.25)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from domain.vocabulary import NotificationState, RecipientKind
from records.access import Actor, person_for
from records.tables import Disclosure, Facility, Notification, Referral

KEPT = timedelta(days=3 * 366)
"""So far back an accounting reaches: three years, and no day less for a leap year."""
_BY_CLASS = (RecipientKind.REFERRER, RecipientKind.TREATING)


@dataclass(frozen=True, slots=True)
class Accounted:
    """One line: what went out, or what was refused. `recipient` is a name."""

    row: Disclosure
    recipient: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Accounting:
    """Everything about one person: what went out, what was refused, and to whom under a general consent."""

    told: list[Accounted]
    refused: list[Accounted]
    recipients: list[tuple[str, datetime, str]]


def accounting_of(session: Session, actor: Actor, person_id: str, now: datetime) -> Accounting:
    """The accounting of a person whom this actor may see, the newest first. Raises NotFound."""
    person_for(session, actor, person_id)
    about = select(Referral.id).where(Referral.person_id == person_id, Referral.program_id == actor.program_id)
    query = (
        select(Disclosure, Notification.state)
        .outerjoin(Notification, col(Notification.id) == col(Disclosure.subject_id))
        .where(col(Disclosure.referral_id).in_(about), col(Disclosure.at) > now - KEPT)
        .order_by(col(Disclosure.at).desc(), col(Disclosure.id).desc())
    )
    may_have_gone = or_(col(Disclosure.sent_at).is_not(None), col(Disclosure.is_allowed).is_(False), _unsure())
    found = session.exec(query.where(may_have_gone)).all()
    names = _facilities(session, (row.recipient for row, _ in found))
    lines = [Accounted(row, names.get(row.recipient, row.recipient), row.sent_at is not None) for row, _ in found]
    told = [line for line in lines if line.row.is_allowed]
    return Accounting(told, [line for line in lines if not line.row.is_allowed], _general(told))


def _unsure() -> ColumnElement[bool]:
    return col(Notification.state).in_((NotificationState.UNCONFIRMED, NotificationState.SENDING))


def _general(told: Iterable[Accounted]) -> list[tuple[str, datetime, str]]:
    """To whom something went under a consent that names a class and not a recipient: each once, with the latest day."""
    found: dict[str, tuple[str, datetime, str]] = {}
    for line in told:
        if line.row.recipient_kind in _BY_CLASS and line.row.consent_id is not None:
            found.setdefault(line.recipient, (line.recipient, line.row.at, line.row.covers or ""))
    return list(found.values())


def _facilities(session: Session, recipients: Iterable[str]) -> dict[str, str]:
    ids = {one.removeprefix("facility:") for one in recipients if one.startswith("facility:")}
    if not ids:
        return {}
    rows = session.exec(select(Facility.id, Facility.name).where(col(Facility.id).in_(ids))).all()
    return {f"facility:{facility_id}": name for facility_id, name in rows}
