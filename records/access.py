"""Whose things one sees: the gates. A query for what belongs to a person says for whom, or it is not written.

`visible` is the one rule (design §6) as a condition on referrals; the gates and every list use it. What one may not see
answers exactly as if it did not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, or_, true
from sqlmodel import Session, col, select

from domain.access import allowed_by, may
from domain.errors import NotAllowed, NotFound
from domain.vocabulary import EndReason, OfferState, Role, SystemScope
from records import clock
from records.beyond import find_beyond, refuse_beyond
from records.tables import Assignment, EscalationTold, Offer, Person, Referral, Staff, SystemToken
from records.tables.columns import Instant

UNDO_DAYS = 30
"""How long an end can be taken back, and so how long the supervisor of whoever had the person still sees it."""
_OPENED = "footbridge_opened"
_NOT_YOURS = "Your role does not include this. Ask your supervisor or manager."
_NOT_THIS_SYSTEMS = "This is done by people, or by a system of another kind: ask whoever made the token."


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts or looks: a member of staff, another organization's system with its token, or Footbridge itself."""

    id: str
    program_id: str
    name: str = ""
    roles: frozenset[Role] = field(default_factory=frozenset)
    facility_id: str | None = None
    is_system: bool = False
    only: frozenset[str] | None = None
    """The actions that a system's token is limited to; None for people."""

    @property
    def staff_id(self) -> str | None:
        """The id of the member of staff who acts; None when it is no person."""
        return None if self.is_system or self.only is not None else self.id

    def may(self, action: str) -> bool:
        """Whether their roles allow this action at all, and a token's scopes."""
        return self.is_system or (may(self.roles, action) and (self.only is None or action in self.only))

    def require(self, action: str) -> None:
        """Raise NotAllowed unless their roles allow this action."""
        if not self.may(action):
            said = _NOT_YOURS if self.only is None else _NOT_THIS_SYSTEMS
            raise NotAllowed("not_allowed", said)


def system_actor(program_id: str, label: str = "system") -> Actor:
    """The program's own hand: timers, notifications from outside."""
    return Actor(id=label, program_id=program_id, name="Footbridge", is_system=True)


def actor_of(staff: Staff) -> Actor:
    """A member of staff as an actor."""
    return Actor(
        id=staff.id,
        program_id=staff.program_id,
        name=staff.name,
        roles=frozenset(Role(role) for role in staff.roles),
        facility_id=staff.facility_id,
    )


def actor_of_system(row: SystemToken) -> Actor:
    """Another organization's system: as a planner of its facility, or for the whole program; within its scopes."""
    return Actor(
        id=row.id,
        program_id=row.program_id,
        name=row.shown_name,
        roles=_OF_FACILITY if row.facility_id else _OF_PROGRAM,
        facility_id=row.facility_id,
        only=allowed_by(SystemScope(scope) for scope in row.scopes),
    )


_OF_FACILITY, _OF_PROGRAM = frozenset({Role.PLANNER}), frozenset({Role.MANAGER, Role.ADMIN})


@lru_cache(maxsize=1024)
def visible(actor: Actor) -> ColumnElement[bool]:
    """The referrals that this actor works with, as a condition.

    Handing over and closing end it at once; what may still be read for a while is in `records/beyond.py`.
    """
    mine: list[ColumnElement[bool]] = []
    if actor.is_system or Role.MANAGER in actor.roles:
        mine.append(true())
    if Role.PLANNER in actor.roles and actor.facility_id:
        mine.append(col(Referral.facility_id) == actor.facility_id)
    if Role.BRIDGER in actor.roles:
        mine.append(col(Referral.bridger_id) == actor.id)
    if Role.SUPERVISOR in actor.roles:
        team = select(Staff.id).where(Staff.supervisor_id == actor.id)
        mine.append(
            or_(
                and_(col(Referral.bridger_id).is_(None), col(Referral.ended_at).is_(None)),
                col(Referral.bridger_id).in_(team),
                col(Referral.owner_id) == actor.id,
                _told(actor),
                _closed_lately(team),
            )
        )
    if Role.CLINICIAN in actor.roles:
        mine.append(_told(actor))
    if not mine:
        return false()
    return and_(col(Referral.program_id) == actor.program_id, or_(*mine))


def _told(actor: Actor) -> ColumnElement[bool]:
    told = select(EscalationTold.referral_id).where(EscalationTold.staff_id == actor.id)
    return and_(col(Referral.ended_at).is_(None), col(Referral.id).in_(told))


