"""Two records that may be one person: suggested to a human, who says so or says no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, exists, or_, select

from domain.vocabulary import OPEN_STATUSES, ReferralStatus
from records.access import Actor, visible
from records.queries.alike import Named, alike_names
from records.tables import Facility, NotDuplicate, Person, PersonIdentifier, Referral

MOST = 50


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people on record and why they seem to be one."""

    first: Person
    second: Person
    why: str


_NUMBER = "the same identification number"


def _may_be_one(actor: Actor, one: Any, other: Any) -> ColumnElement[bool]:
    """Two records that nobody has looked at, of the same birth date or with the same number."""
    looked = exists().where(
        or_(
            and_(col(NotDuplicate.first_id) == one.id, col(NotDuplicate.second_id) == other.id),
            and_(col(NotDuplicate.first_id) == other.id, col(NotDuplicate.second_id) == one.id),
        )
    )
    return and_(
        one.program_id == actor.program_id,
        other.program_id == actor.program_id,
        one.merged_into_id.is_(None),
        other.merged_into_id.is_(None),
        one.id != other.id,
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

    By the rule that a planner is asked by (`records.queries.alike.alike_names`): whoever is asked about while they are
    typed is found here as well.
    """
    found: dict[frozenset[str], str] = {}
    for first, second, why in (*_same_number(session, actor), *_same_birth(session, actor)):
        found.setdefault(frozenset((first, second)), why)
    chosen = list(found)[:MOST]
    ids = {one for pair in chosen for one in pair}
    people = {p.id: p for p in session.exec(select(Person).where(col(Person.id).in_(ids)))}
    pairs = []
    for pair in chosen:
        former, latter = sorted((people[one] for one in pair), key=_by_name)
        pairs.append(Pair(former, latter, found[pair]))
    return sorted(pairs, key=lambda pair: _by_name(pair.first))


def _by_name(person: Person) -> tuple[str, str, str]:
    return (person.family_name, person.given_name, person.id)


def _same_number(session: Session, actor: Actor) -> Iterator[tuple[str, str, str]]:
    """The same number under two lists: one list holds a number once."""
    one: Any = aliased(Person)
    other: Any = aliased(Person)
    mine: Any = aliased(PersonIdentifier)
    theirs: Any = aliased(PersonIdentifier)
    rows = session.exec(
        select(one.id, other.id)
        .join(mine, mine.person_id == one.id)
        .join(theirs, and_(theirs.value_mark == mine.value_mark, theirs.program_id == mine.program_id))
        .join(other, and_(other.id == theirs.person_id, _may_be_one(actor, one, other)))
        .where(one.id.in_(_open_people(actor)), _is_seen(actor, other))
        .limit(MOST)
    )
    for first, second in rows:
        yield first, second, _NUMBER


def _same_birth(session: Session, actor: Actor) -> Iterator[tuple[str, str, str]]:
    """The same birth date, and names that are alike as one or the other is called."""
    one: Any = aliased(Person)
    other: Any = aliased(Person)
    names = [getattr(who, name) for who in (one, other) for name in ("id", *_NAMES)]
    rows = session.exec(
        select(*names)
        .join(other, and_(one.birth_mark == other.birth_mark, _may_be_one(actor, one, other)))
        .where(one.id.in_(_open_people(actor)), _is_seen(actor, other))
        .order_by(one.created_at, one.id, other.id)
        .execution_options(yield_per=1000)
    )
    count = 0
    for row in rows:
        first, second = Named(*_named(row[1:5])), Named(*_named(row[6:10]))
        alike = _alike(first, second)
        if alike is not None:
            count += 1
            yield row[0], row[5], f"the same birth date, {alike[0]}"
        if count >= 2 * MOST:  # each pair may come from both sides
            return


def _alike(first: Named, second: Named) -> tuple[str, int] | None:
    """How each is called beside how the other is: the surer of the two reasons."""
    found = [
        alike_names(first, second.given_name, second.family_name),
        alike_names(second, first.given_name, first.family_name),
    ]
    return max((one for one in found if one is not None), key=lambda one: (one[1], one[0]), default=None)


_NAMES = ("given_name", "family_name", "preferred_name", "aliases")


def _named(values: Any) -> tuple[str, str, str, tuple[str, ...]]:
    given, family, preferred, aliases = values
    return given, family, preferred, tuple(aliases)


def why_alike(first: Person, second: Person) -> str:
    """Why two records are shown beside each other."""
    if first.birth_on is None or first.birth_on != second.birth_on:
        return ""
    alike = _alike(Named.of(first), Named.of(second))
    return "the same birth date" + (f", {alike[0]}" if alike is not None else "")


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
