"""A life in which things go wrong, held after each step to a small model of what was acknowledged.

The model knows no rule. It keeps what somebody was told: the head of the journal after each answered step, and how
often each deed that leaves an attempt was answered. None of it may be missing afterwards, and none be there twice.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select

from cli.simulation.changes_around import CHANGES
from cli.simulation.crashes import AT_COMMIT, Crash, crash_at
from cli.simulation.ground import Ground
from cli.simulation.life import FIRST_DAY, ORDINARY, Action, Life
from cli.simulation.troubles import Chances, Met, Trouble
from domain.errors import Refusal
from records import clock, engine
from records.commands import agenda
from records.commands.idempotency import claim_key, keep_answer
from records.queries.case import keep_cases
from records.queries.upkeep import list_untold
from records.tables import Attempt, JournalEntry

MOST_STATEMENTS = 14
"""A crash comes before a statement up to this one; steps that have fewer crash at their commit."""
HOW_EARLY = (0.001, 1, 30, 60, 300, 600)
"""Seconds, at most, before what is due that a wake-up comes too early, where it does not come at any time before."""
LOGS = ("contact", "attempt", "decline")
"""Deeds that leave one attempt each time they are answered."""
UPKEEP = timedelta(seconds=50)
"""How long it takes at worst until upkeep finds what no timer woke, within the minute of grace."""
_STANDS = "SELECT version, journal_seq, journal_head FROM referral"


class Stands(NamedTuple):
    """Where a referral stands in the database."""

    version: int
    journal_seq: int
    journal_head: str


class TroubledLife(Life):
    """A life whose every step is a transaction, and at some of whose steps something goes wrong."""

    def __init__(
        self, ground: Ground, number: int, counts: Counter[str], chances: Chances, *, ordinary: float = ORDINARY
    ) -> None:
        ground.anew(number)
        super().__init__(_begin(), ground.world, f"{ground.seed}:{number}", counts, ordinary=ordinary)
        self.ground, self.number, self.chances = ground, number, chances
        self.met: list[Met] = []
        self.steps = 0
        self._acknowledged: dict[int, str] = {}
        self._logged = 0
        self._before = FIRST_DAY

    def run(self) -> list[str]:
        """Live it; then everything that was acknowledged must be there, once."""
        super().run()
        self._everything_is_there()
        self.session.close()
        return self.broken

    # --- what a life does, each in a transaction of its own

    def file(self, action: Callable[[], str]) -> str:
        """The planner files the referral, with a key: however often it is sent, there is one."""
        answers: list[str] = []
        self._step("file", lambda key: answers.append(self._with_key(key, action)))
        if len(set(answers)) != 1:
            self.broken.append(f"what was filed with one key was answered with {len(set(answers))} ids")
        return answers[-1]

    def do(self, name: str, action: Action) -> None:
        """Somebody does this, or is refused."""
        self._step(name, lambda key: self._with_key(key, action))

    def wake(self) -> None:
        """The workflow's timer fires."""
        self.counts[f"item {self.rows().referral.next_item}"] += 1
        self._step("wake", self._carry_out)

    def look_again(self) -> None:
        """Word of what is due at once, unless it was lost: then upkeep finds it."""
        if self.met and self.met[-1].trouble is Trouble.UNTOLD and self.met[-1].step == self.steps:
            clock.advance(UPKEEP)
            due = self.rows().referral.next_at
            if due is not None and due <= clock.now() - UPKEEP and self.referral_id not in list_untold(self.session):
                self.broken.append(f"{self.referral_id}: upkeep does not see that something is due")
        super().look_again()

    # --- a step, and what goes wrong with it

    def _step(self, name: str, work: Callable[[str | None], Any]) -> None:
        self.steps += 1
        if clock.now() <= self._before:  # no two steps happen in one microsecond
            clock.set_to(self._before + timedelta(milliseconds=1))
        trouble, chance = self.chances.at(self.steps)
        if trouble is None:
            self._answered(name, work, None)
        else:
            self.met.append(Met(self.steps, trouble, name))
            self.counts[f"fault {trouble}"] += 1
            self._troubled(trouble, chance, name, work)
        self._before = clock.now()

    def _troubled(self, trouble: Trouble, chance: random.Random, name: str, work: Callable[[str | None], Any]) -> None:
        key = sha256(f"{self.number}:{self.steps}".encode()).hexdigest()
        match trouble:
            case Trouble.CRASH:
                self._crash(chance.randint(1, MOST_STATEMENTS), work, key)
            case Trouble.CRASH_AT_COMMIT:
                self._crash(AT_COMMIT, work, key)
            case Trouble.CRASHES:
                self._crash(chance.randint(1, MOST_STATEMENTS), work, key)
                self._crash(chance.choice((AT_COMMIT, 1, 5)), work, key)
            case Trouble.EARLY:
                self._wake_early(chance)
            case Trouble.OUTAGE if name != "file":  # a date may pass meanwhile, and is refused
                clock.advance(timedelta(hours=chance.choice((0.5, 2, 10, 30, 72))))
                if name != "wake" and self.referral_id and chance.random() < 0.5:
                    self._answered("wake", self._carry_out, None)
            case Trouble.BEHIND if name != "file":
                clock.set_to(max(clock.now() - timedelta(seconds=chance.uniform(0.001, 3)), self._before))
            case Trouble.REORDERED if name not in ("wake", "file") and self.deeds:
                at, _, other, action = heapq.heappop(self.deeds)
                clock.set_to(max(at, clock.now()))
                self._answered(other, lambda _: action(), None)
            case _ if (change := CHANGES.get(trouble)) is not None and self.referral_id:
                self._answered("change around", lambda _: change(self, chance), None)
            case _:
                pass
        was_answered = self._answered(name, work, key)
        stands = self._stands()
        match trouble:
            case Trouble.ANSWER_LOST | Trouble.TWICE:
                if trouble is Trouble.ANSWER_LOST:
                    self._begin_again()
                if was_answered:
                    self._answered("", work, key)
                    self._expect(stands, f"{name} done again with its key")
            case Trouble.BY_ANOTHER if name != "file":
                self._begin_again()
                self._answered(name, work, None)
                if name == "wake":
                    self._expect(stands, "a second wake-up")
            case Trouble.STALE if self.referral_id and name != "file":
                self._begin_again()
                if not self._is_due():
                    self._answered("", self._carry_out, None)
                    self._expect(stands, "a stale wake-up")
            case _:
                pass

    def _answered(self, name: str, work: Callable[[str | None], Any], key: str | None) -> bool:
        """Do it in a transaction, and note what was acknowledged; False when it was refused, which changes nothing."""
        try:
            work(key)
        except Refusal as refusal:
            self.counts[f"refused {refusal.code}"] += 1
            rows = self.rows()
            if rows.facts() != rows.settled_facts():
                self.broken.append(f"{self.referral_id}: {name} was refused and changed something all the same")
            self._begin_again()
            return False
        engine.commit(self.session)
        if name:
            self.counts[f"deed {name}"] += name != "wake"
            self._logged += name in LOGS
        if self.referral_id:
            row = self.rows().referral
            self._acknowledged[row.journal_seq] = row.journal_head
        return True

    def _crash(self, statement: int, work: Callable[[str | None], Any], key: str) -> None:
        """The process dies in the middle. What it drew and planned by then is gone with it, as is all that it wrote."""
        before = self._stands()
        drawn = self.chance.getstate(), self.ground.source.getstate()
        planned, numbers = list(self.deeds), self.numbers
        try:
            with crash_at(statement):
                work(key)
                engine.commit(self.session)
        except (Crash, Refusal):
            pass
        self._begin_again()
        self.chance.setstate(drawn[0])
        self.ground.source.setstate(drawn[1])
        self.deeds, self.numbers = planned, numbers
        self._expect(before, "a crash")

    def _wake_early(self, chance: random.Random) -> None:
        """A wake-up before anything is due does nothing: mostly so shortly before it that a hasty rule would act."""
        due, now = self.rows().referral.next_at if self.referral_id else None, clock.now()
        if due is None or due <= self._before:
            return
        before, early = self._stands(), timedelta(seconds=chance.choice(HOW_EARLY) * chance.uniform(0.5, 1))
        if due - early <= self._before or chance.random() < 0.2:
            early = (due - self._before) * chance.uniform(0.01, 1)
        clock.set_to(due - early)
        self._answered("", self._carry_out, None)
        clock.set_to(now)
        self._expect(before, "an early wake-up")

    def _carry_out(self, _key: str | None) -> None:
        agenda.carry_out(self.session, self.referral_id)

    def _with_key(self, key: str | None, action: Callable[[], Any]) -> Any:
        """As the API does a POST: the answer is kept with what it answers."""
        if key is None:
            return action()
        kept = claim_key(self.session, key, "")
        if kept is not None:
            return kept[1]["answer"]
        answer = action()
        answer = answer if isinstance(answer, str) else ""
        keep_answer(self.session, key, "", 200, {"answer": answer})
        return answer

    # --- the model, and the database beside it

    def _is_due(self) -> bool:
        due = self.rows().referral.next_at
        return due is not None and due <= clock.now()

    def _stands(self) -> list[Stands]:
        """Asked of the database, whatever the session holds. One referral at most is there."""
        return [Stands(*row) for row in self.session.connection().exec_driver_sql(_STANDS)]

    def _expect(self, stands: list[Stands], after: str) -> None:
        if (now := self._stands()) != stands:
            self.broken.append(f"{after} changed something: {stands} became {now}")

    def _everything_is_there(self) -> None:
        mine = select(JournalEntry.seq, JournalEntry.hash).where(JournalEntry.stream == self.referral_id)
        there = dict(self.session.exec(mine).all())
        for seq, head in self._acknowledged.items():
            if there.get(seq) != head:
                self.broken.append(f"{self.referral_id}: entry {seq} was acknowledged and is not there as it was")
        attempts = select(func.count()).select_from(Attempt).where(col(Attempt.referral_id) == self.referral_id)
        if (count := self.session.exec(attempts).one()) != self._logged:
            self.broken.append(f"{self.referral_id}: {self._logged} attempts were acknowledged and {count} are there")

    def _begin_again(self) -> None:
        """As another process would: from the records alone."""
        self.session.close()
        self.session = _begin()


def _begin() -> Session:
    session = engine.lasting_session()
    keep_cases(session)
    return session
