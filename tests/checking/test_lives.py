"""Invented lives and journeys of chance, held to the independent check: cheap, and what `make mutants` relies on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.simulation.run import simulate
from records import clock, engine
from records.checking.run import check
from tests.records.test_invariants import Wanderer
from tests.scenarios.world import World

LIVES, CHANCES = 40, 6


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    yield
    clock.run_real()
    engine.dispose()


class Watched(Wanderer):
    """Somebody whom the check looks at after every step."""

    def look(self) -> None:
        self.world.keep_appointments()
        found = check(only=[self.journey.row.number], ask_again_after=0)
        assert [one.sentence for one in found.findings] == []


def test_invented_lives_keep_every_promise() -> None:
    """Ninety days each, most with people who forget, come late and decline, and outages of hours."""
    result = simulate(LIVES, seed=23, ordinary=0.2)
    assert result.broken == []


def test_journeys_of_chance_keep_every_promise() -> None:
    """People who do anything in any order: hold, undo, correct, cancel, take back."""
    for seed in range(CHANCES):
        world = World()
        for number in range(4):
            Watched(world, 7000 + 10 * seed + number).wander()
        assert [one.sentence for one in check(ask_again_after=0).findings] == []
        engine.dispose()
        clock.run_real()
