"""A small program with a hospital and a jail, on a stopped clock. Guessing earns no waits here: all of it is tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock
from records.commands import guessing
from tests.api.house import NOW, House, build_house


@pytest.fixture
def house(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(guessing, "FREE_FROM_ADDRESS", 10**9)  # waits have tests of their own
    with clock.stopped_at(NOW):
        yield build_house()
