"""The house that the tests of the API are about, on a stopped clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records import clock
from tests.api.house import NOW, House, build_house


@pytest.fixture
def house(database: str) -> Iterator[House]:
    """A program and the application over it, on SQLite and then on PostgreSQL (or as the marker says)."""
    with clock.stopped_at(NOW):
        yield build_house()
