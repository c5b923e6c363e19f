"""The bench of contacts that fall due at one moment, small: whatever the speed, each is escalated exactly once."""

from __future__ import annotations

import pytest

from bench import burst, growth, storm
from cli.drill.deadline import once


@pytest.mark.usefixtures("shared_secret")
def test_a_few_at_one_moment_are_each_escalated_once() -> None:
    figures = {figure.what: figure.value for figure in storm.run(8)}
    assert figures["contacts due at one moment, each escalated once"] == 8
    assert 0 <= figures["late, median"] <= figures["late, max"] < 60


def test_one_that_is_escalated_twice_or_not_at_all_is_told() -> None:
    once("contact escalated", 2, ["con_1", "con_2"])
    for ids in (["con_1"], ["con_1", "con_1"], ["con_1", "con_2", "con_2"]):
        with pytest.raises(RuntimeError, match="contact escalated"):
            once("contact escalated", 2, ids)


@pytest.mark.usefixtures("shared_secret")
def test_a_small_burst_is_carried_out_in_the_order_of_gravity_while_people_work() -> None:
    """Too few for a herd; the order is tested in tests/workflows/activities/test_herd.py."""
    figures = {figure.what: figure.value for figure in burst.run(10, 5)}
    assert figures["contacts due at one moment, each escalated once"] == 10
    assert figures["the last escalated"] < 60
    assert 0 < figures["5 releases imported"] < 60


@pytest.mark.usefixtures("shared_secret")
def test_what_grows_is_told_for_each_size() -> None:
    figures = {figure.what: figure.value for figure in growth.run((20,))}
    assert len(figures) == 10
    assert all(value > 0 for value in figures.values())
    assert figures["20 open, 20 closed: database, a referral"] > 1_000
