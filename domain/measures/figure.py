"""What a measure is, and what it comes to: one `Counted` a case, and the figure over them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from domain.clock import Calendar
from domain.measures.journey import Journey
from domain.measures.period import Period
from domain.vocabulary import Word


class Part(Word):
    """How one case counts."""

    MET = "met", "Counted as done"
    LATE = "late", "Done late"
    NOT = "not", "Not done"
    WAITING = "waiting", "Not yet due"
    EXCLUDED = "excluded", "Left out"

    @property
    def is_counted(self) -> bool:
        """Whether the case is in the denominator. Late is, and never in the numerator."""
        return self in (Part.MET, Part.LATE, Part.NOT)


class Shape(Word):
    """How a figure reads."""

    SHARE = "share", "Percent"
    TIME = "time", "Hours"


class Counted(NamedTuple):
    """One case of one measure: whose, since when, how it counts and why, and how long it took."""

    referral_id: str
    part: Part
    at: datetime
    subject_id: str = ""
    kind: str = ""
    reason: str = ""
    hours: float | None = None
    business_hours: float | None = None
    business_days: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a measure is asked for: the period, the moment of asking, the offices' calendar and time zone."""

    period: Period
    now: datetime
    calendar: Calendar


def anybody(journey: Journey, context: Context) -> bool:
    """Any journey may hold a case."""
    return True


@dataclass(frozen=True)
class Measure:
    """One measure. The words are shown as they stand; `rule` finds its cases among the journeys.

    `concerns` tells quickly which journeys may hold a case, once for all measures that share it.
    """

    key: str
    title: str
    definition: str
    numerator: str
    denominator: str
    exclusions: str
    source: str
    rule: Callable[[Iterable[Journey], Context], Iterable[Counted]] = field(repr=False, compare=False)
    concerns: Callable[[Journey, Context], bool] = field(default=anybody, repr=False, compare=False)
    shape: Shape = Shape.SHARE
    target: float | None = None
    target_source: str = ""
    is_better_high: bool = True
    part_labels: dict[Part, str] = field(default_factory=dict, compare=False)

    @property
    def unit(self) -> str:
        """In what the figure is told."""
        return "%" if self.shape is Shape.SHARE else "hours"

    def label(self, part: Part) -> str:
        """How a part of this measure is called."""
        return self.part_labels.get(part, part.label)

    def figure(self, journeys: Iterable[Journey], context: Context) -> Figure:
        """What the measure comes to."""
        return Figure(self, tuple(self.rule(journeys, context)))


@dataclass(frozen=True)
class Figure:
    """A measure over its cases."""

    measure: Measure
    cases: tuple[Counted, ...]

    @cached_property
    def counts(self) -> dict[Part, int]:
        """How many cases each part has."""
        found = dict.fromkeys(Part, 0)
        for case in self.cases:
            found[case.part] += 1
        return found

    @property
    def numerator(self) -> int:
        """How many count as done, in time."""
        return self.counts[Part.MET]

    @property
    def denominator(self) -> int:
        """How many were due and are not left out."""
        return sum(count for part, count in self.counts.items() if part.is_counted)

    @property
    def percent(self) -> float | None:
        """The share, from 0 to 100; None when there was nothing to count."""
        return 100 * self.numerator / self.denominator if self.denominator else None

    @cached_property
    def excluded(self) -> dict[str, list[str]]:
        """Who is left out: the ids of the referrals by reason, the most frequent reason first."""
        found: dict[str, list[str]] = {}
        for case in self.cases:
            if case.part is Part.EXCLUDED:
                found.setdefault(case.reason, []).append(case.referral_id)
        return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))

    def of_part(self, part: Part) -> list[Counted]:
        """The cases of one part."""
        return [case for case in self.cases if case.part is part]

    @cached_property
    def times(self) -> Times:
        """How long it took, over the cases that have a time."""
        return Times.of([case.hours for case in self.cases if case.part.is_counted and case.hours is not None])

    @cached_property
    def business_hours(self) -> Times:
        """The same in hours that fall on business days."""
        return Times.of([c.business_hours for c in self.cases if c.part.is_counted and c.business_hours is not None])

    @cached_property
    def business_days(self) -> Times:
        """The same in business days."""
        counted = (case.business_days for case in self.cases if case.part.is_counted)
        return Times.of([float(days) for days in counted if days is not None])

    @property
    def median(self) -> float | None:
        """The median, in elapsed hours."""
        return self.times.median

    @property
    def p90(self) -> float | None:
        """The time within which nine of ten were done, in elapsed hours."""
        return self.times.p90

    def by_kind(self) -> dict[str, Figure]:
        """The same measure for each kind of case, by kind."""
        return self.split(lambda case: case.kind)

    def split(self, group: Callable[[Counted], str]) -> dict[str, Figure]:
        """The same measure for each group of cases, in the order of the groups' names."""
        found: dict[str, list[Counted]] = {}
        for case in self.cases:
            found.setdefault(group(case), []).append(case)
        return {name: Figure(self.measure, tuple(found[name])) for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class Times:
    """The middle of a list of times, and the time within which nine of ten lie; None when there are none."""

    count: int = 0
    median: float | None = None
    p90: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Times:
        """Over these values. The 90th percentile is by nearest rank: a time that somebody really took."""
        if not values:
            return cls()
        ranked = sorted(values)
        return cls(len(ranked), statistics.median(ranked), ranked[math.ceil(0.9 * len(ranked)) - 1])
