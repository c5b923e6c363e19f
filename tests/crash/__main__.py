"""`make crash` and `make soak`: see docs/reliability.md for what is tried and what is demanded."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from random import Random

from tests.crash import faults, matrix, soak, verdict
from tests.crash.faults import Ground
from tests.crash.steps import STEPS
from tests.crash.world import Kind, world

KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


def main() -> int:
    """Run what is asked for; exit status 1 when a promise does not hold, or too little came about."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("what", choices=("matrix", "soak"))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="the same seed, the same faults")
    parser.add_argument("--database", choices=KINDS, action="append", help="both unless one is named")
    parser.add_argument("--times", type=int, default=3, help="matrix: how often each combination")
    parser.add_argument("--most", type=int, default=0, help="matrix: so many kills at most; 0: all")
    parser.add_argument("--step", action="append", help="matrix: only steps whose name holds this")
    parser.add_argument("--minutes", type=float, default=15.0, help="soak: how long on each database")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what runs ends with us
    problems: list[str] = []
    for kind in asked.database or KINDS:
        began = time.monotonic()
        found = crash(kind, asked) if asked.what == "matrix" else soaked(kind, asked)
        problems += [f"{kind}, seed {asked.seed}: {one}" for one in found]
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        _say(f"{time.monotonic() - began:.0f} seconds, {load}")
    print("\n".join(f"BROKEN: {one}" for one in problems) or "Nothing was lost, doubled or missed unseen.")
    return 1 if problems else 0


def crash(kind: Kind, asked: argparse.Namespace) -> list[str]:
    """The matrix on one kind of database; what does not hold."""
    chance = Random(f"{asked.seed} {kind}")
    steps = [step for step in STEPS if not asked.step or any(word in step.name for word in asked.step)]
    wanted = matrix.trials(chance, times=asked.times, steps=steps)[: asked.most or None]
    print(f"{kind}: seed {asked.seed}, {len(wanted)} kills to come", flush=True)

    def say(result: matrix.Result) -> None:
        mark = "BROKEN" if result.problems else "ok"
        _say(f"{mark} {result.trial}: reached after {result.prepared:.1f} s, answers after {result.answered:.1f} s,"
             f" done after {result.carried_out:.1f} s")  # fmt: skip

    with world(kind) as running:
        done = matrix.run(running, wanted, chance, say)
        problems = matrix.look_back(running, done) + verdict.in_the_end(running, _say)
    if len(done.results) < len(wanted):
        problems.append(f"only {len(done.results)} of {len(wanted)} kills came about: that proves too little")
    _say(*matrix.figures(done))
    return problems


def soaked(kind: Kind, asked: argparse.Namespace) -> list[str]:
    """The soak on one kind of database; what does not hold."""
    chance, grounds = Random(f"{asked.seed} {kind}"), list[Ground]()
    print(f"{kind}: seed {asked.seed}, {asked.minutes:g} minutes of faults", flush=True)
    with world(kind, fresh=True, prepare=lambda w, stack: grounds.append(faults.prepare(w, stack))) as running:
        done = soak.run(grounds[0], chance, seconds=60 * asked.minutes, say=_say)
        problems = soak.look_back(running, done) + verdict.in_the_end(running, _say)
    fewest = int(soak.FEWEST_A_MINUTE * asked.minutes)
    if done.ledger.told.total() < fewest:
        problems.append(f"only {done.ledger.told.total()} deeds were acknowledged, fewer than {fewest}")
    _say(*soak.figures(done))
    return problems


def _say(*lines: str) -> None:
    for line in lines:
        print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
