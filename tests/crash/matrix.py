"""The crash matrix: at each step, each of the processes is killed at each of three points, and it all comes right."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from random import Random

from tests.crash.client import ask
from tests.crash.orders import BEFORE, GO, LOST, POINTS, WRITTEN, Order
from tests.crash.steps import STEPS, Made, Step
from tests.crash.verdict import promises_of
from tests.crash.world import DATABASE, VICTIMS, Broken, World

ANSWERS_WITHIN = 10.0
"""Seconds after the killed process was started again: the demand of the issue."""
CARRIED_OUT_WITHIN = 90.0
"""Seconds until the step that was broken off is done: upkeep's minute, and what Temporal waits for a dead worker."""
_REACHED_WITHIN = 60.0


@dataclass(frozen=True)
class Trial:
    """One kill."""

    step: Step
    victim: str
    at: str

    def __str__(self) -> str:
        return f"{self.step.name} / {self.victim} / {self.at}"


@dataclass
class Result:
    """What came of one: seconds it took to bring the world there, until everything answered
    again, and until the step was done."""

    trial: Trial
    prepared: float
    answered: float
    carried_out: float
    tries: int
    is_acknowledged: bool
    problems: list[str] = field(default_factory=list)


@dataclass
class Matrix:
    """All of them."""

    results: list[Result] = field(default_factory=list)
    acknowledged: list[tuple[str, str, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def trials(chance: Random, *, times: int, steps: Sequence[Step] = STEPS) -> list[Trial]:
    """Every combination so many times, in an order of chance."""
    found = [Trial(*one) for one in product(steps, VICTIMS, POINTS)] * times
    chance.shuffle(found)
    return found


def run(
    world: World, wanted: Iterable[Trial], chance: Random, say: Callable[[Result], None] = lambda _: None
) -> Matrix:
    """Carry them out one after another, then look at everything once more."""
    matrix = Matrix()
    with ThreadPoolExecutor(2) as threads:
        for trial in wanted:
            try:
                result = _kill_once(world, trial, chance, threads, matrix)
            except Broken as problem:
                matrix.problems.append(f"{trial}: {problem}")
                _stand_up(world)
                continue
            matrix.results.append(result)
            matrix.problems += [f"{trial}: {problem}" for problem in result.problems]
            say(result)
    return matrix


def _kill_once(world: World, trial: Trial, chance: Random, threads: ThreadPoolExecutor, matrix: Matrix) -> Result:
    step, began = trial.step, time.monotonic()
    made = step.prepare(world, chance)
    before = _count(world, step, made)
    torn = trial.victim == DATABASE and world.kind == "sqlite" and trial.at == BEFORE and step.is_recorded
    key = f"{chance.getrandbits(64):016x}" if step.role == "api" else ""
    Order(step.role, trial.at, step.event, made.referral, key, torn).leave(world.folder)
    asked = threads.submit(made.carry_out, key)
    reached, prepared = world.await_point(_REACHED_WITHIN), time.monotonic() - began
    if torn:
        reached = world.alone_with(step.role, reached)
    world.kill(trial.victim, reached, chance)
    is_lost = trial.victim == DATABASE and trial.at == WRITTEN and step.is_recorded
    reached.answer(LOST if is_lost else GO)
    began = time.monotonic()
    world.start(trial.victim)
    world.answering()
    answered = time.monotonic() - began
    answer = asked.result()
    if not step.is_recorded or step.role == "worker":
        _until_done(world, step, made, before)
    carried_out = time.monotonic() - began
    tries, is_acknowledged = (answer.tries, answer.is_acknowledged) if answer is not None else (0, True)
    result = Result(trial, prepared, answered, carried_out, tries, is_acknowledged)
    if answer is not None and not answer.is_acknowledged:
        result.problems.append(f"it was refused when asked again: {answer.status} {answer.body}")
    if answered > ANSWERS_WITHIN:
        result.problems.append(f"it answered only after {answered:.1f} s")
    now = _count(world, step, made)
    if step.is_recorded and now - before != made.rows:
        result.problems.append(f"{step.event} is recorded {now - before} times instead of {made.rows}")
    if step.is_recorded and made.referral:
        matrix.acknowledged.append((step.event, made.referral, now))
    result.problems += promises_of(world, _about(world, made, answer))
    _end(world, made.referral)
    return result


def _count(world: World, step: Step, made: Made) -> int:
    if step.event == "upkeep":
        return int(float(world.ask("SELECT value FROM meta WHERE key = 'upkeep_ran_at'") or 0) * 1000)
    if step.event == "message.sent":
        return world.sink.came.total()
    return world.events(step.event, made.referral)


def _until_done(world: World, step: Step, made: Made, before: int) -> None:
    if step.event == "message.sent":
        return  # a message whose sender died is settled minutes later; all are looked at in the end
    world.until(
        lambda: _count(world, step, made) > before, CARRIED_OUT_WITHIN, f"{step.name}: it was not done afterwards"
    )


def _about(world: World, made: Made, answer: object) -> list[str]:
    if made.referral:
        return [made.referral]
    body = getattr(answer, "body", None) or {}
    return [body["id"]] if "number" in body else [row["referral_id"] for row in body.get("rows", ())]


def _end(world: World, referral: str) -> None:
    """Nobody stays on a list for ever: the next step finds bridgers with room."""
    if referral:
        ask(world, "supervisor", f"/referrals/{referral}/close", {"reason": "services_received_completed"})


def _stand_up(world: World) -> None:
    """Whatever lies on the ground after a step that went wrong is started again."""
    world.start_the_dead()
    world.answering()


def look_back(world: World, matrix: Matrix) -> list[str]:
    """After all of it: what was there after each is still there."""
    problems = list(matrix.problems)
    for event, referral, count in matrix.acknowledged:
        now = world.events(event, referral)
        if now < count:
            problems.append(f"{event} of {referral} was there {count} times, and is there {now} times")
    return problems


def figures(matrix: Matrix) -> list[str]:
    """What was done and how long it took, in lines."""
    results = matrix.results
    victims = Counter(result.trial.victim for result in results)
    points = Counter(result.trial.at for result in results)
    steps = Counter(result.trial.step.name for result in results)
    answered = sorted(result.answered for result in results)
    slowest = sorted(results, key=lambda result: result.carried_out)[-3:]
    lines = [
        f"{len(results)} kills at {len(steps)} steps: "
        + ", ".join(f"{who} {count}" for who, count in victims.items()) + "; "
        + ", ".join(f"{at} {count}" for at, count in points.items()),
        f"successes: {sum(result.is_acknowledged for result in results)} acknowledged or carried out,"
        f" {sum(max(0, result.tries - 1) for result in results)} requests asked again",
        f"answers again after {answered[len(answered) // 2]:.2f} s (median), {answered[-1]:.2f} s (slowest)",
    ]  # fmt: skip
    lines += [f"done after {one.carried_out:.1f} s: {one.trial}" for one in reversed(slowest)]
    return lines
