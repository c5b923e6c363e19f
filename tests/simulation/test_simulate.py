"""Invented lives keep the promises; the same seed gives the same lives; a broken promise is seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.simulation.run import simulate
from records import clock, engine
from records.commands import agenda
from records.commands.work import Work


@pytest.fixture(autouse=True)
def leave_no_trace() -> Iterator[None]:
    yield
    clock.run_real()
    engine.dispose()


def test_lives_break_nothing_and_take_every_kind_of_turn() -> None:
    result = simulate(25, seed=11)

    assert result.broken == []
    assert sum(count for what, count in result.counts.items() if what.startswith("ended ")) == 25
    assert result.counts["item report"] == 25
    assert result.counts["contact met"] > 200
    assert result.counts["contact missed"] > 0
    assert result.counts["item unacknowledged"] > 0


def test_the_same_seed_gives_the_same_lives() -> None:
    first, second, other = simulate(6, seed=3), simulate(6, seed=3), simulate(6, seed=4)

    assert first.counts == second.counts
    assert first.counts != other.counts


def test_a_miss_that_tells_nobody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: contacts are marked missed, and no call is raised."""

    def silent(work: Work, *_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(agenda, "raise_ladder", silent)
    try:
        broken = simulate(12, seed=11).broken
    except RuntimeError as stopped:
        broken = [str(stopped)]
    assert any("nobody was told" in problem or "stays due" in problem for problem in broken)
