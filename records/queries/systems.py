"""The tokens of other organizations' systems, as those who manage them see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from domain.errors import NotFound
from records import clock
from records.access import Actor
from records.tables import Facility, Staff, SystemToken

ENDS_SOON = timedelta(days=14)
"""So long before the end somebody is told, and the list marks it."""


@dataclass(frozen=True, slots=True)
class ListedToken:
    """One token and what to look at. `maker` is empty when it was made at the terminal."""

    row: SystemToken
    facility: str
    maker: str
    maker_has_left: bool
    days_left: float
    is_over: bool

    @property
    def ends_soon(self) -> bool:
        """Whether somebody must make a new one within a fortnight."""
        return not self.is_over and self.days_left <= ENDS_SOON.days


def list_tokens(session: Session, actor: Actor, *, with_over: bool = False) -> list[ListedToken]:
    """The tokens of the actor's program that open something, the one that ends first on top; then those that are over,
    the latest first. Raises NotAllowed."""
    actor.require("manage_systems")
    rows = session.exec(
        select(SystemToken, Facility, Staff)
        .outerjoin(Facility, col(Facility.id) == col(SystemToken.facility_id))
        .outerjoin(Staff, col(Staff.id) == col(SystemToken.created_by))
        .where(SystemToken.program_id == actor.program_id)
        .order_by(col(SystemToken.expires_at), col(SystemToken.id))
    ).all()
    now = clock.now()
    listed = [_listed(row, facility, maker, now) for row, facility, maker in rows]
    over = sorted((one for one in listed if one.is_over), key=_ended_at, reverse=True)
    return [one for one in listed if not one.is_over] + (over if with_over else [])


def get_token(session: Session, actor: Actor, token_id: str, *, lock: bool = False) -> SystemToken:
    """A token of the actor's program. Raises NotAllowed, NotFound."""
    actor.require("manage_systems")
    row = session.get(SystemToken, token_id, with_for_update=True if lock else None)
    if row is None or row.program_id != actor.program_id:
        raise NotFound("That token")
    return row


def _listed(row: SystemToken, facility: Facility | None, maker: Staff | None, now: datetime) -> ListedToken:
    return ListedToken(
        row,
        facility=facility.name if facility is not None else "",
        maker=maker.name if maker is not None else "",
        maker_has_left=maker is not None and not maker.is_active,
        days_left=(row.expires_at - now) / clock.speed() / timedelta(days=1),  # of the people who wait for it
        is_over=row.revoked_at is not None or row.expires_at <= now,
    )


def _ended_at(one: ListedToken) -> datetime:
    return one.row.revoked_at or one.row.expires_at
