"""One invented life: what the people around it do, and when. All chance comes from the life's own seed."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from cli.simulation.course import plan_course
from cli.simulation.deeds import plan_deeds
from cli.simulation.world import FACILITY_ZONE, ZONES, World
from domain.clock import local_date
from domain.errors import Refusal
from domain.vocabulary import (
    ConsentStatus,
    DateCertainty,
    RiskFlag,
    Setting,
)
from records import clock
from records.access import Actor
from records.commands import (
    agenda,
    referrals,
)
from records.commands.people import PersonDetails, Phone
from records.queries.case import CaseRows, load_case
from records.queries.invariants import broken_invariants

MOST_STEPS = 1500
ORDINARY = 0.85
"""The share of lives in which everybody does their part in time; the others take every turn there is."""
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
LONG_AFTER = timedelta(days=3000)
"""When all lives are over, and the independent check looks at what they left."""
Action = Callable[[], object]


class Stuck(RuntimeError):
    """A life that does not end."""


class Life:
    """From the referral to the closed loop: system items at their times, people's deeds at theirs."""

    def __init__(
        self, session: Session, world: World, seed: str, counts: Counter[str], *, ordinary: float = ORDINARY
    ) -> None:
        self.session, self.world, self.counts = session, world, counts
        self.chance = random.Random(seed)  # noqa: S311 -- chance, not secrecy
        self.deeds: list[tuple[datetime, int, str, Action]] = []
        self.seen: set[Hashable] = set()
        self.numbers = 0
        self.is_ordinary = self.chance.random() < ordinary
        self.diligence = 1.0 if self.is_ordinary else self.chance.choice((1.0, 0.95, 0.85, 0.6, 0.2))
        self.broken: list[str] = []
        # in an outage, items are carried out hours late
        self.is_late = not self.is_ordinary and self.chance.random() < 0.2
        self.referral_id = ""

    def run(self) -> list[str]:
        """Live it; returns the invariants that broke, in words."""
        clock.set_to(FIRST_DAY + timedelta(seconds=self.chance.randrange(700 * 86400)))
        self._file()
        steps = 0
        while (rows := self.rows()).referral.next_at is not None:
            plan_deeds(self, rows)
            due = rows.referral.next_at
            assert due is not None
            if self.deeds and self.deeds[0][0] <= due:
                at, _, name, action = heapq.heappop(self.deeds)
                clock.set_to(max(at, clock.now()))
                self.do(name, action)
                if not self.is_late:
                    self.look_again()
            else:
                late = timedelta(hours=self.chance.choice((0, 6))) if self.is_late else timedelta()
                clock.set_to(max(due + late, clock.now()))
                self.wake()
            steps += 1
            self._check(everything=False)
            if steps > MOST_STEPS or len(self.broken) > 20:
                raise Stuck(f"{self.referral_id} after {steps} steps: {self.broken[:3] or rows.referral.next_item}")
        self._check(everything=True)
        rows = self.rows()
        row = rows.referral
        self.counts[f"ended {row.closure_reason.value if row.closure_reason else row.status.value}"] += 1
        for contact in rows.contacts:
            self.counts[f"contact {contact.state.value}"] += 1
        self.counts["escalation"] += len(rows.escalations)
        return self.broken

    def look_again(self) -> None:
        """A deed that made something due at once tells the workflow, which carries it out."""
        due = self.rows().referral.next_at
        if due is not None and due <= clock.now():
            self.wake()

    def wake(self) -> None:
        """The workflow's timer fires."""
        self.counts[f"item {self.rows().referral.next_item}"] += 1
        agenda.carry_out(self.session, self.referral_id)

    def _check(self, *, everything: bool) -> None:
        found = broken_invariants(self.session, self.referral_id, clock.now(), everything=everything)
        if self.is_late:
            found = [problem for problem in found if "was not carried out" not in problem]
        self.broken += [f"{self.referral_id} at {clock.now():%Y-%m-%d %H:%M}: {problem}" for problem in found]

    def rows(self) -> CaseRows:
        """The case as it stands."""
        return load_case(self.session, self.referral_id)

    def do(self, name: str, action: Action) -> None:
        """Somebody does this, or is refused."""
        try:
            action()
            self.counts[f"deed {name}"] += 1
        except Refusal as refusal:
            self.counts[f"refused {refusal.code}"] += 1
            rows = self.rows()
            if rows.facts() != rows.settled_facts():
                self.broken.append(f"{self.referral_id}: {name} was refused and changed something all the same")

    def later(self, name: str, at: datetime, action: Action) -> None:
        """Do this at that time."""
        self.numbers += 1
        heapq.heappush(self.deeds, (at, self.numbers, name, action))

    def soon(self, name: str, hours: float, action: Action) -> None:
        """Do this so many hours from now."""
        self.later(name, clock.now() + timedelta(hours=hours), action)

    @property
    def planner(self) -> Actor:
        """The planner who filed it."""
        return self.world.planners[self.setting]

    @property
    def bridger(self) -> Actor:
        """Who has the person now, or else the supervisor."""
        return self.world.bridgers.get(self.rows().referral.bridger_id or "", self.world.supervisor)

    def file(self, action: Callable[[], str]) -> str:
        """The planner files the referral; returns its id."""
        return action()

    def _file(self) -> None:
        chance = self.chance
        self.setting = chance.choice(list(Setting))
        zone = chance.choice(ZONES)
        person = PersonDetails(
            given_name=f"Person {chance.randrange(10**6)}",
            family_name="Simulated",
            zone=zone,
            language=chance.choice(("en", "en", "en", "es")),
            phones=[Phone("202-555-0123")] if chance.random() < 0.85 else [],
        )
        days = chance.choice((0, 1, 2, 3, 5, 10, 30))
        today = local_date(clock.now(), FACILITY_ZONE)
        details = referrals.ReferralDetails(
            setting=self.setting,
            expected_on=today + timedelta(days=days) if chance.random() < 0.9 else None,
            certainty=DateCertainty.LIKELY,
            risks=[flag for flag in RiskFlag if chance.random() < 0.12],
            consent=ConsentStatus.GIVEN if chance.random() < 0.8 else ConsentStatus.PENDING,
        )
        if details.expected_on is None:
            details = referrals.ReferralDetails(setting=self.setting, consent=details.consent, risks=details.risks)
        self.referral_id = self.file(lambda: referrals.file_referral(self.session, self.planner, person, details).id)
        plan_course(self, days, zone)

    def is_new(self, key: Hashable) -> bool:
        """Whether this is seen for the first time."""
        if key in self.seen:
            return False
        self.seen.add(key)
        return True
