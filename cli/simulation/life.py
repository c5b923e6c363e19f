"""One invented life: what the people around it do, and when. All chance comes from the life's own seed."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from cli.simulation.world import ZONES, World
from domain.clock import local_date
from domain.errors import Refusal
from domain.vocabulary import (
    Ask,
    ClosureReason,
    ConsentStatus,
    ContactState,
    Counts,
    DateCertainty,
    DeclineReason,
    Disposition,
    EndReason,
    EscalationState,
    HoldReason,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    Resolution,
    RiskFlag,
    Setting,
    Subject,
    WelfareDecision,
)
from records import clock
from records.access import Actor
from records.commands import (
    agenda,
    assignments,
    cancelling,
    changes,
    closing,
    contacts,
    discharges,
    escalations,
    holds,
    offers,
    referrals,
)
from records.commands.people import PersonDetails, Phone
from records.queries.case import CaseRows, load_case
from records.queries.invariants import broken_invariants
from records.tables import Contact, Escalation, Offer

MOST_STEPS = 1500
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
Action = Callable[[], object]


class Stuck(RuntimeError):
    """A life that does not end."""


class Life:
    """From the referral to the closed loop: system items at their times, people's deeds at theirs."""

    def __init__(self, session: Session, world: World, seed: str, counts: Counter[str]) -> None:
        self.session, self.world, self.counts = session, world, counts
        self.chance = random.Random(seed)
        self.deeds: list[tuple[datetime, int, str, Action]] = []
        self.seen: set[str] = set()
        self.numbers = 0
        self.diligence = self.chance.choice((1.0, 0.95, 0.85, 0.6, 0.2))
        self.broken: list[str] = []
        self.is_late = self.chance.random() < 0.05  # an outage: items are carried out hours late
        self.referral_id = ""

    def run(self) -> list[str]:
        """Live it; returns the invariants that broke, in words."""
        clock.set_to(FIRST_DAY + timedelta(seconds=self.chance.randrange(700 * 86400)))
        self._file()
        steps = 0
        while (rows := self._rows()).referral.next_at is not None:
            self._plan_deeds(rows)
            due = rows.referral.next_at
            assert due is not None
            if self.deeds and self.deeds[0][0] <= due:
                at, _, name, action = heapq.heappop(self.deeds)
                clock.set_to(max(at, clock.now()))
                self._do(name, action)
                if not self.is_late:
                    self._look_again(rows)
            else:
                late = timedelta(hours=self.chance.choice((0, 6))) if self.is_late else timedelta()
                clock.set_to(max(due + late, clock.now()))
                self.counts[f"item {rows.referral.next_item}"] += 1
                agenda.carry_out(self.session, self.referral_id)
            steps += 1
            self._check(rows, everything=False)
            if steps > MOST_STEPS or len(self.broken) > 20:
                raise Stuck(f"{self.referral_id} after {steps} steps: {self.broken[:3] or rows.referral.next_item}")
        self._check(rows, everything=True)
        row = rows.referral
        self.counts[f"ended {row.closure_reason.value if row.closure_reason else row.status.value}"] += 1
        for contact in rows.contacts:
            self.counts[f"contact {contact.state.value}"] += 1
        self.counts["escalation"] += len(rows.escalations)
        return self.broken

    def _look_again(self, rows: CaseRows) -> None:
        """A deed that made something due at once tells the workflow, which carries it out."""
        due = rows.referral.next_at
        if due is not None and due <= clock.now():
            self.counts[f"item {rows.referral.next_item}"] += 1
            agenda.carry_out(self.session, self.referral_id)

    def _check(self, rows: CaseRows, *, everything: bool) -> None:
        found = broken_invariants(self.session, self.referral_id, clock.now(), everything=everything)
        if self.is_late:
            found = [problem for problem in found if "was not carried out" not in problem]
        self.broken += [f"{self.referral_id} at {clock.now():%Y-%m-%d %H:%M}: {problem}" for problem in found]

    def _rows(self) -> CaseRows:
        return load_case(self.session, self.referral_id)

    def _do(self, name: str, action: Action) -> None:
        try:
            action()
            self.counts[f"deed {name}"] += 1
        except Refusal as refusal:
            self.counts[f"refused {refusal.code}"] += 1
            rows = self._rows()
            if rows.facts() != rows.settled_facts():
                self.broken.append(f"{self.referral_id}: {name} was refused and changed something all the same")

    def _later(self, name: str, at: datetime, action: Action) -> None:
        self.numbers += 1
        heapq.heappush(self.deeds, (at, self.numbers, name, action))

    def _in(self, name: str, hours: float, action: Action) -> None:
        self._later(name, clock.now() + timedelta(hours=hours), action)

    @property
    def planner(self) -> Actor:
        """The planner who filed it."""
        return self.world.planners[self.setting]

    @property
    def bridger(self) -> Actor:
        """Who has the person now, or else the supervisor."""
        return self.world.bridgers.get(self._rows().referral.bridger_id or "", self.world.supervisor)

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
        details = referrals.ReferralDetails(
            setting=self.setting,
            expected_on=local_date(clock.now(), zone) + timedelta(days=days) if chance.random() < 0.9 else None,
            certainty=DateCertainty.LIKELY,
            risks=[flag for flag in RiskFlag if chance.random() < 0.12],
            consent=ConsentStatus.GIVEN if chance.random() < 0.8 else ConsentStatus.PENDING,
        )
        if details.expected_on is None:
            details = referrals.ReferralDetails(setting=self.setting, consent=details.consent, risks=details.risks)
        self.referral_id = referrals.file_referral(self.session, self.planner, person, details).id
        self._plan_course(days, zone)

    def _plan_course(self, days: int, zone: str) -> None:
        """The turns that this life takes, whatever the protocol asks."""
        s, r, chance = self.session, self.referral_id, self.chance
        leaves = max(days * 24 + chance.uniform(-30, 60), 0.5)
        for _ in range(chance.choice((0, 0, 0, 1, 3))):
            day = local_date(clock.now(), zone) + timedelta(days=chance.randrange(1, 20))
            self._in(
                "move date",
                chance.uniform(0, leaves),
                lambda d=day: changes.move_expected_discharge(  # type: ignore[misc]
                    s, self.planner, r, d
                ),
            )
        heard = chance.choice((0, 0, 0, 0.2, 8.5, 30))
        disposition = chance.choices(
            (
                Disposition.HOME,
                Disposition.SHELTER,
                Disposition.AGAINST_ADVICE,
                Disposition.COURT_RELEASE,
                Disposition.TRANSFERRED,
                Disposition.CUSTODY,
                Disposition.DIED,
            ),
            (60, 15, 6, 6, 5, 4, 1),
        )[0]
        left_at = clock.now() + timedelta(hours=leaves)
        self._later(
            "discharge",
            left_at + timedelta(hours=heard),
            lambda: discharges.record_discharge(s, self.planner, r, left_at, disposition),
        )
        after = leaves + heard
        turns: tuple[tuple[float, str, float, Action], ...] = (
            (0.03, "cancel discharge", after + 1, lambda: self._cancel_discharge()),
            (
                0.03,
                "correct discharge",
                after + 3,
                lambda: discharges.record_discharge(s, self.planner, r, left_at - timedelta(hours=2), disposition),
            ),
            (0.08, "readmit", after + chance.uniform(10, 1500), lambda: self._hold(HoldReason.READMITTED)),
            (0.06, "custody", after + chance.uniform(10, 1500), lambda: self._hold(HoldReason.IN_CUSTODY)),
            (
                0.05,
                "high risk",
                after + chance.uniform(1, 60),
                lambda: changes.set_risks(s, self.world.supervisor, r, [RiskFlag.SUICIDE_RISK]),
            ),
            (
                0.03,
                "decline",
                after + chance.uniform(1, 900),
                lambda: contacts.log_attempt(s, self.bridger, r, Mode.CALL, Outcome.DECLINED),
            ),
            (0.015, "death", after + chance.uniform(1, 1500), lambda: self._die()),
            (0.04, "ask to cancel", chance.uniform(1, 400), lambda: self._ask_cancel()),
            (
                0.06,
                "ask for another",
                after + chance.uniform(1, 900),
                lambda: assignments.release_bridger(s, self.world.supervisor, r, EndReason.PERSON_ASKED),
            ),
            (
                0.05,
                "concern",
                after + chance.uniform(1, 900),
                lambda: escalations.raise_concern(s, self.bridger, r, "simulated"),
            ),
            (
                0.9,
                "consent",
                chance.uniform(1, 150),
                lambda: changes.record_consent(s, self.planner, r, ConsentStatus.GIVEN),
            ),
        )
        for likely, name, hours, action in turns:
            if chance.random() < likely:
                self._in(name, hours, action)

    def _cancel_discharge(self) -> None:
        discharges.cancel_discharge(self.session, self.planner, self.referral_id, "simulated")
        self._in(
            "discharge again",
            20,
            lambda: discharges.record_discharge(
                self.session, self.planner, self.referral_id, clock.now(), Disposition.HOME
            ),
        )

    def _hold(self, reason: HoldReason) -> None:
        holds.put_on_hold(self.session, self.bridger, self.referral_id, reason)

    def _die(self) -> None:
        closing.record_death(self.session, self.bridger, self.referral_id)
        if self.chance.random() < 0.3:
            closing.undo_end(self.session, self.world.supervisor, self.referral_id, "entered in error")

    def _ask_cancel(self) -> None:
        cancelling.request_cancel(self.session, self.planner, self.referral_id, "simulated")
        if self.chance.random() < 0.8:
            agree = self.chance.random() < 0.5
            self._in(
                "answer cancel",
                self.chance.uniform(0.5, 30),
                lambda: cancelling.decide_cancel(
                    self.session, self.world.supervisor, self.referral_id, agree=agree, note="simulated"
                ),
            )

    def _plan_deeds(self, rows: CaseRows) -> None:
        """What people will do about what is new: offers, contacts, calls, holds."""
        if rows.referral.bridger_id is None and rows.referral.status is not ReferralStatus.SUBMITTED:
            for offer in rows.offers:
                if offer.state is OfferState.OPEN and self._is_new(offer.id):
                    self._answer(offer)
        for contact in rows.contacts:
            if contact.state is ContactState.PLANNED and self._is_new(f"{contact.id}:{contact.due_at}"):
                self._work(rows, contact)
        for escalation in rows.escalations:
            if escalation.state is not EscalationState.RESOLVED and self._is_new(
                f"{escalation.id}:{escalation.alerts}"
            ):
                self._respond(escalation)
        if rows.referral.status is ReferralStatus.ON_HOLD and rows.hold is not None and self._is_new(rows.hold.id):
            self._in("return", self.chance.choice((20, 100, 800, 2500)), self._return)

    def _is_new(self, key: str) -> bool:
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def _answer(self, offer: Offer) -> None:
        bridger, draw = self.world.bridgers[offer.bridger_id], self.chance.random()
        hours = self.chance.uniform(0.05, 3)
        if draw < 0.7:
            self._in("accept", hours, lambda: offers.accept_offer(self.session, bridger, offer.id))
        elif draw < 0.85:
            self._in(
                "decline offer",
                hours,
                lambda: offers.decline_offer(self.session, bridger, offer.id, DeclineReason.NO_ROOM),
            )

    def _work(self, rows: CaseRows, contact: Contact) -> None:
        rule, chance = rows.rule(contact.key), self.chance
        length = contact.due_at - contact.opens_at
        draw = chance.random()
        if draw < self.diligence:
            at = contact.opens_at + length * chance.uniform(0.02, 0.98)
        elif draw < self.diligence + (1 - self.diligence) / 2:
            at = contact.due_at + timedelta(hours=chance.uniform(0.1, 60))
        else:
            return
        if rule is not None and rule.counts is Counts.TASK:
            self._later(
                "task", at, lambda: contacts.complete_task(self.session, self.bridger, self.referral_id, contact.id)
            )
            return
        mode = chance.choice(rule.modes if rule is not None else (Mode.CALL, Mode.VISIT))
        if chance.random() < 0.25:
            self._later(
                "attempt",
                contact.opens_at + (at - contact.opens_at) / 2,
                lambda: contacts.log_attempt(self.session, self.bridger, self.referral_id, mode, Outcome.NO_ANSWER),
            )
        delay = timedelta(hours=chance.choice((0, 0, 0, 0, 5, 30)))
        self._later(
            "contact",
            at + delay,
            lambda: contacts.log_attempt(
                self.session, self.bridger, self.referral_id, mode, Outcome.REACHED, at=at, minutes=20
            ),
        )

    def _respond(self, row: Escalation) -> None:
        who = self._told(row)
        if self.chance.random() < 0.3:
            return
        self._in(
            "acknowledge",
            self.chance.uniform(0.05, 10),
            lambda: escalations.acknowledge(self.session, who, self.referral_id, row.id),
        )
        if row.ask is Ask.WELFARE_CHECK:
            decision = self.chance.choice(list(WelfareDecision))
            self._in(
                "decide",
                self.chance.uniform(0.1, 4),
                lambda: escalations.decide_welfare_check(
                    self.session, self.world.clinician, self.referral_id, row.id, decision, "simulated"
                ),
            )
        if row.ask is Ask.SIGN_CLOSURE or row.subject in (Subject.FINISH, Subject.LOST):
            reason = ClosureReason.UNABLE_TO_REACH if row.subject is Subject.LOST else ClosureReason.SERVICES_RECEIVED
            self._in(
                "close",
                self.chance.uniform(1, 40),
                lambda: closing.close_referral(
                    self.session, self.world.supervisor, self.referral_id, reason, "simulated"
                ),
            )
            return
        if row.subject is Subject.ASSIGNMENT:
            bridger = self.chance.choice(list(self.world.bridgers))
            self._in(
                "assign",
                self.chance.uniform(0.5, 12),
                lambda: assignments.assign(
                    self.session, self.world.supervisor, self.referral_id, bridger, override_reason="simulated"
                ),
            )
            return
        if row.subject is Subject.CONTACT and row.rung >= 3 and self.chance.random() < 0.3:
            self._in(
                "declare lost",
                self.chance.uniform(1, 40),
                lambda: contacts.declare_lost(self.session, self.world.supervisor, self.referral_id, "simulated"),
            )
        if self.chance.random() < 0.8:
            resolution = self.chance.choice((Resolution.ARRANGED, Resolution.NOT_NEEDED, Resolution.UNABLE_TO_REACH))
            self._in(
                "resolve",
                self.chance.uniform(1, 60),
                lambda: escalations.resolve(self.session, who, self.referral_id, row.id, resolution, "simulated"),
            )

    def _told(self, row: Escalation) -> Actor:
        world = self.world
        staff_id = self.chance.choice(row.told)["staff_id"] if row.told else world.supervisor.id
        known = {a.id: a for a in (world.supervisor, world.clinician, world.manager)} | world.bridgers
        return known.get(staff_id, world.supervisor)

    def _return(self) -> None:
        rows = self._rows()
        if rows.referral.status is not ReferralStatus.ON_HOLD:
            return
        left = clock.now() if rows.referral.discharged_at is not None or self.chance.random() < 0.8 else None
        holds.resume(self.session, self.bridger, self.referral_id, discharged_at=left)
