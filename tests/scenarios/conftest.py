"""The world in which each scenario happens: its own, in memory, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock, engine
from tests.scenarios.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A program with three bridgers, on a Monday morning."""
    try:
        yield World()
    finally:
        engine.dispose()
        clock.run_real()
