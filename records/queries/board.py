"""The handoff board: where everybody stands who needs somebody's eye. Asked by the columns that `settle` keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from domain.vocabulary import ReferralStatus
from records.access import Actor, visible
from records.queries.staff import names_of
from records.tables import Facility, Person, Referral

LEAVING_SOON = timedelta(hours=72)
PAGE = 25


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the board: its key, its words, the referrals in it since when, and by what they are sorted."""

    key: str
    title: str
    hint: str
    column: Any
    sorted_by: tuple[Any, ...] = ()

    def condition(self, now: datetime) -> ColumnElement[bool]:
        """Which referrals stand in it."""
        if self.key == "unaccepted":
            return col(Referral.status) == ReferralStatus.SUBMITTED
        if self.key == "waiting":
            return col(self.column).is_not(None) & (col(Referral.status) != ReferralStatus.SUBMITTED)
        if self.key == "leaving":
            return col(self.column).is_not(None) & (col(self.column) <= now + LEAVING_SOON)
        if self.key == "first_days":
            return col(self.column).is_not(None) & (col(self.column) > now)
        return col(self.column).is_not(None)


SECTIONS = (
    Section(
        "escalated",
        "Escalated",
        "Somebody was called and it is not settled",
        Referral.escalated_since,
        (Referral.escalated_rank, Referral.escalated_by),
    ),
    Section("overdue", "Overdue", "A contact was not made in time", Referral.overdue_since),
    Section("unaccepted", "Not yet accepted", "The referrer waits for an answer", Referral.submitted_at),
    Section("waiting", "Waiting for a bridger", "Nobody has this person yet", Referral.waiting_since),
    Section("leaving", "Leaving soon", "Expected to leave within 72 hours", Referral.leaving_at),
    Section("first_days", "First 72 hours", "Left less than 72 hours ago", Referral.first_days_until),
    Section("held", "On hold", "Back inside, or resting", Referral.held_since),
)
BY_KEY = {section.key: section for section in SECTIONS}


@dataclass(frozen=True, slots=True)
class Only:
    """What the board is narrowed to; empty: everybody."""

    bridger_id: str = ""
    facility_id: str = ""

    def condition(self, actor: Actor) -> ColumnElement[bool]:
        """Those whom the actor may see, narrowed."""
        seen = visible(actor)
        if self.bridger_id:
            seen = seen & (col(Referral.bridger_id) == self.bridger_id)
        if self.facility_id:
            seen = seen & (col(Referral.facility_id) == self.facility_id)
        return seen


EVERYBODY = Only()


@dataclass(frozen=True, slots=True)
class Row:
    """One person on the board. `owner` is who has it now, by name."""

    referral: Referral
    person: Person
    facility: str
    owner: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """One section as shown: how many in all, and the first of them."""

    section: Section
    count: int
    rows: list[Row]
    next_after: str | None


def board_of(session: Session, actor: Actor, now: datetime, *, size: int = 8, only: Only = EVERYBODY) -> list[Shown]:
    """Every section with its count and its first rows."""
    shown = [section_of(session, actor, s.key, now, size=size, named=False, only=only) for s in SECTIONS]
    names = names_of(session, {row.referral.owner_id for part in shown for row in part.rows})
    return [replace(part, rows=_named(part.rows, names)) for part in shown]


def section_of(
    session: Session,
    actor: Actor,
    key: str,
    now: datetime,
    *,
    size: int = PAGE,
    offset: int = 0,
    named: bool = True,
    only: Only = EVERYBODY,
) -> Shown:
    """One section, from `offset` on. Raises KeyError for a section that is not there."""
    section = BY_KEY[key]
    condition = section.condition(now) & only.condition(actor)
    count = session.exec(select(func.count()).select_from(Referral).where(condition)).one()
    found = session.exec(
        select(Referral, Person, Facility.name)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .join(Facility, col(Facility.id) == col(Referral.facility_id))
        .where(condition)
        .order_by(*map(col, section.sorted_by or (section.column,)), col(Referral.id))
        .limit(size + 1)
        .offset(offset)
    ).all()
    rows = [Row(r, p, facility, "", getattr(r, section.column.key)) for r, p, facility in found[:size]]
    if named:
        rows = _named(rows, names_of(session, {row.referral.owner_id for row in rows}))
    return Shown(section, count, rows, str(offset + size) if len(found) > size else None)


def _named(rows: list[Row], names: dict[str, str]) -> list[Row]:
    return [replace(row, owner=names.get(row.referral.owner_id or "", "")) for row in rows]
