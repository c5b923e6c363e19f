"""Whether two people of the same birth date may be one, by what they are called."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz

from records.marks import sound_of
from records.tables import Person

ALIKE = 82
"""How alike two names must be, of 100, to be shown as a possible duplicate beside the same birth date."""
SAME_FIRST = 90
"""How alike two first names must be to be taken for the same."""


@dataclass(frozen=True, slots=True)
class Named:
    """What somebody on record is called, in every way."""

    given_name: str
    family_name: str
    preferred_name: str
    aliases: tuple[str, ...]

    @classmethod
    def of(cls, person: Person) -> Named:
        """The names of a row."""
        return cls(person.given_name, person.family_name, person.preferred_name, tuple(person.aliases))

    @property
    def as_compared(self) -> list[str]:
        """Each of their names as it is compared with what was typed."""
        names = [
            as_compared(self.given_name, self.family_name),
            as_compared(self.preferred_name, self.family_name),
            *(alias.strip().lower() for alias in self.aliases),
        ]
        return [name for name in names if name]


def as_compared(given_name: str, family_name: str) -> str:
    """A name as it is compared with others."""
    return f"{given_name} {family_name}".strip().lower()


def alike_names(known: Named, given_name: str, family_name: str) -> tuple[str, int] | None:
    """Why somebody of the same birth date may be the one who is called so, and how sure; None when they are not alike.

    The one rule: while a planner types, on sending, in a release list, and for the pairs that a supervisor compares.
    """
    typed = as_compared(given_name, family_name)
    score = max(round(fuzz.token_sort_ratio(typed, name)) for name in known.as_compared)
    if score == 100:
        return "the same name", 100
    if score >= ALIKE:
        return "a name spelled alike", score
    if family_name and sound_of(family_name) == sound_of(known.family_name):
        return "a family name that sounds alike", max(score, ALIKE)
    if fuzz.ratio(given_name.lower(), known.given_name.lower()) >= SAME_FIRST:
        return "the same first name", max(score, 60)
    return None
