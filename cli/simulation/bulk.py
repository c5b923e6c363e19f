"""Many troubled lives, each by itself, on as many cores as wanted; and the fewest faults that still break one."""

from __future__ import annotations

import multiprocessing
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cli.simulation.ground import Ground
from cli.simulation.life import FIRST_DAY, LONG_AFTER, ORDINARY
from cli.simulation.troubled import TroubledLife
from cli.simulation.troubles import LIKELY, Chances, Met, Trouble
from records import clock, engine, ids
from records.checking.run import check

FAULTS = 11.0
"""So many befall a life unless said otherwise: a hundred thousand lives meet more than a million."""
STEPS = 39.0
"""So many steps a life has, about."""
AT_A_TIME = 50
"""Lives that a process is given at once."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One life: what broke, what it met, what happened in it, and a digest of its whole journal."""

    number: int
    broken: tuple[str, ...]
    met: tuple[Met, ...]
    counts: Counter[str]
    digest: str


@dataclass
class Lives:
    """Many lives together. `broken`: those in which something broke; `seconds`: real ones."""

    lives: int = 0
    faults: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[Lived] = field(default_factory=list)
    digest: str = ""

    def add(self, lived: Lived) -> None:
        """One more. They are added in their order, so that the digest stands for all of them."""
        self.lives += 1
        self.faults += len(lived.met)
        self.counts.update(lived.counts)
        self.digest = sha256(f"{self.digest}{lived.digest}".encode()).hexdigest()
        if lived.broken:
            self.broken.append(lived)

    def as_data(self) -> dict[str, Any]:
        """As JSON takes it. It names nobody."""
        return {
            "lives": self.lives,
            "faults": self.faults,
            "seconds": round(self.seconds, 1),
            "violations": sum(len(one.broken) for one in self.broken),
            "digest": self.digest,
            "counts": dict(sorted(self.counts.items())),
            "broken": [
                {"life": one.number, "broken": one.broken, "faults": [str(met) for met in one.met]}
                for one in self.broken
            ],
        }


@dataclass(frozen=True, slots=True)
class How:
    """How lives are lived: from which seed, how many faults befall each on average, of which kinds, and the share in
    which everybody does their part in time. Two that are alike give the same lives."""

    seed: int
    faults: float = FAULTS
    kinds: tuple[Trouble, ...] = tuple(LIKELY)
    ordinary: float = ORDINARY


def live(ground: Ground, how: How, number: int, *, only: Collection[int] | None = None) -> Lived:
    """Live one life and hold it to the independent check. With `only`, the faults of those steps alone."""
    counts = Counter[str]()
    chances = Chances(f"{how.seed}:{number}:faults", min(how.faults / STEPS, 1.0), kinds=how.kinds, only=only)
    life = TroubledLife(ground, number, counts, chances, ordinary=how.ordinary)
    try:
        life.run()
    except Exception as error:  # whatever it was, the life did not go to its end, and that is the finding
        life.broken.append(f"it stopped at step {life.steps}: {type(error).__name__}: {error}")
    finally:
        life.session.close()
    clock.set_to(FIRST_DAY + LONG_AFTER)
    broken = [*life.broken, *(f"{one.name}: {one.sentence}" for one in check(ask_again_after=0).findings)]
    return Lived(number, tuple(broken), tuple(life.met), counts, _digest())


def live_many(how: How, lives: int, *, processes: int = 1, progress: Callable[[Lived], None] = lambda _: None) -> Lives:
    """Live so many lives, from number 0 on. The process's clock, ids and database are the simulation's meanwhile."""
    began, together = time.perf_counter(), Lives()
    parts = [range(start, min(start + AT_A_TIME, lives)) for start in range(0, lives, AT_A_TIME)]
    for lived in _by_processes(how, parts, processes):
        together.add(lived)
        progress(lived)
    together.seconds = time.perf_counter() - began
    return together


def shrink(how: How, number: int) -> Lived:
    """The life again with the fewest of its faults that still break it, found by leaving out halves, then quarters …
    until no single one can be left out."""
    with_ground = _Here(how)
    found = with_ground.live(number, None)
    kept = [met.step for met in found.met]
    size = len(kept)
    while found.broken and kept and size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            tried = with_ground.live(number, fewer)
            if tried.broken:
                found, kept = tried, [met.step for met in tried.met]
            else:
                start += size
        size = min(size // 2, len(kept))
    with_ground.close()
    return found


class _Here:
    """Lives lived in this process."""

    def __init__(self, how: How) -> None:
        self._how, self._ground = how, Ground(how.seed)

    def live(self, number: int, only: Collection[int] | None = None) -> Lived:
        return live(self._ground, self._how, number, only=only)

    def close(self) -> None:
        clock.run_real()
        ids.use_source(random.SystemRandom())


def live_one(how: How, number: int) -> Lived:
    """Life `number` of a seed by itself: the same as among the others."""
    here = _Here(how)
    try:
        return here.live(number)
    finally:
        here.close()


def _by_processes(how: How, parts: Sequence[range], processes: int) -> Iterator[Lived]:
    if processes <= 1:
        here = _Here(how)
        try:
            for part in parts:
                yield from map(here.live, part)
        finally:
            here.close()
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare, initargs=(how,)) as pool:
        for lived in pool.map(_live_part, parts):
            yield from lived


_here: _Here | None = None


def _prepare(how: How) -> None:
    global _here
    _here = _Here(how)


def _live_part(part: range) -> list[Lived]:
    assert _here is not None
    return [_here.live(number) for number in part]


_SEALED = re.compile(r'"c1\.[^"]*"')
"""What is sealed is another text each time."""


def _digest() -> str:
    """Of everything that the journal says, but for what is sealed in it and the hashes over that."""
    told = "SELECT stream, seq, event, at, actor, subject_id, data FROM journal ORDER BY stream, seq"
    with engine.database().read.connect() as connection:
        lines = [_SEALED.sub("", str(tuple(row))) for row in connection.exec_driver_sql(told)]
    return sha256("\n".join(lines).encode()).hexdigest()
