"""Everybody of one birth date, kept while a list is taken: a thousand of its rows may share a date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from rapidfuzz import fuzz, process
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from records.marks import is_born_on, sound_of
from records.queries.alike import ALIKE, SAME_FIRST, Named, as_compared
from records.tables import Person

_KEPT = "footbridge_people_born"
"""Where a session keeps them: until its transaction ends, and no longer."""
_FEW = 500
"""Fewer than so many are asked for by their ids."""


class Born:
    """People by how they are called, so that the few who may be somebody are found without comparing each."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._names: list[str] = []
        self._called: list[str] = []  # by whom each name is borne
        self._first: dict[str, set[str]] = defaultdict(set)
        self._sounds: dict[str, set[str]] = defaultdict(set)

    def add(self, person: Person) -> None:
        """Somebody who was read."""
        self._people[person.id] = person
        names = Named.of(person).as_compared
        self._names += names
        self._called += [person.id] * len(names)
        self._first[person.given_name.lower()].add(person.id)
        self._sounds[sound_of(person.family_name)].add(person.id)

    def may_be(self, given_name: str, family_name: str, among: set[str] | None = None) -> list[Person]:
        """Everybody whom `alike_names` may find alike, and few besides; `among` these ids."""
        found = set(self._people) if not given_name else self._spelled(given_name, family_name)
        if family_name:
            found |= self._sounds.get(sound_of(family_name), set())
        return [self._people[one] for one in (found if among is None else found & among)]

    def _spelled(self, given_name: str, family_name: str) -> set[str]:
        typed = as_compared(given_name, family_name)
        near = process.extract(typed, self._names, scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE - 1, limit=None)
        found = {self._called[place] for _, _, place in near}
        first = process.extract(given_name.lower(), list(self._first), scorer=fuzz.ratio, score_cutoff=SAME_FIRST - 1,
                                limit=None)  # fmt: skip
        return found.union(*(self._first[name] for name, _, _ in first))

    def unknown(self, ids: set[str]) -> set[str]:
        """Those of these ids who were not read yet."""
        return ids - self._people.keys()


def _born(program_id: str, birth_on: date) -> SelectOfScalar[Person]:
    return select(Person).where(is_born_on(program_id, birth_on), col(Person.merged_into_id).is_(None))


def list_born(session: Session, program_id: str, birth_on: date, given_name: str, family_name: str) -> Sequence[Person]:
    """Everybody of this birth date, whatever the name."""
    return session.exec(_born(program_id, birth_on)).all()


def list_who_may_be(
    session: Session, program_id: str, birth_on: date, given_name: str, family_name: str
) -> list[Person]:
    """Whoever of this birth date may be somebody of this name. Asked again, only who came since is read: reading, and
    unsealing, everybody for each row took half of the time of a long list. Nobody's name changes meanwhile."""
    kept: dict[tuple[str, date], Born] = session.info.setdefault(_KEPT, {})
    born = kept.setdefault((program_id, birth_on), Born())
    asked = _born(program_id, birth_on)
    ids = set(session.scalars(asked.with_only_columns(col(Person.id))).all())
    new = born.unknown(ids)
    if new:
        for person in session.exec(asked.where(col(Person.id).in_(new)) if len(new) < _FEW else asked):
            if person.id in new:
                born.add(person)
    return born.may_be(given_name, family_name, ids)
