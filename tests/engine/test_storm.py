"""The bench of contacts that fall due at one moment, small: whatever the speed, each is escalated exactly once."""

from __future__ import annotations

import pytest

from bench import storm


@pytest.mark.usefixtures("shared_secret")
def test_a_few_at_one_moment_are_each_escalated_once() -> None:
    figures = {figure.what: figure.value for figure in storm.run(8)}
    assert figures["contacts due at one moment, each escalated once"] == 8
    assert 0 <= figures["late, median"] <= figures["late, max"] < 60


def test_one_that_is_escalated_twice_or_not_at_all_is_told() -> None:
    storm.once("contact escalated", 2, ["con_1", "con_2"])
    for ids in (["con_1"], ["con_1", "con_1"], ["con_1", "con_2", "con_2"]):
        with pytest.raises(RuntimeError, match="contact escalated"):
            storm.once("contact escalated", 2, ids)
