"""A small program with a hospital and a jail, on a stopped clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock
from tests.api.house import NOW, House, build_house


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with clock.stopped_at(NOW):
        yield build_house()
