"""A small program with a hospital and a jail, on a stopped clock. Guessing and haste earn no waits: all is tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock
from records.commands import guessing
from records.settings import get_settings
from tests.api.house import NOW, House, build_house


@pytest.fixture
def house(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(guessing, "FREE_FROM_ADDRESS", 10**9)  # waits have tests of their own
    for limit in ("person_requests_a_minute", "system_requests_a_minute"):
        monkeypatch.setattr(get_settings(), limit, 10**9)
    with clock.stopped_at(NOW):
        yield build_house()
