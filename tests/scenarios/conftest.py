"""The world in which each scenario happens: its own, in memory, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from records import clock, engine
from tests.scenarios.world import MONDAY, World
from tests.support.moves import watched_moves


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A program with three bridgers, on a Monday morning or at the time that the test is given."""
    with _held_to_the_states():
        yield World(starts=getattr(request, "param", MONDAY))


@pytest.fixture
def slow_world() -> Iterator[World]:
    """A program whose supervisor accepts each referral by hand."""
    with _held_to_the_states():
        yield World(accepts_at_once=False)


@contextmanager
def _held_to_the_states() -> Iterator[None]:
    """Whatever a scenario does, every state that changed meanwhile went where `domain/states.py` says it may go."""
    try:
        with watched_moves() as moves:
            yield
            with engine.read_session() as session:
                _known, unknown = moves.held_to_the_tables(session)
        assert unknown == []
    finally:
        engine.dispose()
        clock.run_real()