def _closed_lately(team: Any) -> ColumnElement[bool]:
    """Whom one of theirs had at the end, while the end can be taken back."""
    ended: Any = bindparam("ended_since", type_=Instant(), callable_=_undo_since, unique=True)
    had = select(Assignment.referral_id).where(
        col(Assignment.bridger_id).in_(team),
        col(Assignment.ended_at) > ended,
        col(Assignment.end_reason) == EndReason.CLOSED,
    )
    return and_(col(Referral.ended_at).is_not(None), col(Referral.id).in_(had))


def _undo_since() -> datetime:
    return clock.now() - timedelta(days=UNDO_DAYS)


def opened(session: Session, referral_id: str, person_id: str, glass_id: str = "") -> None:
    """A record passed a gate in this session: the edge writes down who saw it before it is shown."""
    session.info.setdefault(_OPENED, {})[referral_id, person_id] = glass_id


def take_opened(session: Session) -> list[tuple[str, str, str]]:
    """Referral, person and broken glass of each record that passed a gate, once."""
    found: dict[tuple[str, str], str] = session.info.pop(_OPENED, {})
    return [(*key, glass_id) for key, glass_id in found.items()]


def referral_for(session: Session, actor: Actor, referral_id: str, action: str = "see_person") -> Referral:
    """The referral, when this actor may see it and do this. Raises NotFound or NotAllowed."""
    found = session.exec(select(Referral).where(Referral.id == referral_id, visible(actor))).first()
    if found is None:
        refuse_beyond(session, actor, referral_id)
        raise NotFound("That referral")
    actor.require(action)
    opened(session, found.id, found.person_id)
    return found


def readable_for(session: Session, actor: Actor, referral_id: str) -> tuple[Referral, datetime | None]:
    """The referral, when this actor may read it: theirs, or until a time in the grace or behind broken glass.

    Raises NotFound.
    """
    found = session.exec(select(Referral).where(Referral.id == referral_id, visible(actor))).first()
    beyond = find_beyond(session, actor, referral_id) if found is None else None
    found = found or (beyond.referral if beyond is not None else None)
    if found is None:
        raise NotFound("That referral")
    actor.require("see_person")
    opened(session, found.id, found.person_id, beyond.glass_id if beyond is not None else "")
    return found, beyond.until_at if beyond is not None else None


def person_for(session: Session, actor: Actor, person_id: str) -> Person:
    """A person with at least one referral that this actor may see. Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None or not may_see(session, actor, person_id):
        for referral_id in _referrals_of(session, actor, person_id):
            refuse_beyond(session, actor, referral_id)
        raise NotFound("That person")
    opened(session, "", person_id)
    return person


def readable_person(session: Session, actor: Actor, person_id: str) -> Person:
    """A person whom this actor may see, or still read after a handover or behind broken glass. Raises NotFound."""
    if not may_see(session, actor, person_id):
        for referral_id in _referrals_of(session, actor, person_id):
            if find_beyond(session, actor, referral_id) is not None:
                readable_for(session, actor, referral_id)
                return session.get_one(Person, person_id)
    return person_for(session, actor, person_id)


def _referrals_of(session: Session, actor: Actor, person_id: str) -> list[str]:
    mine = select(Referral.id).where(Referral.person_id == person_id, Referral.program_id == actor.program_id)
    return list(session.exec(mine.order_by(col(Referral.id))))


def not_theirs(session: Session, actor: Actor, referral_id: str | None, what: str) -> NotFound:
    """Why something that hangs on a referral is not there for this actor; to whoever may still read, NotAllowed."""
    if referral_id is not None:
        refuse_beyond(session, actor, referral_id)
    return NotFound(what)


def may_see(session: Session, actor: Actor, person_id: str) -> bool:
    """Whether this actor may see at least one referral of this person."""
    seen: Any = exists().where(col(Referral.person_id) == person_id, visible(actor))
    return bool(session.exec(select(seen)).one())


def has_open_offer(session: Session, actor: Actor, referral_id: str) -> bool:
    """Whether this bridger is being asked about this referral right now."""
    found = session.exec(
        select(Offer.id).where(
            Offer.referral_id == referral_id, Offer.bridger_id == actor.id, Offer.state == OfferState.OPEN
        )
    ).first()
    return found is not None
