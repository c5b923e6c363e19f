"""Finding people: likely duplicates while a planner types, and by what a search box holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session, col, or_, select

from domain.errors import NotFound
from domain.vocabulary import OPEN_STATUSES
from records.access import Actor, visible
from records.marks import has_identifier
from records.queries.alike import Named, alike_names
from records.queries.born import list_born, list_who_may_be
from records.tables import JournalEntry, NotDuplicate, Person, PersonIdentifier, Referral


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person on record who may be the one being typed, why, and how sure (0 to 100)."""

    person: Person
    reasons: tuple[str, ...]
    score: int
    open_referral_id: str | None

    @property
    def is_certain(self) -> bool:
        """The same number, or the same name and birth date."""
        return self.score == 100


def find_duplicates(
    session: Session,
    program_id: str,
    *,
    given_name: str = "",
    family_name: str = "",
    birth_on: date | None = None,
    identifiers: Sequence[tuple[str, str]] = (),
    exclude_id: str | None = None,
    limit: int = 5,
    in_list: bool = False,
) -> list[Likeness]:
    """Who this may be: the same identifier; or the same birth date and a name that sounds or is spelled alike.

    Never merged without a human; the most likely first. Whoever asks for a whole `in_list` reads everybody once.
    """
    found: dict[str, Likeness] = {}
    values = [value for _system, value in identifiers if value]
    if values:
        for person in session.exec(
            select(Person)
            .join(PersonIdentifier, col(PersonIdentifier.person_id) == col(Person.id))
            .where(has_identifier(program_id, values))
        ):
            found[person.id] = Likeness(person, ("the same identification number",), 100, None)
    if birth_on is not None and (given_name or family_name):
        who = list_who_may_be if in_list else list_born
        for person in who(session, program_id, birth_on, given_name, family_name):
            if person.id not in found and (likeness := _alike(person, given_name, family_name)) is not None:
                found[person.id] = likeness
    if exclude_id is not None:
        found.pop(exclude_id, None)
        for row in session.exec(
            select(NotDuplicate).where(or_(NotDuplicate.first_id == exclude_id, NotDuplicate.second_id == exclude_id))
        ):
            found.pop(row.first_id, None)
            found.pop(row.second_id, None)
    ranked = sorted(found.values(), key=lambda likeness: (-likeness.score, likeness.person.id))[:limit]
    return _with_referrals(session, ranked)


def _alike(person: Person, given_name: str, family_name: str) -> Likeness | None:
    found = alike_names(Named.of(person), given_name, family_name)
    return Likeness(person, ("the same birth date", found[0]), found[1], None) if found is not None else None


def _with_referrals(session: Session, found: list[Likeness]) -> list[Likeness]:
    """The same with the latest open referral of each."""
    if not found:
        return []
    latest = dict(
        session.exec(
            select(Referral.person_id, Referral.id)
            .where(
                col(Referral.person_id).in_([one.person.id for one in found]), col(Referral.status).in_(OPEN_STATUSES)
            )
            .order_by(col(Referral.created_at))
        ).all()
    )
    return [replace(one, open_referral_id=latest.get(one.person.id)) for one in found]


def find_open_referral(session: Session, person_id: str) -> Referral | None:
    """The referral of this person that is going on, if there is one; the one filed first, should there be two."""
    return session.exec(
        select(Referral)
        .where(Referral.person_id == person_id, col(Referral.status).in_(OPEN_STATUSES))
        .order_by(col(Referral.submitted_at), col(Referral.id))
    ).first()


def get_known_person(session: Session, actor: Actor, person_id: str) -> Person:
    """A person on record whom somebody recognized: within the program, followed to the record it was merged into.

    Raises NotFound.
    """
    person = session.get(Person, person_id)
    if person is not None and person.merged_into_id:
        person = session.get(Person, person.merged_into_id)
    if person is None or person.program_id != actor.program_id:
        raise NotFound("That person")
    return person


def is_with_others(session: Session, actor: Actor, person_id: str) -> bool:
    """Whether this person has an open referral that the actor may not see: one of another facility."""
    open_one = find_open_referral(session, get_known_person(session, actor, person_id).id)
    if open_one is None:
        return False
    return session.exec(select(Referral.id).where(Referral.id == open_one.id, visible(actor))).first() is None


def find_merge(session: Session, merged: Person) -> JournalEntry | None:
    """The latest merge of this record into another: `referrals` that moved with it, `closed` as doubles."""
    entries = session.exec(
        select(JournalEntry)
        .where(
            JournalEntry.program_id == merged.program_id,
            JournalEntry.event == "person.merged",
            JournalEntry.subject_id == merged.merged_into_id,
        )
        .order_by(col(JournalEntry.id).desc())
    )
    return next((entry for entry in entries if entry.data.get("merged") == merged.id), None)


def identifiers_of(session: Session, person_id: str) -> list[PersonIdentifier]:
    """The numbers that facilities and payers know a person by, in the order they were written down."""
    rows = select(PersonIdentifier).where(PersonIdentifier.person_id == person_id).order_by(col(PersonIdentifier.id))
    return list(session.exec(rows))
