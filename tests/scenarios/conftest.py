"""The world in which each scenario happens: its own, in memory, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock, engine
from tests.scenarios.world import MONDAY, World


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A program with three bridgers, on a Monday morning or at the time that the test is given."""
    try:
        yield World(starts=getattr(request, "param", MONDAY))
    finally:
        engine.dispose()
        clock.run_real()


@pytest.fixture
def slow_world() -> Iterator[World]:
    """A program whose supervisor accepts each referral by hand."""
    try:
        yield World(accepts_at_once=False)
    finally:
        engine.dispose()
        clock.run_real()
