"""Hypothesis drives a program, whose every step is held to what was acknowledged and to the independent check.

`MACHINES=30 pytest tests/simulation/test_machines.py` tries thirty times as many.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from cli.simulation.ground import Picture
from records import clock, engine, ids
from tests.scenarios.world import World
from tests.simulation.machines import Program

TIMES = int(os.environ.get("MACHINES", "1"))
MANY = settings(
    max_examples=12 * TIMES,
    stateful_step_count=25,
    deadline=None,
    derandomize=TIMES == 1,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@pytest.fixture(autouse=True)
def program() -> Iterator[None]:
    Program.world_at_first = World()
    Program.picture = Picture()
    Program.done.clear()
    yield
    clock.run_real()
    ids.use_source(random.SystemRandom())
    engine.dispose()


def test_whatever_people_do_and_whatever_goes_wrong_every_promise_holds() -> None:
    run_state_machine_as_test(Program, settings=MANY)

    done = Program.done
    print(sorted(done.items()))
    assert done["crash"] > 2 * TIMES
    assert sum(done.values()) - done["refused"] > 80 * TIMES, "much of what was tried must have happened"
