"""What goes wrong beside a life: crashes, calls that come twice, late, early or in another order, clocks, changes.

Whether something goes wrong at a step, and what, is drawn from the life's seed and the number of the step alone: so any
one of them can be left out, and the others stay what they were.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """A kind of fault. The value is how it is printed."""

    CRASH = "crash at a statement, then again"
    CRASH_AT_COMMIT = "crash before the commit, then again"
    CRASHES = "two crashes, then again"
    ANSWER_LOST = "answer lost after the commit, then again"
    TWICE = "done twice with the same key"
    BY_ANOTHER = "done by another process at once"
    EARLY = "a wake-up that is not due"
    STALE = "a wake-up of an older version"
    UNTOLD = "word lost, upkeep catches up"
    OUTAGE = "the worker is down for hours or days"
    BEHIND = "a clock that is behind"
    REORDERED = "two deeds in the other order"
    PROTOCOL = "a protocol published, and the case moved"
    ABSENCE = "a bridger is away"
    CASELOAD = "a caseload limit is changed"
    CONSENT = "consent given, taken back or ending"
    IN_CHARGE = "somebody else is in charge"


LIKELY = {
    Trouble.CRASH: 14,
    Trouble.CRASH_AT_COMMIT: 6,
    Trouble.CRASHES: 3,
    Trouble.ANSWER_LOST: 9,
    Trouble.TWICE: 14,
    Trouble.BY_ANOTHER: 8,
    Trouble.EARLY: 14,
    Trouble.STALE: 8,
    Trouble.UNTOLD: 6,
    Trouble.OUTAGE: 4,
    Trouble.BEHIND: 6,
    Trouble.REORDERED: 4,
    Trouble.PROTOCOL: 0.5,
    Trouble.ABSENCE: 1,
    Trouble.CASELOAD: 1,
    Trouble.CONSENT: 1,
    Trouble.IN_CHARGE: 0.5,
}
"""How often each beside the others."""

TRACELESS = frozenset(
    {
        Trouble.CRASH,
        Trouble.CRASH_AT_COMMIT,
        Trouble.CRASHES,
        Trouble.ANSWER_LOST,
        Trouble.TWICE,
        Trouble.EARLY,
        Trouble.STALE,
    }
)
"""Those after which everything is as if they had not been: the same life ends with the same journal."""


@dataclass(frozen=True, slots=True)
class Met:
    """A fault that happened: at which step, what it was, and what was going on."""

    step: int
    trouble: Trouble
    during: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.trouble} ({self.during})"


class Chances:
    """What goes wrong in one life: at this share of its steps, of these kinds. With `only`, at no other steps."""

    def __init__(
        self, seed: str, rate: float, *, kinds: Collection[Trouble] = LIKELY, only: Collection[int] | None = None
    ) -> None:
        self._seed, self._rate, self._only = seed, rate, only
        self._kinds = [kind for kind in LIKELY if kind in kinds]
        self._weights = [LIKELY[kind] for kind in self._kinds]

    def at(self, step: int) -> tuple[Trouble | None, random.Random]:
        """What goes wrong at this step, if anything, and the chance of what it depends on."""
        chance = random.Random(f"{self._seed}:{step}")  # noqa: S311 -- chance, not secrecy
        if chance.random() >= self._rate or (self._only is not None and step not in self._only):
            return None, chance
        return chance.choices(self._kinds, self._weights)[0], chance
