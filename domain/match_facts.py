"""What matching looks at and what it answers, as plain frozen facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.vocabulary import Gender, Setting, Strength, Word


class Rule(Word):
    """Why a bridger cannot be offered a person."""

    PROGRAM = "program", "Another program"
    INACTIVE = "inactive", "Not taking people"
    AREA = "area", "Out of area"
    CLEARANCE = "clearance", "No clearance for the facility"
    LANGUAGE = "language", "Does not speak the language asked for"
    GENDER = "gender", "Not of the gender asked for"
    ABSENCE = "absence", "Away when it counts"
    CASELOAD = "caseload", "Caseload is full"
    ANSWERED = "answered", "Was offered this person before"
    CONFLICT = "conflict", "A conflict was declared"
    PROTECTIVE_ORDER = "protective_order", "A protective order stands against it"

    @property
    def is_private(self) -> bool:
        """Whether only the bridger and those who supervise them may see this reason (scenario 8)."""
        return self in (Rule.CONFLICT, Rule.PROTECTIVE_ORDER)

    @property
    def may_be_overridden(self) -> bool:
        """Whether a supervisor may assign by hand in spite of it, by name and with a reason."""
        return self in (Rule.AREA, Rule.LANGUAGE, Rule.GENDER, Rule.ABSENCE, Rule.CASELOAD, Rule.ANSWERED)


PRIVATE_REASON = "Not available for this person."
"""What everybody else reads in place of a private reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Caseload and supervision limits of a program. The defaults are NC Medicaid's (Clinical Coverage Policy 8G)."""

    caseload: int = 15
    supervisor: int = 8

    def supervisor_has_room(self, bridgers: int) -> bool:
        """Whether a supervisor of so many bridgers may take one more (scenario 5)."""
        return bridgers < self.supervisor


@dataclass(frozen=True, slots=True)
class Clearance:
    """Leave to enter a facility, through `until_on`; None: until further notice."""

    facility_id: str
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """A time away. `until_at` None: nobody knows yet."""

    from_at: datetime
    until_at: datetime | None = None

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether any of the time between is spent away."""
        return self.from_at < end and (self.until_at is None or self.until_at > start)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether all of the time between is spent away."""
        return self.from_at <= start and (self.until_at is None or self.until_at >= end)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A peer bridger as matching sees them.

    `areas` are postal codes or their beginnings; none: everywhere. `conflicts` and `protective_orders` hold ids of
    persons. `caseload_limit` None: the program's. `has_answered`: they declined this referral or let an offer pass.
    """

    id: str
    program_id: str
    name: str = ""
    languages: frozenset[str] = frozenset()
    gender: Gender = Gender.UNSTATED
    lived_experience: frozenset[Setting] = frozenset()
    areas: frozenset[str] = frozenset()
    clearances: tuple[Clearance, ...] = ()
    caseload: int = 0
    open_offers: int = 0
    caseload_limit: int | None = None
    absences: tuple[Absence, ...] = ()
    conflicts: frozenset[str] = frozenset()
    protective_orders: frozenset[str] = frozenset()
    supervisor_id: str = ""
    previously_bridged: frozenset[str] = frozenset()
    has_answered: bool = False
    is_active: bool = True

    @property
    def load(self) -> int:
        """People supported, with those who are on offer."""
        return self.caseload + self.open_offers

    def limit(self, limits: Limits) -> int:
        """How many people at most: the own limit, never above the program's."""
        return limits.caseload if self.caseload_limit is None else min(self.caseload_limit, limits.caseload)

    def share(self, limits: Limits) -> float:
        """How full: 0 is empty, 1 is full."""
        limit = self.limit(limits)
        return min(self.load / limit, 1.0) if limit > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """What one person asks of a bridger. A preference without a strength is a wish.

    `leaves_at` is the actual or expected discharge; None: not known. `needs_in_reach`: somebody must enter the
    facility before it. `meets_by`: by when the bridger meets them where they are, before they leave; None: nobody asks,
    or met already. `protective_orders` holds ids of bridgers that an order names, either way.
    """

    person_id: str
    program_id: str
    setting: Setting
    zone: str
    area: str = ""
    facility_id: str = ""
    needs_in_reach: bool = False
    meets_by: datetime | None = None
    leaves_at: datetime | None = None
    language: str = ""
    language_strength: Strength | None = None
    gender: Gender | None = None
    gender_strength: Strength | None = None
    protective_orders: frozenset[str] = frozenset()
    visits_in_pairs: bool = False


@dataclass(frozen=True, slots=True)
class Barrier:
    """One hard rule that stands against a candidate, in words."""

    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A candidate who cannot be offered this person, with every rule that stands against it."""

    candidate_id: str
    barriers: tuple[Barrier, ...]

    @property
    def rule(self) -> Rule:
        """The first of them. Private ones come last, so that they are shown only when nothing else is."""
        return self.barriers[0].rule

    @property
    def reason(self) -> str:
        """The first of them in words, for those who supervise."""
        return self.barriers[0].sentence

    @property
    def is_private(self) -> bool:
        """Whether that reason is hidden from others."""
        return self.rule.is_private

    @property
    def reason_for_others(self) -> str:
        """What may be shown to anybody who may see the ranking."""
        return PRIVATE_REASON if self.is_private else self.reason

    @property
    def reasons_for_others(self) -> tuple[str, ...]:
        """All of them that may be shown to anybody who may see the ranking."""
        return tuple(b.sentence for b in self.barriers if not b.rule.is_private) or (PRIVATE_REASON,)

    @property
    def may_be_overridden(self) -> bool:
        """Whether a supervisor may assign this candidate all the same: no barrier forbids it, seen or not."""
        return all(barrier.rule.may_be_overridden for barrier in self.barriers)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, 0 to 100 points, and what speaks for and against."""

    candidate_id: str
    score: int
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every candidate, best first, and everybody who cannot be asked. `notes` hold for whoever it will be."""

    ranked: tuple[Ranked, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Ranked | None:
        """Who is asked next, if anybody is left."""
        return self.ranked[0] if self.ranked else None
