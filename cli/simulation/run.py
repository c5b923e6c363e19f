"""Running many lives: progress, what happened, how fast, and whether anything broke."""

from __future__ import annotations

import gc
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlmodel import SQLModel

from cli.simulation.life import FIRST_DAY, LONG_AFTER, ORDINARY, Life
from cli.simulation.world import build_world
from records import clock, engine, ids
from records.checking.run import check
from records.queries.case import forget_cases, keep_cases


@dataclass
class Result:
    """What came of a simulation. `seconds` is real time spent living the lives."""

    lives: int
    seed: int
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def per_minute(self) -> float:
        """Ninety-day journeys a minute."""
        return self.lives / self.seconds * 60 if self.seconds else 0.0


def simulate(
    lives: int, seed: int, progress: Callable[[int], None] | None = None, *, ordinary: float = ORDINARY
) -> Result:
    """Live `lives` invented lives from this seed, one after another, on an in-memory database.

    `ordinary` is the share of them in which everybody does their part in time. The same seed gives the same lives, ids
    included. The process's clock and database are the simulation's meanwhile.
    """
    result = Result(lives, seed)
    chance = random.Random(seed)  # noqa: S311 -- chance, not secrecy
    ids.use_source(random.Random(seed))  # noqa: S311 -- chance, not secrecy
    engine.configure("sqlite://")
    SQLModel.metadata.create_all(engine.database().write)
    with engine.lasting_session() as session:
        keep_cases(session)
        world = build_world(session, chance)
        engine.commit(session)
        gc.freeze()  # what is there now stays: looking it through took a twentieth of the time
        began = time.perf_counter()
        for number in range(lives):
            life = Life(session, world, f"{seed}:{number}", result.counts, ordinary=ordinary)
            result.broken += life.run()
            engine.commit(session)
            forget_cases(session)
            if progress is not None:
                progress(1)
        result.seconds = time.perf_counter() - began
        clock.set_to(FIRST_DAY + LONG_AFTER)
        result.broken += [f"{one.referral}: {one.sentence}" for one in check(ask_again_after=0).findings]
        gc.unfreeze()
    clock.run_real()
    ids.use_source(random.SystemRandom())
    return result
