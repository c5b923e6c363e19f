"""Two records that may be one person: suggested to a human, who says so or says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, exists, or_, select

from domain.vocabulary import OPEN_STATUSES, ReferralStatus
from records.access import Actor, visible
from records.marks import sound_of
from records.tables import Facility, NotDuplicate, Person, Referral

MOST = 50


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people on record and why they seem to be one."""

    first: Person
    second: Person
    why: str


def _suggested(actor: Actor, one: Any, other: Any) -> ColumnElement[bool]:
    """The same birth date and a name that is or sounds the same; nobody has looked; one is with us now."""
    looked = exists().where(
        or_(
            and_(col(NotDuplicate.first_id) == one.id, col(NotDuplicate.second_id) == other.id),
            and_(col(NotDuplicate.first_id) == other.id, col(NotDuplicate.second_id) == one.id),
        )
    )
    alike = or_(
        one.sound_mark == other.sound_mark,
        one.given_mark == other.given_mark,
    )
    return and_(
        one.program_id == actor.program_id,
        other.program_id == actor.program_id,
        one.merged_into_id.is_(None),
        other.merged_into_id.is_(None),
        one.birth_mark == other.birth_mark,
        one.id != other.id,
        alike,
        ~looked,
    )


def _open_people(actor: Actor) -> Any:
    return select(Referral.person_id).where(visible(actor), col(Referral.status).in_(OPEN_STATUSES))


def _is_seen(actor: Actor, person: Any) -> ColumnElement[bool]:
    """Whether the actor may see a referral of this person: asked of each candidate, not of everybody on record."""
    return exists().where(col(Referral.person_id) == person.id, visible(actor)).correlate(person)


def list_suggestions(session: Session, actor: Actor) -> list[Pair]:
    """Pairs among the people this actor may see, at least one of them with an open referral. At most `MOST`, by name;
    when there are more, of those on record longest.
    """
    one: Any = aliased(Person)
    other: Any = aliased(Person)
    rows = session.exec(
        select(one, other)
        .join(other, _suggested(actor, one, other))
        .where(one.id.in_(_open_people(actor)), _is_seen(actor, other))
        .order_by(one.created_at, one.id, other.id)
        .limit(MOST * 2)
    ).all()
    found: dict[frozenset[str], Pair] = {}
    for first, second in rows:
        found.setdefault(frozenset((first.id, second.id)), Pair(first, second, why_alike(first, second)))
    pairs = list(found.values())[:MOST]
    return sorted(pairs, key=lambda pair: (pair.first.family_name.casefold(), pair.first.given_name.casefold()))


def why_alike(first: Person, second: Person) -> str:
    """Why two records are shown beside each other."""
    same = ["the same birth date"] if first.birth_on and first.birth_on == second.birth_on else []
    if first.given_name.lower() == second.given_name.lower():
        same.append("the same first name")
    if first.family_name.lower() == second.family_name.lower():
        same.append("the same family name")
    elif sound_of(first.family_name) and sound_of(first.family_name) == sound_of(second.family_name):
        same.append("a family name that sounds alike")
    return ", ".join(same)


@dataclass(frozen=True, slots=True)
class Merged:
    """A record that was merged, and the one that went on."""

    merged: Person
    kept: Person


def list_merged(session: Session, actor: Actor, limit: int = 20) -> list[Merged]:
    """Records that were merged into people this actor may see, the ones written down last first."""
    kept: Any = aliased(Person)
    rows = session.exec(
        select(Person, kept)
        .join(kept, kept.id == Person.merged_into_id)
        .where(
            Person.program_id == actor.program_id,
            _is_seen(actor, kept),
        )
        .order_by(col(Person.created_at).desc(), col(Person.id))
        .limit(limit)
    ).all()
    return [Merged(merged, into) for merged, into in rows]


def list_referrals_of(session: Session, actor: Actor, person_id: str) -> list[tuple[str, str, ReferralStatus]]:
    """The referrals of a person that this actor may see: number, facility, status; the oldest first."""
    rows = session.exec(
        select(Referral.number, Facility.name, Referral.status)
        .join(Facility, col(Facility.id) == col(Referral.facility_id))
        .where(Referral.person_id == person_id, visible(actor))
        .order_by(col(Referral.created_at), col(Referral.id))
    ).all()
    return [(number, facility, ReferralStatus(status)) for number, facility, status in rows]
