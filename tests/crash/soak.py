"""The random soak: people go on working while one fault follows another, of every kind, in an order of chance."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from domain.vocabulary import Setting
from records import clock
from tests.crash import faults
from tests.crash.client import Answer, ask
from tests.crash.faults import Begin, Fault, Ground
from tests.crash.program import HASTY, PATIENT
from tests.crash.steps import referral_of
from tests.crash.world import Broken, World

ANSWERS_WITHIN = 10.0
WORKERS_AT_ONCE = 3
_LASTS = (2.0, 8.0)
_THINKS = (0.1, 0.8)
"""Seconds between two deeds of one person: what is tried is faults, not load."""
_PATIENCE = 180.0
FEWEST_A_MINUTE = 5
"""Deeds that were acknowledged, for each minute: with fewer, nothing was proved."""


@dataclass
class Ledger:
    """What people were told: how often each event of each referral was acknowledged."""

    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    asked_again: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, event: str, referral: str, answer: Answer) -> bool:
        """Whether it was acknowledged."""
        with self.lock:
            self.asked_again += answer.tries - 1
            if answer.is_acknowledged:
                self.told[event, referral] += 1
            else:
                self.refused[answer.status] += 1
        return answer.is_acknowledged


@dataclass
class Soaked:
    """What was tried and what came of it."""

    faults: list[str] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    impossible: set[str] = field(default_factory=set)


def run(ground: Ground, chance: Random, *, seconds: float, say: Callable[[str], None] = lambda _: None) -> Soaked:
    """Let people work and things break for so long; each kind at least once if there is time."""
    soaked, over = Soaked(), threading.Event()
    seeds = [chance.getrandbits(32) for _ in range(WORKERS_AT_ONCE)]
    people = [
        threading.Thread(target=_work, args=(ground.world, soaked, Random(seed), over), daemon=True) for seed in seeds
    ]
    for person in people:
        person.start()
    began, kinds = time.monotonic(), list[Begin]()
    while time.monotonic() - began < seconds:
        kinds = kinds or chance.sample(faults.KINDS, len(faults.KINDS))
        kind = kinds.pop()
        fault = kind(ground, chance)
        if fault is None:
            soaked.impossible.add(kind.__name__)
            continue
        time.sleep(chance.uniform(*_LASTS))
        _end(ground, fault, soaked, say)
    over.set()
    for person in people:
        person.join(_PATIENCE + 30)
    return soaked


def _end(ground: Ground, fault: Fault, soaked: Soaked, say: Callable[[str], None]) -> None:
    """The fault is over; whoever died of it is started again, as a supervisor does. Everything must answer."""
    fault.end()
    ended = time.monotonic()
    ground.world.start_the_dead()
    try:
        ground.world.answering()
    except Broken as problem:
        soaked.problems.append(f"{fault.name}: {problem}")
    took = time.monotonic() - ended
    soaked.faults.append(fault.name)
    soaked.answered.append(took)
    if took > ANSWERS_WITHIN:
        soaked.problems.append(f"{fault.name}: it answered only {took:.1f} s after the end")
    say(f"{fault.name}: answers {took:.1f} s after its end; {soaked.ledger.told.total()} deeds so far")


def _work(world: World, soaked: Soaked, chance: Random, over: threading.Event) -> None:
    """One planner, supervisor and bridger after another, with one person after another."""
    while not over.is_set():
        try:
            _live(world, soaked.ledger, chance, over)
        except Broken as problem:
            soaked.problems.append(f"somebody had no answer: {problem}")


def _live(world: World, ledger: Ledger, chance: Random, over: threading.Event) -> None:
    setting = chance.choice((PATIENT, HASTY))
    referral = _file(world, ledger, chance, setting)
    if not referral:
        return

    def do(who: str, path: str, event: str, body: dict[str, object] | None = None) -> bool:
        over.wait(chance.uniform(*_THINKS))
        key = f"{chance.getrandbits(64):016x}"
        answer = ask(world, who, f"/referrals/{referral}/{path}", body, key=key, patience=_PATIENCE)
        return ledger.note(event, referral, answer)

    if not do("supervisor", "accept", "referral.accepted"):
        return
    bridger = chance.choice(("first", "second", "third"))
    do("supervisor", "assign", "bridger.assigned", {"bridger_id": world.cast.ids[bridger]})
    do("planner", "discharge", "referral.discharged", {"at": clock.now().isoformat(), "disposition": "home"})
    for _ in range(chance.randrange(3)):
        do(bridger, "notes", "note.added", {"note": "An invented line."})
        do(bridger, "attempts", "attempt.logged", {"mode": "call", "outcome": "no_answer"})
    if chance.random() < 0.5:
        do(bridger, "attempts", "attempt.logged", {"mode": "visit", "outcome": "reached", "minutes": 30})
    if chance.random() < 0.7:
        do("supervisor", "close", "referral.closed", {"reason": "services_received_completed"})


def _file(world: World, ledger: Ledger, chance: Random, setting: Setting) -> str:
    key = f"{chance.getrandbits(64):016x}"
    answer = ask(world, "planner", "/referrals", referral_of(chance, setting), key=key, patience=_PATIENCE)
    referral = answer.body["id"] if answer.is_acknowledged else ""
    ledger.note("referral.submitted", referral, answer)
    return str(referral)


def look_back(world: World, soaked: Soaked) -> list[str]:
    """What was acknowledged is there, as often as it was acknowledged and not once more."""
    problems = list(soaked.problems)
    found = Counter({(event, stream): count for event, stream, count in world.rows(
        "SELECT event, stream, count(*) FROM journal GROUP BY event, stream"
    )})  # fmt: skip
    for (event, referral), told in soaked.ledger.told.items():
        if found[event, referral] != told:
            problems.append(
                f"{event} of {referral} was acknowledged {told} times, is there {found[event, referral]} times"
            )
    known = {referral for event, referral in soaked.ledger.told if event == "referral.submitted"} | set(world.over)
    strange = [stream for event, stream in found if event == "referral.submitted" and stream not in known]
    if strange:
        problems.append(f"{len(strange)} referrals are there of which nobody was told: filed twice")
    return problems


def figures(soaked: Soaked) -> list[str]:
    """What was tried, in lines."""
    kinds = Counter(name.partition(":")[0] for name in soaked.faults)
    answered = sorted(soaked.answered)
    lines = [
        f"{len(soaked.faults)} faults of {len(kinds)} kinds: " + ", ".join(f"{k} {n}" for k, n in kinds.most_common()),
        f"successes: {soaked.ledger.told.total()} deeds acknowledged, {soaked.ledger.asked_again} times asked again,"
        f" refused: {dict(soaked.ledger.refused)}",
        f"answers again after {answered[len(answered) // 2]:.1f} s (median), {answered[-1]:.1f} s (slowest)",
    ]
    if soaked.impossible:
        lines.append("not possible here: " + ", ".join(sorted(soaked.impossible)))
    return lines
