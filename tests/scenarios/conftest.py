"""The world in which each scenario happens: its own, in memory, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from records import clock, engine
from tests.scenarios.world import MONDAY, World
from tests.support.checked import assert_every_promise_holds
from tests.support.moves import watched_moves


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A program with three bridgers, on a Monday morning or at the time that the test is given."""
    with _held_to_the_states():
        made = World(starts=getattr(request, "param", MONDAY))
        yield made
        made.keep_appointments()


@pytest.fixture
def slow_world() -> Iterator[World]:
    """A program whose supervisor accepts each referral by hand."""
    with _held_to_the_states():
        made = World(accepts_at_once=False)
        yield made
        made.keep_appointments()


@contextmanager
def _held_to_the_states() -> Iterator[None]:
    """Whatever a scenario does, every state that changed meanwhile went where `domain/states.py` says it may go, and
    every promise holds at its end."""
    try:
        with watched_moves() as moves:
            yield
            with engine.read_session() as session:
                _known, unknown = moves.held_to_the_tables(session)
        assert unknown == []
        assert_every_promise_holds()
    finally:
        engine.dispose()
        clock.run_real()
